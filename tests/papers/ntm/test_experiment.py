"""The runs of the chapter: every variant is whole, trains, resumes to the same numbers, and is measured."""

import math
from dataclasses import replace

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.data.algorithmic_tasks import Episodes, copy
from unrolled.data.ngrams import ngram_counts, optimal_estimate
from unrolled.papers.ntm.experiment import EXPERIMENT, Config, Solver, draw, some_size
from unrolled.papers.ntm.metrics import bits_per_sequence, wrong_bits
from unrolled.training.fit import fit
from unrolled.training.store import RunStore

TASKS = {
    "copy": {"beyond": "6"},
    "repeat_copy": {"beyond": "4x2 2x4"},
    "associative_recall": {"beyond": "5"},
    "dynamic_ngrams": {"longest": 12, "beyond": ""},
    "priority_sort": {"longest": 5, "beyond": ""},
}


def tiny(task, **options):
    return replace(Config.smoke(), task=task, updates=2, evaluate_every=1, **TASKS[task], **options)


@pytest.mark.parametrize("model", ["ntm", "lstm"])
@pytest.mark.parametrize("task", TASKS)
def test_every_task_trains_and_is_measured(task, model, tmp_path):
    config = tiny(task, model=model)
    run = fit(EXPERIMENT, config, seed=0, profile="smoke", store=RunStore(tmp_path))
    metrics = run.result["metrics"]
    assert all(math.isfinite(value) for value in metrics.values())
    for size in config.beyond.split():
        assert f"test_bits_{size}" in metrics
        assert f"test_wrong_{size}" in metrics
    assert ("test_excess" in metrics) == (task == "dynamic_ngrams")
    assert ("test_marker" in metrics) == (task == "repeat_copy")


@pytest.mark.parametrize("profile", ["smoke", "book", "paper"])
def test_every_variant_makes_a_network_that_fits_its_task(profile):
    for name, config in EXPERIMENT.variants(profile).items():
        episodes = draw(config, 1, (5, 2)) if config.task != "dynamic_ngrams" else draw(config, 1, (8, 0))
        network = EXPERIMENT.model(config).network
        network.fast = False
        with torch.no_grad():
            assert network(episodes.inputs).shape == episodes.targets.shape, name


def test_every_paper_task_has_a_machine_of_each_kind_and_an_lstm():
    variants = EXPERIMENT.variants("paper")
    for task in TASKS:
        of_task = [config for config in variants.values() if config.task == task]
        assert {(config.model, config.controller) for config in of_task} >= {
            ("ntm", "lstm"),
            ("ntm", "feedforward"),
        }
        assert any(config.model == "lstm" and config.layers == 3 for config in of_task)


def test_sizes_in_training_stay_in_range_and_reach_its_ends():
    config = Config.book()
    drawn = {some_size(config)[0] for _ in range(300)}
    assert drawn == set(range(1, 9))


def test_bits_are_those_of_the_scored_steps_alone():
    episodes = copy(5, 4, bits=3)
    logits = torch.zeros_like(episodes.targets)
    assert bits_per_sequence(logits, episodes).tolist() == pytest.approx([12.0] * 5)
    logits[~episodes.counts] = 100.0
    assert bits_per_sequence(logits, episodes).tolist() == pytest.approx([12.0] * 5)
    right = (episodes.targets * 2 - 1) * 50
    assert bits_per_sequence(right, episodes).max() < 1e-6
    right[2, -1, 0] *= -1
    assert wrong_bits(right, episodes).tolist() == [0, 0, 1, 0, 0]


def test_the_excess_of_the_optimal_estimator_itself_is_zero():
    config = tiny("dynamic_ngrams")

    class Estimator(torch.nn.Module):
        def forward(self, inputs):
            later = torch.cat((inputs[:, 1:], torch.zeros(len(inputs), 1, 1)), 1)
            episodes = Episodes(inputs, later, torch.ones(inputs.shape[:2], dtype=torch.bool))
            return optimal_estimate(*ngram_counts(episodes)).unsqueeze(-1).logit()

    metrics = EXPERIMENT.evaluate(Solver(Estimator(), config), EXPERIMENT.data(config).valid)
    assert metrics["excess"] == pytest.approx(0, abs=1e-4)


def test_an_unknown_profile_is_refused():
    with pytest.raises(UsageError):
        EXPERIMENT.variants("large")
