"""The runs of the chapter: every preset makes a network that fits its task, trains, and is measured."""

import math
from dataclasses import replace

import pytest
import torch

from unrolled.data.algorithmic_tasks import Episodes, copy
from unrolled.data.ngrams import ngram_counts, optimal_estimate
from unrolled.papers.ntm.experiment import EXPERIMENT, bits_per_sequence, draw, draw_size, wrong_bits
from unrolled.training.fit import fit, fit_seeds
from unrolled.training.presets import preset, presets
from unrolled.training.trainer import place

TASKS = {
    "copy": {"beyond": "6"},
    "repeat_copy": {"beyond": "4x2 2x4"},
    "associative_recall": {"beyond": "5"},
    "dynamic_ngrams": {"longest": 12, "beyond": ""},
    "priority_sort": {"longest": 5, "beyond": ""},
}


def tiny(task, **options):
    config = preset(EXPERIMENT, "smoke").config
    return replace(config, task=task, updates=2, evaluate_every=1, **TASKS[task], **options)


@pytest.mark.parametrize("model", ["ntm", "lstm"])
@pytest.mark.parametrize("task", TASKS)
def test_every_task_trains_and_is_measured(task, model):
    config = tiny(task, model=model)
    metrics = fit(EXPERIMENT(config)).metrics
    assert all(math.isfinite(value) for value in metrics.values())
    for size in config.beyond.split():
        assert f"test_bits_{size}" in metrics
        assert f"test_wrong_{size}" in metrics
    assert ("test_excess" in metrics) == (task == "dynamic_ngrams")
    assert ("test_marker" in metrics) == (task == "repeat_copy")


def test_every_preset_makes_a_network_that_fits_its_task():
    for name, found in presets(EXPERIMENT).items():
        config = replace(found.config, backend="reference")
        episodes = draw(config, 1, (8 if config.task == "dynamic_ngrams" else 5, 2))
        with torch.no_grad():
            assert EXPERIMENT(config).model()(episodes.inputs).shape == episodes.targets.shape, name


def test_every_task_has_a_machine_of_each_kind_and_an_lstm_of_three_layers():
    known = {name: found.config for name, found in presets(EXPERIMENT).items()}
    for task in TASKS:
        machine, feedforward, lstm = (known[f"{task}{kind}"] for kind in ("", "_feedforward", "_lstm"))
        assert machine.task == feedforward.task == lstm.task == task
        assert (machine.model, machine.controller) == ("ntm", "lstm")
        assert (feedforward.model, feedforward.controller) == ("ntm", "feedforward")
        assert (lstm.model, lstm.layers) == ("lstm", 3)


def test_episodes_are_new_in_every_update_and_their_size_is_that_of_all_seeds():
    first, second = (EXPERIMENT(preset(EXPERIMENT, "live").config, seed) for seed in (0, 1))
    numbers = first.data().train

    def episodes(experiment, update):
        return Episodes(*experiment.batch(numbers, place(experiment.seed, update)))

    assert torch.equal(episodes(first, 3).inputs, episodes(first, 3).inputs)
    shapes = {update: episodes(first, update).inputs.shape for update in range(9)}
    assert len(set(shapes.values())) > 1
    for update, shape in shapes.items():
        assert episodes(second, update).inputs.shape == shape
        assert not torch.equal(episodes(second, update).inputs, episodes(first, update).inputs)
    assert not torch.equal(episodes(first, 0).inputs[0], episodes(first, 0).inputs[1])


def test_seeds_as_one_program_learn_what_they_learn_alone():
    config = replace(tiny("copy"), updates=4, evaluate_every=4)
    together = fit_seeds([EXPERIMENT(config, seed) for seed in (0, 1)])
    for seed, run in enumerate(together):
        assert run.losses == pytest.approx(fit(EXPERIMENT(config, seed)).losses, rel=1e-4)


def test_sizes_in_training_stay_in_range_and_reach_its_ends():
    config = preset(EXPERIMENT, "live").config
    generator = torch.Generator().manual_seed(0)
    assert {draw_size(config, generator)[0] for _ in range(300)} == set(range(1, config.longest + 1))


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
    experiment = EXPERIMENT(tiny("dynamic_ngrams"))

    class Estimator(torch.nn.Module):
        def forward(self, inputs):
            later = torch.cat((inputs[:, 1:], torch.zeros(len(inputs), 1, 1)), 1)
            episodes = Episodes(inputs, later, torch.ones(inputs.shape[:2], dtype=torch.bool))
            return optimal_estimate(*ngram_counts(episodes)).unsqueeze(-1).logit()

    metrics = experiment.evaluate(Estimator(), experiment.data().valid)
    assert metrics["excess"] == pytest.approx(0, abs=1e-4)
