"""Outcomes follow from values by statistics: every kind of statement, and where nothing may be said."""

from __future__ import annotations

import itertools
import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from unrolled.base.errors import UnrolledError
from unrolled.library.intervals import best_interval, t_interval, welch_interval
from unrolled.library.outcomes import Side, describe, judge, reproduced
from unrolled.library.statements import Finding, Outcome, Scale, Statement

PAPER, REDUCED = Scale.PAPER, Scale.REDUCED


def statement(kind: str, seeds: int = 5, **fields) -> Statement:
    known = {
        "id": "s",
        "kind": kind,
        "says": "It holds.",
        "locus": {"table": "1"},
        "metric": "a number",
        "result": "x",
        "runs": ["a"],
        "seeds": seeds,
    }
    if kind in ("ordering", "no difference"):
        known |= {"against": ["b"], "pairing": "paired", "direction": "higher"}
    return Statement(**(known | fields))


def judged(of: Statement, ours, against=None, scale=PAPER, chosen_by=None):
    def numbered(values):
        return dict(enumerate(values))

    side = Side(of.runs[0], numbered(ours), chosen_by and numbered(chosen_by))
    other = Side(of.against[0], numbered(against)) if against is not None else None
    outcome, parts, note = judge(of, [(side, other)], scale)
    return outcome, parts[0], note


ORDERING = statement("ordering")
NOISE = [0.3, -0.2, 0.1, -0.4, 0.2]


def test_an_ordering_holds_where_the_interval_of_paired_differences_is_above_zero():
    base = [10.0, 14.0, 9.0, 16.0, 11.0]  # seeds differ far more than the two sides do
    outcome, part, _ = judged(ORDERING, [x + 1 + n for x, n in zip(base, NOISE, strict=True)], base)
    assert outcome == Outcome.HOLDS
    assert part.agree == (5, 5)
    assert part.mean == pytest.approx(1.0)
    low, high = stats.t.interval(0.95, 4, 1.0, stats.sem([1 + n for n in NOISE]))
    assert part.interval == pytest.approx((low, high))


def test_an_ordering_inside_its_noise_is_undecided_whatever_its_mean():
    outcome, part, _ = judged(ORDERING, [1 + 10 * n for n in NOISE], [0.0] * 5)
    assert part.mean > 0
    assert outcome == Outcome.UNDECIDED
    assert part.agree == (3, 5)


def test_the_opposite_is_said_and_lower_turns_the_ordering_around():
    ours, against = [1 + n for n in NOISE], [0.0] * 5
    assert judged(ORDERING, against, ours)[0] == Outcome.OPPOSITE
    lower = statement("ordering", direction="lower")
    assert judged(lower, against, ours)[0] == Outcome.HOLDS
    assert judged(lower, against, ours)[1].agree == (5, 5)
    assert judged(lower, ours, against)[0] == Outcome.OPPOSITE


def test_a_difference_must_exceed_the_smallest_one_that_matters():
    ours = [1 + n / 10 for n in NOISE]
    assert judged(statement("ordering", delta=0.9), ours, [0.0] * 5)[0] == Outcome.HOLDS
    outcome, _, note = judged(statement("ordering", delta=1.0), ours, [0.0] * 5)
    assert (outcome, "smaller than one that matters" in note) == (Outcome.UNDECIDED, True)


def test_sides_without_shared_data_are_compared_by_welch():
    welch = statement("ordering", pairing="welch")
    ours, against = [3.0, 3.5, 2.5, 3.2, 2.8], [1.0, 2.0, 0.5, 1.5, 1.2]
    outcome, part, _ = judged(welch, ours, against)
    found = stats.ttest_ind(ours, against, equal_var=False).confidence_interval(0.95)
    assert part.interval == pytest.approx(tuple(found))
    assert (outcome, part.agree) == (Outcome.HOLDS, (25, 25))


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=5),
    st.lists(st.floats(-100, 100), min_size=3, max_size=5),
)
def test_an_ordering_and_its_opposite_never_both_hold(ours, against):
    welch = statement("ordering", 3, pairing="welch")
    one, other = judged(welch, ours[:3], against[:3])[0], judged(welch, against[:3], ours[:3])[0]
    mirrored = {Outcome.HOLDS: Outcome.OPPOSITE, Outcome.OPPOSITE: Outcome.HOLDS}
    assert other == mirrored.get(one, one)


