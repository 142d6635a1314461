"""The presets of the variational auto-encoder, and what its numbers count."""

from dataclasses import replace

import pytest
import torch

from unrolled.papers.vae.experiment import EXPERIMENT
from unrolled.training.experiment import At
from unrolled.training.fit import fit, fit_seeds
from unrolled.training.presets import presets

PRESETS = {name: preset.config for name, preset in presets(EXPERIMENT).items()}
SMOKE = PRESETS["smoke"]


@pytest.mark.parametrize("changes", [{}, {"estimator": "A"}, {"algorithm": "wake_sleep"}])
def test_every_objective_trains(changes):
    run = fit(EXPERIMENT(replace(SMOKE, **changes)))
    assert set(run.metrics) >= {"valid_bound", "valid_kl", "valid_unused"}


@pytest.mark.parametrize("algorithm", ["aevb", "wake_sleep"])
def test_seeds_train_as_one_program(algorithm):
    config = replace(SMOKE, algorithm=algorithm)
    runs = fit_seeds([EXPERIMENT(config, seed) for seed in (0, 1)])
    assert runs[0].metrics["valid_bound"] != runs[1].metrics["valid_bound"]


def test_all_presets_differ():
    same_rate = {"mnist_aevb_rate_0.02", "mnist_wake_sleep_rate_0.01"}  # of Figure 2's runs, on purpose
    rest = [config for name, config in PRESETS.items() if name not in same_rate]
    assert len(set(rest)) == len(rest)


def test_figure_2_has_the_papers_settings_and_equal_encoders():
    runs = {name: c for name, c in PRESETS.items() if name.startswith("mnist") and "rate" not in name}
    assert {config.latent for config in runs.values()} == {2, 3, 5, 10, 20, 200}
    for name, config in runs.items():
        assert (config.hidden, config.layers, config.activation) == (500, 1, "tanh")
        assert (config.batch_size, config.optimiser, config.deviation) == (100, "adagrad", 0.01)
        assert config.learning_rate in (0.01, 0.02, 0.1)
        assert config.updates * config.batch_size == 1_000_000
        if config.algorithm == "wake_sleep":
            other = runs[name.replace("wake_sleep", "aevb")]
            assert replace(config, algorithm="aevb", learning_rate=other.learning_rate) == other
        assert EXPERIMENT(config).datasets() == ("binarized-mnist",)


def test_large_run_is_a_hundred_epochs_of_the_named_size():
    config = PRESETS["elbo"]
    assert config.updates * config.batch_size == 100 * 50_000
    assert (config.pixels, config.hidden, config.layers, config.latent) == (784, 500, 2, 50)


def test_frey_face_has_a_gaussian_decoder():
    experiment = EXPERIMENT(PRESETS["frey_aevb_2"])
    assert experiment.model().decode(torch.randn(4, 2)).mean.shape == (4, 560)
    assert experiment.model().likelihood == "gaussian"
    assert experiment.datasets() == ("frey-face",)


def test_the_live_run_is_ten_epochs():
    config = PRESETS["live"]
    pages = len(EXPERIMENT(config).data().train[0])
    assert config.updates == 10 * (pages // config.batch_size)


def test_digits_are_split_by_the_runs_seed():
    train, valid, test = EXPERIMENT(SMOKE, 3).data()
    assert train[0].shape == (648, SMOKE.pixels)
    assert valid[0].shape == (250, SMOKE.pixels)
    assert test is None
    assert not torch.equal(train[0], EXPERIMENT(SMOKE, 4).data().train[0])


def test_test_metrics_take_strided_rows_and_name_both_bounds():
    experiment = EXPERIMENT(replace(SMOKE, importance_samples=40))
    model, (x,) = experiment.model(), experiment.data().valid
    torch.manual_seed(0)
    with torch.no_grad():
        metrics = experiment.test(model, (x,))
        rows = experiment.evaluate(model, (x[::10],))["bound"]
    assert metrics["rows_bound"] == pytest.approx(rows, abs=3.0)
    assert metrics["importance_bound"] > metrics["rows_bound"]


def test_loss_is_minus_the_mean_bound():
    experiment = EXPERIMENT(SMOKE)
    model, (x,) = experiment.model(), experiment.data().valid
    torch.manual_seed(1)
    loss = experiment.loss(model, (x,), At(0, torch.Generator(), torch.Generator()))
    torch.manual_seed(1)
    assert loss.item() == pytest.approx(-experiment.evaluate(model, (x,))["bound"], rel=1e-5)
