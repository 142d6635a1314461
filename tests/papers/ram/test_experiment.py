"""The experiment: variants, canvases, metrics, and runs that end."""

from dataclasses import replace

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.papers.ram.experiment import EXPERIMENT, Config
from unrolled.training.experiment import PROFILES, Experiment
from unrolled.training.fit import fit


def test_it_is_an_experiment():
    assert isinstance(EXPERIMENT, Experiment)


@pytest.mark.parametrize("profile", PROFILES)
def test_variants_differ(profile):
    runs = EXPERIMENT.variants(profile)
    assert len(set(runs.values())) == len(runs)
    assert "catch" in runs


def test_unknown_profile_is_told():
    with pytest.raises(UsageError, match="did you mean paper"):
        EXPERIMENT.variants("papers")


def test_paper_profile_has_the_papers_sizes():
    runs = EXPERIMENT.variants("paper")
    plain, translated = runs["28"], runs["translated60"]
    assert (plain.size, plain.glimpse_size, plain.scales, plain.glimpses) == (28, 8, 1, 6)
    assert (translated.size, translated.glimpse_size, translated.scales, translated.glimpses) == (
        60,
        12,
        3,
        6,
    )
    assert (runs["cluttered60"].distractors, runs["cluttered60"].crop, runs["cluttered60"].glimpses) == (
        4,
        8,
        8,
    )
    for config in runs.values():
        assert EXPERIMENT.datasets(config) == (() if config.source == "catch" else ("mnist",))


@pytest.mark.parametrize("scene", ["plain", "translated", "cluttered"])
def test_held_out_canvases_are_fixed_and_training_ones_are_fresh(scene):
    config = replace(Config.smoke(), scene=scene, size=8 if scene == "plain" else 20, distractors=2, crop=4)
    first, again = EXPERIMENT.data(config), EXPERIMENT.data(config)
    assert torch.equal(first.valid[0], again.valid[0])
    model = EXPERIMENT.model(config)
    batch = first.train[0][:50]
    one, two = model.place(batch), model.place(batch)
    assert one.shape[1:] == first.valid[0].shape[1:] == (config.size, config.size)
    assert torch.equal(one, two) == (scene == "plain")
    assert one.min() >= 0
    assert one.max() <= 1


def test_bytes_become_shares():
    config = replace(Config.smoke(), scene="plain", size=8)
    placed = EXPERIMENT.model(config).place(torch.full((1, 8, 8), 255, dtype=torch.uint8))
    assert torch.equal(placed, torch.ones(1, 8, 8))


@pytest.mark.parametrize("name", ["ram", "fully_connected", "convolutional"])
def test_metrics_are_those_counted_by_hand(name):
    config = replace(Config.smoke(), model=name)
    model, data = EXPERIMENT.model(config).eval(), EXPERIMENT.data(config)
    with torch.no_grad():
        torch.manual_seed(1)
        metrics = EXPERIMENT.evaluate(model, data.valid)
        torch.manual_seed(1)
        log_probs = model.log_probs(data.valid[0].float() / 255)
    wrong = (log_probs.argmax(1) != data.valid[1]).sum().item()
    assert metrics["error"] == pytest.approx(wrong / 500)


def test_averaged_looks_are_a_distribution():
    config = Config.smoke()
    model, data = EXPERIMENT.model(config).eval(), EXPERIMENT.data(config)
    images = data.valid[0][:20].float() / 255
    with torch.no_grad():
        averaged = model.log_probs(images, rollouts=3)
        metrics = EXPERIMENT.test(model, tuple(part[:20] for part in data.valid))
    torch.testing.assert_close(averaged.exp().sum(1), torch.ones(20))
    assert set(metrics) == {"error", "loss", "error_averaged", "loss_averaged"}


@pytest.mark.parametrize("policy", ["learned", "random"])
def test_smoke_runs_train_to_their_end(policy):
    run = fit(EXPERIMENT, EXPERIMENT.variants("smoke")[policy], seed=0, profile="smoke")
    assert run.complete
    assert {"valid_error", "valid_loss", "train_loss"} <= set(run.metrics)


def test_digits_are_split_by_the_runs_seed():
    config = Config.smoke()
    assert config.for_seed(3).split_seed == 3
    assert EXPERIMENT.variants("paper")["28"].for_seed(3).split_seed is None
