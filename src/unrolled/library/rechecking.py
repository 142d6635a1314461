"""What ``unrolled check`` recomputes of an evidence file, so that no measured value can be edited unnoticed.

Values, spreads, intervals and outcomes follow from the runs' metrics; a run's key from its parts, and one of
these from its configuration; the best and the last metrics from the curve; the chapter's values from the
notebook. The digest covers the rest. A forger who runs the program is not caught.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from unrolled.base import paths
from unrolled.base.errors import UnrolledError
from unrolled.base.files import sha256
from unrolled.base.keys import combine
from unrolled.library.chapters import chapter_of
from unrolled.library.evidence import unsealed
from unrolled.library.measurements import Evidence, Measured, Run
from unrolled.library.measuring import measure
from unrolled.library.models import Entry
from unrolled.library.staleness import stale_statements

Problem = tuple[str, str, str]
"""A text of the file to find its line by, what is wrong, and what to do."""

RESTORE = "restore it from git, or run 'unrolled evidence collect {}'"


def problems(entry: Entry, evidence: Evidence, notebook_key: str | None = None) -> Iterator[Problem]:
    """Everything that does not follow from what the file says it was measured from."""
    restore = RESTORE.format(entry.slug)
    if problem := unsealed(evidence):
        yield "digest", problem, restore
    for name, run in evidence.runs.items():
        for problem in _run_problems(name, run):
            yield name, f"run {name}: {problem}", restore
    stale = stale_statements(entry, evidence, notebook_key)
    seen: set[str] = set()
    for kind, known, items in (
        ("statement", entry.statements, evidence.statements),
        ("finding", entry.findings, evidence.findings),
    ):
        quantities = {quantity.id: quantity for quantity in known}
        for item in items:
            if item.id not in quantities:
                yield item.id, f"evidence for an unknown {kind} {item.id!r}", "collect anew"
                continue
            if item.id in seen:
                yield item.id, f"evidence for {item.id} twice", restore
            seen.add(item.id)
            if item.id in stale:
                verify = f"unrolled evidence verify {entry.slug}, or measure it again"
                yield item.id, f"evidence for {item.id} is stale: {stale[item.id]}", verify
            if "statement changed" not in stale.get(item.id, ""):
                problem = _differs(entry, quantities[item.id], item, evidence)
                if problem:
                    yield item.id, f"{kind} {item.id}: {problem}", restore
    for old in evidence.archived:
        if old.statement and not (entry.statement(old.statement) or entry.finding(old.statement)):
            yield old.claim, f"archived {old.claim} names an unknown statement {old.statement!r}", restore
    yield from _chapter_problems(entry, evidence)


def _run_problems(name: str, run: Run) -> Iterator[str]:
    if name != run.name:
        yield f"its preset, seed and key make the name {run.name}"
    if run.key != combine(run.key_parts):
        yield "the key does not follow from its parts"
    if run.key_parts.get("config") != combine({"config": run.config, "seed": run.seed}):
        yield "the key does not follow from its configuration and seed"
    if run.updates > run.updates_planned:
        yield f"{run.updates:,} updates of {run.updates_planned:,}"
    if run.selection and run.curve.get("update"):
        yield from _curve_problems(run)
    if run.weights:
        path = paths.project() / run.weights.file
        if not path.is_file():
            yield f"its weights {run.weights.file} are missing"
        elif path.stat().st_size != run.weights.bytes or sha256(path) != run.weights.sha256:
            yield f"its weights {run.weights.file} are others"


def _curve_problems(run: Run) -> Iterator[str]:
    """The metrics of best and last weights are those of the curve, and no point of it is better."""
    name, goal = run.selection
    updates, values = run.curve["update"], run.curve.get(name, ())
    if len(values) != len(updates):
        yield f"its curve has {len(values)} values of {name} at {len(updates)} updates"
        return
    if run.best_update in updates:
        for metric, series in run.curve.items():
            if metric.startswith("valid_") and metric in run.metrics:
                point = series[updates.index(run.best_update)]
                if not _close(point, run.metrics[metric]):
                    yield f"{metric} is {run.metrics[metric]:g}, and {point:g} on its curve"
    if name in run.metrics:
        best = (min if goal == "min" else max)(values)
        ahead = best < run.metrics[name] if goal == "min" else best > run.metrics[name]
        if ahead and not _close(best, run.metrics[name]):
            yield f"its curve has a better {name}, {best:g}, than the best, {run.metrics[name]:g}"
    last = run.metrics.get(f"last_{name}")
    if last is not None and updates[-1] == run.updates and not _close(values[-1], last):
        yield f"last_{name} is {last:g}, and {values[-1]:g} on its curve"


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-12)  # curves keep six digits


def _differs(entry: Entry, quantity, item: Measured, evidence: Evidence) -> str | None:
    """What of a measurement is not what its runs give, or None."""
    missing = [name for name in item.runs if name not in evidence.runs]
    if missing:
        return f"its run {missing[0]} is not in the file"
    values = evidence.chapter.values if evidence.chapter else {}
    try:
        again = measure(entry, quantity, [evidence.runs[name] for name in item.runs], values)
    except UnrolledError as error:
        return error.problem
    if again is None:
        return "its runs or the chapter's value are not in the file"
    for name in type(item).model_fields:
        if getattr(again, name) != getattr(item, name):
            return f"{name} is not what its runs give"
    return None


def _chapter_problems(entry: Entry, evidence: Evidence) -> Iterator[Problem]:
    """The chapter's values are those that the notebook stores."""
    chapter = evidence.chapter
    stored = chapter_of(paths.notebooks() / f"{entry.slug}.ipynb")
    again = f"run 'unrolled evidence collect {entry.slug}'"
    if chapter is None or stored is None:
        if chapter is not None and stored is None:
            yield "chapter", "values of a chapter that is not there", again
        return
    if chapter.key != stored.key:
        yield "chapter", "the chapter was executed again since its values were collected", again
        return
    for name in sorted(set(chapter.values) | set(stored.values)):
        if chapter.values.get(name) != stored.values.get(name):
            yield name, f"value {name} is not the one that the notebook stores", again
    for name in ("seconds", "peak_memory_mb", "executed", "versions"):
        if getattr(chapter, name) != getattr(stored, name):
            yield "chapter", f"{name} of the chapter is not what the notebook stores", again
