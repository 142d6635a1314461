"""What the gatekeeper checks across files: relations without cycles, notation, contents, stored outputs."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unrolled.base import keys, paths
from unrolled.base.source import Stamp, stamp, syntax_tree
from unrolled.library import outputs
from unrolled.library.faults import Fault
from unrolled.library.latex import plain_field
from unrolled.library.models import Entry
from unrolled.library.oracles import oracle_faults
from unrolled.library.places import place_faults
from unrolled.library.yamltext import Document, read_yaml

if TYPE_CHECKING:
    from unrolled.library.statementchecks import Knowledge

_LATER = frozenset({"extends", "generalises", "replaces-component", "evaluates", "combines", "surveys"})
"""Relations of a later work to an earlier one: together they have no cycle; nor has any other type alone."""

_TEX_LINK = re.compile(r"\\(?:href|url)\s*\{([^{}]*)\}")

_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*:")
_SAFE = ("https://", "http://", "mailto:")

_SYMMETRIC = frozenset({"contradicts"})


def book_faults(knowledge: Knowledge) -> Iterator[Fault]:
    """Faults of the book as a whole."""
    yield from _cycles(knowledge)
    yield from _contents()
    yield from _addresses(knowledge)
    for page in knowledge.pages:
        if page.file.suffix == ".ipynb" and not page.faults:
            yield from notebook_faults(page.file)


def gate_faults(knowledge: Knowledge, entry: Entry) -> Iterator[Fault]:
    """Faults of one entry against its paper's places, its code and its oracles."""
    document = knowledge.documents[entry.slug]
    yield from place_faults(entry, document)
    yield from oracle_faults(entry, document)
    yield from _notation(entry, document)


def notebook_faults(file: Path) -> Iterator[Fault]:
    """What is wrong with a chapter's stored outputs, with the line of their cell."""
    text = file.read_text(encoding="utf-8")
    notebook = json.loads(text)
    cells = outputs.code_cells(notebook)
    for number, problem, hint in outputs.problems(notebook, file.stem):
        line, where = 1, ""
        if number:
            found = text.find(f'"id": {json.dumps(cells[number - 1].get("id"))}')
            line, where = text.count("\n", 0, max(found, 0)) + 1, f"code cell {number} "
        yield Fault(file, line, where + problem, hint)


def _cycles(knowledge: Knowledge) -> Iterator[Fault]:
    graphs: dict[str, dict[str, dict[str, tuple]]] = {}
    for slug, entry in knowledge.entries.items():
        for index, other in enumerate(entry.builds_on):
            graphs.setdefault("builds_on", {}).setdefault(slug, {})[other] = ("builds_on", index)
        for index, relation in enumerate(entry.relations):
            if relation.type not in _SYMMETRIC:
                name = "relations to earlier work" if relation.type in _LATER else relation.type
                graphs.setdefault(name, {}).setdefault(slug, {})[relation.target] = ("relations", index)
    for name, graph in graphs.items():
        if cycle := _cycle(graph):
            document = knowledge.documents[cycle[0]]
            line = document.line(*graph[cycle[0]][cycle[1]])
            yield Fault(
                document.file, line, f"{name} go in a circle: {' -> '.join(cycle)}", "one of them is wrong"
            )


def _cycle(graph: Mapping[str, Mapping[str, Any]]) -> list[str] | None:
    """One cycle of more than a node, from its first name in the alphabet; None where there is none."""
    done: set[str] = set()

    def search(node: str, path: list[str]) -> list[str] | None:
        if node in path:
            cycle = path[path.index(node) :]
            return cycle if len(cycle) > 1 else None  # a relation to itself is told elsewhere
        if node in done:
            return None
        done.add(node)
        found = (search(other, [*path, node]) for other in sorted(graph.get(node, ())))
        return next((cycle for cycle in found if cycle), None)

    for start in sorted(graph):
        if cycle := search(start, []):
            least = cycle.index(min(cycle))
            return [*cycle[least:], *cycle[:least], min(cycle)]
    return None


def _notation(entry: Entry, document: Document) -> Iterator[Fault]:
    """An identifier of the notation table is a name in the paper's code, or in what its equations call."""
    folder = paths.sources() / "papers" / entry.slug
    if not folder.is_dir():
        return
    modules = {(e.implementation or "").partition(":")[0] for e in entry.equations if e.implementation}
    files = [*folder.rglob("*.py"), *filter(None, map(keys.module_file, sorted(modules)))]
    names = {name for file in files for name in _names(str(file), stamp(file))}
    for index, symbol in enumerate(entry.notation):
        for identifier in re.split(r"\s*,\s*", symbol.identifier or ""):
            if identifier and any(part not in names for part in re.findall(r"[^\W\d]\w*", identifier)):
                line = document.line("notation", index, "identifier")
                yield Fault(
                    document.file,
                    line,
                    f"notation: {identifier!r} is no name in the code",
                    "name what the code calls it",
                )


@lru_cache(maxsize=1024)
def _names(path: str, stamp: Stamp) -> frozenset[str]:
    """Every name in a Python file: of variables, arguments, attributes, functions and classes."""
    try:
        nodes = list(ast.walk(syntax_tree(Path(path))))
    except SyntaxError:  # told of the file itself
        return frozenset()
    found = {getattr(node, name, None) for node in nodes for name in ("id", "arg", "attr", "name")}
    return frozenset(name for name in found if isinstance(name, str))


def _addresses(knowledge: Knowledge) -> Iterator[Fault]:
    """No address in the bibliography runs anything: the pages make links of them."""
    for key, reference in knowledge.bib.entries.items():
        links = [(name, link) for name, text in reference.fields.items() for link in _TEX_LINK.findall(text)]
        links += [(name, plain_field(name, reference.get(name))) for name in ("url", "pdf", "code")]
        for name, address in links:
            if _SCHEME.match(address) and not address.lower().lstrip().startswith(_SAFE):
                problem = f"{key!r}: the address in {name} is not plain http(s): {address[:60]!r}"
                yield Fault(knowledge.bib.file, reference.line, problem, "give one that begins with https://")


def _contents() -> Iterator[Fault]:
    """Every chapter stands in the table of contents, and what stands there exists."""
    root = paths.project()
    file = root / "_toc.yml"
    if not file.is_file():
        return
    document = read_yaml(file)
    yield from document.faults
    listed = dict(_listed(document.data, ()))
    for name, path in listed.items():
        if not any((root / f"{name}{suffix}").is_file() for suffix in ("", ".md", ".ipynb")):
            yield Fault(
                file, document.line(*path), f"no page {name}", "write it, or take it out of the contents"
            )
    for notebook in sorted((root / "notebooks").glob("[!.]*.ipynb")):
        name = f"notebooks/{notebook.stem}"
        if name not in listed:
            yield Fault(
                file,
                1,
                f"the chapter {notebook.stem} is not in the contents",
                f"add 'file: {name}' to its part",
            )


def _listed(value: object, path: tuple) -> Iterator[tuple[str, tuple]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("file", "root") and isinstance(inner, str):
                yield inner, (*path, name)
            else:
                yield from _listed(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _listed(inner, (*path, index))
