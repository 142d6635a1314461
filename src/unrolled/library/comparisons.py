"""Comparisons: trained systems held against each other on the same sentences, as records of the evidence.

The interval of one system's score says little about the order of two: both find the same sentences hard. A
paired test resamples the sentences for both at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from unrolled.library.fields import Finite, Model, Slug, Text

if TYPE_CHECKING:
    from unrolled.library.measurements import Evidence

LEVEL = 0.05
"""The p below which two systems are told apart."""


class System(Model):
    """One trained model, with the run that it comes from."""

    slug: Slug
    preset: Text
    seed: int = 0
    run: Text  # the name of the run's folder
    key: Text
    commit: str | None = None  # at which it was trained
    score: Finite

    @property
    def name(self) -> str:
        """As the command line names it: ``"luong_attention:multi30k_de"``."""
        return f"{self.slug}:{self.preset}"


class Difference(Model):
    """Two systems of a comparison, the better first."""

    ahead: Text  # the names of systems
    behind: Text
    difference: Finite = Field(ge=0)
    p: Finite = Field(ge=0, le=1)

    @property
    def told_apart(self) -> bool:
        """Whether the test tells which is better."""
        return self.p < LEVEL


class Comparison(Model):
    """Systems on one test set, and every two of them held against each other. Written by a program."""

    metric: Text  # a name in the runs' results: "test_bleu_beam"
    unit: Text
    test: Text  # "paired bootstrap"
    sentences: int = Field(ge=1)
    resamples: int = Field(ge=1)
    systems: tuple[System, ...] = Field(min_length=2)
    differences: tuple[Difference, ...] = Field(min_length=1)
    signature: Text  # sacreBLEU's, without which a score says little
    device: Text
    seconds: Finite  # wall seconds, of translating and testing
    versions: dict[str, str] = Field(default_factory=dict)
    commit: str | None = None  # of the code that translated
    command: Text
    collected: str  # date, ISO

    @model_validator(mode="after")
    def _names_its_systems(self) -> Comparison:
        names = {system.name for system in self.systems}
        if len(names) < len(self.systems):
            raise ValueError("a system twice")
        strange = {name for pair in self.differences for name in (pair.ahead, pair.behind)} - names
        if strange:
            raise ValueError(f"differences of unknown systems: {', '.join(sorted(strange))}")
        return self

    def system(self, name: str) -> System:
        """The system of that name."""
        return next(system for system in self.systems if system.name == name)

    def same_systems(self, other: Comparison) -> bool:
        """Whether two comparisons ask the same question, of the same runs or of newer ones."""
        mine, theirs = ({(s.name, s.seed) for s in one.systems} for one in (self, other))
        return mine == theirs and self.metric == other.metric


def stale_comparison(comparison: Comparison, evidence: Mapping[str, Evidence]) -> str | None:
    """Why a comparison no longer follows from the evidence of its systems, or None.

    The evidence of a paper may rest on newer runs of a preset, which the comparison has not seen. Whether
    the code of a run has changed is asked where its statements are measured, once.

    Args:
        evidence: of all papers that have some, by slug.
    """
    for system in comparison.systems:
        known = evidence.get(system.slug)
        runs = known.runs.values() if known else ()
        of_preset = {run.key for run in runs if (run.preset, run.seed) == (system.preset, system.seed)}
        if of_preset and system.key not in of_preset:
            return f"the evidence of {system.slug} rests on another run of {system.preset} since"
    return None
