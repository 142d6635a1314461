"""Claims against measurements: values from finished runs, and verdicts by rule. Pure functions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from unrolled.base.errors import UnrolledError
from unrolled.base.keys import combine
from unrolled.library.models import Claim, KeyParts, Measurement, Rule, Verdict

_PROFILES = ("paper", "book")  # a smoke run is no evidence


def holds(rule: Rule, value: float, paper_value: float | None = None) -> bool:
    """Whether a value satisfies a rule.

    >>> holds(Rule(comparator="within", tolerance=0.5), 95.0, paper_value=95.4)
    True
    """
    bound = rule.bound if rule.bound is not None else math.nan
    match rule.comparator:
        case ">=":
            return value >= bound
        case ">":
            return value > bound
        case "<=":
            return value <= bound
        case "<":
            return value < bound
        case "between":
            return bound <= value <= (rule.upper if rule.upper is not None else math.nan)
        case "within":
            return _distance(value, paper_value) <= (
                rule.tolerance if rule.tolerance is not None else math.nan
            )
    raise AssertionError(rule.comparator)


def _distance(value: float, paper_value: float | None) -> float:
    # rounded, so that 95.4 - 94.4 is within 1.0 in spite of binary fractions
    return math.nan if paper_value is None else round(abs(value - paper_value), 9)


def judge(claim: Claim, measurement: Measurement | None, stale: bool = False) -> Verdict:
    """What the evidence says of a claim.

    In this order: no measurement, *not attempted*; its key has changed, *stale*; beats the paper's value in
    the claim's direction by more than the rule's tolerance, *better*; the rule holds, *reproduced*; only the
    trend's rule holds, *trend only*; else *not reproduced*. A claim at the paper's scale that was measured at
    less (a smaller profile, or a schedule that was not run to its end) is at best *trend only*.
    """
    if measurement is None:
        return Verdict.NOT_ATTEMPTED
    if stale:
        return Verdict.STALE
    value = measurement.value
    good = holds(claim.rule, value, claim.paper_value)
    ahead = _beats(claim, value)
    if claim.kind == "paper" and (measurement.profile != "paper" or not measurement.complete):
        trend = good or ahead or (claim.trend is not None and holds(claim.trend, value, claim.paper_value))
        return Verdict.TREND_ONLY if trend else Verdict.NOT_REPRODUCED
    if ahead and (good or claim.rule.comparator == "within"):
        return Verdict.BETTER
    if good:
        return Verdict.REPRODUCED
    if claim.trend is not None and holds(claim.trend, value, claim.paper_value):
        return Verdict.TREND_ONLY
    return Verdict.NOT_REPRODUCED


def _beats(claim: Claim, value: float) -> bool:
    """Whether a value is beyond the paper's by more than the stated tolerance, in the claim's direction."""
    if claim.paper_value is None or claim.rule.tolerance is None:
        return False
    far = _distance(value, claim.paper_value) > claim.rule.tolerance
    return far and {"higher": value > claim.paper_value, "lower": value < claim.paper_value}.get(
        claim.direction, False
    )


@dataclass(frozen=True)
class _Group:
    """Finished runs of one configuration and one state of the code, by seed."""

    runs: Mapping[int, Mapping]

    @property
    def source(self) -> str:
        return next(iter(self.runs.values()))["key_parts"]["source"]


def run_name(result: Mapping) -> str:
    """The name of a run's folder: variant, seed and key."""
    return f"{result['variant']}-s{result['seed']}-{result['key'][:12]}"


