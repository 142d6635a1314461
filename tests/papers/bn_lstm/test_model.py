"""The BN-LSTM: against torch's layers, and what the paper says of statistics, initial values and gamma."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional

from unrolled.base.errors import UnrolledError
from unrolled.nn.scan import ShapeError
from unrolled.papers.bn_lstm.classifier import SequenceClassifier
from unrolled.papers.bn_lstm.model import BNLSTM, batch_norm, bn_lstm_step, initialise
from unrolled.papers.bn_lstm.statistics import Moments, StepStatistics, batch_moments
from unrolled.papers.bn_lstm.studies import bn_rnn_step, carry

CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def layer_and_input(time=6, batch=5, dtype=torch.float64, **options):
    layer = BNLSTM(3, 4, max_length=options.pop("max_length", time), **options).to(dtype)
    return layer, torch.randn(batch, time, 3, dtype=dtype)


def test_given_moments_of_the_batch_normalise_as_torchs_batch_norm_does():
    z, gamma, beta = torch.randn(6, 4, dtype=torch.float64), *torch.randn(2, 4, dtype=torch.float64)
    torch.testing.assert_close(
        batch_norm(z, gamma, beta, batch_moments(z)), batch_norm(z, gamma, beta), **CLOSE
    )


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


def test_the_jacobian_carries_gamma_over_sigma():
    """dy_i/da_j = gamma / sigma (1[i = j] - (1 + a^_i a^_j) / n), over a batch of n."""
    a, gamma = torch.randn(7, 1, dtype=torch.float64), torch.full((1,), 0.1, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda a: batch_norm(a, gamma, epsilon=1e-14), a)
    sigma = a.std(correction=0)
    hat = (a - a.mean()) / sigma
    expected = 0.1 / sigma * (torch.eye(7, dtype=torch.float64) - (1 + hat @ hat.T) / 7)
    torch.testing.assert_close(jacobian[:, 0, :, 0], expected, **CLOSE)


def test_a_scale_of_one_vanishes_under_the_identity_and_grows_under_orthogonal_weights():
    short = {"steps": 100, "units": 60}
    vanishing, growing = (carry(1.0, 0, recurrent=kind, **short) for kind in ("identity", "orthogonal"))
    level = carry(0.1, 0, **short)
    assert vanishing.factor < 0.8
    assert growing.factor > 1.05
    assert level.factor == pytest.approx(1, abs=0.01)
    assert growing.gain > 1.5
    assert growing.slope < 0.65  # tanh' alone would shrink it
    assert level.gain == pytest.approx(1, abs=0.03)
    assert carry(0.1, 0, inputs="noise", **short).gain < 0.9, "what is new at every step dilutes the past"


def test_steps_beyond_the_longest_use_its_statistics():
    """Claim: in evaluation the step after T_max is the formula with the averages of T_max."""
    layer, x = layer_and_input(time=6, max_length=4)
    layer.estimate_statistics([x])
    layer.eval()
    state, kept = layer(x[:, :5]).last, layer.statistics
    last = StepStatistics(
        *(Moments(getattr(kept, f"mean_{n}")[3], getattr(kept, f"variance_{n}")[3]) for n in "xhc")
    )
    expected = bn_lstm_step(state, x[:, 5], layer.weights, last)
    torch.testing.assert_close(layer(x).h[:, 5], expected.h, rtol=0, atol=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_identical_pixels_have_no_variance_without_noise(noise):
    """Claim: with equal inputs over the batch some variance is exactly 0; noise on h_0 makes all positive."""
    layer = BNLSTM(1, 100, max_length=5, noise=noise)
    layer.estimate_statistics([torch.zeros(64, 5, 1)])
    kept = layer.statistics
    smallest = torch.stack((kept.variance_h.min(), kept.variance_c.min())).min().item()
    assert smallest > 0 if noise else smallest == 0


def test_every_step_has_its_own_averages_over_batches():
    layer, x = layer_and_input()
    other = torch.randn_like(x)
    layer.estimate_statistics([x, other])
    product = functional.linear(torch.stack((x, other)), layer.W_x)
    torch.testing.assert_close(layer.statistics.mean_x, product.mean((0, 1)), **CLOSE)
    torch.testing.assert_close(layer.statistics.variance_x, product.var(1, correction=0).mean(0), **CLOSE)


def test_estimating_replaces_what_was_there_and_keeps_the_mode():
    layer, x = layer_and_input()
    layer.eval()
    for batches in ([3 * x], [x, 2 * x]):
        layer.estimate_statistics(batches)
        assert not layer.training
    torch.testing.assert_close(
        layer.statistics.mean_x, functional.linear(1.5 * x, layer.W_x).mean(0), **CLOSE
    )


def test_evaluation_without_statistics_is_an_error_that_says_what_to_do():
    layer, x = layer_and_input()
    layer(x)  # training makes none
    with pytest.raises(UnrolledError, match=r"no population statistics[^$]*estimate_statistics"):
        layer.eval()(x)
    with pytest.raises(UnrolledError, match="no batch"):
        layer.estimate_statistics([])


def test_statistics_travel_with_the_state_dict():
    layer, x = layer_and_input()
    layer.estimate_statistics([x])
    other, _ = layer_and_input()
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.eval()(x).h, layer.eval()(x).h)
    fresh, _ = layer_and_input()
    other.load_state_dict(fresh.state_dict())
    with pytest.raises(UnrolledError, match="no population statistics"):
        other(x)


def test_evaluation_with_a_batchs_statistics_equals_training_on_it():
    layer, x = layer_and_input()
    in_training = layer(x).h
    layer.estimate_statistics([x])
    torch.testing.assert_close(layer.eval()(x).h, in_training, **CLOSE)


LENGTHS = torch.tensor([6, 4, 2, 2, 0])  # from the fifth step on only one sequence is live


def test_padding_never_enters_the_statistics():
    layer, x = layer_and_input()
    layer.estimate_statistics([(x, LENGTHS)])
    live = functional.linear(x[:2, 2:4], layer.W_x)
    torch.testing.assert_close(layer.statistics.mean_x[2:4], live.mean(0), **CLOSE)
    torch.testing.assert_close(layer.statistics.variance_x[2:4], live.var(0, correction=0), **CLOSE)


def test_steps_with_one_live_sequence_stay_out_of_the_averages():
    layer, x = layer_and_input()
    layer.estimate_statistics([(x, LENGTHS)])
    assert layer.statistics.batches.tolist() == [1, 1, 1, 1, 0, 0]
    for name, kept in layer.statistics.named_buffers():
        if name != "batches":
            assert torch.equal(kept[4:], kept[3].expand(2, -1)), name
    layer.estimate_statistics([(x, LENGTHS), x])
    assert layer.statistics.batches.tolist() == [2, 2, 2, 2, 1, 1]
    expected = functional.linear(x[:, 4:], layer.W_x).var(0, correction=0)
    torch.testing.assert_close(layer.statistics.variance_x[4:], expected, **CLOSE)


def test_evaluation_agrees_with_training_at_the_ends_of_sequences():
    layer, x = layer_and_input()
    in_training = layer(x, LENGTHS)
    layer.estimate_statistics([(x, LENGTHS)])
    evaluated = layer.eval()(x, LENGTHS)
    torch.testing.assert_close(evaluated.h, in_training.h, **CLOSE)
    torch.testing.assert_close(tuple(evaluated.last), tuple(in_training.last), **CLOSE)
    assert layer(x).h.abs().max() <= 1


def test_gradients_of_padded_sequences_are_those_of_finite_differences():
    layer, x = layer_and_input(time=3, batch=3)
    x.requires_grad_()
    lengths = torch.tensor([3, 2, 2])
    assert gradcheck(lambda x: layer(x, lengths).h, (x,))


def test_second_derivatives_are_those_of_finite_differences():
    layer, x = layer_and_input(time=2, batch=3)
    assert gradgradcheck(lambda x: layer(x).h, (x.requires_grad_(),))


def test_several_layers_train_as_one_program():
    """What an ensemble does from outside: stacked parameters under vmap."""
    layers = [layer_and_input()[0] for _ in range(2)]
    x = torch.randn(2, 5, 6, 3, dtype=torch.float64)
    parameters, buffers = torch.func.stack_module_state(layers)

    def states(parameters, buffers, x):
        return torch.func.functional_call(layers[0], (parameters, buffers), (x,)).h

    together = torch.func.vmap(states)(parameters, buffers, x)
    for layer, x_i, h in zip(layers, x, together, strict=True):
        torch.testing.assert_close(h, layer(x_i).h, **CLOSE)


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
    layer.estimate_statistics([x])
    layer.eval()
    assert torch.equal(layer(x).h, layer(x).h)


def test_one_sequence_has_no_batch_statistics():
    layer, x = layer_and_input(batch=1)
    with pytest.raises(ShapeError, match="two sequences; x has a batch of 1"):
        layer(x)
    layer.estimate_statistics([torch.cat((x, -x))])
    assert layer.eval()(x).h.shape == (1, 6, 4)


def test_one_sequence_with_steps_has_no_batch_statistics():
    layer, x = layer_and_input(batch=2)
    with pytest.raises(ShapeError, match="two sequences"):
        layer(x, torch.tensor([3, 0]))


@pytest.mark.parametrize("cell", ["lstm", "bn_lstm"])
def test_classifiers_read_the_last_state(cell):
    options = {"max_length": 9} if cell == "bn_lstm" else {}
    model = SequenceClassifier(cell, hidden_size=6, classes=4, **options).eval()
    x = torch.rand(3, 9, 1)
    model.estimate_statistics([x])
    assert torch.equal(model(x), model.readout(model.layer(x).h[:, -1]))
    lengths = torch.tensor([9, 4, 1])
    torch.testing.assert_close(model(x, lengths)[1], model(x[:, :4])[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "bn_lstm"])
def test_both_classifiers_start_from_the_papers_weights(cell):
    options = {"max_length": 9} if cell == "bn_lstm" else {}
    _, W_h, b = SequenceClassifier(cell, hidden_size=6, **options).layer.weights[:3]
    assert torch.equal(W_h[12:18], torch.eye(6))
    assert b.tolist() == [0.0] * 6 + [1.0] * 6 + [0.0] * 12
