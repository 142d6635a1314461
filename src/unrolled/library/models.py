"""The vocabulary of the knowledge base, as pydantic models: what an entry may say.

An entry is one YAML file in ``bib/entries/``; ``unrolled.library.schema`` publishes its JSON Schema. The
models check what one file can check by itself; what needs several files is checked in ``check.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from unrolled.library.fields import Address, Finite, Key, Label, Locus, Model, Slug, Source, Text
from unrolled.library.statements import Check, Finding, Omitted, Setting, Statement


def _brief(value: str) -> str:
    words = len(value.split())
    if words > 80:
        raise ValueError(f"{words} words; at most 80")
    return value


class Link(Model):
    """An address around an entry."""

    kind: Literal["paper", "pdf", "code", "data", "notes", "blog", "talk", "page", "archive", "critique"]
    url: Address
    label: Text
    state: Literal["alive", "dead", "moved", "unknown"] = "unknown"


RelationType = Literal[
    "extends",
    "generalises",
    "replaces-component",
    "special-case-of",
    "baseline-of",
    "evaluates",
    "combines",
    "contradicts",
    "surveys",
]

INVERSES: dict[str, str] = {
    "extends": "is extended by",
    "generalises": "is generalised by",
    "replaces-component": "has a component replaced by",
    "special-case-of": "has the special case",
    "baseline-of": "has the baseline",
    "evaluates": "is evaluated by",
    "combines": "is combined in",
    "contradicts": "is contradicted by",
    "surveys": "is surveyed by",
}
"""How each relation reads from its other end."""


class Relation(Model):
    """A typed arrow to another entry, with the place that says so. Stated once; the inverse is derived.

    Work that has no entry of its own is named by its key in the bibliography.
    """

    type: RelationType
    target: Key  # an entry's slug, else a key in references.bib
    evidence: Text


class Symbol(Model):
    """One row of the notation table."""

    paper: Text  # LaTeX, as the paper prints it
    house: Text  # LaTeX, as the book prints it
    name: Text
    identifier: str | None = None  # the name in the code
    shape: str | None = None  # axes by name: "batch hidden"


class Runs(Model):
    """What training executes in place of an equation's implementation, and the test that holds both equal."""

    symbol: Text  # "unrolled.papers.ntm.fast:step"
    test: Text


class Equation(Model):
    """One formula of the paper, under the paper's own number (or a name, where it has none)."""

    label: Label  # unique in the book; the chapter's math block carries it too
    number: Text  # as the paper prints it: "6"; "unnumbered: …" where it prints none
    name: Text
    latex: Text
    implementation: str | None = None  # "unrolled.papers.bn_lstm.model:bn_lstm_step"
    oracle: str | None = None  # "tests/oracles/test_bn_lstm.py::test_step_equals_oracle"
    use: Literal["training", "analysis"] = "training"  # analysis: computed with trained models, or of data
    runs: Runs | None = None  # where the implementation is not what training executes
    statements: tuple[Label, ...] = ()
    checks: tuple[Label, ...] = ()
    source: Source = Source.VERIFIED
    note: str | None = None


class Departure(Model):
    """Where the implementation differs from the paper, and why."""

    type: Literal[
        "data",
        "scale",
        "optimiser",
        "initialisation",
        "architecture",
        "evaluation",
        "unspecified",
        "correction",
    ]
    what: Text
    why: Text
    locus: Locus | None = None


class Erratum(Model):
    """A mistake in the paper or its released code."""

    what: Text
    where: Text
    source: Source = Source.VERIFIED


class Result(Model):
    """A number that is worth showing and that no statement or finding holds: what critics measured."""

    what: Text
    value: Text
    locus: Locus
    source: Source = Source.VERIFIED


class Reported(Model):
    """A metric of the long runs that the chapter shows for every preset, judged or not."""

    metric: Text  # a name in the run's results: "test_bound"
    name: Text  # as a table heads it: "bound"
    unit: str = ""
    scale: Finite = 1.0


Part = Literal["cells", "encoder_decoder", "looking", "memory", "latent", "learners", "reading"]