def measure(claim: Claim, results: Iterable[Mapping]) -> Measurement | None:
    """A claim's value from the results of runs (``result.json``), or None where no run was made for it.

    Of several configurations or states of the code that fit, one is taken: of the paper's profile before
    others, complete before not, more updates and seeds before fewer, newer before older. A difference or a
    quotient pairs the runs by seed.

    Raises:
        UnrolledError: if a run lacks the claim's metric, or it is no finite number.
    """
    if claim.measure is None:
        return None
    results = [result for result in results if result.get("profile") in _PROFILES]
    candidates = []
    each = claim.measure.each
    for group in _groups(results, claim.measure.of, each):
        others = [None] if claim.measure.other is None else _groups(results, claim.measure.other, each)
        for other in others:
            seeds = set(group.runs) & set(other.runs) if other else set(group.runs)
            if seeds and (other is None or _same_profile(group, other)):
                candidates.append((group, other, sorted(seeds)))
    if not candidates:
        return None
    group, other, seeds = max(candidates, key=_preference)
    return _measurement(claim, group, other, seeds)


def _groups(
    results: Sequence[Mapping], selection: Mapping[str, object], each: Mapping[str, Sequence]
) -> list[_Group]:
    """The runs that a selection fits, parted by configuration, profile and source.

    Runs that differ in the value of ``each`` alone are one, where there is one for every value.
    """
    parted: dict[tuple, dict[int, dict]] = {}
    for result in results:
        known = {name: result.get(name) for name in ("variant", "profile", "slug")} | dict(result["config"])
        if any(name not in known or known[name] != value for name, value in selection.items()):
            continue
        if any(known.get(name) not in values for name, values in each.items()):
            continue
        # a seed that the configuration repeats would part the runs that belong together
        config = {
            name: value
            for name, value in result["config"].items()
            if name not in ("seed", "split_seed", "data_seed", *each)
        }
        variant = None if each else result["variant"]
        mark = (result["profile"], variant, combine(config), result["key_parts"]["source"])
        runs = parted.setdefault(mark, {}).setdefault(result["seed"], {})
        value = tuple(known[name] for name in each)
        if value not in runs or _rank(result) > _rank(runs[value]):
            runs[value] = result
    wanted = math.prod(len(values) for values in each.values())
    groups = [
        {seed: _averaged(list(runs.values())) for seed, runs in seeds.items() if len(runs) == wanted}
        for seeds in parted.values()
    ]
    return [_Group(runs) for runs in groups if runs]


def _averaged(runs: Sequence[Mapping]) -> Mapping:
    """Several runs as one, with the means of their metrics and themselves as ``parts``."""
    if len(runs) == 1:
        return runs[0]
    shared = set.intersection(*(set(run["metrics"]) for run in runs))
    return {
        **runs[0],
        "metrics": {name: statistics.fmean(run["metrics"][name] for run in runs) for name in shared},
        "complete": all(run.get("complete") for run in runs),
        "updates": min(run.get("updates", 0) for run in runs),
        "parts": runs,
    }


def _rank(result: Mapping) -> tuple:
    return (bool(result.get("complete")), result.get("updates", 0), str(result.get("finished", "")))


def _same_profile(group: _Group, other: _Group) -> bool:
    return {run["profile"] for run in group.runs.values()} == {run["profile"] for run in other.runs.values()}


def _used(group: _Group, other: _Group | None, seeds: Sequence[int]) -> list[Mapping]:
    return [side.runs[seed] for side in (group, other) if side for seed in seeds]


def _preference(candidate: tuple[_Group, _Group | None, list[int]]) -> tuple:
    group, other, seeds = candidate
    runs = _used(group, other, seeds)
    return (
        runs[0]["profile"] == "paper",
        other is None or group.source == other.source,
        all(run.get("complete") for run in runs),
        min(run.get("updates", 0) for run in runs),
        len(seeds),
        max(str(run.get("finished", "")) for run in runs),
    )


def _metric(claim: Claim, result: Mapping) -> float:
    name = claim.measure.metric
    value = result["metrics"].get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        problem = f"run {run_name(result)}: {name} is {value!r}" if value is not None else None
        measured = ", ".join(sorted(result["metrics"]))
        raise UnrolledError(
            problem or f"run {run_name(result)} has no metric {name!r}",
            hint=f"claim {claim.id} needs it; the run measured {measured}",
        )
    return value * claim.measure.scale


