"""The LSTM that the neural Turing machine is compared with: layers of LSTM units and a linear read-out."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.nn.cells import LSTM, LSTMState
from unrolled.nn.checks import check_features
from unrolled.nn.scan import scan
from unrolled.papers.ntm.controller import gates, linear


class LayerWeights(NamedTuple):
    """The recurrent weights of one layer, of each copy."""

    W_h: Float[Tensor, "copies four_hidden hidden"]
    none: Float[Tensor, "copies four_hidden"]  # zeros: the bias is in the input's term


def copies_step(
    state: LSTMState, x_term: Float[Tensor, "copies batch four_hidden"], weights: LayerWeights
) -> LSTMState:
    """One step of several LSTMs, each with weights of its own; ``x_term`` is W_x x_t + b.

    *Shapes*: states ``[copies, batch, hidden]``.
    """
    i, f, g, o = gates(x_term + linear(state.h, weights.W_h, weights.none))
    c = f * state.c + i * g
    return LSTMState(o * torch.tanh(c), c)


class LSTMBaseline(nn.Module):
    """Stacked LSTM layers with learned initial states, and logits of the output bits at every step.

    *Paper*: graves2014neural, Section 4: three layers in every task.

    *Shapes*: ``x`` is ``[batch, time, input]``; or, where the parameters begin with an axis of copies,
    ``[copies, batch, time, input]``.

    *Departures*: unspecified: the paper does not say whether layers skip one another; here they do not.

    *Raises*: `ShapeError` for a wrong number of features.

    >>> LSTMBaseline(9, 8, hidden_size=16, layers=3)(torch.zeros(2, 7, 9)).shape
    torch.Size([2, 7, 8])
    """

    def __init__(self, input_size: int, output_size: int, *, hidden_size: int = 256, layers: int = 3) -> None:
        super().__init__()
        self.input_size = input_size
        sizes = [input_size] + [hidden_size] * (layers - 1)
        self.layers = nn.ModuleList(LSTM(size, hidden_size) for size in sizes)
        self.readout = nn.Linear(hidden_size, output_size)

    def forward(self, x: Float[Tensor, "*batch time input"]) -> Float[Tensor, "*batch time output"]:
        """The logits of every step."""
        check_features(x, self.input_size)
        for layer in self.layers:
            x = layer(x).h if x.ndim == 3 else _run_copies(layer, x)
        return linear(x, self.readout.weight, self.readout.bias)


def _run_copies(layer: LSTM, x: Tensor) -> Tensor:
    """A layer whose parameters are stacked; torch's fused layer has no form for several."""
    W_x, W_h, b = layer.weights
    initial = LSTMState(*(part.unsqueeze(1).expand(-1, x.shape[1], -1) for part in (layer.h_0, layer.c_0)))
    terms = linear(x, W_x, b).movedim(-2, 0)
    states, _, _ = scan(copies_step, terms, initial, LayerWeights(W_h, torch.zeros_like(b)))
    return states.h.movedim(0, -2)
