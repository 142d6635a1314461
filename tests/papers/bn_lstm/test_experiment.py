"""The BN-LSTM experiment: data, metrics and presets."""

from dataclasses import replace

import pytest
import torch

from unrolled.data import mnist
from unrolled.papers.bn_lstm import experiment, statistics
from unrolled.papers.bn_lstm import model as module
from unrolled.papers.bn_lstm.experiment import EXPERIMENT
from unrolled.training.fit import fit
from unrolled.training.presets import presets
from unrolled.training.trainer import place

PRESETS = {name: preset.config for name, preset in presets(EXPERIMENT).items()}
SMALL = {"updates": 3, "hidden": 8, "batch_size": 16, "evaluate_every": 3}


@pytest.mark.parametrize(
    ("lstm", "normalised"),
    [
        ("live_lstm", "live"),
        ("digits_lstm", "digits"),
        ("pmnist14_lstm", "pmnist14_bn"),
        ("pmnist_lstm", "pmnist_bn"),
        ("mnist_lstm", "mnist_bn"),
    ],
)
def test_both_networks_are_trained_alike(lstm, normalised):
    lstm, normalised = PRESETS[lstm], PRESETS[normalised]
    assert (lstm.model, normalised.model) == ("lstm", "bn_lstm")
    assert lstm.updates >= normalised.updates  # the baseline is never stopped first
    assert replace(lstm, model="bn_lstm", updates=normalised.updates) == normalised


def test_paper_presets_have_the_papers_settings():
    for name in ("pmnist_bn", "pmnist_lstm", "mnist_bn", "mnist_lstm", "pmnist14_bn"):
        config = PRESETS[name]
        assert (config.hidden, config.learning_rate, config.clip_norm, config.gamma) == (100, 1e-3, 1.0, 0.1)
        assert config.optimiser == "rmsprop"
        assert ("momentum", 0.9) in config.optimiser_options
        assert EXPERIMENT(config).datasets() == ("mnist",)
    assert PRESETS["pmnist_bn"].updates == 200 * 50_000 // PRESETS["pmnist_bn"].batch_size


def test_digits_are_split_by_the_runs_seed():
    first, again, second = (EXPERIMENT(PRESETS["live"], seed).data() for seed in (0, 0, 1))
    assert torch.equal(first.train[0], again.train[0])
    assert not torch.equal(first.train[1], second.train[1])
    assert first.train[0].shape == (1297, 64, 1)
    assert first.test is None


def test_pictures_of_14_by_14_are_means_of_four_pixels(monkeypatch):
    images = torch.randint(0, 256, (3, 28, 28), dtype=torch.uint8)
    monkeypatch.setattr(mnist, "load", lambda name: {"train": (images, torch.tensor([1, 2, 3]))})
    x, labels = mnist.sequential(pool=2)["train"]
    assert x.shape == (3, 196, 1)
    expected = images[:, :2, 2:4].float().mean((1, 2)) / 255
    torch.testing.assert_close(x[:, 1, 0], expected)
    assert labels.tolist() == [1, 2, 3]


@pytest.mark.parametrize("name", ["live_lstm", "live"])
def test_metrics_are_those_counted_by_hand(name):
    bound = EXPERIMENT(replace(PRESETS[name], **SMALL))
    model, (x, y) = bound.model().eval(), bound.data().valid
    with torch.no_grad():
        metrics = bound.evaluate(model, (x, y))
        logits = model(x)
        loss = bound.loss(model, (x, y), place(0, 0)).item()
    wrong = sum(int(a) != int(b) for a, b in zip(logits.argmax(1), y, strict=True))
    assert metrics["error"] == wrong / 500
    assert metrics["accuracy"] == pytest.approx(1 - wrong / 500)
    assert metrics["loss"] == pytest.approx(loss, rel=1e-5)


def test_evaluation_estimates_the_statistics_of_the_present_weights(monkeypatch):
    monkeypatch.setattr(experiment, "STATISTICS", (100, 50))
    bound = EXPERIMENT(replace(PRESETS["live"], h0_noise=0.0, **SMALL))
    model, arrays = bound.model().eval(), bound.data().valid
    with torch.no_grad():
        bound.evaluate(model, arrays)
        before = model.layer.statistics.mean_h.clone()
        model.layer.W_h.mul_(2)
        bound.evaluate(model, arrays)
    torch.testing.assert_close(model.layer.statistics.mean_h[0], 2 * before[0])


@pytest.mark.parametrize("name", ["live_lstm", "live"])
def test_runs_train_to_their_end(name):
    run = fit(EXPERIMENT(replace(PRESETS[name], **SMALL)), name)
    assert run.complete
    assert {"valid_error", "valid_loss", "last_valid_error", "train_loss"} <= set(run.metrics)


def test_statistics_are_stored_with_the_weights_that_they_belong_to():
    bound = EXPERIMENT(replace(PRESETS["live"], **SMALL))
    run = fit(bound, "live")
    model, arrays = run.model().eval(), bound.data().valid
    assert model.layer.statistics.batches.tolist() == [12] * 64  # 1,297 digits in batches of 100
    with torch.no_grad():
        error = (model(arrays[0]).argmax(1) != arrays[1]).float().mean().item()
    assert error == pytest.approx(run.metrics["valid_error"])


@pytest.mark.parametrize(
    "symbol", ["batch_norm", "bn_preactivations", "bn_lstm_step", "lstm_gates", "batch_moments"]
)
def test_what_the_page_shows_is_what_trains(symbol, monkeypatch):
    """A change of a shown function changes the first update's loss, or what evaluation normalises with."""
    monkeypatch.setattr(experiment, "STATISTICS", (32, 16))

    def measured() -> tuple[float, float]:
        bound = EXPERIMENT(replace(PRESETS["live"], **SMALL))
        torch.manual_seed(0)
        model, arrays = bound.model(), tuple(array[:16] for array in bound.data().train)
        torch.manual_seed(0)
        loss = bound.loss(model, arrays, place(0, 0)).item()
        with torch.no_grad():
            torch.manual_seed(0)
            return loss, bound.evaluate(model.eval(), arrays)["loss"]

    def grown(value):
        if isinstance(value, torch.Tensor):
            return 1.01 * value
        grown_parts = [1.01 * part for part in value]
        return type(value)(*grown_parts) if hasattr(value, "_fields") else tuple(grown_parts)

    owner = statistics if symbol == "batch_moments" else module
    plain, original = measured(), getattr(owner, symbol)
    monkeypatch.setattr(owner, symbol, lambda *arguments, **named: grown(original(*arguments, **named)))
    changed = measured()
    assert changed[1] != plain[1]
    assert (changed[0] == plain[0]) == (symbol == "batch_moments")
