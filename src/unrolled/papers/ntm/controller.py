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


class Controlled(NamedTuple):
    """What the controller leaves, and what its gradient needs of each layer."""

    output: Float[Tensor, "*batch hidden"]
    h: Float[Tensor, "*batch states"] | None  # of all layers
    c: Float[Tensor, "*batch states"] | None
    seen: tuple[Tensor, ...]  # what the layer's product reads
    gates: tuple[tuple[Tensor, ...], ...]  # i, f, g, o, and the tanh of the new cell


def control(state: NTMState, x_term: Float[Tensor, "*batch outputs"], weights: NTMWeights) -> Controlled:
    """One step of the controller.

    *Paper*: graves2014neural, Section 3.4. ``x_term`` is W_x x_t + b, computed for all steps at once.

        feed-forward: h_t = tanh(W_x x_t + W_r r_{t-1} + b)
        LSTM: its gates see x_t, r_{t-1} and h_{t-1}; further layers see the one below

    *Shapes*: as annotated.

    *Departures*: unspecified: the paper names neither the non-linearity nor what a second layer sees.
    """
    if state.h is None:
        output = torch.tanh(_plus_product(x_term, state.reads, weights.first))
        return Controlled(output, None, None, (state.reads,), ())
    layers = 1 + len(weights.deeper)
    old_h, old_c = state.h.chunk(layers, -1), state.c.chunk(layers, -1)
    new_h, new_c, seen, kept = [], [], [], []
    for layer in range(layers):
        seen.append(torch.cat((new_h[-1] if layer else state.reads, old_h[layer]), -1))
        if layer == 0:
            z = _plus_product(x_term, seen[0], weights.first)
        else:
            z = linear(seen[layer], *weights.deeper[layer - 1])
        i, f, g, o = gates(z)
        c = f * old_c[layer] + i * g
        shown = torch.tanh(c)
        new_c.append(c)
        new_h.append(o * shown)
        kept.append((i, f, g, o, shown))
    if layers == 1:
        return Controlled(new_h[0], new_h[0], new_c[0], tuple(seen), tuple(kept))
    return Controlled(new_h[-1], torch.cat(new_h, -1), torch.cat(new_c, -1), tuple(seen), tuple(kept))


def controller_step(
    state: NTMState, x_term: Float[Tensor, "*batch outputs"], weights: NTMWeights
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The controller's output, and its new ``h`` and ``c`` (None where it is feed-forward), as in `control`.

    *Shapes*: as annotated.
    """
    return control(state, x_term, weights)[:3]


def control_gradient(
    state: NTMState,
    controlled: Controlled,
    weights: NTMWeights,
    d_output: Float[Tensor, "*batch hidden"],
    d_h: Float[Tensor, "*batch states"] | None,
    d_c: Float[Tensor, "*batch states"] | None,
) -> tuple[Tensor | None, Tensor | None, Tensor, tuple[Tensor, ...]]:
    """The gradients of ``h``, ``c`` and ``reads`` before, and of what each layer's product gave.

    *Shapes*: as annotated.
    """
    if state.h is None:
        d_z = d_output * (1 - controlled.output.square())
        return None, None, d_z @ weights.first, (d_z,)
    layers = 1 + len(weights.deeper)
    old_c, d_h, d_c = state.c.chunk(layers, -1), list(d_h.chunk(layers, -1)), list(d_c.chunk(layers, -1))
    d_layers, d_below = [], d_output
    for layer in reversed(range(layers)):
        i, f, g, o, shown = controlled.gates[layer]
        d_new = d_h[layer] + d_below
        d_cell = d_c[layer] + d_new * o * (1 - shown.square())
        d_z = torch.cat(
            (
                d_cell * g * i * (1 - i),
                d_cell * old_c[layer] * f * (1 - f),
                d_cell * i * (1 - g.square()),
                d_new * shown * o * (1 - o),
            ),
            -1,
        )
        W = weights.deeper[layer - 1][0] if layer else weights.first
        below = W.shape[-1] - i.shape[-1]
        d_below, d_h[layer] = (part.contiguous() for part in (d_z @ W).split((below, i.shape[-1]), -1))
        d_c[layer] = d_cell * f
        d_layers.append(d_z)
    if layers == 1:
        return d_h[0], d_c[0], d_below, tuple(d_layers)
    return torch.cat(d_h, -1), torch.cat(d_c, -1), d_below, tuple(d_layers[::-1])