def test_one_number_without_seeds_is_compared_with_every_seed():
    against = [{"presets": ["reference"], "deterministic": True}]
    of = statement("ordering", against=against)
    outcome, part, _ = judged(of, [1 + n / 10 for n in NOISE], [0.5])
    assert (outcome, part.agree, part.against.n) == (Outcome.HOLDS, (5, 5), 1)


def test_no_difference_needs_its_whole_interval_within_delta():
    of = statement("no difference", delta=0.5)
    small, wide = [n / 10 for n in NOISE], [3 * n for n in NOISE]
    outcome, part, _ = judged(of, small, [0.0] * 5)
    assert (outcome, part.level) == (Outcome.HOLDS, 0.9)
    assert part.interval == pytest.approx(stats.t.interval(0.9, 4, 0.0, stats.sem(small)), abs=1e-9)
    assert judged(of, wide, [0.0] * 5)[0] == Outcome.UNDECIDED  # no evidence of a difference is not enough
    assert judged(of, [1 + x for x in small], [0.0] * 5)[0] == Outcome.DIFFERS
    assert judged(of, [0.49 + x for x in small], [0.0] * 5)[0] == Outcome.UNDECIDED


VALUE = statement("value", unit="%", direction="higher", paper={"value": 95.4, "test_items": 10_000})
"""Two standard errors of ten thousand test items are 0.419."""


@pytest.mark.parametrize(
    ("mean", "spread", "outcome"),
    [
        (95.4, 0.1, Outcome.HOLDS),
        (95.1, 0.1, Outcome.HOLDS),
        (95.4, 2.0, Outcome.UNDECIDED),  # our seeds spread wider than what the paper's number is known to
        (96.5, 0.1, Outcome.BETTER),
        (94.5, 0.1, Outcome.DIFFERS),
        (94.5, 2.0, Outcome.UNDECIDED),
    ],
)
def test_a_value_holds_within_the_uncertainty_of_the_paper_s_test_set(mean, spread, outcome):
    values = [mean + spread * x for x in (-1, 0, 1, 0.5, -0.5)]
    assert judged(VALUE, values)[0] == outcome


def test_the_paper_s_own_spread_counts_where_it_is_larger():
    of = statement("value", paper={"value": 95.4, "test_items": 10_000, "spread": 2.0}, unit="%")
    assert judged(of, [94.0, 94.1, 93.9, 94.0, 94.1])[0] == Outcome.HOLDS
    lower = statement("value", direction="lower", paper={"value": 1.32, "standard_error": 0.01})
    assert judged(lower, [0.1, 0.11, 0.1, 0.11, 0.1])[0] == Outcome.BETTER


def test_a_value_at_less_than_the_paper_s_scale_has_no_outcome():
    for scale in (Scale.REDUCED, Scale.TOY, None):
        outcome, part, note = judged(VALUE, [95.4] * 5, scale=scale)
        assert (outcome, part.mean) == (Outcome.COMPARED, 95.4)
        assert "paper's scale only" in note
    assert judged(ORDERING, [1 + n / 10 for n in NOISE], [0.0] * 5, REDUCED)[0] == Outcome.HOLDS


def test_a_recalled_number_is_compared_and_never_holds():
    figure = {"value": 95.4, "test_items": 10_000, "source": "recalled"}
    assert judged(statement("value", paper=figure), [95.4] * 5)[0] == Outcome.COMPARED
    recalled = statement("ordering", source="recalled")
    assert judged(recalled, [9.0 + n for n in NOISE], [0.0] * 5)[0] == Outcome.COMPARED


