"""The evidence of an entry, ``bib/evidence/<slug>.json``: what a program measured, never typed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from unrolled.library.comparisons import Comparison
from unrolled.library.fields import Finite, Label, Model, Slug, Text
from unrolled.library.statements import Outcome, Scale


class Weights(Model):
    """The stored weights of a run."""

    file: Text  # from the project's root
    sha256: Text
    bytes: int = Field(ge=1)


class CarriedOver(Model):
    """The code has changed since, and the fingerprint of the run is the same under the new one."""

    source: Text
    versions: Text
    on: Text  # date, ISO


class Run(Model):
    """One finished run, as its ``result.json`` says; each stands in the evidence once."""

    preset: Text
    seed: int = Field(ge=0)
    config: dict[str, JsonValue]
    key: Text
    key_parts: dict[str, Text]  # source, config, data, versions
    metrics: dict[str, Finite]
    updates: int = Field(ge=0)
    updates_planned: int = Field(ge=0)
    complete: bool
    best_update: int | None = None
    selection: tuple[Text, Literal["min", "max"]] | None = None
    fingerprint: dict[str, JsonValue] | None = None
    device: Text
    seconds: Finite
    peak_memory_mb: Finite | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    commit: str | None = None  # with "+changes" where the checkout had some
    command: Text
    finished: Text
    curve: dict[str, tuple[Finite, ...]] = Field(default_factory=dict)
    weights: Weights | None = None
    carried_over: CarriedOver | None = None

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return run_name(self.preset, self.seed, self.key)


def run_name(preset: str, seed: int, key: str) -> str:
    """The name of a run's folder: preset, seed and key.

    >>> run_name("copy", 0, "0123456789abcdef")
    'copy-s0-0123456789ab'
    """
    return f"{preset}-s{seed}-{key[:12]}"


class Sample(Model):
    """One arm: its value for each seed."""

    name: str
    per_seed: dict[str, Finite]
    mean: Finite  # on a log scale the geometric one
    spread: Finite | None = None  # sample standard deviation; on a log scale a factor
    n: int = Field(ge=1)
    paper: Finite | None = None


class Part(Model):
    """One value, or one comparison of two arms: what was measured, and what follows."""

    ours: Sample
    against: Sample | None = None
    mean: Finite  # of the arm; of a comparison the difference, on a log scale the ratio
    interval: tuple[Finite, Finite] | None = None
    level: Finite | None = None  # of the interval: 0.95 or 0.9
    agree: tuple[int, int] | None = None  # k of n seeds (or pairs of seeds) that agree
    tolerance: Finite | None = None  # how far from the paper's number a value may lie
    outcome: Outcome | None = None


class Measured(Model):
    """The evidence for one statement or finding."""

    id: Label
    parts: tuple[Part, ...] = Field(min_length=1)
    outcome: Outcome | None = None  # findings have none
    scale: Scale | None = None
    reductions: tuple[Text, ...] = ()  # why the scale is not the paper's
    note: str = ""
    rule: Text  # digest of the rule by which it was selected and judged
    runs: tuple[Text, ...] = ()  # names


class Chapter(Model):
    """The last execution of the chapter: what it took, and the values that it left."""

    key: Text
    seconds: Finite
    peak_memory_mb: Finite | None = None
    device: Text
    executed: Text  # date, ISO
    versions: dict[str, str] = Field(default_factory=dict)
    values: dict[str, Finite] = Field(default_factory=dict)


class Archived(Model):
    """A value that version 0.1 measured, with code that is gone: shown in grey, counted nowhere."""

    claim: Label  # its id then
    statement: Label | None = None  # the statement or finding that it became, if any
    value: Finite
    spread: Finite | None = None
    n: int = Field(ge=1)
    unit: str = ""
    scale: str = ""
    commit: str | None = None


class Evidence(Model):
    """One file of ``bib/evidence/``: everything measured for one entry."""

    format: Literal[2] = 2
    slug: Slug
    digest: str = ""  # over the whole record, written by ``save``
    statements: tuple[Measured, ...] = ()
    findings: tuple[Measured, ...] = ()
    chapter: Chapter | None = None
    comparisons: tuple[Comparison, ...] = ()
    archived: tuple[Archived, ...] = ()
    runs: dict[str, Run] = Field(default_factory=dict)  # by name

    def measured(self, identifier: str) -> Measured | None:
        """What was measured for a statement or finding, or None."""
        return next((item for item in (*self.statements, *self.findings) if item.id == identifier), None)

    def archive(self, identifier: str) -> Archived | None:
        """What version 0.1 measured for what is now this statement or finding, or None."""
        return next((item for item in self.archived if item.statement == identifier), None)
