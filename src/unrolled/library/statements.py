"""What an entry says of outcomes: the paper's statements, our findings, and how each is measured."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from unrolled.base.keys import combine
from unrolled.library.fields import Finite, Label, Locus, Model, Source, Text


class Scale(StrEnum):
    """How near the measured runs are to the paper's: computed from the entry's ``paper`` block."""

    PAPER = "paper"
    REDUCED = "reduced"  # smaller sizes, a shorter schedule, or a public stand-in for the data
    TOY = "toy"


class Outcome(StrEnum):
    """What the evidence says of a statement; reached by rule, never by opinion."""

    HOLDS = "holds"
    BETTER = "better"
    UNDECIDED = "undecided"
    OPPOSITE = "opposite"
    DIFFERS = "differs"
    FAILS = "fails"
    ONE_RUN = "one run"
    TWO_RUNS = "two runs"
    COMPARED = "compared"  # our number stands beside the paper's, without an outcome
    STALE = "stale"
    ARCHIVED = "archived"
    NOT_ATTEMPTED = "not attempted"


class Figure(Model):
    """A number that the paper prints, and what is known of its uncertainty."""

    value: Finite
    source: Source = Source.VERIFIED
    spread: Finite | None = Field(None, ge=0)  # the paper's own, in the metric's unit
    standard_error: Finite | None = Field(None, ge=0)  # of the paper's test set, in the metric's unit
    test_items: int | None = Field(None, ge=1)  # of its test set: gives the standard error of a proportion
    precision: Finite | None = Field(None, ge=0)  # half a unit of the last printed digit
    note: str | None = None  # where the uncertainty comes from

    def tolerance(self, unit: str = "") -> float | None:
        """The larger of the paper's own spread and two standard errors of its test set; None if unknown.

        >>> round(Figure(value=98.8, test_items=10_000).tolerance("%"), 3)
        0.218
        """
        error = self.standard_error
        if error is None and self.test_items is not None:
            size = 100.0 if unit == "%" else 1.0
            share = min(max(self.value / size, 0.0), 1.0)
            error = size * math.sqrt(share * (1 - share) / self.test_items)
        known = [x for x in (self.spread, None if error is None else 2 * error) if x is not None]
        return max(known) if known else None


class Criterion(Model):
    """What a run must reach to show an ability, and how many of the declared seeds must."""

    comparator: Literal[">=", ">", "<=", "<"]
    bound: Finite
    needed: int = Field(ge=1)

    def met(self, value: float) -> bool:
        """Whether one run meets it."""
        return {
            ">=": value >= self.bound,
            ">": value > self.bound,
            "<=": value <= self.bound,
            "<": value < self.bound,
        }[self.comparator]


class Seeds(Model):
    """Seeds 0, 1, …, as many as were declared before the first run, none dropped; at most one increase, with
    its reason. In YAML a number alone is enough.
    """

    declared: int = Field(ge=1)
    increased_from: int | None = Field(None, ge=1)
    why: str | None = None

    @model_validator(mode="after")
    def _declared(self) -> Seeds:
        if self.increased_from is not None and (self.increased_from >= self.declared or not self.why):
            raise ValueError("an increase goes up, and says why")
        return self


class BestOf(Model):
    """The paper trains several times and reports one run: the best by this metric."""

    metric: Text  # a name in the runs' results
    goal: Literal["min", "max"]


def _seeds(value: object) -> object:
    return {"declared": value} if isinstance(value, int) else value


def _arm(value: object) -> object:
    return {"presets": [value]} if isinstance(value, str) else value


class Arm(Model):
    """One side of a comparison, or one row of a table of values: one preset, or the mean over several.

    In YAML a preset's name alone is enough.
    """

    presets: tuple[Text, ...] = Field(min_length=1)  # names in the paper's runs.toml
    name: str = ""  # as tables print it
    result: str | None = None  # a name in the runs' results, where it is not the statement's
    paper: Figure | None = None
    deterministic: bool = False  # no seed changes it: seed 0 is enough

    @property
    def label(self) -> str:
        """How tables name it."""
        return self.name or ", ".join(self.presets).replace("_", " ")


Arms = tuple[Annotated[Arm, BeforeValidator(_arm, json_schema_input_type=str | Arm)], ...]


class Quantity(Model):
    """What is measured, by which runs, and over which seeds."""

    id: Label
    metric: Text  # what the number is, in words
    unit: str = ""
    result: str | None = None  # a name in the runs' results, "test_accuracy", or several: "a + b - c"
    factor: Finite = 1.0  # the results are multiplied by it: 100 turns a share into per cent
    metric_scale: Literal["linear", "log"] = "linear"  # log: geometric means and ratios
    runs: Arms = ()
    against: Arms = ()
    pairing: Literal["paired", "welch"] | None = None  # paired: both sides share data and batches, by seed
    seeds: Annotated[Seeds | None, BeforeValidator(_seeds, json_schema_input_type=int | Seeds | None)] = None
    value: str | None = None  # a value of the chapter, where no run measures it
    setting: Label | None = None  # which of the paper's settings; needed where there are several

    @model_validator(mode="after")
    def _measurable(self) -> Quantity:
        if self.runs and self.value:
            raise ValueError("measured by runs or by a value of the chapter, not both")
        if self.runs and self.seeds is None:
            raise ValueError("runs need 'seeds': how many were declared")
        if any((arm.result or self.result) is None for arm in (*self.runs, *self.against)):
            raise ValueError("runs need 'result': the name of the metric in their results")
        if self.against and (len(self.runs) != 1 or self.pairing is None):
            raise ValueError("a comparison has one arm in 'runs', others in 'against', and a 'pairing'")
        return self

    @property
    def presets(self) -> tuple[str, ...]:
        """Every preset that it needs."""
        return tuple(dict.fromkeys(name for arm in (*self.runs, *self.against) for name in arm.presets))


class Statement(Quantity):
    """Something that the paper says of an outcome and that could have come out otherwise."""

    kind: Literal["value", "ordering", "no difference", "ability", "exact"]
    says: Text  # a quotation, or the row of a table in words
    locus: Locus
    source: Source = Source.VERIFIED
    headline: bool = False
    direction: Literal["higher", "lower", "none"] = "none"  # which is better
    paper: Figure | None = None
    delta: Finite = Field(0.0, ge=0)  # the smallest difference that matters; on a log scale a ratio above 1
    rule: Criterion | None = None
    best_of: BestOf | None = None
    not_attempted: str | None = None  # why it was not measured, and what it would cost

    @model_validator(mode="after")
    def _complete(self) -> Statement:
        if not (self.runs or self.value):
            return self
        printed = [arm.paper or self.paper for arm in self.runs] or [self.paper]
        rules = {
            "value": (all(printed) and not self.against, "needs 'paper', for every arm"),
            "exact": (all(printed) and not self.against, "needs 'paper', for every arm"),
            "ordering": (bool(self.against) and self.direction != "none", "needs 'against' and 'direction'"),
            "no difference": (bool(self.against) and self.delta > 0, "needs 'against' and 'delta'"),
            "ability": (self.rule is not None and not self.against, "needs 'rule'"),
        }
        fine, needs = rules[self.kind]
        if not fine:
            raise ValueError(f"kind {self.kind!r} {needs}")
        if self.kind == "value":
            for figure in printed:
                if figure.source != Source.RECALLED and figure.tolerance(self.unit) is None:
                    raise ValueError("a value needs the paper's 'spread', 'standard_error' or 'test_items'")
        if self.value and self.kind != "exact":
            raise ValueError("a value of the chapter can only be judged as 'exact'; others need runs")
        if self.rule and self.seeds and self.rule.needed > self.seeds.declared:
            raise ValueError(f"{self.rule.needed} of {self.seeds.declared} seeds can never be met")
        if self.best_of and self.kind != "value":
            raise ValueError("'best_of' belongs to values")
        if self.metric_scale == "log" and self.delta and self.delta <= 1:
            raise ValueError("on a log scale 'delta' is a ratio above 1")
        return self


class Finding(Quantity):
    """What we found beyond the paper: measured in the same way, without an outcome."""

    says: Text


class Check(Model):
    """A property that must hold of the code; held by tests, never judged."""

    id: Label
    says: Text
    tests: tuple[Text, ...] = Field(min_length=1)  # "tests/checks/test_dkt.py::test_cell_is_never_negative"


class Omitted(Model):
    """A row of the paper's results that is no statement here, and why."""

    what: Text
    locus: Locus
    why: Text


