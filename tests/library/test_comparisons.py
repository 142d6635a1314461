"""Comparisons name their systems, are kept with the evidence, and tell when a system has newer runs."""

from __future__ import annotations

import pytest
from comparison_samples import NAMES, comparison
from pydantic import ValidationError

from unrolled.library import evidence as files
from unrolled.library.comparisons import Difference, stale_comparison
from unrolled.library.models import Evidence, Measurement

KNOWN = {"n": 1, "profile": "paper", "device": "cpu", "seconds": 1, "command": "x", "collected": "2026-01-01"}


def resting_on(**runs: str) -> dict[str, Evidence]:
    """Evidence with one claim, measured from these runs."""
    names = {name.replace("__", "-"): key for name, key in runs.items()}
    item = Measurement(claim="pmnist-lstm", value=90, key="x", runs=names, **KNOWN)
    return {"bn_lstm": Evidence(slug="bn_lstm", measurements=(item,))}


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


def test_a_comparison_is_stale_when_evidence_rests_on_other_runs_of_a_variant():
    assert stale_comparison(comparison(), {}) is None
    assert stale_comparison(comparison(), resting_on(lstm__s0__k="k", other__s0__x="x")) is None
    assert stale_comparison(comparison(), resting_on(lstm__s1__x="x")) is None  # another seed
    reason = stale_comparison(comparison(), resting_on(bn_lstm__s0__x="x"))
    assert reason == "the evidence of bn_lstm rests on another run of bn_lstm since"


def test_comparisons_are_written_and_read_back(project):
    item = Evidence(slug="bn_lstm", comparisons=(comparison(),))
    files.save(item)
    assert files.load("bn_lstm") == item
