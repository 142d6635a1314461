"""The three profiles of the BN-LSTM experiment."""

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.papers.bn_lstm.experiment import EXPERIMENT, Config
from unrolled.training.experiment import PROFILES, Experiment
from unrolled.training.fit import fit


def test_it_is_an_experiment():
    assert isinstance(EXPERIMENT, Experiment)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_has_both_networks_at_equal_updates_and_data(profile):
    runs = EXPERIMENT.variants(profile)
    lstm, normalised = runs["lstm"], runs["bn_lstm"]
    assert (lstm.model, normalised.model) == ("lstm", "bn_lstm")
    for field in ("updates", "batch_size", "hidden", "task", "permutation_seed", "clip_norm"):
        assert getattr(lstm, field) == getattr(normalised, field)
    assert len(set(runs.values())) == len(runs)


def test_unknown_profile_is_told():
    with pytest.raises(UsageError, match="did you mean paper"):
        EXPERIMENT.variants("papers")


def test_paper_profile_has_the_papers_settings():
    runs = EXPERIMENT.variants("paper")
    for config in runs.values():
        assert (config.hidden, config.batch_size, config.learning_rate, config.clip_norm) == (
            100,
            100,
            1e-3,
            1.0,
        )
        assert dict(config.optimiser_options)["alpha"] == 0.9
        assert config.updates == 200 * 50_000 // config.batch_size
        assert EXPERIMENT.datasets(config) == ("mnist",)
        assert EXPERIMENT.checksums(config)["mnist"]
    noisy = {name for name, config in runs.items() if config.h0_noise}
    assert noisy == {"bn_lstm_mnist"}  # noise on h_0 for pictures in order alone
    assert {config.gamma for config in runs.values()} == {0.1}


def test_digits_are_split_by_the_runs_seed():
    config = Config.book()
    first, again, second = (EXPERIMENT.data(config.for_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first.train[0], again.train[0])
    assert not torch.equal(first.train[1], second.train[1])
    assert config.for_seed(4).for_seed(5).split_seed == 4
    assert first.train[0].shape == (1297, 64, 1)
    assert first.test is None


@pytest.mark.parametrize("name", ["lstm", "bn_lstm"])
def test_metrics_are_those_counted_by_hand(name):
    config = EXPERIMENT.variants("smoke")[name]
    torch.manual_seed(0)
    model, (x, y) = EXPERIMENT.model(config).eval(), EXPERIMENT.data(config).valid
    with torch.no_grad():
        metrics = EXPERIMENT.evaluate(model, (x, y))
        logits = model(x)
        loss = EXPERIMENT.loss(model, (x, y)).item()
    wrong = sum(int(a) != int(b) for a, b in zip(logits.argmax(1), y, strict=True))
    assert metrics["error"] == wrong / 500
    assert metrics["accuracy"] == pytest.approx(1 - wrong / 500)
    assert metrics["loss"] == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("name", ["lstm", "bn_lstm"])
def test_smoke_runs_train_to_their_end(name):
    run = fit(EXPERIMENT, EXPERIMENT.variants("smoke")[name], seed=0, profile="smoke")
    assert run.complete
    assert {"valid_error", "valid_loss", "last_valid_error", "train_loss"} <= set(run.metrics)


def test_trained_statistics_come_back_with_the_weights():
    config = EXPERIMENT.variants("smoke")["bn_lstm"]
    run = fit(EXPERIMENT, config, seed=0, profile="smoke")
    fresh, trained = EXPERIMENT.model(config).state_dict(), run.model(EXPERIMENT, config).state_dict()
    statistics = [name for name in trained if "mean" in name]
    assert len(statistics) == 3
    for name in statistics:
        assert trained[name].shape[0] == config.length  # every step has its own
        assert not torch.equal(trained[name], fresh[name])


@pytest.mark.slow
def test_book_runs_show_what_the_chapter_claims():
    errors, losses = {}, {}
    for name in ("lstm", "bn_lstm", "bn_lstm_gamma_1.0"):
        metrics = fit(EXPERIMENT, EXPERIMENT.variants("book")[name], seed=0, profile="book").metrics
        errors[name], losses[name] = metrics["last_valid_error"], metrics["train_loss"]
    assert errors["bn_lstm"] < errors["lstm"] - 0.1
    assert losses["bn_lstm_gamma_1.0"] > 1.3 * losses["bn_lstm"]
