"""From the run store and the chapter to evidence. It trains nothing; nothing else writes measured values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from unrolled.base import paths, records
from unrolled.base.errors import UnrolledError
from unrolled.base.files import sha256
from unrolled.base.folders import found
from unrolled.library.chapters import chapter_of
from unrolled.library.evidence import load
from unrolled.library.measurements import Chapter, Evidence, Measured, Run, Weights
from unrolled.library.measuring import choose, measure
from unrolled.library.models import Entry
from unrolled.library.staleness import source_part, stale_statements

POINTS = 60
"""How many points of a curve are kept at most."""


@dataclass
class Collected:
    """New evidence, not yet written, and what was done for each statement and finding."""

    evidence: Evidence
    measured: list[str] = field(default_factory=list)  # what is new
    kept: dict[str, str] = field(default_factory=dict)  # whose earlier evidence stays, and why
    damaged: list[str] = field(default_factory=list)  # results that could not be read


def finished(slug: str, store: Path | None = None) -> tuple[dict[str, tuple[Run, Path]], list[str]]:
    """An entry's finished runs by name, each with its folder, and what could not be read."""
    stored, damaged = records.results(slug, store)
    runs: dict[str, tuple[Run, Path]] = {}
    problems = [str(error) for error in damaged]
    for folder, result in stored.items():
        fields = {name: result[name] for name in Run.model_fields if name in result}
        metrics = {name: value for name, value in result["metrics"].items() if _finite(value)}
        try:
            run = Run.model_validate(fields | {"metrics": metrics})
        except (ValidationError, TypeError, AttributeError) as error:
            problems.append(f"{folder / 'result.json'}: is damaged: {str(error).splitlines()[0]}")
        else:
            runs[run.name] = (run, folder)
    return runs, problems


def collect(entry: Entry, store: Path | None = None, *, replace: bool = False) -> Collected:
    """Measure an entry's statements and findings from its finished runs and its executed chapter.

    What was measured before is only replaced by something of at least its size (as many runs, and complete if
    they were), or where it is stale, or with ``replace``. The archive and comparisons stay as they are.

    Raises:
        UnrolledError: for a missing metric, a seed beyond the declared ones, or evidence with faults.
    """
    stored, damaged = finished(entry.slug, store)
    old = load(entry.slug) or Evidence(slug=entry.slug)
    chapter = chapter_of(paths.notebooks() / f"{entry.slug}.ipynb") or old.chapter
    outcome = Collected(old, damaged=damaged)
    carried = {name: run for name, run in old.runs.items() if run.carried_over}
    candidates = old.runs | {name: run for name, (run, _) in stored.items()} | carried
    source = source_part(entry.slug) if candidates else ""
    stale = stale_statements(entry, old)
    groups: dict[str, list[Measured]] = {"statements": [], "findings": []}
    for group, quantities in (("statements", entry.statements), ("findings", entry.findings)):
        for quantity in quantities:
            runs = choose(entry, quantity, candidates.values(), source) if quantity.runs else ()
            new = measure(entry, quantity, runs, chapter.values if chapter else {})
            before = old.measured(quantity.id)
            if new is None or new == before:
                groups[group] += [before] if before else []
                continue
            keep = before and quantity.id not in stale and not replace
            why = _smaller(new, before, candidates, old) if keep else None
            if why:
                outcome.kept[quantity.id] = why
                groups[group].append(before)
            else:
                outcome.measured.append(quantity.id)
                groups[group].append(new)
    used = {name for items in groups.values() for item in items for name in item.runs}
    runs = {name: run for name, run in old.runs.items() if name in used}
    for name in used & set(stored):
        if name not in carried:
            run, folder = stored[name]
            runs[name] = run.model_copy(
                update={"curve": curve(folder, run.best_update), "weights": _weights(entry.slug, run)}
            )
    outcome.evidence = old.model_copy(
        update={name: tuple(items) for name, items in groups.items()} | {"runs": runs, "chapter": chapter}
    )
    return outcome


def _smaller(new: Measured, old: Measured, stored: Mapping[str, Run], before: Evidence) -> str | None:
    """Why a new measurement must not take the place of the old one."""

    def complete(names: Iterable[str], known: Mapping[str, Run]) -> bool:
        return all(known[name].complete for name in names if name in known)

    if complete(old.runs, before.runs) and not complete(new.runs, stored):
        return "measured from complete runs; the new ones were stopped"
    if len(new.runs) < len(old.runs):
        return f"measured from {len(old.runs)} runs; there are {len(new.runs)} new ones"
    return None


def _weights(slug: str, run: Run) -> Weights | None:
    """The weights of this run that the project keeps, if it keeps them."""
    from safetensors import SafetensorError, safe_open

    name = f"bib/weights/{slug}/{run.preset}.safetensors"
    path = found(*name.split("/"))
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            facts = file.metadata() or {}
    except SafetensorError as error:
        raise UnrolledError(f"is damaged: {error}", file=path) from error
    if run.key not in json.dumps(facts):
        return None
    return Weights(file=name, sha256=sha256(path), bytes=path.stat().st_size)


def curve(folder: Path, best_update: int | None = None, points: int = POINTS) -> dict[str, tuple[float, ...]]:
    """A run's learning curve from ``metrics.jsonl``; empty where there is none.

    ``update`` and validation metrics at at most ``points`` of them, with the first, the best and the last;
    ``loss_update`` and ``loss``, the mean training loss of at most ``points`` equal stretches and the update
    that each ends with.

    Raises:
        UnrolledError: if a line other than a torn last one is no JSON.
    """
    path = folder / "metrics.jsonl"
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    told = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            record = json.loads(line)
            if type(record["update"]) is not int:
                raise ValueError("an update is a whole number")
            told.append(record)
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise UnrolledError("no record of an update", file=path, line=number) from error
    losses = [(r["update"], r["loss"]) for r in told if _finite(r.get("loss"))]
    names = sorted({name for r in told for name in r if name.startswith("valid_")})
    marks = [r for r in told if names and all(_finite(r.get(name)) for name in names)]
    if len(marks) > points:
        evenly = points - 1  # one place is for the best
        kept = {round(i * (len(marks) - 1) / (evenly - 1)) for i in range(evenly)}
        kept |= {place for place, mark in enumerate(marks) if mark["update"] == best_update}
        marks = [marks[place] for place in sorted(kept)]
    lists: dict[str, list[float]] = {}
    if marks:
        lists["update"] = [mark["update"] for mark in marks]
        lists |= {name: [float(f"{mark[name]:.6g}") for mark in marks] for name in names}
    if losses:
        length = math.ceil(len(losses) / points)
        stretches = [losses[start : start + length] for start in range(0, len(losses), length)]
        lists["loss_update"] = [stretch[-1][0] for stretch in stretches]
        lists["loss"] = [float(f"{sum(x for _, x in stretch) / len(stretch):.6g}") for stretch in stretches]
    return {name: tuple(values) for name, values in lists.items()}


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def with_chapter(entry: Entry, chapter: Chapter) -> Evidence:
    """An entry's evidence with an executed chapter's record; what rests on its values is measured anew."""
    old = load(entry.slug) or Evidence(slug=entry.slug)
    groups = {}
    for group, quantities in (("statements", entry.statements), ("findings", entry.findings)):
        new = {q.id: measure(entry, q, (), chapter.values) for q in quantities if q.value}
        others = [item for item in getattr(old, group) if item.id not in new]
        groups[group] = (*others, *(item for item in new.values() if item))
    return old.model_copy(update=groups | {"chapter": chapter})
