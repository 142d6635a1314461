"""From values per seed to an outcome, by statistics alone. Pure functions; no file is read.

An interval is Student's t: of the differences by seed where the two sides share data and batches (paired),
else Welch's. Nothing *holds* from fewer than three runs, and no judgement falls before every declared seed is
there.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unrolled.base.errors import UnrolledError
from unrolled.library.fields import Source
from unrolled.library.intervals import Interval, best_interval, t_interval, welch_interval
from unrolled.library.measurements import Part, Sample
from unrolled.library.statements import Arm, Figure, Finding, Outcome, Quantity, Scale, Statement

Values = Mapping[int, float]
"""Seed -> value."""

SEVERITY = (
    Outcome.FAILS,
    Outcome.DIFFERS,
    Outcome.OPPOSITE,
    Outcome.ONE_RUN,
    Outcome.TWO_RUNS,
    Outcome.UNDECIDED,
    Outcome.COMPARED,
    Outcome.HOLDS,
    Outcome.BETTER,
)
"""A statement with several parts has the first of these that any part has."""


@dataclass(frozen=True)
class Side:
    """One arm with its values, and, for the best of several runs, what the choice goes by."""

    arm: Arm
    values: Values
    chosen_by: Values | None = None


def reproduced(outcome: Outcome | None, scale: Scale | None) -> bool:
    """Whether *reproduced* may be said: of *holds* and *better* at the paper's scale only."""
    return outcome in (Outcome.HOLDS, Outcome.BETTER) and scale == Scale.PAPER


def judge(
    statement: Statement, sides: Sequence[tuple[Side, Side | None]], scale: Scale | None
) -> tuple[Outcome, tuple[Part, ...], str]:
    """The outcome of a statement, its parts, and a note.

    Args:
        sides: for each part our arm, and the one that it is compared with.
        scale: of the runs.

    Raises:
        UnrolledError: for a seed beyond the declared ones, or a value that has no logarithm on a log scale.
    """
    parts, notes = [], []
    for ours, against in sides:
        part = describe(statement, ours, against)
        outcome, note = _outcome(statement, part, ours, against, scale)
        parts.append(part.model_copy(update={"outcome": outcome}))
        notes.append(f"{part.ours.name}: {note}" if note and len(sides) > 1 else note)
    outcome = min((part.outcome for part in parts), key=SEVERITY.index)
    return outcome, tuple(parts), "; ".join(dict.fromkeys(note for note in notes if note))


def describe(quantity: Quantity, ours: Side, against: Side | None = None) -> Part:
    """Means, spreads and the interval of one part, without an outcome.

    Raises:
        UnrolledError: as ``judge``.
    """
    for side in filter(None, (ours, against)):
        _declared(quantity, side)
    log = quantity.metric_scale == "log"
    level = 0.9 if isinstance(quantity, Statement) and quantity.kind == "no difference" else 0.95
    best_of = isinstance(quantity, Statement) and quantity.best_of
    samples = [_sample(quantity, side) if side else None for side in (ours, against)]
    if best_of:
        order = _choice(quantity, ours)
        chosen = ours.values[order[0]]
        sample = samples[0].model_copy(update={"mean": _rounded(chosen)})
        interval = best_interval([ours.values[seed] for seed in order], level) if len(order) > 1 else None
        return Part(ours=sample, mean=_rounded(chosen), interval=_both(interval), level=level)
    mine = _on_scale(quantity, ours)
    if against is None:
        mean = statistics.fmean(mine.values())
        interval = t_interval(list(mine.values()), level) if len(mine) > 1 else None
        agree = None
    else:
        theirs = _on_scale(quantity, against)
        if against.arm.deterministic:  # one number, the same for every seed
            theirs = dict.fromkeys(mine, next(iter(theirs.values())))
        elif ours.arm.deterministic:
            mine = dict.fromkeys(theirs, next(iter(mine.values())))
        fixed = against.arm.deterministic or ours.arm.deterministic
        mean, interval, agree = _difference(
            quantity, mine, theirs, fixed or quantity.pairing == "paired", level
        )
    if log:
        mean, interval = math.exp(mean), interval and tuple(map(math.exp, interval))
    return Part(
        ours=samples[0],
        against=samples[1],
        mean=_rounded(mean),
        interval=_both(interval),
        level=None if interval is None else level,
        agree=agree,
    )


