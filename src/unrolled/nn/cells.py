"""The plain cells that the papers start from: the simple recurrent network and the LSTM.

Weights have torch's layout, one row a unit; an LSTM's rows are in torch's order of gates: i, f, g, o.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.checks import Lengths, check_features, under_vmap
from unrolled.nn.scan import expand_state, scan


class LSTMState(NamedTuple):
    """The state of an LSTM: what it shows and what it keeps."""

    h: Float[Tensor, "batch hidden"]
    c: Float[Tensor, "batch hidden"]


class Unrolled(NamedTuple):
    """What a recurrent layer returns: the hidden states of all steps, and its state after the last."""

    h: Float[Tensor, "batch time hidden"]
    last: LSTMState | Float[Tensor, "batch hidden"]


def rnn_step(
    h: Float[Tensor, "batch hidden"],
    x_t: Float[Tensor, "batch input"],
    W_x: Float[Tensor, "hidden input"],
    W_h: Float[Tensor, "hidden hidden"],
    b: Float[Tensor, " hidden"],
) -> Float[Tensor, "batch hidden"]:
    """One step of the simple recurrent network, with the hyperbolic tangent.

    *Paper*: cooijmans2017recurrent, Section 2, equation 1.

        h_t = tanh(W_h h_{t-1} + W_x x_t + b)

    *Shapes*: as annotated.

    >>> h = rnn_step(torch.zeros(1, 2), torch.ones(1, 1), torch.ones(2, 1), torch.eye(2), torch.zeros(2))
    >>> h.round(decimals=4)
    tensor([[0.7616, 0.7616]])
    """
    return torch.tanh(functional.linear(h, W_h) + functional.linear(x_t, W_x, b))


def lstm_preactivations(
    h: Float[Tensor, "batch hidden"],
    x_t: Float[Tensor, "batch input"],
    W_x: Float[Tensor, "four_hidden input"],
    W_h: Float[Tensor, "four_hidden hidden"],
    b: Float[Tensor, " four_hidden"],
) -> Float[Tensor, "batch four_hidden"]:
    """What enters the gates of an LSTM, in torch's order i, f, g, o.

    *Paper*: cooijmans2017recurrent, Section 2, equation 2.

        (i~_t, f~_t, g~_t, o~_t) = W_h h_{t-1} + W_x x_t + b

    *Shapes*: as annotated, ``four_hidden`` = 4 ``hidden``.
    """
    return functional.linear(h, W_h) + functional.linear(x_t, W_x, b)


def lstm_gates(
    preactivations: Float[Tensor, "batch four_hidden"],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gates i, f, g, o, each ``[batch, hidden]``, of their stacked pre-activations."""
    i, f, g, o = preactivations.chunk(4, dim=-1)
    return torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)


def lstm_step(
    state: LSTMState,
    x_t: Float[Tensor, "batch input"],
    W_x: Float[Tensor, "four_hidden input"],
    W_h: Float[Tensor, "four_hidden hidden"],
    b: Float[Tensor, " four_hidden"],
) -> LSTMState:
    """One step of the LSTM with forget gate and without peepholes.

    *Paper*: cooijmans2017recurrent, Section 2, equations 2 to 4.

        (i~_t, f~_t, g~_t, o~_t) = W_h h_{t-1} + W_x x_t + b
        c_t = sigma(f~_t) * c_{t-1} + sigma(i~_t) * tanh(g~_t)
        h_t = sigma(o~_t) * tanh(c_t)

    *Shapes*: as annotated, ``four_hidden`` = 4 ``hidden``.

    *Departures*: the paper stacks the gates as f, i, o, g; here they stand in torch's order.

    >>> state = LSTMState(torch.zeros(1, 1), torch.ones(1, 1))
    >>> new = lstm_step(state, torch.ones(1, 1), torch.zeros(4, 1), torch.zeros(4, 1), torch.zeros(4))
    >>> round(new.c.item(), 4), round(new.h.item(), 4)
    (0.5, 0.2311)
    """
    i, f, g, o = lstm_gates(lstm_preactivations(state.h, x_t, W_x, W_h, b))  # (2)
    c = f * state.c + i * g  # (3)
    return LSTMState(h=o * torch.tanh(c), c=c)  # (4)