def _compared(claim: Claim, value: float, with_run: Mapping) -> float:
    """The difference from, or the quotient over, the metric of another run."""
    against = _metric(claim, with_run)
    if claim.measure.over is None:
        return value - against
    if not against:
        raise UnrolledError(
            f"claim {claim.id} divides by the {claim.measure.metric} of {run_name(with_run)}, 0"
        )
    return value / against


def _measurement(claim: Claim, group: _Group, other: _Group | None, seeds: list[int]) -> Measurement:
    runs = [part for run in _used(group, other, seeds) for part in run.get("parts", [run])]
    values = {seed: _metric(claim, group.runs[seed]) for seed in seeds}
    if other:
        values = {seed: _compared(claim, found, other.runs[seed]) for seed, found in values.items()}
    how = claim.measure.reduce
    if how == "wins":
        value, spread = float(sum(found > 0 for found in values.values())), None
    else:
        reduce = {"mean": statistics.fmean, "median": statistics.median, "min": min, "max": max}[how]
        value = float(reduce(list(values.values())))
        spread = statistics.stdev(values.values()) if len(values) > 1 else None
    names = {run_name(run): run["key"] for run in runs}
    sources = sorted({run["key_parts"]["source"] for run in runs})
    memory = [run["peak_memory_mb"] for run in runs if run.get("peak_memory_mb") is not None]
    return Measurement(
        claim=claim.id,
        value=round(value, 9),
        spread=None if spread is None else round(spread, 9),
        per_seed={str(seed): round(found, 9) for seed, found in values.items()},
        n=len(seeds),
        unit=claim.unit,
        profile=runs[0]["profile"],
        complete=all(bool(run.get("complete")) for run in runs),
        scale=scale_text(claim, runs, len(seeds)),
        device=_joined(run.get("device") for run in runs) or "unknown",
        seconds=round(sum(run.get("seconds", 0.0) for run in runs), 1),
        peak_memory_mb=max(memory) if memory else None,
        versions=dict(runs[0].get("versions") or {}),
        commit=_joined(run.get("commit") for run in runs) or None,
        command=_joined((run.get("command") for run in runs), "; ") or "unknown",
        key=combine({"runs": names}),
        key_parts=KeyParts(
            # two states of the code in one value: equal to neither, so the evidence counts as stale
            source=sources[0] if len(sources) == 1 else combine({"sources": sources}),
            parameters={run_name(run): _text(run["key_parts"].get("parameters")) for run in runs},
            data={run_name(run): _text(run["key_parts"].get("data")) for run in runs},
            versions=tuple(sorted({_text(run["key_parts"].get("versions")) for run in runs})),
        ),
        runs=names,
        collected=datetime.now(UTC).date().isoformat(),
    )


def _text(part: object) -> str:
    return part if isinstance(part, str) else combine({"part": part})


def _joined(values: Iterable[object], between: str = ", ") -> str:
    return between.join(dict.fromkeys(str(value) for value in values if value))


def scale_text(claim: Claim, runs: Sequence[Mapping], seeds: int) -> str:
    """What was run, in words: ``"41,000 of 100,000 updates, 3 seeds, pmnist"``."""
    done = sorted({int(run.get("updates", 0)) for run in runs})
    planned = sorted({int(run.get("updates_planned", run.get("updates", 0))) for run in runs})
    parts = [f"{_span(done)} updates" if done == planned else f"{_span(done)} of {_span(planned)} updates"]
    parts.append(f"{seeds} seed" + ("s" if seeds != 1 else ""))
    if claim.measure and claim.measure.each:
        parts.append(f"{len(runs)} runs")
    task = claim.measure.of.get("task") if claim.measure else None
    if task:
        parts.append(str(task))
    return ", ".join(parts)


def _span(numbers: Sequence[int]) -> str:
    low, high = numbers[0], numbers[-1]
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
