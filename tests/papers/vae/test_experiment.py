"""The three profiles of the variational auto-encoder's experiment."""

from dataclasses import replace

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.papers.vae.experiment import EXPERIMENT, Config, importance_bounds
from unrolled.training.experiment import PROFILES, Experiment
from unrolled.training.fit import fit


def test_it_is_an_experiment():
    assert isinstance(EXPERIMENT, Experiment)


@pytest.mark.parametrize("variant", EXPERIMENT.variants("smoke"))
def test_every_smoke_run_ends(variant):
    run = fit(EXPERIMENT, EXPERIMENT.variants("smoke")[variant], seed=0, profile="smoke", variant=variant)
    assert set(run.result["metrics"]) >= {"valid_bound", "valid_kl", "valid_unused"}


def test_unknown_profile_is_told():
    with pytest.raises(UsageError, match="did you mean paper"):
        EXPERIMENT.variants("papers")


@pytest.mark.parametrize("profile", PROFILES)
def test_all_variants_differ(profile):
    runs = EXPERIMENT.variants(profile)
    assert len(set(runs.values())) == len(runs)


def test_figure_2_has_the_papers_settings_and_equal_encoders():
    runs = {name: c for name, c in EXPERIMENT.variants("paper").items() if name.startswith("mnist")}
    assert {config.latent for config in runs.values()} == {3, 5, 10, 20, 200}
    for name, config in runs.items():
        assert (config.hidden, config.layers, config.activation) == (500, 1, "tanh")
        assert (config.batch_size, config.optimiser, config.deviation) == (100, "adagrad", 0.01)
        assert config.learning_rate in (0.01, 0.02, 0.1)
        assert config.updates * config.batch_size == 1_000_000
        if config.algorithm == "wake_sleep":
            other = runs[name.replace("wake_sleep", "aevb")]
            assert replace(config, algorithm="aevb", learning_rate=other.learning_rate) == other
        assert EXPERIMENT.datasets(config) == ("binarized-mnist",)
        assert EXPERIMENT.checksums(config)["binarized-mnist"]


def test_large_run_is_a_hundred_epochs_of_the_named_size():
    config = EXPERIMENT.variants("paper")["elbo"]
    assert config.updates * config.batch_size == 100 * 50_000
    assert (config.pixels, config.hidden, config.layers, config.latent) == (784, 500, 2, 50)
    assert (config.importance_samples, config.importance_every) == (5000, 10)


def test_frey_face_has_a_gaussian_decoder_with_means_between_0_and_1():
    config = EXPERIMENT.variants("paper")["frey_aevb_2"]
    model = EXPERIMENT.model(config)
    likelihood = model.decode(50 * torch.randn(4, 2))
    assert likelihood.mean.shape == (4, 560)
    assert likelihood.mean.min() >= 0
    assert likelihood.mean.max() <= 1
    assert EXPERIMENT.datasets(config) == ("frey-face",)


def test_book_runs_are_ten_epochs_and_differ_in_one_thing_alone():
    runs = EXPERIMENT.variants("book")
    config = runs["latent_10"]
    pages = len(EXPERIMENT.data(config).train[0])
    assert config.updates == 10 * (pages // config.batch_size)
    assert runs["latent_2"] == replace(config, latent=2)
    assert runs["latent_50"] == replace(config, latent=50)
    assert runs["wake_sleep_10"] == replace(config, algorithm="wake_sleep")


def test_digits_are_split_by_the_runs_seed_unless_said_otherwise():
    config = Config.book()
    assert config.for_seed(3).split_seed == 3
    assert replace(config, split_seed=7).for_seed(3).split_seed == 7
    train, valid, test = EXPERIMENT.data(replace(Config.smoke(), split_seed=3))
    assert train[0].shape == (648, Config.smoke().pixels)
    assert valid[0].shape == (250, Config.smoke().pixels)
    assert test is None


def test_test_metrics_take_strided_rows_and_name_both_bounds():
    config = replace(Config.smoke(), importance_samples=40, importance_every=5, test_samples=2)
    model = EXPERIMENT.model(config)
    (x,) = EXPERIMENT.data(config).valid
    torch.manual_seed(0)
    with torch.no_grad():
        metrics = EXPERIMENT.test(model, (x,))
        rows = EXPERIMENT.evaluate(model, (x[::5],))["bound"]
    assert metrics["rows_bound"] == pytest.approx(rows, abs=3.0)
    assert metrics["importance_bound"] > metrics["rows_bound"]


def test_importance_bounds_do_not_depend_on_how_the_rows_are_cut():
    model = EXPERIMENT.model(Config.smoke())
    with (
        torch.no_grad()
    ):  # at an encoder that gives the prior, and a decoder blind to z, all weights are p(x)
        for parameter in model.parameters():
            parameter.zero_()
        x = torch.ones(7, model.config.pixels)
        for rows, chunk in ((1, 3), (7, 10), (3, 4)):
            bounds = importance_bounds(model, x, samples=10, rows=rows, chunk=chunk)
            assert torch.allclose(bounds, torch.full((7,), -model.config.pixels * 0.693147), rtol=1e-5)
