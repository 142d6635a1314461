"""From the run store to evidence: claims measured, fingerprints and curves kept. It trains nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from unrolled.base import paths
from unrolled.base.errors import UnrolledError
from unrolled.library.claims import measure, run_name
from unrolled.library.evidence import load, stale_reason
from unrolled.library.models import Cost, Entry, Evidence, Fingerprint, Measurement

POINTS = 60
"""How many points of a curve are kept at most."""

_NEEDED = {"slug", "variant", "profile", "seed", "config", "key", "key_parts", "metrics", "updates"}


@dataclass
class Collected:
    """New evidence, not yet written, and what was done for each claim."""

    evidence: Evidence
    measured: list[str] = field(default_factory=list)  # claims with a new measurement
    kept: dict[str, str] = field(default_factory=dict)  # claims whose earlier measurement stays, and why
    damaged: list[str] = field(default_factory=list)  # results that could not be read


def results(slug: str, store: Path | None = None) -> tuple[list[dict], list[str]]:
    """The results of an entry's runs, and the files that could not be read as results."""
    found, damaged = [], []
    for path in sorted(((store or paths.runs()) / slug).glob("*/result.json")):
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            missing = _NEEDED - set(result) if isinstance(result, dict) else _NEEDED
            if missing:
                raise ValueError(f"lacks {', '.join(sorted(missing))}")
            if not isinstance(result["key_parts"], dict) or "source" not in result["key_parts"]:
                raise ValueError("key_parts lacks source")
        except (OSError, ValueError) as error:
            damaged.append(f"{path}: {error}")
        else:
            found.append(result | {"_folder": str(path.parent)})
    return found, damaged


def collect(entry: Entry, store: Path | None = None, *, replace: bool = False) -> Collected:
    """Measure an entry's claims from its finished runs and merge them with the evidence that is there.

    A measurement is only replaced by one of at least its size (as many seeds, and complete if it was), or
    where it is stale, or with ``replace``. Measurements of claims without new runs stay as they are.

    Raises:
        UnrolledError: if a run lacks a metric that a claim needs, or the evidence file has faults.
    """
    found, damaged = results(entry.slug, store)
    old = load(entry.slug) or Evidence(slug=entry.slug)
    held = {item.claim: item for item in old.measurements}
    outcome = Collected(old, damaged=damaged)
    new: dict[str, Measurement] = {}
    for claim in entry.claims:
        measurement = measure(claim, found)
        if measurement is None:
            continue
        before = held.get(claim.id)
        why = None if before is None or replace else _smaller(measurement, before, entry)
        if why:
            outcome.kept[claim.id] = why
        elif before is None or not _same(measurement, before):
            new[claim.id] = measurement
            outcome.measured.append(claim.id)
    used = {name for measurement in (held | new).values() for name in measurement.runs}
    runs = {run_name(result): result for result in found if run_name(result) in used}
    prints = {item.run: item for item in old.fingerprints if item.run in used}
    prints |= {name: print_ for name, result in runs.items() if (print_ := _fingerprint(name, result))}
    curves = {
        f"{result['variant']}-s{result['seed']}": curve(Path(result["_folder"])) for result in runs.values()
    }
    finals = {
        f"{result['variant']}-s{result['seed']}": final(result, {one.metric for one in entry.reported})
        for result in runs.values()
    }
    outcome.evidence = Evidence(
        slug=entry.slug,
        measurements=tuple((held | new).values()),
        fingerprints=tuple(prints.values()),
        costs=_costs(old, runs.values()) if new else old.costs,
        values=old.values,
        curves=old.curves | {name: lists for name, lists in curves.items() if lists},
        finals=old.finals | {name: metrics for name, metrics in finals.items() if metrics},
        comparisons=old.comparisons,
    )
    return outcome


def _same(new: Measurement, old: Measurement) -> bool:
    unchanged = {"collected": "", "key": "", "key_parts": None, "carried_over": None, "runs": {}}
    return new.key == old.key or (
        new.model_copy(update=unchanged) == old.model_copy(update=unchanged)
        and set(new.runs) == set(old.runs)
    )


