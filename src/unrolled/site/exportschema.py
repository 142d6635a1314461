"""The forms of the files for programs, as pydantic models, from which their JSON Schemas are made."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from unrolled import __version__
from unrolled.library import models as library
from unrolled.library.measurements import Archived, Measured
from unrolled.library.statements import Outcome, Scale

SCHEMA_VERSION = "2.0"
"""The form of the files: the second number grows with a new field, the first when one changes its meaning."""

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


KEPT = (
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
    **{name: (library.Entry.model_fields[name].annotation, ...) for name in KEPT},
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