class RNN(nn.Module):
    """A layer of simple recurrent units (equation 1), with a learned initial state.

    *Paper*: cooijmans2017recurrent, Section 2, equation 1.

    *Shapes*: ``x`` is ``[batch, time, input]``, or ``[time, batch, input]`` with ``batch_first=False``.

    *Raises*: `ShapeError` where ``x`` does not have ``input_size`` features.
    """

    def __init__(self, input_size: int, hidden_size: int, *, batch_first: bool = True) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.batch_first = input_size, hidden_size, batch_first
        self.W_x = nn.Parameter(torch.empty(hidden_size, input_size))
        self.W_h = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.b = nn.Parameter(torch.empty(hidden_size))
        self.h_0 = nn.Parameter(torch.zeros(hidden_size))
        for weight in (self.W_x, self.W_h, self.b):
            nn.init.uniform_(weight, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))

    def forward(
        self,
        x: Float[Tensor, "axis0 axis1 input"],
        lengths: Lengths | None = None,
        initial: Float[Tensor, "batch hidden"] | None = None,
    ) -> Unrolled:
        """Run over a sequence, from ``initial`` or the learned state."""
        check_features(x, self.input_size)
        if initial is None:
            initial = expand_state(self.h_0, x.shape[0 if self.batch_first else 1])
        weights = (self.W_x, self.W_h, self.b)
        return Unrolled(
            *scan(rnn_step, x, initial, *weights, lengths=lengths, batch_first=self.batch_first)[:2]
        )


class LSTM(nn.Module):
    """A layer of LSTM units (equations 2 to 4) with a learned initial state, on torch's fused layer.

    The mathematics is that of `torch.nn.LSTM`, so its fused loop computes it; only sequences of different
    lengths, and models under `torch.func.vmap`, go step by step through `lstm_step`, with the same weights.
    torch's second bias, which the paper does not have, stays zero.

    *Paper*: hochreiter1997long, its cell; gers2000learning, its forget gate; cooijmans2017recurrent,
    Section 2, equations 2 to 4.

    *Shapes*: ``x`` is ``[batch, time, input]``, or ``[time, batch, input]`` with ``batch_first=False``.

    *Raises*: `ShapeError` where ``x`` does not have ``input_size`` features.

    >>> LSTM(3, 5)(torch.zeros(2, 7, 3)).h.shape
    torch.Size([2, 7, 5])
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, batch_first: bool = True, fused: bool = True
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.batch_first, self.fused = batch_first, fused
        self.core = nn.LSTM(input_size, hidden_size, batch_first=batch_first)
        nn.init.zeros_(self.core.bias_hh_l0).requires_grad_(False)
        self.h_0 = nn.Parameter(torch.zeros(hidden_size))
        self.c_0 = nn.Parameter(torch.zeros(hidden_size))

    @property
    def weights(self) -> tuple[Tensor, Tensor, Tensor]:
        """W_x, W_h and b, as `lstm_step` takes them."""
        return self.core.weight_ih_l0, self.core.weight_hh_l0, self.core.bias_ih_l0

    def forward(
        self,
        x: Float[Tensor, "axis0 axis1 input"],
        lengths: Lengths | None = None,
        initial: LSTMState | None = None,
    ) -> Unrolled:
        """Run over a sequence, from ``initial`` or the learned state."""
        check_features(x, self.input_size)
        if initial is None:
            initial = expand_state(LSTMState(self.h_0, self.c_0), x.shape[0 if self.batch_first else 1])
        fused = self.fused and not under_vmap(x, *initial, *self.weights)
        if fused and lengths is None and x.shape[1 if self.batch_first else 0]:
            h, (h_n, c_n) = self.core(x, tuple(part.unsqueeze(0).contiguous() for part in initial))
            return Unrolled(h, LSTMState(h_n[0], c_n[0]))
        states, last, _ = scan(
            lstm_step, x, initial, *self.weights, lengths=lengths, batch_first=self.batch_first
        )
        return Unrolled(states.h, last)