def _smaller(new: Measurement, old: Measurement, entry: Entry) -> str | None:
    """Why a new measurement must not take the place of the old one."""
    if stale_reason(entry.slug, old, entry.datasets):
        return None
    if old.profile == "paper" and new.profile != "paper":
        return f"measured with profile paper; the new runs are of profile {new.profile}"
    if old.complete and not new.complete:
        return "measured from complete runs; the new ones were stopped"
    if new.n < old.n:
        return f"measured over {old.n} seeds; the new runs are of {new.n}"
    return None


def _fingerprint(name: str, result: Mapping) -> Fingerprint | None:
    losses = [float(loss) for loss in result.get("fingerprint") or () if isinstance(loss, int | float)]
    if not losses or not all(map(math.isfinite, losses)):
        return None
    return Fingerprint(
        run=name,
        key=result["key"],
        losses=tuple(losses),
        device=result.get("device") or "unknown",
        variant=result["variant"],
        seed=result["seed"],
        profile=result["profile"],
        config=result["config"],
    )


def _costs(old: Evidence, runs: Sequence[Mapping]) -> tuple[Cost, ...]:
    """What the runs took, one cost a profile and device; costs of executed chapters stay."""
    costs = {(cost.profile, cost.device): cost for cost in old.costs if cost.profile != "paper"}
    groups: dict[tuple[str, str], list[Mapping]] = {}
    for run in runs:
        if run["profile"] == "paper":
            groups.setdefault((run["profile"], run.get("device") or "unknown"), []).append(run)
    for (profile, device), members in groups.items():
        memory = [run["peak_memory_mb"] for run in members if run.get("peak_memory_mb") is not None]
        costs[profile, device] = Cost(
            profile=profile,
            seconds=round(sum(run.get("seconds", 0.0) for run in members), 1),
            peak_memory_mb=max(memory) if memory else None,
            device=device,
            executed=max(str(run.get("finished", ""))[:10] for run in members)
            or datetime.now(UTC).date().isoformat(),
        )
    return tuple(costs.values())


def final(result: Mapping, reported: Set[str]) -> dict[str, float]:
    """The metrics that an entry reports, of one run."""
    metrics = result["metrics"].items()
    return {name: float(f"{value:.6g}") for name, value in metrics if name in reported and _finite(value)}


def curve(folder: Path, points: int = POINTS) -> dict[str, tuple[float, ...]]:
    """A run's learning curve from ``metrics.jsonl``; empty where there is none.

    ``update`` and the validation metrics at at most ``points`` of them; ``loss_update`` and ``loss``, the
    mean training loss of at most ``points`` equal stretches and the update that each ends with.

    Raises:
        UnrolledError: if a line other than a torn last one is no JSON.
    """
    path = folder / "metrics.jsonl"
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    records = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            records.append(json.loads(line))
        except ValueError as error:
            raise UnrolledError("no JSON", file=path, line=number) from error
    losses = [(r["update"], r["loss"]) for r in records if _finite(r.get("loss"))]
    names = sorted({name for r in records for name in r if name.startswith("valid_")})
    marks = [r for r in records if names and all(_finite(r.get(name)) for name in names)]
    if len(marks) > points:  # evenly, with the first and the last
        marks = [marks[round(i * (len(marks) - 1) / (points - 1))] for i in range(points)]
    lists: dict[str, list[float]] = {}
    if marks:
        lists["update"] = [mark["update"] for mark in marks]
        lists |= {name: [float(f"{mark[name]:.6g}") for mark in marks] for name in names}
    if losses:
        length = math.ceil(len(losses) / points)
        stretches = [losses[start : start + length] for start in range(0, len(losses), length)]
        lists["loss_update"] = [stretch[-1][0] for stretch in stretches]
        lists["loss"] = [
            float(f"{sum(loss for _, loss in stretch) / len(stretch):.6g}") for stretch in stretches
        ]
    return {name: tuple(values) for name, values in lists.items()}


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