KINDS = {
    "ordering": (ORDERING, [9.0, 9.1, 9.2, 9.3, 9.4], [0.0] * 5),
    "no difference": (statement("no difference", delta=1.0), [0.0] * 5, [0.0] * 5),
    "value": (VALUE, [95.4] * 5, None),
    "ability": (
        statement("ability", rule={"comparator": ">=", "bound": 0.9, "needed": 1}),
        [1.0] * 5,
        None,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_fewer_than_three_runs_never_hold_and_no_verdict_falls_before_all_seeds_are_there(kind):
    of, ours, against = KINDS[kind]
    assert judged(of, ours, against)[0] == Outcome.HOLDS
    expected = [Outcome.ONE_RUN, Outcome.TWO_RUNS, Outcome.UNDECIDED, Outcome.UNDECIDED]
    for n, outcome in enumerate(expected, 1):
        found, _, note = judged(of, ours[:n], against and against[:n])
        assert found == outcome
        assert ("3, 4 are missing" in note) == (n == 3)


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_beyond_the_declared_ones_are_refused(kind):
    of, ours, against = KINDS[kind]
    with pytest.raises(UnrolledError, match="seed 5 of a is beyond the declared 5"):
        judged(of, [*ours, ours[0]], against)


def test_a_declared_increase_goes_up_and_says_why():
    for seeds in ({"declared": 5, "increased_from": 5, "why": "x"}, {"declared": 5, "increased_from": 3}):
        with pytest.raises(ValidationError, match="an increase goes up"):
            statement("ordering", seeds=seeds)
    more = statement("ordering", seeds={"declared": 5, "increased_from": 3, "why": "undecided at three"})
    assert more.seeds.declared == 5


def test_zero_variance_decides_by_the_mean_alone():
    assert judged(ORDERING, [1.0] * 5, [0.5] * 5)[1].interval == (0.5, 0.5)
    assert judged(ORDERING, [1.0] * 5, [0.5] * 5)[0] == Outcome.HOLDS
    assert judged(ORDERING, [1.0] * 5, [1.0] * 5)[0] == Outcome.UNDECIDED
    assert judged(statement("ordering", pairing="welch"), [1.0] * 5, [0.5] * 5)[0] == Outcome.HOLDS
    assert judged(statement("no difference", delta=0.1), [1.0] * 5, [1.0] * 5)[0] == Outcome.HOLDS
    assert judged(VALUE, [95.4] * 5)[0] == Outcome.HOLDS


def test_skewed_losses_are_compared_as_ratios():
    ours, against = [1.0, 10.0, 100.0, 1000.0, 1.0], [2.0, 21.0, 190.0, 2000.0, 2.1]
    assert judged(statement("ordering", direction="lower"), ours, against)[0] == Outcome.UNDECIDED
    log = statement("ordering", direction="lower", metric_scale="log")
    outcome, part, _ = judged(log, ours, against)
    assert outcome == Outcome.HOLDS
    assert part.mean == pytest.approx(0.5, rel=0.03)
    assert part.ours.mean == pytest.approx(statistics.geometric_mean(ours))
    assert judged(log.model_copy(update={"delta": 3.0}), ours, against)[0] == Outcome.UNDECIDED
    with pytest.raises(UnrolledError, match="seed 0 is 0, which has no logarithm"):
        judged(log, [0.0, *ours[1:]], against)
    with pytest.raises(ValidationError, match="ratio above 1"):
        statement("ordering", metric_scale="log", delta=0.5)


def test_a_value_on_a_log_scale_is_judged_by_its_geometric_mean():
    of = statement("value", metric_scale="log", direction="lower", paper={"value": 10.0, "spread": 5.0})
    assert judged(of, [8.0, 12.5, 10.0, 9.0, 11.0])[0] == Outcome.HOLDS
    assert judged(of, [1.0, 1.1, 0.9, 1.0, 1.0])[0] == Outcome.BETTER


def test_an_ability_counts_the_seeds_that_meet_its_criterion():
    of = statement("ability", rule={"comparator": "<=", "bound": 0.1, "needed": 4})
    outcome, _, note = judged(of, [0.0, 0.1, 0.05, 0.0, 0.9])
    assert (outcome, note) == (Outcome.HOLDS, "4 of 5 seeds meet the criterion")
    assert judged(of, [0.0, 0.2, 0.05, 0.0, 0.9])[0] == Outcome.FAILS


def test_an_exact_number_agrees_to_its_printed_digits():
    of = statement("exact", 1, paper={"value": 0.62, "precision": 0.005})
    assert judged(of, [0.6169])[0] == Outcome.HOLDS
    assert judged(of, [0.6149])[0] == Outcome.DIFFERS
    count = statement("exact", 1, paper={"value": 15931})
    assert judged(count, [15931.0])[0] == Outcome.HOLDS
    assert judged(count, [4217.0])[0] == Outcome.DIFFERS


BEST = statement(
    "value",
    10,
    direction="lower",
    best_of={"metric": "train_loss", "goal": "min"},
    paper={"value": 12.4, "standard_error": 0.3},
)


def test_the_best_of_several_runs_is_chosen_as_the_paper_does_and_all_are_shown():
    errors = [12.4, 12.0, 12.5, 12.6, 12.3, 12.4, 12.5, 12.4, 12.6, 12.3]
    losses = [0.1, 0.9, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0]
    outcome, part, _ = judged(BEST, errors, chosen_by=losses)
    assert part.mean == 12.4  # the lowest training loss, not the lowest error
    assert part.ours.per_seed == {str(seed): value for seed, value in enumerate(errors)}
    assert outcome == Outcome.HOLDS
    assert judged(BEST, errors[:9], chosen_by=losses[:9])[0] == Outcome.UNDECIDED
    assert judged(BEST, [*errors[1:], 30.0], chosen_by=losses)[0] != Outcome.BETTER


def test_the_interval_of_the_best_of_several_is_that_of_drawing_them_again():
    ordered, rng = [5.0, 1.0, 4.0, 2.0], random.Random(0)
    drawn = sorted(ordered[min(rng.choices(range(4), k=4))] for _ in range(20_000))
    low, high = best_interval(ordered, 0.8)
    assert (low, high) == (drawn[2000], drawn[17_999])


def test_a_statement_with_several_parts_has_the_gravest_outcome():
    of = statement("ordering", against=["b", "c"])
    ours = Side(of.runs[0], dict(enumerate([1 + n / 10 for n in NOISE])))
    sides = [
        (ours, Side(arm, dict.fromkeys(range(5), x))) for arm, x in zip(of.against, (0.0, 1.0), strict=True)
    ]
    outcome, parts, _ = judge(of, sides, PAPER)
    assert [part.outcome for part in parts] == [Outcome.HOLDS, Outcome.UNDECIDED]
    assert outcome == Outcome.UNDECIDED


def test_reproduced_is_said_at_the_paper_s_scale_only():
    said = {
        (outcome, scale)
        for outcome, scale in itertools.product(Outcome, [*Scale, None])
        if reproduced(outcome, scale)
    }
    assert said == {(Outcome.HOLDS, PAPER), (Outcome.BETTER, PAPER)}


def test_a_finding_has_the_same_numbers_and_no_outcome():
    of = Finding(
        id="f",
        says="x",
        metric="m",
        result="x",
        runs=["a"],
        against=["b"],
        pairing="paired",
        seeds=5,
    )
    sides = [
        Side(arm, dict(enumerate(v)))
        for arm, v in zip((*of.runs, *of.against), (NOISE, [0.0] * 5), strict=True)
    ]
    part = describe(of, *sides)
    assert part.outcome is None
    assert part.interval == pytest.approx(stats.t.interval(0.95, 4, 0.0, stats.sem(NOISE)), abs=1e-9)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9), st.sampled_from([0.9, 0.95]))
