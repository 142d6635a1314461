"""Whether evidence still follows from what it was made from: code, data, versions, rules, the chapter."""

from __future__ import annotations

import itertools

from unrolled.base import keys, records
from unrolled.base.errors import UnrolledError
from unrolled.library.measurements import Evidence, Measured, Run
from unrolled.library.models import Entry
from unrolled.library.statements import Quantity, rule_digest

CODE, STATEMENT = "the code changed", "the statement changed"


def stale_statements(entry: Entry, evidence: Evidence, notebook_key: str | None = None) -> dict[str, str]:
    """The statements and findings whose evidence is stale, each with the reason."""
    reasons = {}
    for quantity in (*entry.statements, *entry.findings):
        item = evidence.measured(quantity.id)
        reason = item and stale_reason(entry, quantity, item, evidence, notebook_key)
        if reason:
            reasons[quantity.id] = reason
    return reasons


def stale_reason(
    entry: Entry, quantity: Quantity, item: Measured, evidence: Evidence, notebook_key: str | None = None
) -> str | None:
    """Why what was measured for a statement or finding is stale, or None."""
    if item.rule != rule_digest(quantity, entry.setting(quantity)):
        return f"{STATEMENT} since it was measured"
    if quantity.value:
        executed = evidence.chapter.key if evidence.chapter else None
        differs = notebook_key is not None and executed != notebook_key
        return "the chapter's code, data or parameters changed" if differs else None
    runs = (evidence.runs[name] for name in item.runs if name in evidence.runs)
    return next((reason for run in runs if (reason := stale_run(entry, run))), None)


def stale_run(entry: Entry, run: Run) -> str | None:
    """Why a run no longer stands for the code, or None; one that was carried over stands for what it was
    carried to."""
    since = run.carried_over
    source = since.source if since else run.key_parts.get("source")
    versions = since.versions if since else run.key_parts.get("versions", "")
    try:
        if source != source_part(entry.slug):
            return f"{CODE} since {run.name} ran"
    except UnrolledError as error:
        return f"the experiment's code cannot be read: {error}"
    if run.key_parts.get("data") not in data_parts(entry.datasets):
        return f"the checksums of the data of {run.name} changed"
    pinned = pinned_versions(versions.partition(":")[0])
    if pinned is not None and versions != pinned:
        return f"the pinned versions changed: {versions} then, {pinned} now"
    return None


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
