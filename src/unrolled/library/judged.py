"""Statements with what the evidence says of them now: what pages, tables and the command line read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from unrolled.base.errors import unknown
from unrolled.library import outcomes
from unrolled.library.entries import load_entry
from unrolled.library.evidence import load
from unrolled.library.measurements import Archived, Evidence, Measured, Part
from unrolled.library.models import Entry
from unrolled.library.outcomes import SEVERITY
from unrolled.library.staleness import stale_statements
from unrolled.library.statements import Finding, Outcome, Scale, Statement


@dataclass(frozen=True)
class Judged:
    """One statement or finding, its outcome today, and its numbers.

    The numbers are those of the part that decides: the one with the gravest outcome.
    """

    of: Statement | Finding
    outcome: Outcome | None  # None: a finding
    measured: Measured | None = None
    archived: Archived | None = None
    note: str = ""

    @property
    def id(self) -> str:
        """Its id in the entry."""
        return self.of.id

    @property
    def scale(self) -> Scale | None:
        """Of the runs."""
        return self.measured.scale if self.measured else None

    @property
    def reductions(self) -> tuple[str, ...]:
        """Why the scale is not the paper's."""
        return self.measured.reductions if self.measured else ()

    @property
    def reproduced(self) -> bool:
        """Whether *reproduced* may be said."""
        return outcomes.reproduced(self.outcome, self.scale)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every value or comparison of it."""
        return self.measured.parts if self.measured else ()

    @property
    def part(self) -> Part | None:
        """The part that decides."""
        graded = [part for part in self.parts if part.outcome]
        return (
            min(graded, key=lambda part: SEVERITY.index(part.outcome))
            if graded
            else next(iter(self.parts), None)
        )

    @property
    def paper(self) -> float | None:
        """The paper's number."""
        if self.part:
            return self.part.ours.paper
        figure = getattr(self.of, "paper", None) or next(
            (arm.paper for arm in self.of.runs if arm.paper), None
        )
        return figure.value if figure else None

    @property
    def ours(self) -> float | None:
        """Our number: the mean over seeds."""
        if self.part:
            return self.part.ours.mean
        return self.archived.value if self.archived else None

    @property
    def against(self) -> float | None:
        """The mean of what ours is compared with."""
        return self.part.against.mean if self.part and self.part.against else None

    @property
    def difference(self) -> float | None:
        """The mean difference of a comparison; on a log scale the ratio."""
        return self.part.mean if self.part and self.part.against else None

    @property
    def spread(self) -> float | None:
        """The standard deviation of ours over seeds."""
        if self.part:
            return self.part.ours.spread
        return self.archived.spread if self.archived else None

    @property
    def n(self) -> int:
        """How many seeds of ours."""
        if self.part:
            return self.part.ours.n
        return self.archived.n if self.archived else 0

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the value, or of the difference."""
        return self.part.interval if self.part else None

    @property
    def per_seed(self) -> Mapping[str, float]:
        """Our value for each seed."""
        return self.part.ours.per_seed if self.part else {}


@dataclass(frozen=True)
class Judgements:
    """An entry's statements and findings against its evidence."""

    entry: Entry
    evidence: Evidence
    notebook_key: str | None = None

    @cached_property
    def stale(self) -> dict[str, str]:
        """The statements and findings whose evidence is stale, each with the reason."""
        return stale_statements(self.entry, self.evidence, self.notebook_key)

    def statement(self, identifier: str) -> Judged:
        """One statement. What was measured goes before what version 0.1 measured (*archived*); with neither
        it is *not attempted*.

        Raises:
            UsageError: if the entry has none of that id.
        """
        found = self.entry.statement(identifier)
        if found is None:
            raise unknown(
                f"statement of {self.entry.slug}", identifier, [s.id for s in self.entry.statements]
            )
        return self._judged(found)

    def finding(self, identifier: str) -> Judged:
        """One finding, without an outcome unless it is stale, archived or not measured.

        Raises:
            UsageError: if the entry has none of that id.
        """
        found = self.entry.finding(identifier)
        if found is None:
            raise unknown(f"finding of {self.entry.slug}", identifier, [f.id for f in self.entry.findings])
        return self._judged(found)

    def statements(self) -> list[Judged]:
        """Every statement, headlines first."""
        ordered = sorted(self.entry.statements, key=lambda item: not item.headline)
        return [self._judged(item) for item in ordered]

    def findings(self) -> list[Judged]:
        """Every finding, in the entry's order."""
        return [self._judged(item) for item in self.entry.findings]

    def _judged(self, of: Statement | Finding) -> Judged:
        item, archived = self.evidence.measured(of.id), self.evidence.archive(of.id)
        if item is not None:
            reason = self.stale.get(of.id)
            outcome = Outcome.STALE if reason else item.outcome
            return Judged(of, outcome, item, None, reason or item.note)
        if archived is not None:
            said = "measured by version 0.1, whose code is gone"
            return Judged(of, Outcome.ARCHIVED, None, archived, said)
        reason = getattr(of, "not_attempted", None)
        return Judged(
            of, Outcome.NOT_ATTEMPTED, None, None, reason or "no finished run has been collected yet"
        )


def load_evidence(slug: str, notebook_key: str | None = None) -> Judgements:
    """An entry's statements and findings, judged.

    Args:
        notebook_key: the chapter's present key; without it, values of the chapter are not asked whether they
            are stale.

    Raises:
        Faulty: if the entry or its evidence has faults.
    """
    return Judgements(load_entry(slug), load(slug) or Evidence(slug=slug), notebook_key)
