"""The controller of a neural Turing machine: a feed-forward layer or an LSTM that also sees what was read."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


class NTMState(NamedTuple):
    """The state of a neural Turing machine; ``h`` and ``c`` hold all layers of an LSTM controller."""

    h: Float[Tensor, "*batch hidden"] | None
    c: Float[Tensor, "*batch hidden"] | None
    reads: Float[Tensor, "*batch reads"]  # of all heads, side by side
    weighting: Float[Tensor, "*batch heads rows"]
    memory: Float[Tensor, "*batch rows columns"]


class NTMWeights(NamedTuple):
    """The parameters of a step; of the first layer, what multiplies the input is outside of it."""

    first: Float[Tensor, "*copies outputs reads_and_hidden"]
    deeper: tuple[tuple[Tensor, Tensor], ...]  # weight and bias of every further LSTM layer
    heads: Float[Tensor, "*copies asked hidden"]
    heads_bias: Float[Tensor, "*copies asked"]


def linear(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """A linear map; or one map each, where ``x``, ``W`` and ``b`` begin with an axis of copies.

    >>> linear(torch.ones(2, 3, 4), torch.ones(2, 5, 4), torch.zeros(2, 5)).shape
    torch.Size([2, 3, 5])
    """
    if W.ndim == 2:
        return functional.linear(x, W, b)
    rows = torch.baddbmm(b.unsqueeze(1), x.flatten(1, -2), W.mT)
    return rows.unflatten(1, x.shape[1:-1])


def _plus_product(term: Tensor, x: Tensor, W: Tensor) -> Tensor:
    return torch.addmm(term, x, W.mT) if W.ndim == 2 else torch.baddbmm(term, x, W.mT)


def gates(z: Float[Tensor, "*batch four_hidden"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gates i, f, g, o of an LSTM, with any number of leading axes."""
    i, f, g, o = z.chunk(4, -1)
    return torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)


def controller_step(
    state: NTMState, x_term: Float[Tensor, "*batch outputs"], weights: NTMWeights
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The controller's output, and its new ``h`` and ``c`` (None for a feed-forward controller).

    *Paper*: graves2014neural, Section 3.4. ``x_term`` is W_x x_t + b, computed for all steps at once.

        feed-forward: h_t = tanh(W_x x_t + W_r r_{t-1} + b)
        LSTM: its gates see x_t, r_{t-1} and h_{t-1}; further layers see the one below

    *Shapes*: as annotated.

    *Departures*: unspecified: the paper names neither the non-linearity nor what a second layer sees.
    """
    if state.h is None:
        output = torch.tanh(_plus_product(x_term, state.reads, weights.first))
        return output, None, None
    layers = 1 + len(weights.deeper)
    old_h, old_c = state.h.chunk(layers, -1), state.c.chunk(layers, -1)
    new_h, new_c = [], []
    for layer in range(layers):
        if layer == 0:
            z = _plus_product(x_term, torch.cat((state.reads, old_h[0]), -1), weights.first)
        else:
            z = linear(torch.cat((new_h[-1], old_h[layer]), -1), *weights.deeper[layer - 1])
        i, f, g, o = gates(z)
        new_c.append(f * old_c[layer] + i * g)
        new_h.append(o * torch.tanh(new_c[-1]))
    if layers == 1:
        return new_h[0], new_h[0], new_c[0]
    return new_h[-1], torch.cat(new_h, -1), torch.cat(new_c, -1)
