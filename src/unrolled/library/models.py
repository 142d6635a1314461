"""The vocabulary of the knowledge base, as pydantic models: what an entry and its evidence may say.

An entry is one YAML file in ``bib/entries/``; ``unrolled.library.schema`` publishes its JSON Schema. The
models check what one file can check by itself; what needs several files is checked in ``check.py``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from unrolled.library.comparisons import Comparison
from unrolled.library.fields import Address, Finite, Key, Label, Model, Slug, Text


def _brief(value: str) -> str:
    words = len(value.split())
    if words > 80:
        raise ValueError(f"{words} words; at most 80")
    return value


class Source(StrEnum):
    """How sure a fact about a paper is."""

    VERIFIED = "verified"  # read in the paper or in its released code
    SECONDARY = "secondary"  # read in a secondary source only
    COMPUTED = "computed"  # follows from verified facts
    RECALLED = "recalled"  # from memory, not verified: shown as such


class Verdict(StrEnum):
    """What the evidence says of a claim; reached by rule, never by opinion."""

    REPRODUCED = "reproduced"
    BETTER = "better"
    TREND_ONLY = "trend only"
    NOT_REPRODUCED = "not reproduced"
    NOT_ATTEMPTED = "not attempted"
    STALE = "stale"


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


class Equation(Model):
    """One formula of the paper, under the paper's own number (or a name, where it has none)."""

    label: Label  # unique in the book; the chapter's math block carries it too
    number: Text  # as the paper prints it: "6"; "unnumbered: …" where it prints none
    name: Text
    latex: Text
    implementation: str | None = None  # "unrolled.papers.bn_lstm.model:bn_lstm_step"
    oracle: str | None = None  # "tests/oracles/test_bn_lstm.py::test_step_equals_oracle"
    claims: tuple[Label, ...] = ()
    source: Source = Source.VERIFIED
    note: str | None = None


class Locus(Model):
    """Where in the paper a statement stands; at least one place."""

    section: str | None = None
    table: str | None = None
    figure: str | None = None
    equation: str | None = None
    page: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Locus:
        if not any((self.section, self.table, self.figure, self.equation, self.page, self.note)):
            raise ValueError("names no place: give a section, table, figure, equation, page or note")
        return self

    def __str__(self) -> str:
        places = (
            ("Table", self.table),
            ("Figure", self.figure),
            ("" if (self.section or "").startswith("Appendix") else "Section", self.section),
            ("Equation", self.equation),
            ("p.", self.page),
        )
        return ", ".join(
            [f"{name} {value}".strip() for name, value in places if value]
            + ([self.note] if self.note else [])
        )


Comparator = Literal[">=", ">", "<=", "<", "within", "between"]


class Rule(Model):
    """When a claim holds. ``within``: |x - paper value| <= tolerance. ``between``: bound <= x <= upper."""

    comparator: Comparator
    bound: Finite | None = None
    upper: Finite | None = None
    tolerance: Finite | None = None

    @model_validator(mode="after")
    def _complete(self) -> Rule:
        needs = {"within": ("tolerance",), "between": ("bound", "upper")}.get(self.comparator, ("bound",))
        missing = [name for name in needs if getattr(self, name) is None]
        if missing:
            raise ValueError(f"comparator {self.comparator!r} needs {' and '.join(missing)}")
        return self


class Measure(Model):
    """How a paper-scale claim is measured: a metric of some runs, perhaps minus or over that of others.

    ``of``, ``minus`` and ``over`` select runs by values of their configuration, seed by seed. With ``each``,
    as in ``{task: [1, 2, 3]}``, a seed's metric is the mean over runs that differ in that value, all of them.
    """

    metric: Text  # a name in the run's results: "test_accuracy"
    of: dict[str, str | int | float | bool] = Field(default_factory=dict)
    minus: dict[str, str | int | float | bool] | None = None
    over: dict[str, str | int | float | bool] | None = None
    each: dict[str, list[str | int | float | bool]] = Field(default_factory=dict, max_length=1)
    scale: Finite = 1.0  # the results are multiplied by it: 100 turns a share into per cent
    reduce: Literal["mean", "median", "min", "max", "wins"] = (
        "mean"  # wins: seeds in which the difference is > 0
    )

    @model_validator(mode="after")
    def _one_comparison(self) -> Measure:
        if self.minus is not None and self.over is not None:
            raise ValueError("a measure is a difference (minus) or a quotient (over), not both")
        if self.over is not None and self.reduce == "wins":
            raise ValueError("reduce 'wins' counts differences, so it needs minus, not over")
        return self

    @property
    def other(self) -> dict[str, str | int | float | bool] | None:
        """The runs that are compared with, if any."""
        return self.minus if self.over is None else self.over