def _declared(quantity: Quantity, side: Side) -> None:
    if not side.values:
        raise UnrolledError(f"{quantity.id}: no value of {side.arm.label}")
    declared = 1 if side.arm.deterministic or quantity.seeds is None else quantity.seeds.declared
    beyond = sorted(seed for seed in side.values if seed >= declared)
    if beyond:
        raise UnrolledError(
            f"{quantity.id}: seed {beyond[0]} of {side.arm.label} is beyond the declared {declared}",
            hint="one increase may be declared, with 'increased_from' and its reason",
        )


def _sample(quantity: Quantity, side: Side) -> Sample:
    values, log = _on_scale(quantity, side), quantity.metric_scale == "log"
    back = math.exp if log else float
    paper = side.arm.paper or (quantity.paper if isinstance(quantity, Statement) else None)
    return Sample(
        name=side.arm.label,
        per_seed={str(seed): _rounded(value) for seed, value in sorted(side.values.items())},
        mean=_rounded(back(statistics.fmean(values.values()))),
        spread=_rounded(back(statistics.stdev(values.values()))) if len(values) > 1 else None,
        n=len(values),
        paper=paper.value if paper else None,
    )


def _on_scale(quantity: Quantity, side: Side) -> dict[int, float]:
    if quantity.metric_scale == "linear":
        return dict(side.values)
    for seed, value in side.values.items():
        if value <= 0:
            raise UnrolledError(f"{quantity.id}: seed {seed} is {value:g}, which has no logarithm")
    return {seed: math.log(value) for seed, value in side.values.items()}


def _difference(
    quantity: Quantity, mine: Values, theirs: Values, paired: bool, level: float
) -> tuple[float, Interval | None, tuple[int, int]]:
    """Mean, interval and agreement of a comparison."""
    lower = isinstance(quantity, Statement) and quantity.direction == "lower"
    sign = -1 if lower else 1
    if paired:
        differences = [mine[seed] - theirs[seed] for seed in sorted(set(mine) & set(theirs))]
        if not differences:
            raise UnrolledError(f"{quantity.id}: the two sides share no seed")
        interval = t_interval(differences, level) if len(differences) > 1 else None
        agree = (sum(sign * x > 0 for x in differences), len(differences))
        return statistics.fmean(differences), interval, agree
    a, b = list(mine.values()), list(theirs.values())
    interval = welch_interval(a, b, level) if min(len(a), len(b)) > 1 else None
    agree = (sum(sign * (x - y) > 0 for x in a for y in b), len(a) * len(b))
    return statistics.fmean(a) - statistics.fmean(b), interval, agree


def _choice(statement: Statement, side: Side) -> list[int]:
    """The seeds in the order in which the paper would choose them."""
    by = side.chosen_by or {}
    sign = 1 if statement.best_of.goal == "min" else -1
    return sorted(side.values, key=lambda seed: (sign * by[seed], seed))


