"""The layers that deep knowledge tracing adds to the usual LSTM: the appendix's own, and the plain one."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.cells import LSTMState, rnn_step
from unrolled.nn.checks import under_vmap
from unrolled.nn.scan import expand_state, scan


def appendix_lstm_step(
    state: LSTMState,
    from_x: Float[Tensor, "batch four_hidden"],
    W_h: Float[Tensor, "four_hidden hidden"],
) -> LSTMState:
    """One step of the LSTM as the paper's appendix prints it.

    *Paper*: piech2015deep, Appendix. Its gates and also its candidate g are logistic, nothing squashes the
    cell on its way out, and the network is read from the cell (here ``c``, the paper's m).

        (i_t, f_t, g_t, o_t) = sigma(W_x x_t + b + W_h h_{t-1})
        m_t = f_t * m_{t-1} + i_t * g_t
        h_t = o_t * m_t

    *Shapes*: as annotated, ``four_hidden`` = 4 ``hidden``. ``from_x`` is W_x x_t + b, which no feedback
    reaches, so that it is computed for all steps at once.

    >>> state = LSTMState(torch.zeros(1, 1), torch.ones(1, 1))
    >>> new = appendix_lstm_step(state, torch.zeros(1, 4), torch.zeros(4, 1))
    >>> new.c.item(), new.h.item()
    (0.75, 0.375)
    """
    i, f, g, o = torch.sigmoid(from_x + functional.linear(state.h, W_h)).chunk(4, -1)
    c = f * state.c + i * g
    return LSTMState(o * c, c)


class AppendixLSTM(nn.Module):
    """A layer of the appendix's LSTM, with a learned initial state; `appendix_lstm_step` over a sequence.

    *Departures*: unspecified: weights are uniform as torch's, the forget gate's bias starts at 1. The cell
    before the first step is a softplus, so that training cannot make it negative.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.W_x = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.W_h = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.b = nn.Parameter(torch.zeros(4 * hidden_size))
        self.h_0 = nn.Parameter(torch.zeros(hidden_size))
        self.before_c_0 = nn.Parameter(torch.zeros(hidden_size))
        for weight in (self.W_x, self.W_h):
            nn.init.uniform_(weight, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))
        with torch.no_grad():
            self.b[hidden_size : 2 * hidden_size] = 1

    def forward(self, x: Tensor, initial: LSTMState | None = None) -> tuple[Tensor, LSTMState]:
        """The cells of all steps ``[batch, time, hidden]``, and the last state."""
        if initial is None:
            initial = expand_state(LSTMState(self.h_0, functional.softplus(self.before_c_0)), x.shape[0])
        from_x = functional.linear(x, self.W_x, self.b)
        states, last, _ = scan(appendix_lstm_step, from_x, initial, self.W_h, batch_first=True)
        return states.c, last


class PlainRNN(nn.Module):
    """A layer of equation 1 on torch's fused loop, with a learned initial state.

    The mathematics is that of `torch.nn.RNN`; its second bias, which the paper does not have, stays zero.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.core = nn.RNN(input_size, hidden_size, batch_first=True)
        nn.init.zeros_(self.core.bias_hh_l0).requires_grad_(False)
        self.h_0 = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, x: Tensor, initial: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The hidden states of all steps ``[batch, time, hidden]``, and the last one."""
        if initial is None:
            initial = expand_state(self.h_0, x.shape[0])
        weights = self.core.weight_ih_l0, self.core.weight_hh_l0, self.core.bias_ih_l0
        if under_vmap(x, initial, *weights):
            states, last, _ = scan(rnn_step, x, initial, *weights, batch_first=True)
            return states, last
        h, last = self.core(x, initial.unsqueeze(0).contiguous())
        return h, last[0]
