"""The knowledge base for programs: JSON files and BibTeX at stable addresses of the built book, with schemas.

Addresses in the files are relative to the book's root. Nothing in them depends on when they were written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.library import models as library
from unrolled.library.judged import Judged, Judgements
from unrolled.library.models import INVERSES
from unrolled.site import exportschema as forms
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.statements import statement_place

FOLDER = "data"


def contents(kb: KnowledgeBase) -> dict[str, dict[str, Any]]:
    """Every JSON file's content by its name."""
    made = {
        "papers": forms.Papers(papers=tuple(_paper(kb, entry) for entry in kb.ordered())),
        "equations": forms.Equations(equations=tuple(_equations(kb))),
        "statements": forms.Statements(
            statements=tuple(_judged(kb, forms.Statement, lambda of: of.statements())),
            findings=tuple(_judged(kb, forms.Finding, lambda of: of.findings())),
        ),
        "concepts": forms.Concepts(concepts=tuple(_concepts(kb))),
        "graph": _graph(kb),
    }
    return {
        name: {"$schema": f"schema/{name}.json"} | file.model_dump(mode="json") for name, file in made.items()
    }


def write(kb: KnowledgeBase, folder: Path) -> list[Path]:
    """Write every file below ``folder``/data, and return their paths."""
    target, written = folder / FOLDER, []
    for name, content in contents(kb).items():
        written.append(atomic_write(target / f"{name}.json", _text(content)))
        written.append(atomic_write(target / "schema" / f"{name}.json", _text(forms.schema(name))))
    written.append(atomic_write(target / "references.bib", (kb.root / "bib" / "references.bib").read_bytes()))
    for slug in kb.entries:
        written.append(atomic_write(target / "chapters" / f"{slug}.bib", references_of(kb, slug)))
    return written


def references_of(kb: KnowledgeBase, slug: str) -> str:
    """The BibTeX of everything that an entry and its chapter cite."""
    from unrolled.library.bookcite import chapter_keys
    from unrolled.library.citing import cite

    return cite(chapter_keys(kb.entries[slug], kb.entries, kb.root))


def _text(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _home(kb: KnowledgeBase, slug: str) -> str:
    page, anchor = kb.home(slug)
    return f"{page}.html" + (f"#{anchor}" if anchor else "")


def _paper(kb: KnowledgeBase, entry: library.Entry) -> forms.Paper:
    work = kb.works.get(entry.key)
    return forms.Paper(
        **{name: getattr(entry, name) for name in forms.KEPT},
        authors=tuple(forms.Author(family=family, given=given) for family, given in work.authors)
        if work
        else (),
        venue=work.venue if work else "",
        page=_home(kb, entry.slug),
        has_chapter=entry.slug in kb.chapters,
        equations=tuple(equation.label for equation in entry.equations),
        statements=tuple(statement.id for statement in entry.statements),
        findings=tuple(finding.id for finding in entry.findings),
    )


def _equations(kb: KnowledgeBase) -> Iterable[forms.Equation]:
    for entry in kb.ordered():
        for equation in entry.equations:
            page = _home(kb, entry.slug)
            if entry.slug in kb.chapters:
                page = f"notebooks/{entry.slug}.html#equation-{equation.label}"
            yield forms.Equation(**dict(equation), entry=entry.slug, page=page)


def _judged(kb: KnowledgeBase, kind: type, of: Callable[[Judgements], list[Judged]]) -> Iterable[Any]:
    for entry in kb.ordered():
        for item in of(kb.judgements[entry.slug]):
            page, anchor = statement_place(kb, entry.slug, item.id)
            yield kind(
                **dict(item.of),
                entry=entry.slug,
                page=f"{page}.html#{anchor}",
                outcome=item.outcome,
                scale=item.scale,
                reproduced=item.reproduced,
                note=item.note,
                evidence=item.measured,
                archived=item.archived,
            )


def _concepts(kb: KnowledgeBase) -> Iterable[forms.Concept]:
    for concept in sorted(kb.concepts.values(), key=lambda concept: concept.slug):
        users = tuple(entry.slug for entry in kb.ordered() if concept.slug in entry.concepts)
        page = f"book/concepts.html#concept-{concept.slug}"
        yield forms.Concept(**dict(concept), entries=users, page=page)


def _graph(kb: KnowledgeBase) -> forms.Graph:
    nodes = [
        forms.Node(
            **{name: getattr(entry, name) for name in _NODE}, id=entry.slug, page=_home(kb, entry.slug)
        )
        for entry in kb.ordered()
    ]
    edges = []
    works: dict[str, forms.Node] = {}
    for entry in kb.ordered():
        for relation in entry.relations:
            inverse = INVERSES[relation.type]
            edges.append(forms.Edge(source=entry.slug, inverse=inverse, **dict(relation)))
            if relation.target not in kb.entries and relation.target not in works:
                works[relation.target] = _work(kb, relation.target)
        for slug in entry.builds_on:
            said = f"unrolled.papers.{entry.slug} imports unrolled.papers.{slug}"
            inverse = "is built on by"
            edges.append(
                forms.Edge(source=entry.slug, target=slug, type="builds-on", inverse=inverse, evidence=said)
            )
    return forms.Graph(nodes=(*nodes, *(works[key] for key in sorted(works))), edges=tuple(edges))


_NODE = ("kind", "title", "short", "year", "part")


def _work(kb: KnowledgeBase, key: str) -> forms.Node:
    work = kb.works.get(key)
    if work is None:
        raise UnrolledError(f"relation to {key!r}, which is no entry and no key", hint="run 'unrolled check'")
    return forms.Node(
        id=key,
        kind="work",
        title=work.title,
        short=work.short,
        year=int(work.year) if work.year.isdigit() else None,
        part=None,
        page=f"book/bibliography.html#key-{key}",
    )
