"""The BN-LSTM: against torch's layers, and what the paper says of statistics, initial values and gamma."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from unrolled.nn.cells import LSTMState
from unrolled.nn.scan import ShapeError
from unrolled.papers.bn_lstm.model import (
    BNLSTM,
    SequenceClassifier,
    batch_norm,
    bn_lstm_step,
    bn_rnn_step,
    initialise,
)
from unrolled.papers.bn_lstm.statistics import Moments, StepStatistics, batch_moments

CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def layer_and_input(time=6, batch=5, dtype=torch.float64, **options):
    layer = BNLSTM(3, 4, max_length=options.pop("max_length", time), **options).to(dtype)
    return layer, torch.randn(batch, time, 3, dtype=dtype)


def test_without_bn_it_is_torchs_lstm_cell():
    layer, x = layer_and_input(time=1, normalise=False)
    cell = nn.LSTMCell(3, 4).double()
    with torch.no_grad():
        cell.weight_ih.copy_(layer.W_x)
        cell.weight_hh.copy_(layer.W_h)
        cell.bias_ih.copy_(layer.b)
        cell.bias_hh.zero_()
    state = LSTMState(*torch.randn(2, 5, 4, dtype=torch.float64))
    torch.testing.assert_close(tuple(layer(x, initial=state).last), cell(x[:, 0], tuple(state)), **CLOSE)


def test_batch_norm_is_torchs():
    z, gamma, beta = torch.randn(6, 4), torch.randn(4), torch.randn(4)
    expected = functional.batch_norm(z, None, None, gamma, beta, training=True, eps=1e-5)
    torch.testing.assert_close(batch_norm(z, gamma, beta), expected)


def test_a_large_mean_does_not_cancel_the_variance():
    z = torch.tensor([[1000.0], [1000.5]])
    assert batch_moments(z).variance.item() == pytest.approx(0.0625, rel=1e-6)


def test_units_have_mean_zero_and_deviation_gamma_at_first():
    """Claim: |mean| < 1e-5 and |std - 0.1| < 1e-3 for a batch with variance far above epsilon."""
    y = batch_norm(3 + 2 * torch.randn(64, 400), torch.full((400,), 0.1))
    assert y.mean(0).abs().max() < 1e-5
    assert (y.std(0, correction=0) - 0.1).abs().max() < 1e-3


def test_derivative_of_tanh_falls_with_the_inputs_deviation():
    """Claim (Figure 1b): 0.990 at a standard deviation of 0.1, and 0.606 at 1."""
    z = torch.randn(1_000_000)
    small, large = (1 - torch.tanh(0.1 * z).square()).mean(), (1 - torch.tanh(z).square()).mean()
    assert small.item() == pytest.approx(0.990, abs=0.003)
    assert large.item() == pytest.approx(0.606, abs=0.003)


@pytest.mark.parametrize(("gamma", "low", "high"), [(0.1, 0.1, 10), (1.0, 0, 1e-10)])
def test_gradients_survive_with_a_small_gamma_only(gamma, low, high):
    """Claim (Figure 1a): 200 steps, 100 units, identity weights, constant input, noise 0.1 on h_0."""
    first = h = (0.1 * torch.randn(64, 100)).requires_grad_()
    x, W_x, scale = torch.ones(64, 1), torch.randn(100, 1), torch.full((100,), gamma)
    for _ in range(200):
        h = bn_rnn_step(h, x, W_x, torch.eye(100), torch.zeros(100), scale)
    upstream = torch.randn(64, 100)
    (gradient,) = torch.autograd.grad(h, first, upstream)
    assert low <= gradient.norm() / upstream.norm() < high


def test_steps_beyond_the_longest_use_its_statistics():
    """Claim: in evaluation the step after T_max is the formula with the averages of T_max."""
    layer, x = layer_and_input(time=6, max_length=4)
    layer(x)
    layer.eval()
    state, averages = layer(x[:, :5]).last, layer.averages
    statistics = StepStatistics(
        *(Moments(getattr(averages, f"mean_{n}")[3], getattr(averages, f"variance_{n}")[3]) for n in "xhc")
    )
    expected, _ = bn_lstm_step(state, x[:, 5], layer.weights, statistics)
    torch.testing.assert_close(layer(x).h[:, 5], expected.h, rtol=0, atol=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_identical_pixels_have_no_variance_without_noise(noise):
    """Claim: with equal inputs over the batch some variance is exactly 0; noise on h_0 makes all positive."""
    layer = BNLSTM(1, 100, max_length=5, noise=noise)
    layer(torch.zeros(64, 5, 1))
    smallest = torch.stack((layer.averages.variance_h.min(), layer.averages.variance_c.min())).min().item()
    assert smallest > 0 if noise else smallest == 0


def test_every_step_keeps_its_own_averages():
    layer, x = layer_and_input(momentum=None)
    other = torch.randn_like(x)
    layer(x)
    layer(other)
    product = functional.linear(torch.stack((x, other)), layer.W_x)
    torch.testing.assert_close(layer.averages.mean_x, product.mean((0, 1)), **CLOSE)
    torch.testing.assert_close(layer.averages.variance_x, product.var(1, correction=0).mean(0), **CLOSE)


def test_averages_forget_at_the_rate_of_the_momentum():
    layer, x = layer_and_input(momentum=0.5)
    for scale in (1, 1, 1, 0):
        layer(scale * x)
    torch.testing.assert_close(layer.averages.mean_x, 0.5 * functional.linear(x, layer.W_x).mean(0), **CLOSE)


def test_population_statistics_replace_the_averages():
    layer, x = layer_and_input(momentum=0.1, noise=0.1)
    layer(5 + x)
    layer.eval()
    layer.population_statistics([x, 2 * x])
    expected = functional.linear(1.5 * x, layer.W_x).mean(0)
    torch.testing.assert_close(layer.averages.mean_x, expected, **CLOSE)
    assert (layer.averages.momentum, layer.noise, layer.training) == (0.1, 0.1, False)


def test_evaluation_leaves_the_averages_alone():
    layer, x = layer_and_input()
    layer(x)
    before = {name: buffer.clone() for name, buffer in layer.named_buffers()}
    layer.eval()(x)
    assert all(torch.equal(before[name], buffer) for name, buffer in layer.named_buffers())


def test_population_statistics_make_evaluation_equal_training():
    layer, x = layer_and_input()
    in_training = layer(x).h
    layer.population_statistics([x])
    torch.testing.assert_close(layer.eval()(x).h, in_training, **CLOSE)


def test_padding_never_enters_the_statistics():
    layer, x = layer_and_input(momentum=None)
    lengths = torch.tensor([6, 6, 3, 3, 3])
    layer(x, lengths)
    tail = functional.linear(x[:2, 3:], layer.W_x)
    torch.testing.assert_close(layer.averages.mean_x[3:], tail.mean(0), **CLOSE)
    torch.testing.assert_close(layer.averages.variance_x[3:], tail.var(0, correction=0), **CLOSE)


def test_a_step_without_sequences_counts_for_nothing():
    layer, x = layer_and_input(momentum=None)
    layer(x, torch.tensor([2, 2, 1, 0, 2]))
    assert layer.averages.batches.tolist() == [1, 1, 0, 0, 0, 0]
    assert torch.equal(layer.averages.variance_c[2:], torch.ones(4, 4, dtype=torch.float64))


def test_initial_values_are_the_papers():
    W_x, W_h, b = torch.empty(400, 1), torch.empty(400, 100), torch.empty(400)
    initialise(W_x, W_h, b)
    i, f, g, o = W_h.chunk(4)
    across = torch.cat((i, f, o))
    assert torch.equal(g, torch.eye(100))
    torch.testing.assert_close(across.T @ across, torch.eye(100), rtol=0, atol=1e-5)
    assert b.tolist() == [0.0] * 100 + [1.0] * 100 + [0.0] * 200
    assert W_x.norm().item() == pytest.approx(1)
    layer = BNLSTM(1, 8, max_length=2)
    assert all((getattr(layer, f"gamma_{name}") == 0.1).all() for name in "xhc")


def test_noise_is_added_in_training_only():
    layer, x = layer_and_input(noise=0.1)
    assert not torch.equal(layer(x).h, layer(x).h)
    layer.eval()
    assert torch.equal(layer(x).h, layer(x).h)


def test_one_sequence_has_no_batch_statistics():
    layer, x = layer_and_input(batch=1)
    with pytest.raises(ShapeError, match=r"two sequences.*\[6, 1, 3\]"):
        layer(x)
    assert layer.eval()(x).h.shape == (1, 6, 4)


@pytest.mark.parametrize("cell", ["lstm", "bn_lstm"])
def test_classifiers_read_the_last_state(cell):
    options = {"max_length": 9} if cell == "bn_lstm" else {}
    model = SequenceClassifier(cell, hidden_size=6, classes=4, **options).eval()
    x = torch.rand(3, 9, 1)
    assert torch.equal(model(x), model.readout(model.layer(x).h[:, -1]))
    lengths = torch.tensor([9, 4, 1])
    torch.testing.assert_close(model(x, lengths)[1], model(x[:, :4])[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "bn_lstm"])
def test_both_classifiers_start_from_the_papers_weights(cell):
    options = {"max_length": 9} if cell == "bn_lstm" else {}
    _, W_h, b = SequenceClassifier(cell, hidden_size=6, **options).layer.weights[:3]
    assert torch.equal(W_h[12:18], torch.eye(6))
    assert b.tolist() == [0.0] * 6 + [1.0] * 6 + [0.0] * 12
