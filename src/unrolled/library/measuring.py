"""From the runs that a statement or finding names to what is measured: values by seed, scale, outcome."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence

from unrolled.base.errors import UnrolledError
from unrolled.base.keys import combine
from unrolled.library.measurements import Measured, Run
from unrolled.library.models import Entry
from unrolled.library.outcomes import Side, found, judge
from unrolled.library.scales import scale_of
from unrolled.library.statements import Arm, Quantity, Scale, Statement, rule_digest

OF_A_SEED = ("seed", "split_seed", "data_seed")
"""Fields of a configuration that only repeat the run's seed."""


def measure(
    entry: Entry, quantity: Quantity, runs: Sequence[Run], values: Mapping[str, float]
) -> Measured | None:
    """What runs (at most one for a preset and seed) or the chapter's values give; None where any is missing.

    Raises:
        UnrolledError: if a run lacks the metric, or a seed is beyond the declared ones.
    """
    if quantity.value is not None:
        if quantity.value not in values:
            return None
        only = Side(Arm(presets=(quantity.value,), name=quantity.value), {0: values[quantity.value]})
        return _measured(entry, quantity, [(only, None)], (None, ()), ())
    by_preset: dict[str, dict[int, Run]] = {}
    for run in runs:
        by_preset.setdefault(run.preset, {})[run.seed] = run
    arms = (*quantity.runs, *quantity.against)
    if not arms or any(_seeds(arm, by_preset) == set() for arm in arms):
        return None
    sides = {arm: _side(quantity, arm, by_preset) for arm in arms}
    if quantity.against:
        pairs = [(sides[quantity.runs[0]], sides[arm]) for arm in quantity.against]
    else:
        pairs = [(sides[arm], None) for arm in quantity.runs]
    used = [
        (by_preset[preset][seed], arm.deterministic)
        for arm in arms
        for preset in arm.presets
        for seed in sides[arm].values
    ]
    setting = entry.setting(quantity)
    scale = scale_of(setting, used) if setting else (None, ())
    return _measured(entry, quantity, pairs, scale, sorted({run.name for run, _ in used}))


def _measured(
    entry: Entry,
    quantity: Quantity,
    pairs: Sequence[tuple[Side, Side | None]],
    scale: tuple[Scale | None, tuple[str, ...]],
    runs: Iterable[str],
) -> Measured:
    outcome, note = None, ""
    if isinstance(quantity, Statement):
        outcome, parts, note = judge(quantity, pairs, scale[0])
    else:
        parts = found(quantity, pairs)
    rule = rule_digest(quantity, entry.setting(quantity))
    return Measured(
        id=quantity.id,
        parts=parts,
        outcome=outcome,
        scale=scale[0],
        reductions=scale[1],
        note=note,
        rule=rule,
        runs=tuple(runs),
    )


def _seeds(arm: Arm, by_preset: Mapping[str, Mapping[int, Run]]) -> set[int]:
    """The seeds that every preset of an arm has; of one that no seed changes, seed 0."""
    seeds = set.intersection(*(set(by_preset.get(preset, {})) for preset in arm.presets))
    return seeds & {0} if arm.deterministic else seeds


def _side(quantity: Quantity, arm: Arm, by_preset: Mapping[str, Mapping[int, Run]]) -> Side:
    def mean(metric: str, seed: int, factor: float) -> float:
        values = [_metric(quantity, metric, by_preset[preset][seed]) for preset in arm.presets]
        return factor * statistics.fmean(values)

    seeds = sorted(_seeds(arm, by_preset))
    metric = arm.result or quantity.result
    values = {seed: mean(metric, seed, quantity.factor) for seed in seeds}
    best_of = quantity.best_of if isinstance(quantity, Statement) else None
    return Side(arm, values, {seed: mean(best_of.metric, seed, 1.0) for seed in seeds} if best_of else None)


def _metric(quantity: Quantity, name: str, run: Run) -> float:
    """A metric of a run, or what several give together: "test_bleu_beam_1_8 - test_bleu_beam_20_99"."""
    signs = re.findall(r" ([+-]) ", name)
    total = 0.0
    for sign, term in zip(["+", *signs], re.split(r" [+-] ", name), strict=True):
        if term not in run.metrics:
            raise UnrolledError(
                f"run {run.name} has no metric {term!r}, which {quantity.id} needs",
                hint="it measured " + ", ".join(sorted(run.metrics)),
            )
        total += run.metrics[term] if sign == "+" else -run.metrics[term]
    return total


def choose(entry: Entry, quantity: Quantity, runs: Iterable[Run], source: str) -> list[Run]:
    """Of all finished runs those that a statement or finding rests on.

    A preset may have been trained under several configurations and states of the code. One of them is taken,
    for every seed alike: of the present code before others, complete before not, the newest. Never the best.

    Raises:
        UnrolledError: for a seed that no statement or finding of the entry declares for its preset.
    """
    groups: dict[str, dict[tuple, dict[int, Run]]] = {}
    for run in runs:
        if run.preset in quantity.presets:
            if run.seed >= _declared(entry, run.preset):
                raise UnrolledError(
                    f"run {run.name}: seed {run.seed} is beyond the declared {_declared(entry, run.preset)}",
                    hint="declare one increase of 'seeds', with its reason, or move the run away",
                )
            config = {name: value for name, value in run.config.items() if name not in OF_A_SEED}
            mark = (combine(config), _source(run), run.key_parts.get("versions"))
            seeds = groups.setdefault(run.preset, {}).setdefault(mark, {})
            if run.seed not in seeds or _rank(run) > _rank(seeds[run.seed]):
                seeds[run.seed] = run
    wanted = {
        preset: max(
            1 if arm.deterministic else quantity.seeds.declared
            for arm in (*quantity.runs, *quantity.against)
            if preset in arm.presets
        )
        for preset in quantity.presets
    }
    chosen: list[Run] = []
    for preset, marks in groups.items():
        best = max(marks.values(), key=lambda seeds: _preference(seeds, source))
        chosen += [run for seed, run in sorted(best.items()) if seed < wanted[preset]]
    return chosen


def _declared(entry: Entry, preset: str) -> int:
    """How many seeds of a preset the entry declares, at most."""
    return max(
        (
            item.seeds.declared
            for item in (*entry.statements, *entry.findings)
            if item.seeds and preset in item.presets
        ),
        default=math.inf,
    )


def _source(run: Run) -> str | None:
    return run.carried_over.source if run.carried_over else run.key_parts.get("source")


def _rank(run: Run) -> tuple:
    return (run.complete, run.updates, run.finished, run.key)


def _preference(seeds: Mapping[int, Run], source: str) -> tuple:
    runs = seeds.values()
    return (
        all(_source(run) == source for run in runs),
        all(run.complete for run in runs),
        max(run.finished for run in runs),
        len(seeds),
        max(run.key for run in runs),
    )