def _outcome(
    statement: Statement, part: Part, ours: Side, against: Side | None, scale: Scale | None
) -> tuple[Outcome, str]:
    """The outcome of one part, and a note."""
    figure = ours.arm.paper or statement.paper
    if statement.source == Source.RECALLED or (figure and figure.source == Source.RECALLED):
        return Outcome.COMPARED, "the paper's number is recalled, not verified"
    if statement.kind == "exact":
        return _exact(part, figure)
    if statement.kind == "value" and scale != Scale.PAPER:
        return Outcome.COMPARED, "values are judged at the paper's scale only"
    sides = [side for side in (ours, against) if side and not side.arm.deterministic]
    n = min(len(side.values) for side in sides) if sides else 1
    if statement.pairing == "paired" and len(sides) == 2:
        n = len(set(ours.values) & set(against.values))
    if n < 3:
        return (Outcome.ONE_RUN if n == 1 else Outcome.TWO_RUNS), ""
    declared = set(range(statement.seeds.declared))
    missing = sorted(set().union(*(declared - set(side.values) for side in sides)))
    if missing:
        seeds = ", ".join(map(str, missing))
        return Outcome.UNDECIDED, f"of the {len(declared)} declared seeds {seeds} are missing"
    return {"value": _value, "ordering": _ordering, "no difference": _equal, "ability": _ability}[
        statement.kind
    ](statement, part, figure)


def _exact(part: Part, figure: Figure) -> tuple[Outcome, str]:
    allowed = (figure.precision or 0.0) + 1e-9 * max(1.0, abs(figure.value))
    off = max(abs(value - figure.value) for value in part.ours.per_seed.values())
    return (Outcome.HOLDS if off <= allowed else Outcome.DIFFERS), ""


def _value(statement: Statement, part: Part, figure: Figure) -> tuple[Outcome, str]:
    """Within the paper's uncertainty, and known at least as well; else on the better or the other side."""
    mean, paper, tolerance = part.mean, figure.value, figure.tolerance(statement.unit)
    low, high = part.interval
    if statement.metric_scale == "log":
        mean, paper, low, high = (math.log(x) for x in (mean, paper, low, high))
        tolerance = math.log1p(tolerance / figure.value)
    off, half = round(abs(mean - paper), 12), (high - low) / 2
    if off <= tolerance:
        if half <= tolerance:
            return Outcome.HOLDS, ""
        return Outcome.UNDECIDED, "our seeds spread wider than the paper's uncertainty"
    if low <= paper <= high:
        return Outcome.UNDECIDED, "our interval holds the paper's number, but its middle is too far off"
    good = {"higher": mean > paper, "lower": mean < paper}.get(statement.direction, False)
    return (Outcome.BETTER if good else Outcome.DIFFERS), ""


def _gap(statement: Statement, part: Part) -> tuple[float, float, float]:
    low, high = part.interval
    if statement.metric_scale == "log":
        return math.log(low), math.log(high), math.log(statement.delta or 1.0)
    return low, high, statement.delta


def _ordering(statement: Statement, part: Part, figure: Figure) -> tuple[Outcome, str]:
    low, high, delta = _gap(statement, part)
    if statement.direction == "lower":
        low, high = -high, -low
    if low > delta:
        return Outcome.HOLDS, ""
    if high < -delta:
        return Outcome.OPPOSITE, ""
    smaller = delta and low > 0
    return Outcome.UNDECIDED, "the difference may be smaller than one that matters" if smaller else ""


def _equal(statement: Statement, part: Part, figure: Figure) -> tuple[Outcome, str]:
    low, high, delta = _gap(statement, part)
    if -delta <= low and high <= delta:
        return Outcome.HOLDS, ""
    return (Outcome.DIFFERS if low > delta or high < -delta else Outcome.UNDECIDED), ""


def _ability(statement: Statement, part: Part, figure: Figure) -> tuple[Outcome, str]:
    met = sum(statement.rule.met(value) for value in part.ours.per_seed.values())
    fine = met >= statement.rule.needed
    return (Outcome.HOLDS if fine else Outcome.FAILS), f"{met} of {part.ours.n} seeds meet the criterion"


def _rounded(value: float) -> float:
    return float(f"{value:.9g}")


def _both(interval: Interval | None) -> Interval | None:
    return interval and (_rounded(interval[0]), _rounded(interval[1]))


def found(finding: Finding, sides: Sequence[tuple[Side, Side | None]]) -> tuple[Part, ...]:
    """The parts of a finding: the same arithmetic, and no outcome."""
    return tuple(describe(finding, ours, against) for ours, against in sides)
