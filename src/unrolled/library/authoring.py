"""``unrolled new``: everything that a new chapter needs, laid out; what is to be written fails the checks."""

from __future__ import annotations

import json
import keyword
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import get_args

from unrolled.base import paths
from unrolled.base.addresses import is_web
from unrolled.base.errors import UnrolledError, UsageError, unknown
from unrolled.base.files import atomic_write
from unrolled.library import bibliography
from unrolled.library.bibformat import write
from unrolled.library.biblatex import understood
from unrolled.library.bibliography import Reference
from unrolled.library.faults import Faulty
from unrolled.library.latex import plain_field
from unrolled.library.models import Part
from unrolled.library.yamlformat import formatted

TEMPLATES = Path(__file__).parent / "templates"
PARTS = tuple(part for part in get_args(Part) if part != "reading")


def new(slug: str, bibtex: str, part: str, origin: str = "the given BibTeX") -> list[Path]:
    """Lay out every file of a new paper and its line in the contents; all or nothing.

    Args:
        slug: the entry's name.
        bibtex: the paper's one BibTeX entry.
        part: the part of the book that the chapter joins.
        origin: where the BibTeX comes from, for errors.

    Raises:
        UsageError: if the slug or part cannot be used, or anything of it exists already.
        Faulty: if the BibTeX cannot be read, with lines.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", slug) or keyword.iskeyword(slug):
        raise UsageError(
            f"{slug!r} is no slug", hint="at most 40 small letters, digits and _, first a letter"
        )
    if part not in PARTS:
        raise unknown("part of the book", part, PARTS, listing="known: " + ", ".join(PARTS))
    root = paths.project()
    reference = _reference(bibtex, origin)
    made = _files(slug, reference, part)
    existing = sorted(name for name in made if (root / name).exists())
    if existing:
        raise UsageError(
            f"{', '.join(existing)} exists already", hint="choose another slug; nothing was written"
        )
    made["_toc.yml"] = _contents(root / "_toc.yml", slug, part)
    if (text := _bibliography(reference)) is not None:
        made["bib/references.bib"] = text
    return _write_all(root, made)


def _reference(bibtex: str, origin: str) -> Reference:
    found = bibliography.parse(bibtex, Path(origin))
    if found.faults:
        raise Faulty(found.faults)
    if len(found.entries) != 1:
        raise UsageError(f"{len(found.entries)} BibTeX entries", file=origin, hint="give exactly one")
    reference = understood(next(iter(found.entries.values())))
    lacking = [name for name in ("title", "author", "year") if not reference.get(name)]
    if lacking or not re.fullmatch(r"(19|20)\d\d", reference.get("year")):
        problem = f"{reference.key} has no {', '.join(lacking)}" if lacking else "the year is no year"
        raise UsageError(problem, file=origin, hint="add it to the BibTeX entry")
    return replace(reference, comment="", expressions={})


def _bibliography(reference: Reference) -> str | None:
    """The bibliography with the reference; None where it is there already."""
    have = bibliography.load()
    if have.faults:
        raise Faulty(have.faults)
    same = {key.lower(): key for key in have.entries}.get(reference.key.lower())
    if same is not None:
        if same == reference.key and have.entries[same].fields == reference.fields:
            return None
        problem = f"key {reference.key!r} is in {have.file.name} with other fields"
        raise UsageError(problem, hint="give the same fields, or another key")
    return write(replace(have, entries=have.entries | {reference.key: reference}))


def _files(slug: str, reference: Reference, part: str) -> dict[str, str]:
    title = plain_field("title", reference["title"])
    # a docstring's first line has room for a short title only
    short = title if len(title) <= 50 else title[:48].rsplit(" ", 1)[0] + " …"
    values = {
        "slug": slug,
        "label": slug.replace("_", "-"),
        "name": "".join(word.capitalize() for word in slug.split("_")),
        "key": reference.key,
        "year": reference["year"],
        "title": short.replace("\\", "").replace('"', "'"),
        "heading": title.replace("\\", ""),
    }

    def filled(name: str) -> str:
        return Template((TEMPLATES / f"{name}.txt").read_text(encoding="utf-8")).substitute(values)

    return {
        f"bib/entries/{slug}.yaml": _entry(values, title, reference, part),
        f"src/unrolled/papers/{slug}/__init__.py": f'"""{values["title"]} ({values["year"]})."""\n',
        f"src/unrolled/papers/{slug}/model.py": filled("model"),
        f"src/unrolled/papers/{slug}/experiment.py": filled("experiment"),
        f"src/unrolled/papers/{slug}/runs.toml": filled("runs"),
        f"tests/oracles/{slug}.py": filled("oracle"),
        f"tests/oracles/test_{slug}.py": filled("test"),
        f"src/unrolled/papers/{slug}/demo.py": filled("demo"),
        f"book/demos/{slug}.js": filled("demo_script"),
        f"book/diagrams/{slug}.py": filled("diagram"),
        f"tests/checks/test_{slug}.py": filled("checks"),
        f"notebooks/{slug}.ipynb": _notebook(filled("chapter"), values["label"]),
    }


def _entry(values: dict[str, str], title: str, reference: Reference, part: str) -> str:
    slug, label = values["slug"], values["label"]
    quote = json.dumps
    lines = [
        f"slug: {slug}",
        "kind: paper",
        f"title: {quote(title, ensure_ascii=False)}",
        f"short: {quote(slug.replace('_', ' '))}",
        f"key: {quote(reference.key, ensure_ascii=False)}",
        f"part: {part}",
        f"year: {reference['year']}",
        "status: draft",
        'summary: "To be written: what it is and what was new, in at most 80 words."',
    ]
    doi = f"https://doi.org/{reference['doi']}" if reference.get("doi") else ""
    links = [
        ("paper", doi, "DOI") if is_web(doi) else None,
        ("pdf", f"https://arxiv.org/abs/{reference.get('eprint')}", f"arXiv:{reference.get('eprint')}")
        if reference.get("archiveprefix").lower() == "arxiv"
        else None,
        ("paper", reference.get("url"), "the paper") if is_web(reference.get("url")) else None,
    ]
    if any(links):
        lines.append("links:")
        for kind, address, name in filter(None, links):
            lines.append(f"  - {{kind: {kind}, url: {quote(address)}, label: {quote(name)}}}")
    lines += [
        "equations:",
        f"  - label: {label}-1",
        '    number: "1"',
        '    name: "to be written: the paper\'s first equation"',
        "    latex: 'h_t = \\tanh(W_h h_{t-1} + W_x x_t + b)'",
        f"    implementation: unrolled.papers.{slug}.model:{slug}_step",
        f"    oracle: tests/oracles/test_{slug}.py::test_equation_1",
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = atomic_write(Path(folder) / f"{slug}.yaml", "\n".join(lines) + "\n")
        return formatted(path)


def _notebook(text: str, label: str) -> str:
    cells = []
    for place, block in enumerate(re.split(r"^=== ", text, flags=re.MULTILINE)[1:]):
        head, _, body = block.partition("\n")
        kind, _, tag = head.partition(" ")
        cell: dict[str, object] = {"cell_type": kind, "id": f"{label}-{place:02d}"}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        cell |= {"metadata": {"tags": [tag]} if tag else {}, "source": body.rstrip("\n").splitlines(True)}
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _contents(path: Path, slug: str, part: str) -> str:
    """The table of contents with the chapter's line at the end of its part."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UnrolledError(f"cannot read: {error.strerror}", file=path) from error
    at = next((n for n, line in enumerate(lines) if line.strip() == f"- file: book/parts/{part}"), None)
    if at is None:
        raise UnrolledError(f"has no line '- file: book/parts/{part}'", file=path, hint="add the part's page")
    indent = len(lines[at]) - len(lines[at].lstrip())
    end = at + 1
    while end < len(lines) and lines[end].strip() and len(lines[end]) - len(lines[end].lstrip()) > indent:
        end += 1
    own = [f"{' ' * (indent + 4)}- file: notebooks/{slug}"]
    if not any(line.strip() == "sections:" for line in lines[at + 1 : end]):
        own.insert(0, f"{' ' * (indent + 2)}sections:")
    return "\n".join(lines[:end] + own + lines[end:])


def _write_all(root: Path, made: dict[str, str]) -> list[Path]:
    """Write every file, or, where one cannot be written, put everything back as it was."""
    before = {name: (root / name).read_bytes() if (root / name).exists() else None for name in made}
    folders = {p for name in made for p in (root / name).parents if p != root and not p.exists()}
    try:
        return [atomic_write(root / name, text) for name, text in made.items()]
    except BaseException as error:
        for name, content in before.items():
            if content is not None:
                atomic_write(root / name, content)
            else:
                (root / name).unlink(missing_ok=True)
        for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        if isinstance(error, OSError):
            raise UnrolledError(f"cannot write: {error}", hint="nothing was changed") from error
        raise
