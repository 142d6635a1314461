"""The plain cells against torch's own."""

import torch
from torch import nn

from unrolled.nn.cells import LSTM, RNN, LSTMState, lstm_step, rnn_step

CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def test_lstm_step_equals_torchs_cell():
    cell = nn.LSTMCell(3, 5).double()
    nn.init.zeros_(cell.bias_hh)
    x, h, c = (torch.randn(4, size, dtype=torch.float64) for size in (3, 5, 5))
    expected = cell(x, (h, c))
    ours = lstm_step(LSTMState(h, c), x, cell.weight_ih, cell.weight_hh, cell.bias_ih)
    torch.testing.assert_close(tuple(ours), expected, **CLOSE)


def test_rnn_step_equals_torchs_cell():
    cell = nn.RNNCell(3, 5).double()
    nn.init.zeros_(cell.bias_hh)
    x, h = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 5, dtype=torch.float64)
    ours = rnn_step(h, x, cell.weight_ih, cell.weight_hh, cell.bias_ih)
    torch.testing.assert_close(ours, cell(x, h), **CLOSE)


def test_fused_lstm_equals_its_steps():
    fused, stepwise = LSTM(3, 5).double(), LSTM(3, 5, fused=False).double()
    stepwise.load_state_dict(fused.state_dict())
    x = torch.randn(4, 7, 3, dtype=torch.float64)
    ours, expected = fused(x), stepwise(x)
    torch.testing.assert_close(ours.h, expected.h, **CLOSE)
    torch.testing.assert_close(tuple(ours.last), tuple(expected.last), **CLOSE)


def test_initial_states_are_learned():
    for layer in (LSTM(3, 5), LSTM(3, 5, fused=False), RNN(3, 5)):
        layer(torch.randn(4, 2, 3)).h.sum().backward()
        assert layer.h_0.grad.abs().min() > 0


def test_the_second_bias_stays_zero():
    layer = LSTM(3, 5)
    optimiser = torch.optim.SGD([p for p in layer.parameters() if p.requires_grad], lr=0.1)
    layer(torch.randn(4, 2, 3)).h.sum().backward()
    optimiser.step()
    assert not layer.core.bias_hh_l0.any()