class Entry(Model):
    """One item of the reading list."""

    slug: Slug
    kind: Literal["paper", "project", "reading"]
    title: Text
    short: Text  # the name people use: "BN-LSTM"
    key: Key  # in references.bib
    part: Part
    year: int = Field(ge=1900, le=2100)
    status: Literal["planned", "draft", "verified"]
    summary: Annotated[Text, AfterValidator(_brief)]  # what it is and what was new, in at most 80 words
    problem: str | None = None  # before this paper
    contribution: str | None = None
    teaches: str | None = None  # for readings: what a reader learns there
    concepts: tuple[Slug, ...] = ()
    tasks: tuple[Text, ...] = ()
    datasets: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    builds_on: tuple[Slug, ...] = ()  # entries whose code this one imports
    chapters: tuple[Slug, ...] = ()  # for readings: the chapters that they accompany
    read_first: tuple[Slug, ...] = ()  # entries that a reader of this one should know
    read_next: tuple[Slug, ...] = ()  # entries to go on with
    also_cite: tuple[Key, ...] = ()  # further keys: data, critiques, follow-ups
    relations: tuple[Relation, ...] = ()
    notation: tuple[Symbol, ...] = ()
    equations: tuple[Equation, ...] = ()
    paper: tuple[Setting, ...] = ()  # the paper's settings, from which the scale of our runs follows
    statements: tuple[Statement, ...] = ()
    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    omitted: tuple[Omitted, ...] = ()  # rows of the paper's results that are no statements
    departures: tuple[Departure, ...] = ()
    errata: tuple[Erratum, ...] = ()
    results: tuple[Result, ...] = ()
    reported: tuple[Reported, ...] = ()  # of our runs at the paper's scale
    pitfalls: tuple[Text, ...] = ()
    changelog: tuple[Text, ...] = ()  # of the chapter, newest first: "2026-11-22: first version"

    @model_validator(mode="after")
    def _consistent(self) -> Entry:
        for problem, _ in contradictions(self.model_dump(include=set(_NAMED))):
            raise ValueError(problem)
        if self.kind == "reading" and not self.teaches:
            raise ValueError("a reading needs 'teaches': what a reader learns there")
        return self

    def statement(self, identifier: str) -> Statement | None:
        """The statement of that id, or None."""
        return next((item for item in self.statements if item.id == identifier), None)

    def finding(self, identifier: str) -> Finding | None:
        """The finding of that id, or None."""
        return next((item for item in self.findings if item.id == identifier), None)

    def setting(self, quantity: Statement | Finding) -> Setting | None:
        """The paper's setting that a statement or finding belongs to; the only one, where none is named."""
        if quantity.setting is None:
            return self.paper[0] if len(self.paper) == 1 else None
        return next((item for item in self.paper if item.name == quantity.setting), None)


_NAMED = ("equations", "statements", "findings", "checks", "paper")


def contradictions(entry: dict) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """What an entry's lists say of each other that cannot be: each problem, and the path of its place.

    It takes plain data, so that a file that is read has a line for each.
    """

    def named(group: str, field: str) -> Iterator[tuple[int, dict, object]]:
        items = entry.get(group)
        for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
            if isinstance(item, dict):
                yield index, item, item.get(field)

    ids: dict[str, str] = {}  # statements, findings and checks share their names: a page cites them alike
    for group, field in (
        ("equations", "label"),
        ("paper", "name"),
        ("statements", "id"),
        ("findings", "id"),
        ("checks", "id"),
    ):
        seen = ids if field == "id" else {}
        for index, _, name in named(group, field):
            if isinstance(name, str):
                if name in seen:
                    yield f"{field} {name!r} twice", (group, index, field)
                seen.setdefault(name, group)
    settings = {name for _, _, name in named("paper", "name")}
    for group in ("statements", "findings"):
        for index, item, name in named(group, "setting"):
            if name is not None and name not in settings:
                yield f"no setting {name!r} in 'paper'", (group, index, "setting")
            if name is None and item.get("runs") and len(settings) > 1:
                yield f"{item.get('id')} has runs and no 'setting'", (group, index, "id")
    for group in ("statements", "checks"):
        for index, _, names in named("equations", group):
            for place, name in enumerate(names if isinstance(names, list | tuple) else ()):
                if isinstance(name, str) and ids.get(name) != group:
                    yield (
                        f"equation names an unknown {group[:-1]} {name!r}",
                        ("equations", index, group, place),
                    )


class Concept(Model):
    """A word of the field, explained in a sentence or two."""

    slug: Slug
    name: Text
    definition: Text
    entry: Slug | None = None  # where it is introduced
    also: tuple[Slug, ...] = ()  # neighbouring concepts
