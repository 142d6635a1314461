"""Whether evidence still follows from what it was made from: code, data, versions, rules, the chapter."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

from unrolled.base import keys, records
from unrolled.base.errors import UnrolledError
from unrolled.library.measurements import Evidence, Measured, Run
from unrolled.library.models import Entry
from unrolled.library.statements import Quantity, rule_digest


@dataclass(frozen=True)
class Present:
    """What runs of an entry depend on now, read at most once."""

    slug: str
    datasets: tuple[str, ...]

    @cached_property
    def source(self) -> str | UnrolledError:
        """The hash of the experiment's code, or why it cannot be read."""
        try:
            return source_part(self.slug)
        except UnrolledError as error:
            return error

    @cached_property
    def data(self) -> set[str]:
        """The hashes that the data of a run can have."""
        return data_parts(self.datasets)

    def stale(self, run: Run) -> str | None:
        """Why a run no longer stands for the code, or None. One that was carried over stands for what it was
        carried to."""
        since = run.carried_over
        source = since.source if since else run.key_parts.get("source")
        versions = since.versions if since else run.key_parts.get("versions", "")
        if isinstance(self.source, UnrolledError):
            return f"the experiment's code cannot be read: {self.source}"
        if source != self.source:
            return f"the code changed since {run.name} ran"
        if run.key_parts.get("data") not in self.data:
            return f"the checksums of the data of {run.name} changed"
        pinned = pinned_versions(versions.partition(":")[0])
        if pinned is not None and versions != pinned:
            return f"the pinned versions changed: {versions} then, {pinned} now"
        return None


def stale_statements(entry: Entry, evidence: Evidence, notebook_key: str | None = None) -> dict[str, str]:
    """The statements and findings whose evidence is stale, each with the reason.

    Args:
        notebook_key: the chapter's present key; without it, its values are not asked whether they are stale.
    """
    present, reasons = Present(entry.slug, entry.datasets), {}
    for quantity in (*entry.statements, *entry.findings):
        item = evidence.measured(quantity.id)
        reason = item and _reason(entry, quantity, item, evidence, notebook_key, present)
        if reason:
            reasons[quantity.id] = reason
    return reasons


def _reason(
    entry: Entry,
    quantity: Quantity,
    item: Measured,
    evidence: Evidence,
    notebook_key: str | None,
    present: Present,
) -> str | None:
    if item.rule != rule_digest(quantity, entry.setting(quantity)):
        return "the statement changed since it was measured"
    if quantity.value:
        executed = evidence.chapter.key if evidence.chapter else None
        differs = notebook_key is not None and executed != notebook_key
        return "the chapter's code, data or parameters changed" if differs else None
    runs = (evidence.runs[name] for name in item.runs if name in evidence.runs)
    return next((reason for run in runs if (reason := present.stale(run))), None)


def source_part(slug: str) -> str:
    """The hash of the code that a paper's runs execute, read from source text as runs compute it."""
    return keys.source_key([f"unrolled.papers.{slug}.experiment", "unrolled.training.fit"])


def data_parts(datasets: tuple[str, ...]) -> set[str]:
    """The hashes that the data part of a run's key can have: one for each choice of the entry's data sets.

    A run's key tells no names. The registry's table is small, so all choices are looked at.
    """
    known: list[str] = []
    for name in dict.fromkeys(datasets):
        try:
            records.checksums([name])
        except UnrolledError:
            continue  # an entry may name data that nobody may download
        known.append(name)
    return {
        keys.combine(records.checksums(chosen))
        for size in range(len(known[:8]) + 1)
        for chosen in itertools.combinations(known[:8], size)
    }


def pinned_versions(kind: str) -> str | None:
    """The pinned versions that change numbers, as runs write them; None where the project pins none."""
    pins = records.pinned(kind)
    return records.version_line(kind, pins) if {"torch", "numpy"} <= set(pins) else None
