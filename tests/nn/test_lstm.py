"""The LSTM over whole sequences: against autograd, against torch's layer, and behind padding."""

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from unrolled.nn.cells import LSTMState
from unrolled.nn.lstm import _plain, lstm_states

SIDES, BATCH, INPUT, HIDDEN = 2, 4, 3, 5


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(1997)

    def some(time, dtype=torch.float64, hidden=HIDDEN, size=INPUT):
        shapes = (
            (time, SIDES, BATCH, size),
            (SIDES, BATCH, hidden),
            (SIDES, BATCH, hidden),
            (SIDES, 4 * hidden, size),
            (SIDES, 4 * hidden, hidden),
            (SIDES, 4 * hidden),
        )
        return [torch.randn(shape, dtype=dtype, generator=generator).requires_grad_() for shape in shapes]

    return some


def run(function, x, h, c, *weights):
    return tuple(function(x, LSTMState(h, c), *weights))


@pytest.mark.parametrize("time", [1, 6])
def test_gradients_are_those_of_autograd(draw, time):
    given = draw(time)
    seen = [run(function, *given) for function in (lstm_states, _plain)]
    mix = [torch.randn_like(part) for part in seen[0]]
    gradients = [
        torch.autograd.grad(sum((part * m).sum() for part, m in zip(states, mix, strict=True)), given)
        for states in seen
    ]
    for ours, expected in zip((*seen[0], *gradients[0]), (*seen[1], *gradients[1]), strict=True):
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-10)


def test_gradients_are_differences(draw):
    assert gradcheck(lambda *given: run(lstm_states, *given), draw(3, hidden=2))


def test_each_side_is_torchs_layer(draw):
    x, h, c, W_x, W_h, b = draw(6)
    states = lstm_states(x, LSTMState(h, c), W_x, W_h, b)
    for side in range(SIDES):
        layer = nn.LSTM(INPUT, HIDDEN).double()
        with torch.no_grad():
            for name, part in (("weight_ih_l0", W_x), ("weight_hh_l0", W_h), ("bias_ih_l0", b)):
                getattr(layer, name).copy_(part[side])
            layer.bias_hh_l0.zero_()
            expected, (_, last) = layer(x[:, side], (h[side][None].contiguous(), c[side][None].contiguous()))
        torch.testing.assert_close(states.h[:, side], expected)
        torch.testing.assert_close(states.c[-1, side], last[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_steps_to_come_change_no_bit(draw, dtype):
    x, h, c, *weights = draw(17, dtype, hidden=24, size=10)
    states = lstm_states(x, LSTMState(h, c), *weights)
    for time in (1, 2, 3, 7, 16):
        fewer = lstm_states(x[:time], LSTMState(h, c), *weights)
        assert torch.equal(fewer.h, states.h[:time])
        assert torch.equal(fewer.c, states.c[:time])


def test_one_step_of_one_sequence_leaves_what_it_was_given():
    given = [torch.ones(1, 1, 1, 3), *torch.ones(2, 1, 1, 2), torch.ones(1, 8, 3), torch.ones(1, 8, 2)]
    bias = torch.ones(1, 8)
    run(lstm_states, *given, bias)
    assert all((part == 1).all() for part in (*given, bias))


def test_models_stacked_by_vmap_are_the_models(draw):
    x, h, c, *weights = draw(4)
    both = torch.func.vmap(lambda *given: run(lstm_states, x, h, c, *given))(
        *(torch.stack((part, 2 * part)) for part in weights)
    )
    for index, factor in enumerate((1, 2)):
        alone = run(lstm_states, x, h, c, *(factor * part for part in weights))
        for ours, expected in zip(both, alone, strict=True):
            torch.testing.assert_close(ours[index], expected)


def test_no_step_gives_no_state(draw):
    states = run(lstm_states, *draw(0))
    assert [part.shape for part in states] == [(0, SIDES, BATCH, HIDDEN)] * 2
