"""The traces that the chapter shows: of runs of the evidence, and what they say they are."""

from dataclasses import replace

import pytest
import torch

from unrolled.library.evidence import load
from unrolled.papers.bahdanau_attention import traces
from unrolled.papers.bahdanau_attention.experiment import EXPERIMENT
from unrolled.training.presets import preset


def test_kept_traces_are_of_runs_in_the_evidence():
    kept, runs = traces.read(), load("bahdanau_attention").runs.values()
    known = {(run.preset, run.seed, run.key) for run in runs}
    of = [kept["captions"], *kept["numbers"]["runs"]]
    assert {(one["preset"], one["seed"], one["key"]) for one in of} <= known


def test_kept_weights_are_rows_of_a_distribution():
    for caption in traces.read()["captions"]["shown"]:
        alpha = torch.tensor(caption["alpha"])
        assert alpha.shape == (len(caption["target"]), len(caption["source"]))
        assert (alpha.sum(1) - 1).abs().max() < 0.01


@pytest.fixture
def numbers():
    config = replace(preset(EXPERIMENT, "smoke").config, model="fixed", numbers=200, held_out=40)
    experiment = EXPERIMENT(config)
    return experiment, experiment.model().eval()


def test_wrong_numbers_are_counted_over_all_models_and_shown_of_the_first(numbers):
    once, twice = traces.numbers([numbers], count=1), traces.numbers([numbers] * 2, count=1)
    assert once["numbers"] > 0
    assert twice["numbers"] == 2 * once["numbers"]
    assert twice["units"] == 2 * once["units"]
    assert twice["shown"] == once["shown"]
    for english, right, written in once["shown"]:
        assert len(english.split()) >= 15
        assert right != written
