"""Comparisons name their systems, are kept with the evidence, and tell when a system has newer runs."""

from __future__ import annotations

import pytest
from comparison_samples import NAMES, comparison
from pydantic import ValidationError
from statement_samples import run

from unrolled.library import evidence as files
from unrolled.library.comparisons import Difference, stale_comparison
from unrolled.library.measurements import Evidence


def resting_on(**keys: str) -> dict[str, Evidence]:
    """Evidence with a run for each preset and seed, with these keys."""
    names = {name: name.partition("__s") for name in keys}
    runs = {
        name: run(preset, int(seed)).model_copy(update={"key": keys[name]})
        for name, (preset, _, seed) in names.items()
    }
    return {"bn_lstm": Evidence(slug="bn_lstm", runs=runs)}


def test_two_systems_are_told_apart_below_five_per_cent():
    pair = Difference(ahead="a:b", behind="c:d", difference=1, p=0.05)
    assert not pair.told_apart
    assert pair.model_copy(update={"p": 0.049}).told_apart


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"differences": [Difference(ahead="bn_lstm:x", behind=NAMES[0], difference=1, p=0.1)]}, "bn_lstm:x"),
        ({"systems": [comparison().systems[0]] * 2}, "a system twice"),
        ({"systems": comparison().systems[:1]}, "systems"),
    ],
)
def test_a_comparison_names_its_systems(changes, said):
    with pytest.raises(ValidationError, match=said):
        comparison(**changes)


def test_a_comparison_is_stale_when_evidence_rests_on_other_runs_of_a_preset():
    assert stale_comparison(comparison(), {}) is None
    assert stale_comparison(comparison(), resting_on(lstm__s0="k", other__s0="x")) is None
    assert stale_comparison(comparison(), resting_on(lstm__s1="x")) is None  # another seed
    reason = stale_comparison(comparison(), resting_on(bn_lstm__s0="x"))
    assert reason == "the evidence of bn_lstm rests on another run of bn_lstm since"


def test_comparisons_are_written_and_read_back(project):
    item = Evidence(slug="bn_lstm", comparisons=(comparison(),))
    files.save(item)
    assert files.load("bn_lstm").comparisons == item.comparisons