def test_the_t_interval_is_scipy_s(values, level):
    low, high = t_interval(values, level)
    assert low <= statistics.fmean(values) + 1e-9
    if statistics.stdev(values) > 1e-6:
        expected = stats.t.interval(level, len(values) - 1, statistics.fmean(values), stats.sem(values))
        assert (low, high) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    if len(values) > 2:  # the spreads of two groups, of which one may be tiny
        tiny = [x * 1e-170 for x in values]
        assert all(math.isfinite(x) for x in welch_interval(values, tiny, level))
        assert all(math.isfinite(x) for x in welch_interval(tiny, tiny, level))
    same = welch_interval(values, values, level)
    assert math.isclose(sum(same), 0.0, abs_tol=1e-6)


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("value", {"paper": None}, "needs 'paper'"),
        ("value", {"paper": {"value": 1.0}}, "'spread', 'standard_error' or 'test_items'"),
        ("ordering", {"against": []}, "needs 'against'"),
        ("ordering", {"direction": "none"}, "'direction'"),
        ("ordering", {"pairing": None}, "a 'pairing'"),
        ("no difference", {}, "'delta'"),
        ("ability", {}, "needs 'rule'"),
        ("ability", {"rule": {"comparator": ">", "bound": 0, "needed": 6}}, "can never be met"),
        ("exact", {"paper": None}, "needs 'paper'"),
        ("ordering", {"seeds": None}, "how many were declared"),
        ("ordering", {"result": None}, "name of the metric"),
        ("ordering", {"value": "x"}, "not both"),
    ],
)
def test_a_statement_that_cannot_be_judged_is_refused(kind, changes, said):
    with pytest.raises(ValidationError, match=said):
        statement(kind, **changes)