class Claim(Model):
    """A measurable statement, its place in the paper, and the rule by which it is judged."""

    id: Label
    kind: Literal["quick", "paper"]
    statement: Text
    locus: Locus
    metric: Text  # what the number is, in words: "test accuracy, BN-LSTM minus LSTM"
    unit: str = ""
    direction: Literal["higher", "lower", "equal", "none"] = "none"
    rule: Rule
    paper_value: Finite | None = None
    paper_value_source: Source = Source.VERIFIED
    measure: Measure | None = None
    trend: Rule | None = None  # the ordering that still counts as "trend only"
    not_attempted: str | None = None  # why there is no evidence

    @model_validator(mode="after")
    def _measurable(self) -> Claim:
        if self.rule.comparator == "within" and self.paper_value is None:
            raise ValueError("comparator 'within' needs a paper_value")
        return self


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
    """A headline number of the paper that is worth showing, whether or not a claim tests it."""

    what: Text
    value: Text
    locus: Locus
    source: Source = Source.VERIFIED


class Reported(Model):
    """A metric of the long runs that the chapter shows for every variant, whether or not a claim tests it."""

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
    also_cite: tuple[Key, ...] = ()  # further keys: data, critiques, follow-ups
    relations: tuple[Relation, ...] = ()
    notation: tuple[Symbol, ...] = ()
    equations: tuple[Equation, ...] = ()
    claims: tuple[Claim, ...] = ()
    departures: tuple[Departure, ...] = ()
    errata: tuple[Erratum, ...] = ()
    results: tuple[Result, ...] = ()
    reported: tuple[Reported, ...] = ()  # of our runs at the paper's scale
    pitfalls: tuple[Text, ...] = ()
    changelog: tuple[Text, ...] = ()  # of the chapter, newest first: "2026-11-22: first version"

    @model_validator(mode="after")
    def _consistent(self) -> Entry:
        for name, items in (
            ("equation label", [e.label for e in self.equations]),
            ("claim id", [c.id for c in self.claims]),
        ):
            twice = {item for item in items if items.count(item) > 1}
            if twice:
                raise ValueError(f"{name} twice: {', '.join(sorted(twice))}")
        known = {c.id for c in self.claims}
        for equation in self.equations:
            strange = set(equation.claims) - known
            if strange:
                raise ValueError(
                    f"equation {equation.label} names unknown claims: {', '.join(sorted(strange))}"
                )
        if self.kind == "reading" and not self.teaches:
            raise ValueError("a reading needs 'teaches': what a reader learns there")
        return self

    def claim(self, identifier: str) -> Claim | None:
        """The claim of that id, or None."""
        return next((c for c in self.claims if c.id == identifier), None)


class Concept(Model):
    """A word of the field, explained in a sentence or two."""

    slug: Slug
    name: Text
    definition: Text
    entry: Slug | None = None  # where it is introduced
    also: tuple[Slug, ...] = ()  # neighbouring concepts


class KeyParts(Model):
    """What the key of a measurement from runs was made of, so that one can tell later which part changed."""

    source: Text  # of the experiment's and the training loop's import closure
    parameters: dict[str, str] = Field(default_factory=dict)  # run name -> hash of its parameters
    data: dict[str, str] = Field(default_factory=dict)  # names of data sets -> hash of their checksums
    versions: tuple[Text, ...] = ()  # "cuda: numpy 2.4.6, torch 2.13.0"


class Measurement(Model):
    """The evidence for one claim. Written by a program from finished runs, never typed."""

    claim: Label
    value: Finite
    spread: Finite | None = None  # sample standard deviation over seeds
    per_seed: dict[str, Finite] = Field(default_factory=dict)
    n: int = Field(ge=1)
    unit: str = ""
    profile: Literal["smoke", "book", "paper"]
    complete: bool = True  # the schedule was run to its end
    scale: str = ""  # what was run, in words made by the program: "41,000 of 100,000 updates, 5 seeds"
    device: Text
    seconds: Finite  # wall seconds, all runs together
    peak_memory_mb: Finite | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    commit: str | None = None
    command: Text
    key: Text  # of the code, parameters and data that it depends on
    key_parts: KeyParts | None = None  # what the key was made of, for measurements from runs
    runs: dict[str, str] = Field(default_factory=dict)  # run name -> run key
    collected: str  # date, ISO
    carried_over: str | None = None  # "fingerprint equal after …", where code changed since


class Fingerprint(Model):
    """The losses of a run's first updates: repeated in seconds, they tell whether the code does the same."""

    run: Text
    key: Text
    losses: tuple[Finite, ...]
    device: Text
    variant: str = ""
    seed: int = 0
    profile: Literal["smoke", "book", "paper"] = "paper"
    config: dict[str, object] = Field(default_factory=dict)  # with which the run can be started again


class Cost(Model):
    """What one execution of a chapter or run took."""

    profile: Literal["smoke", "book", "paper"]
    seconds: Finite
    peak_memory_mb: Finite | None = None
    device: Text
    executed: str  # date, ISO


class Evidence(Model):
    """One file of ``bib/evidence/``: everything measured for one entry."""

    slug: Slug
    measurements: tuple[Measurement, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()
    costs: tuple[Cost, ...] = ()
    values: dict[str, Finite] = Field(default_factory=dict)  # further numbers that prose may cite
    curves: dict[str, dict[str, tuple[Finite, ...]]] = Field(default_factory=dict)  # for figures
    finals: dict[str, dict[str, Finite]] = Field(default_factory=dict)  # what each run ended with, by metric
    comparisons: tuple[Comparison, ...] = ()  # systems held against each other on the same sentences
