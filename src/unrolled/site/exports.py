"""The knowledge base for programs: JSON files and BibTeX at stable addresses of the built book, with schemas.

Addresses in the files are relative to the book's root. Nothing in them depends on when they were written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from unrolled import __version__
from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.library import models as library
from unrolled.library.judged import Judged, Judgements
from unrolled.library.measurements import Archived, Measured
from unrolled.library.models import INVERSES
from unrolled.library.statements import Outcome, Scale
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.statements import statement_place

SCHEMA_VERSION = "2.0"
"""The form of the files: the second number grows with a new field, the first when one changes its meaning."""

FOLDER = "data"

Version = Literal["2.0"]
Page = Annotated[str, Field(description="Address of the page, relative to the book's root.")]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _File(_Record):
    schema_version: Version = SCHEMA_VERSION
    book_version: str = __version__


class Author(_Record):
    """A person, or a body that has no given name."""

    family: str
    given: str = ""


_KEPT = (
    *(
        "slug",
        "kind",
        "title",
        "short",
        "key",
        "year",
        "part",
        "status",
        "summary",
        "problem",
        "contribution",
    ),
    *("teaches", "concepts", "tasks", "datasets", "links", "builds_on", "chapters", "also_cite", "notation"),
    *("paper", "checks", "omitted", "departures", "errata", "results", "pitfalls", "changelog"),
)
"""What a paper's record takes from its entry as it is."""

_Kept = create_model(
    "_Kept",
    __base__=_Record,
    **{name: (library.Entry.model_fields[name].annotation, ...) for name in _KEPT},
)


class Paper(_Kept):
    """One item of the reading list; its equations, statements and findings stand in their own files."""

    authors: tuple[Author, ...]
    venue: str
    page: Page
    has_chapter: bool
    equations: Annotated[tuple[str, ...], Field(description="Labels in equations.json.")]
    statements: Annotated[tuple[str, ...], Field(description="Ids in statements.json, among this entry's.")]
    findings: Annotated[tuple[str, ...], Field(description="Ids in statements.json, among this entry's.")]


class Papers(_File):
    """Every item of the reading list, in the book's order."""

    papers: tuple[Paper, ...]


class Equation(library.Equation):
    """One formula, the entry it belongs to, and where the book shows it."""

    entry: str
    page: Page


class Equations(_File):
    """Every equation, in the book's order."""

    equations: tuple[Equation, ...]


class _Judged(_Record):
    """What the evidence says of a statement or finding."""

    entry: str
    page: Page
    outcome: Annotated[Outcome | None, Field(description="None for a finding that was measured.")]
    scale: Scale | None
    reproduced: Annotated[bool, Field(description="Holds, or better, at the paper's scale.")]
    note: str
    evidence: Measured | None
    archived: Annotated[Archived | None, Field(description="What version 0.1 measured; counted nowhere.")]


class Statement(_Judged, library.Statement):
    """One statement of a paper with its outcome and the evidence that it follows from."""


class Finding(_Judged, library.Finding):
    """One finding of ours, beyond the paper."""


class Statements(_File):
    """Every statement and every finding, in the book's order, headlines first in each entry."""

    statements: tuple[Statement, ...]
    findings: tuple[Finding, ...]


class Concept(library.Concept):
    """One word of the field, and the entries that use it."""

    entries: tuple[str, ...]
    page: Page


class Concepts(_File):
    """Every concept, by slug."""

    concepts: tuple[Concept, ...]


class Node(_Record):
    """An entry, or a work without an entry that an entry is related to."""

    id: Annotated[str, Field(description="The entry's slug, or the work's key in references.bib.")]
    kind: Literal["paper", "project", "reading", "work"]
    title: str
    short: str
    year: int | None
    part: library.Part | None
    page: Page


class Edge(_Record):
    """A relation between two nodes, read from source to target, and by its inverse from target to source."""

    source: str
    target: str
    type: library.RelationType | Literal["builds-on"]
    inverse: str
    evidence: Annotated[str, Field(description="The place that says so.")]


