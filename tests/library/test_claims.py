"""Verdicts follow from rules alone, and measurements from the runs that a claim selects."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.base.errors import UnrolledError
from unrolled.library.claims import holds, judge, measure
from unrolled.library.models import Claim, Measurement, Rule, Verdict

LOCUS = {"table": "1"}


def claim(kind="paper", rule=None, **fields) -> Claim:
    return Claim(
        id="c",
        kind=kind,
        statement="It holds.",
        locus=LOCUS,
        metric="a number",
        rule=rule or {"comparator": ">=", "bound": 2.0},
        **fields,
    )


def measured(value: float, **fields) -> Measurement:
    known = {
        "profile": "paper",
        "device": "cpu",
        "seconds": 1.0,
        "command": "x",
        "key": "k",
        "collected": "2026-01-01",
    }
    return Measurement(claim="c", value=value, n=1, **(known | fields))


WITHIN = {"comparator": "within", "tolerance": 1.0}


@pytest.mark.parametrize(
    ("fields", "value", "verdict"),
    [
        ({}, 2.0, Verdict.REPRODUCED),
        ({}, 1.9, Verdict.NOT_REPRODUCED),
        ({"trend": {"comparator": ">", "bound": 0}}, 1.9, Verdict.TREND_ONLY),
        ({"trend": {"comparator": ">", "bound": 0}}, 0.0, Verdict.NOT_REPRODUCED),
        ({"rule": WITHIN, "paper_value": 95.4, "direction": "higher"}, 94.4, Verdict.REPRODUCED),
        ({"rule": WITHIN, "paper_value": 95.4, "direction": "higher"}, 96.5, Verdict.BETTER),
        ({"rule": WITHIN, "paper_value": 95.4, "direction": "higher"}, 94.3, Verdict.NOT_REPRODUCED),
        ({"rule": WITHIN, "paper_value": 1.32, "direction": "lower"}, 0.1, Verdict.BETTER),
        ({"rule": WITHIN, "paper_value": 95.4}, 96.5, Verdict.NOT_REPRODUCED),
        (
            {"paper_value": 5.2, "direction": "higher"},
            9.0,
            Verdict.REPRODUCED,
        ),  # no tolerance says how much is more
    ],
)
def test_the_verdict_on_a_complete_run_follows_from_the_rule(fields, value, verdict):
    assert judge(claim(**fields), measured(value)) == verdict


def test_without_a_measurement_nothing_was_attempted_and_a_changed_key_is_stale():
    assert judge(claim(), None) == Verdict.NOT_ATTEMPTED
    assert judge(claim(), None, stale=True) == Verdict.NOT_ATTEMPTED
    assert judge(claim(), measured(5.0), stale=True) == Verdict.STALE


@pytest.mark.parametrize("less", [{"complete": False}, {"profile": "book"}])
def test_at_less_than_the_paper_s_scale_a_claim_is_at_best_a_trend(less):
    assert judge(claim(), measured(5.0, **less)) == Verdict.TREND_ONLY
    assert judge(claim(), measured(1.0, **less)) == Verdict.NOT_REPRODUCED
    ahead = claim(rule=WITHIN, paper_value=95.4, direction="higher")
    assert judge(ahead, measured(99.0, **less)) == Verdict.TREND_ONLY
    assert judge(claim(kind="quick"), measured(5.0, **less)) == Verdict.REPRODUCED


number = st.floats(-1e6, 1e6, allow_nan=False)
rules = st.one_of(
    st.builds(Rule, comparator=st.sampled_from([">=", ">", "<=", "<"]), bound=number),
    st.builds(Rule, comparator=st.just("within"), tolerance=st.floats(0, 1e3)),
    st.builds(
        lambda low, width: Rule(comparator="between", bound=low, upper=low + width), number, st.floats(0, 1e3)
    ),
)


@given(rules, number, number)
def test_a_rule_and_its_opposite_never_both_hold(rule, value, paper):
    opposite = {">=": "<", ">": "<=", "<=": ">", "<": ">="}.get(rule.comparator)
    if opposite:
        other = Rule(comparator=opposite, bound=rule.bound)
        assert holds(rule, value, paper) != holds(other, value, paper)
    else:
        middle = paper if rule.comparator == "within" else rule.bound
        assert holds(rule, middle, paper)


@given(
    rules, st.one_of(st.none(), rules), number, number, st.sampled_from(["higher", "lower", "equal", "none"])
)
def test_a_verdict_says_reproduced_only_where_the_rule_holds(rule, trend, value, paper, direction):
    it = claim(rule=rule, trend=trend, paper_value=paper, direction=direction)
    verdict = judge(it, measured(value))
    good = holds(rule, value, paper)
    if verdict == Verdict.REPRODUCED:
        assert good
    elif verdict == Verdict.BETTER:
        assert value > paper if direction == "higher" else value < paper
    else:
        assert not good
        assert (verdict == Verdict.TREND_ONLY) == (trend is not None and holds(trend, value, paper))


def run(variant="a", seed=0, value=0.9, **fields) -> dict:
    result = {
        "slug": "toy",
        "variant": variant,
        "profile": "paper",
        "seed": seed,
        "config": {"model": variant, "task": "pmnist", "updates": 100},
        "key": f"{variant}{seed}".ljust(64, "0"),
        "key_parts": {"source": "s", "parameters": f"p{variant}{seed}", "data": "d", "versions": "cpu: x"},
        "metrics": {"test_accuracy": value},
        "updates": 100,
        "updates_planned": 100,
        "complete": True,
        "device": "cpu",
        "seconds": 2.0,
        "peak_memory_mb": 10.0 + seed,
        "command": "unrolled train toy",
        "finished": "2026-01-01",
    }
    config = result["config"] | fields.pop("config", {})
    return result | fields | {"config": config}


GAIN = claim(measure={"metric": "test_accuracy", "of": {"model": "a"}, "minus": {"model": "b"}, "scale": 100})


def test_a_difference_pairs_the_runs_by_seed():
    runs = [run("a", s, 0.90 + s / 100) for s in range(3)] + [run("b", s, 0.80) for s in (1, 2, 7)]
    found = measure(GAIN, runs)
    assert found.per_seed == {"1": pytest.approx(11.0), "2": pytest.approx(12.0)}
    assert (found.n, found.value) == (2, pytest.approx(11.5))
    assert found.spread == pytest.approx(statistics.stdev([11, 12]))
    assert found.seconds == 8.0
    assert found.peak_memory_mb == 12.0
    assert len(found.runs) == 4
    assert found.scale == "100 updates, 2 seeds"


EACH = claim(
    measure={"metric": "test_accuracy", "of": {"size": 1}, "each": {"task": [1, 2, 3]}, "scale": 100}
)


def of_task(task, value, seed=0, size=1):
    return run(f"task_{task}", seed, value, config={"task": task, "size": size, "model": "a"})


def test_runs_that_differ_in_one_value_are_averaged_before_the_seeds_are():
    runs = [of_task(task, value) for task, value in ((1, 0.3), (2, 0.6), (3, 0.9))]
    runs += [of_task(task, 1.0, seed=1) for task in (1, 2, 3)]
    runs += [of_task(2, 0.0, size=7), of_task(4, 0.0)]
    found = measure(EACH, runs)
    assert found.per_seed == {"0": pytest.approx(60.0), "1": pytest.approx(100.0)}
    assert len(found.runs) == 6
    assert found.seconds == 12.0
    assert found.complete
    assert found.scale == "100 updates, 2 seeds, 6 runs"


def test_a_mean_over_runs_needs_a_run_for_every_value():
    assert measure(EACH, [of_task(task, 0.5) for task in (1, 2)]) is None
    stopped = [of_task(1, 0.5), of_task(2, 0.5), {**of_task(3, 0.5), "complete": False}]
    assert not measure(EACH, stopped).complete


def test_a_quotient_is_taken_seed_by_seed():
    of = claim(measure={"metric": "test_accuracy", "of": {"model": "a"}, "over": {"model": "b"}})
    runs = [run("a", s, 0.6) for s in range(2)] + [run("b", s, 0.3 - s / 10) for s in range(2)]
    assert measure(of, runs).per_seed == {"0": pytest.approx(2.0), "1": pytest.approx(3.0)}
    with pytest.raises(UnrolledError, match="divides by the test_accuracy"):
        measure(of, [run("a", 0, 0.6), run("b", 0, 0.0)])


@pytest.mark.parametrize("more", [{"minus": {"model": "c"}}, {"reduce": "wins"}])
def test_a_quotient_is_no_difference(more):
    with pytest.raises(ValueError, match="minus"):
        claim(measure={"metric": "test_accuracy", "of": {"model": "a"}, "over": {"model": "b"}} | more)


@pytest.mark.parametrize(
    ("how", "value"), [("mean", 2.0), ("median", 1.0), ("min", -1.0), ("max", 6.0), ("wins", 2.0)]
)
def test_seeds_are_reduced_as_the_claim_says(how, value):
    wanted = {
        "metric": "test_accuracy",
        "of": {"model": "a"},
        "minus": {"model": "b"},
        "scale": 1,
        "reduce": how,
    }
    runs = [run("a", s, v) for s, v in enumerate([-1.0, 1.0, 6.0])] + [run("b", s, 0.0) for s in range(3)]
    assert measure(claim(measure=wanted), runs).value == pytest.approx(value)


def test_stopped_runs_count_with_what_was_done_in_words():
    of = claim(measure={"metric": "test_accuracy", "of": {"model": "a", "task": "pmnist"}})
    runs = [run("a", s, complete=False, updates=41_000, updates_planned=100_000) for s in range(3)]
    found = measure(of, runs)
    assert not found.complete
    assert found.scale == "41,000 of 100,000 updates, 3 seeds, pmnist"
    assert found.spread == 0.0


def test_complete_runs_of_the_paper_s_profile_go_before_others():
    of = claim(measure={"metric": "test_accuracy", "of": {"model": "a"}})
    book = [run("a", s, 0.1, profile="book", key=f"k{s}") for s in range(5)]
    stopped = [run("a", s, 0.2, complete=False, updates=50, config={"hidden": 9}) for s in range(4)]
    assert measure(of, [*book, *stopped, run("a", 0, 0.3)]).value == pytest.approx(0.3)
    assert measure(of, [*book, *stopped]).value == pytest.approx(0.2)
    assert measure(of, book).profile == "book"
    assert measure(of, [run("a", 0, profile="smoke")]) is None


def test_runs_of_two_states_of_the_code_are_never_mixed_where_one_suffices():
    of = claim(measure={"metric": "test_accuracy", "of": {"model": "a"}})
    old = [run("a", s, 0.1, key=f"old{s}", key_parts={"source": "old"}) for s in range(2)]
    new = [run("a", s, 0.2) for s in range(3)]
    assert measure(of, old + new).key_parts.source == "s"
    mixed = measure(GAIN, [run("a", 0, key_parts={"source": "old"}), run("b", 0)])
    assert mixed.key_parts.source not in ("s", "old")


def test_no_fitting_run_is_no_measurement():
    assert measure(GAIN, [run("a", 0)]) is None
    assert measure(GAIN, [run("a", 0), run("b", 1)]) is None
    assert measure(claim(), [run()]) is None


@pytest.mark.parametrize(("metrics", "said"), [({}, "has no metric"), ({"test_accuracy": math.nan}, "nan")])
def test_a_run_without_a_finite_value_is_named(metrics, said):
    of = claim(measure={"metric": "test_accuracy", "of": {"model": "a"}})
    with pytest.raises(UnrolledError, match=f"run a-s0-.*{said}"):
        measure(of, [run("a", 0, metrics=metrics)])


@given(
    st.dictionaries(st.integers(0, 9), st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1), st.randoms()
)
def test_the_order_of_runs_does_not_matter(values, rng):
    runs = [run("a", s, v) for s, (v, _) in values.items()] + [run("b", s, v) for s, (_, v) in values.items()]
    shuffled = list(runs)
    rng.shuffle(shuffled)
    assert measure(GAIN, shuffled) == measure(GAIN, runs)