class Setting(Model):
    """One setting of the paper by fields of our configuration: what a run is compared with for its scale.

    A list in ``data`` or ``stand_ins`` names alternatives. Numbers in ``sizes`` and ``schedule`` are what a
    run has to reach.
    """

    name: Label
    locus: Locus
    data: dict[str, JsonValue] = Field(default_factory=dict)
    stand_ins: dict[str, JsonValue] = Field(default_factory=dict)  # public, at full size
    sizes: dict[str, JsonValue] = Field(default_factory=dict)
    schedule: dict[str, Finite] = Field(default_factory=dict)


JUDGED_BY = (
    "kind",
    "source",
    "result",
    "unit",
    "factor",
    "metric_scale",
    "runs",
    "against",
    "pairing",
    "seeds",
    "value",
    "direction",
    "paper",
    "delta",
    "rule",
    "best_of",
)
"""The fields by which a statement or finding is selected and judged; the others are words."""


def rule_digest(quantity: Quantity, setting: Setting | None = None) -> str:
    """A digest of the rule: where it differs from the one in the evidence, the statement has changed."""
    fields = quantity.model_dump(mode="json", include=set(JUDGED_BY))
    against = setting.model_dump(mode="json", exclude={"locus"}) if setting else None
    return combine({"rule": fields, "setting": against})[:16]
