"""The experiment: presets, canvases, metrics, and runs that end."""

from dataclasses import replace

import pytest
import torch

from unrolled.papers.ram.experiment import RAMExperiment
from unrolled.training.fingerprint import measure
from unrolled.training.fit import fit, fit_seeds
from unrolled.training.presets import presets
from unrolled.training.trainer import place

PRESETS = {name: preset.config for name, preset in presets(RAMExperiment).items()}
SMOKE = PRESETS["smoke"]


def test_presets_have_the_papers_sizes():
    plain, translated, cluttered = (PRESETS[name] for name in ("28", "translated60", "cluttered60"))
    assert (plain.size, plain.glimpse_size, plain.scales, plain.glimpses) == (28, 8, 1, 6)
    assert (translated.size, translated.glimpse_size, translated.scales) == (60, 12, 3)
    assert (cluttered.distractors, cluttered.crop, cluttered.glimpses) == (4, 8, 8)
    for config in PRESETS.values():
        assert RAMExperiment(config).datasets() == (() if config.source == "digits" else ("mnist",))


@pytest.mark.parametrize("scene", ["plain", "translated", "cluttered"])
def test_held_out_canvases_are_fixed_and_training_ones_are_fresh(scene):
    config = replace(SMOKE, scene=scene, size=8 if scene == "plain" else 20, distractors=2, crop=4)
    experiment = RAMExperiment(config)
    first, again = experiment.data(), RAMExperiment(config).data()
    assert torch.equal(first.valid[0], again.valid[0])
    batch = tuple(part[:50] for part in first.train)
    one, two, one_again = (experiment.batch(batch, place(0, update))[0] for update in (0, 1, 0))
    assert torch.equal(one, one_again)
    assert one.shape[1:] == first.valid[0].shape[1:] == (config.size, config.size)
    assert torch.equal(one, two) == (scene == "plain")
    assert one.min() >= 0
    assert one.max() <= 1


def test_bytes_become_shares():
    experiment = RAMExperiment(replace(SMOKE, scene="plain", size=8))
    placed = experiment.place(torch.full((1, 8, 8), 255, dtype=torch.uint8), torch.Generator())
    assert torch.equal(placed, torch.ones(1, 8, 8))


@pytest.mark.parametrize("name", ["ram", "fully_connected", "convolutional"])
def test_metrics_are_those_counted_by_hand(name):
    experiment = RAMExperiment(replace(SMOKE, model=name))
    model, data = experiment.model().eval(), experiment.data()
    with torch.no_grad():
        torch.manual_seed(1)
        metrics = experiment.evaluate(model, data.valid)
        torch.manual_seed(1)
        images = data.valid[0].float() / 255
        scores = model(images, SMOKE.glimpses).log_probs if name == "ram" else model(images)
    wrong = (scores.argmax(1) != data.valid[1]).sum().item()
    assert metrics["error"] == pytest.approx(wrong / 500)


def test_averaged_looks_are_measured_beside_a_single_one():
    experiment = RAMExperiment(SMOKE)
    model, data = experiment.model().eval(), experiment.data()
    with torch.no_grad():
        metrics = experiment.test(model, tuple(part[:20] for part in data.valid))
        log_probs = experiment._log_probs(model, data.valid[0][:20].float() / 255, 3)
    torch.testing.assert_close(log_probs.exp().sum(1), torch.ones(20))
    assert set(metrics) == {"error", "loss", "error_averaged", "loss_averaged"}


@pytest.mark.parametrize("policy", ["learned", "random"])
def test_smoke_runs_train_to_their_end(policy):
    run = fit(RAMExperiment(replace(SMOKE, policy=policy)))
    assert run.complete
    assert {"valid_error", "valid_loss", "train_loss"} <= set(run.metrics)


def test_seeds_train_as_one_program():
    runs = fit_seeds([RAMExperiment(SMOKE, seed) for seed in (0, 1)])
    assert all(run.complete for run in runs)
    assert runs[0].losses != runs[1].losses
    whole = replace(SMOKE, model="fully_connected")  # it draws nothing: alone it gives the same losses
    for run in fit_seeds([RAMExperiment(whole, seed) for seed in (0, 1)]):
        assert run.losses == pytest.approx(fit(run.experiment).losses, rel=1e-4)


def test_digits_are_split_by_the_runs_seed():
    one, other = (RAMExperiment(SMOKE, seed).data() for seed in (0, 3))
    assert not torch.equal(one.train[0], other.train[0])


@pytest.mark.parametrize("name", ["ram", "fully_connected", "convolutional"])
def test_a_fingerprint_is_measured_in_double_precision(name):
    experiment = RAMExperiment(replace(SMOKE, model=name))
    found = measure(experiment, experiment.model().state_dict())
    assert set(found["metrics"]) >= {"valid_error", "valid_loss"}
