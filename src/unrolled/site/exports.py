"""The knowledge base for programs: JSON files and BibTeX at stable addresses of the built book, with schemas.

Addresses in the files are relative to the book's root. Nothing in them depends on when they were written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from unrolled import __version__
from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.library import models as library
from unrolled.library.models import INVERSES
from unrolled.site.shelf import Shelf

SCHEMA_VERSION = "1.0"
"""The form of the files: the second number grows with a new field, the first when one changes its meaning."""

FOLDER = "data"

Version = Literal["1.0"]
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


class Paper(_Record):
    """One item of the reading list; its equations and claims are named here and stand in their own files."""

    slug: str
    kind: Literal["paper", "project", "reading"]
    title: str
    short: str
    key: Annotated[str, Field(description="Key in references.bib.")]
    authors: tuple[Author, ...]
    venue: str
    year: int
    part: library.Part
    status: Literal["planned", "draft", "verified"]
    page: Page
    has_chapter: bool
    summary: str
    problem: str | None
    contribution: str | None
    teaches: str | None
    concepts: tuple[str, ...]
    tasks: tuple[str, ...]
    datasets: tuple[str, ...]
    links: tuple[library.Link, ...]
    builds_on: tuple[str, ...]
    chapters: tuple[str, ...]
    also_cite: tuple[str, ...]
    notation: tuple[library.Symbol, ...]
    equations: Annotated[tuple[str, ...], Field(description="Labels in equations.json.")]
    claims: Annotated[tuple[str, ...], Field(description="Ids in claims.json, among this entry's.")]
    departures: tuple[library.Departure, ...]
    errata: tuple[library.Erratum, ...]
    results: tuple[library.Result, ...]
    pitfalls: tuple[str, ...]
    changelog: tuple[str, ...]


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


class Claim(library.Claim):
    """One claim with its evidence and the verdict that follows from it."""

    entry: str
    page: Page
    verdict: library.Verdict
    evidence: library.Measurement | None
    stale: Annotated[str | None, Field(description="Why the evidence is out of date.")]


class Claims(_File):
    """Every claim, in the book's order."""

    claims: tuple[Claim, ...]


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
    "claims": Claims,
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


def contents(shelf: Shelf) -> dict[str, dict[str, Any]]:
    """Every JSON file's content by its name."""
    made = {
        "papers": Papers(papers=tuple(_paper(shelf, entry) for entry in shelf.ordered())),
        "equations": Equations(equations=tuple(_equations(shelf))),
        "claims": Claims(claims=tuple(_claims(shelf))),
        "concepts": Concepts(concepts=tuple(_concepts(shelf))),
        "graph": _graph(shelf),
    }
    return {
        name: {"$schema": f"schema/{name}.json"} | file.model_dump(mode="json") for name, file in made.items()
    }


def write(shelf: Shelf, folder: Path) -> list[Path]:
    """Write every file below ``folder``/data, and return their paths."""
    target, written = folder / FOLDER, []
    for name, content in contents(shelf).items():
        written.append(atomic_write(target / f"{name}.json", _text(content)))
        written.append(atomic_write(target / "schema" / f"{name}.json", _text(schema(name))))
    written.append(
        atomic_write(target / "references.bib", (shelf.root / "bib" / "references.bib").read_bytes())
    )
    for slug in shelf.entries:
        written.append(atomic_write(target / "chapters" / f"{slug}.bib", references_of(shelf, slug)))
    return written


def references_of(shelf: Shelf, slug: str) -> str:
    """The BibTeX of everything that an entry and its chapter cite."""
    from unrolled.library.bookcite import chapter_keys
    from unrolled.library.citing import cite

    return cite(chapter_keys(shelf.entries[slug], shelf.entries, shelf.root))


def _text(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _home(shelf: Shelf, slug: str) -> str:
    page, anchor = shelf.home(slug)
    return f"{page}.html" + (f"#{anchor}" if anchor else "")


def _paper(shelf: Shelf, entry: library.Entry) -> Paper:
    work = shelf.works.get(entry.key)
    own = {
        name: getattr(entry, name)
        for name in Paper.model_fields
        if name in library.Entry.model_fields and name not in ("equations", "claims")
    }
    return Paper(
        **own,
        authors=tuple(Author(family=family, given=given) for family, given in work.authors) if work else (),
        venue=work.venue if work else "",
        page=_home(shelf, entry.slug),
        has_chapter=entry.slug in shelf.chapters,
        equations=tuple(equation.label for equation in entry.equations),
        claims=tuple(claim.id for claim in entry.claims),
    )


def _fields(record: BaseModel) -> dict[str, Any]:
    return {name: getattr(record, name) for name in type(record).model_fields}


def _equations(shelf: Shelf) -> Iterable[Equation]:
    for entry in shelf.ordered():
        for equation in entry.equations:
            page = _home(shelf, entry.slug)
            if entry.slug in shelf.chapters:
                page = f"notebooks/{entry.slug}.html#equation-{equation.label}"
            yield Equation(**_fields(equation), entry=entry.slug, page=page)


def _claims(shelf: Shelf) -> Iterable[Claim]:
    for entry in shelf.ordered():
        for finding in shelf.findings(entry):
            claim = finding.claim
            page = f"book/ledger.html#{entry.slug}-{claim.id}"
            if entry.slug in shelf.chapters:
                page = f"notebooks/{entry.slug}.html#claim-{claim.id}"
            yield Claim(
                **_fields(claim),
                entry=entry.slug,
                page=page,
                verdict=finding.verdict,
                evidence=finding.measurement,
                stale=shelf.stale.get((entry.slug, claim.id)),
            )


def _concepts(shelf: Shelf) -> Iterable[Concept]:
    for concept in sorted(shelf.concepts.values(), key=lambda concept: concept.slug):
        users = tuple(entry.slug for entry in shelf.ordered() if concept.slug in entry.concepts)
        page = f"book/concepts.html#concept-{concept.slug}"
        yield Concept(**_fields(concept), entries=users, page=page)


def _graph(shelf: Shelf) -> Graph:
    nodes = [
        Node(
            id=entry.slug,
            kind=entry.kind,
            title=entry.title,
            short=entry.short,
            year=entry.year,
            part=entry.part,
            page=_home(shelf, entry.slug),
        )
        for entry in shelf.ordered()
    ]
    edges = []
    works: dict[str, Node] = {}
    for entry in shelf.ordered():
        for relation in entry.relations:
            edges.append(
                Edge(
                    source=entry.slug,
                    target=relation.target,
                    type=relation.type,
                    inverse=INVERSES[relation.type],
                    evidence=relation.evidence,
                )
            )
            if relation.target not in shelf.entries and relation.target not in works:
                works[relation.target] = _work(shelf, relation.target)
        for slug in entry.builds_on:
            said = f"unrolled.papers.{entry.slug} imports unrolled.papers.{slug}"
            edges.append(
                Edge(
                    source=entry.slug, target=slug, type="builds-on", inverse="is built on by", evidence=said
                )
            )
    return Graph(nodes=(*nodes, *(works[key] for key in sorted(works))), edges=tuple(edges))


def _work(shelf: Shelf, key: str) -> Node:
    work = shelf.works.get(key)
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