class Graph(_File):
    """The lineage: entries, the works around them, and typed relations; builds-on are imports in the code."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


FILES: dict[str, type[_File]] = {
    "papers": Papers,
    "equations": Equations,
    "statements": Statements,
    "concepts": Concepts,
    "graph": Graph,
}
"""Each file's name and form."""


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one file; as they are written, files leave no field out."""
    made = FILES[name].model_json_schema(mode="serialization")
    made["properties"] = {"$schema": {"type": "string"}} | made["properties"]
    for record in (made, *made.get("$defs", {}).values()):
        if "properties" in record:  # pydantic calls what has a default optional
            record["required"] = list(record["properties"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | made


def contents(kb: KnowledgeBase) -> dict[str, dict[str, Any]]:
    """Every JSON file's content by its name."""
    made = {
        "papers": Papers(papers=tuple(_paper(kb, entry) for entry in kb.ordered())),
        "equations": Equations(equations=tuple(_equations(kb))),
        "statements": Statements(
            statements=tuple(_judged(kb, Statement, lambda of: of.statements())),
            findings=tuple(_judged(kb, Finding, lambda of: of.findings())),
        ),
        "concepts": Concepts(concepts=tuple(_concepts(kb))),
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
        written.append(atomic_write(target / "schema" / f"{name}.json", _text(schema(name))))
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


def _paper(kb: KnowledgeBase, entry: library.Entry) -> Paper:
    work = kb.works.get(entry.key)
    return Paper(
        **{name: getattr(entry, name) for name in _KEPT},
        authors=tuple(Author(family=family, given=given) for family, given in work.authors) if work else (),
        venue=work.venue if work else "",
        page=_home(kb, entry.slug),
        has_chapter=entry.slug in kb.chapters,
        equations=tuple(equation.label for equation in entry.equations),
        statements=tuple(statement.id for statement in entry.statements),
        findings=tuple(finding.id for finding in entry.findings),
    )


def _fields(record: BaseModel) -> dict[str, Any]:
    return {name: getattr(record, name) for name in type(record).model_fields}


def _equations(kb: KnowledgeBase) -> Iterable[Equation]:
    for entry in kb.ordered():
        for equation in entry.equations:
            page = _home(kb, entry.slug)
            if entry.slug in kb.chapters:
                page = f"notebooks/{entry.slug}.html#equation-{equation.label}"
            yield Equation(**_fields(equation), entry=entry.slug, page=page)


def _judged(kb: KnowledgeBase, kind: type, of: Callable[[Judgements], list[Judged]]) -> Iterable[Any]:
    for entry in kb.ordered():
        for item in of(kb.judgements[entry.slug]):
            page, anchor = statement_place(kb, entry.slug, item.id)
            yield kind(
                **_fields(item.of),
                entry=entry.slug,
                page=f"{page}.html#{anchor}",
                outcome=item.outcome,
                scale=item.scale,
                reproduced=item.reproduced,
                note=item.note,
                evidence=item.measured,
                archived=item.archived,
            )


def _concepts(kb: KnowledgeBase) -> Iterable[Concept]:
    for concept in sorted(kb.concepts.values(), key=lambda concept: concept.slug):
        users = tuple(entry.slug for entry in kb.ordered() if concept.slug in entry.concepts)
        page = f"book/concepts.html#concept-{concept.slug}"
        yield Concept(**_fields(concept), entries=users, page=page)


def _graph(kb: KnowledgeBase) -> Graph:
    nodes = [
        Node(**{name: getattr(entry, name) for name in _NODE}, id=entry.slug, page=_home(kb, entry.slug))
        for entry in kb.ordered()
    ]
    edges = []
    works: dict[str, Node] = {}
    for entry in kb.ordered():
        for relation in entry.relations:
            inverse = INVERSES[relation.type]
            edges.append(Edge(source=entry.slug, inverse=inverse, **_fields(relation)))
            if relation.target not in kb.entries and relation.target not in works:
                works[relation.target] = _work(kb, relation.target)
        for slug in entry.builds_on:
            said = f"unrolled.papers.{entry.slug} imports unrolled.papers.{slug}"
            inverse = "is built on by"
            edges.append(
                Edge(source=entry.slug, target=slug, type="builds-on", inverse=inverse, evidence=said)
            )
    return Graph(nodes=(*nodes, *(works[key] for key in sorted(works))), edges=tuple(edges))


_NODE = ("kind", "title", "short", "year", "part")


def _work(kb: KnowledgeBase, key: str) -> Node:
    work = kb.works.get(key)
    if work is None:
        raise UnrolledError(f"relation to {key!r}, which is no entry and no key", hint="run 'unrolled check'")
    return Node(
        id=key,
        kind="work",
        title=work.title,
        short=work.short,
        year=int(work.year) if work.year.isdigit() else None,
        part=None,
        page=f"book/bibliography.html#key-{key}",
    )
