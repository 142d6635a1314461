"""LSTMs over whole sequences, several side by side, with the gradient derived by hand.

Autograd would make one small product a weight a step. Here the loop only carries what feeds back; all weight
gradients are one large product after it. A step is one product over the batch, whatever the number of steps,
so that padding behind a sequence changes no bit of its states.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from unrolled.nn.cells import LSTMState
from unrolled.nn.folding import folded, only_vmap


def lstm_states(
    x: Float[Tensor, "time side batch input"],
    initial: LSTMState,
    W_x: Float[Tensor, "side four_hidden input"],
    W_h: Float[Tensor, "side four_hidden hidden"],
    b: Float[Tensor, "side four_hidden"],
) -> LSTMState:
    """The states of LSTMs that run side by side, each with its own weights, after every step.

    *Paper*: hochreiter1997long, with the forget gate of gers2000learning.

    *Shapes*: as annotated, ``four_hidden`` = 4 ``hidden`` in the order i, f, g, o; ``initial`` ``[side,
    batch, hidden]``; the states are ``[time, side, batch, hidden]``.

    Under `torch.func.vmap` the models of the batch run side by side too; under its other transforms autograd
    does it, step by step.

    >>> zeros = torch.zeros(1, 4, 5)
    >>> initial = LSTMState(torch.ones(1, 2, 1), torch.ones(1, 2, 1))
    >>> lstm_states(torch.zeros(3, 1, 2, 5), initial, zeros, zeros[..., :1], zeros[..., 0]).c[:, 0, 0, 0]
    tensor([0.5000, 0.2500, 0.1250])
    """
    if not len(x) or not only_vmap():
        return _plain(x, initial, W_x, W_h, b)
    return LSTMState(*_States.apply(x, *initial, W_x, W_h, b)[:2])


def _plain(x: Tensor, state: LSTMState, W_x: Tensor, W_h: Tensor, b: Tensor) -> LSTMState:
    """The same by autograd: what `_States` is tested against."""
    h, c, found = *state, []
    given = x @ W_x.mT + b.unsqueeze(-2)
    for given_t in given.unbind(0):
        i, f, g, o = torch.baddbmm(given_t, h, W_h.mT).chunk(4, 2)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        found.append((h, c))
    if not found:
        return LSTMState(*(part.new_zeros(0, *part.shape) for part in state))
    return LSTMState(*(torch.stack(part) for part in zip(*found, strict=True)))


class _States(Function):
    """`lstm_states` with its gradient. ``feed`` holds [x_t, h_{t-1}], what one product reads at each step."""

    @staticmethod
    def forward(x: Tensor, h: Tensor, c: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor) -> Any:
        time, sides, batch, size = x.shape
        hidden = h.shape[-1]
        feed = x.new_empty(time + 1, sides, batch, size + hidden)
        feed[:time, ..., :size] = x
        feed[0, ..., size:] = h
        gates = x.new_empty(time, sides, batch, 4 * hidden).copy_(b.unsqueeze(1))
        cells, shown = x.new_empty(time + 1, sides, batch, hidden), x.new_empty(time, sides, batch, hidden)
        cells[0] = c
        W = torch.cat((W_x, W_h), 2).mT
        in_place, cell, shown_h = Gates(gates), cells.unbind(0), feed[..., size:].unbind(0)
        for t, (feed_t, tanh_c) in enumerate(zip(feed.unbind(0), shown.unbind(0), strict=False)):
            in_place.all[t].baddbmm_(feed_t, W)
            in_place.step(t, cell[t], cell[t + 1], tanh_c, out=shown_h[t + 1])
        return feed[1:, ..., size:].contiguous(), cells[1:].clone(), feed, gates, cells, shown

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*output[2:], *inputs[3:5])
        ctx.mark_non_differentiable(*output[2:])
        ctx.set_materialize_grads(False)  # or every step of feed to shown would get zeros for a gradient

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *given: Tensor) -> Any:
        """The models of a batch become further sides."""
        size = info.batch_size
        found = _States.apply(*folded(size, in_dims, (1, 0, 0, 0, 0, 0), given))
        states = (part.unflatten(1, (size, -1)) for part in found[:2])
        return (*states, *found[2:]), (1, 1, None, None, None, None)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_h: Tensor | None, d_c: Tensor | None, *_: Any) -> Any:
        feed, gates, cells, shown, W_x, W_h = ctx.saved_tensors
        slopes = Slopes(gates, cells, shown)
        carried_h, carried_c = torch.zeros_like(shown[0]), torch.zeros_like(shown[0])
        given_h, given_c = (None if part is None else part.unbind(0) for part in (d_h, d_c))
        for t in reversed(range(len(gates))):
            if given_h is not None:
                carried_h.add_(given_h[t])
            if given_c is not None:
                carried_c.add_(given_c[t])
            carried_c = slopes.through(t, carried_h, carried_c)
            torch.bmm(slopes.d_gates[t], W_h, out=carried_h)
        d_gates = slopes.out
        by_side = d_gates.transpose(0, 1).flatten(1, 2)
        d_W = by_side.mT @ feed[:-1].transpose(0, 1).flatten(1, 2)
        d_x = None
        if ctx.needs_input_grad[0]:
            d_x = (by_side @ W_x).unflatten(1, (len(gates), -1)).transpose(0, 1)
        return d_x, carried_h, carried_c, *d_W.split((W_x.shape[2], W_h.shape[2]), 2), by_side.sum(1)


class Gates:
    """The gates of all steps as views that are cut once: a step turns pre-activations into gates in place."""

    def __init__(self, gates: Tensor) -> None:
        hidden = gates.shape[-1] // 4
        self.all, self.i_f = gates.unbind(0), gates[..., : 2 * hidden].unbind(0)
        self.i, self.f, self.g, self.o = (part.unbind(0) for part in gates.split(hidden, -1))

    def step(self, t: int, c: Tensor, new: Tensor, shown: Tensor, *, out: Tensor) -> None:
        """Write the new cell, its tanh, and the new state."""
        self.i_f[t].sigmoid_()
        self.g[t].tanh_()
        self.o[t].sigmoid_()
        torch.mul(self.f[t], c, out=new)
        new.addcmul_(self.i[t], self.g[t])
        torch.tanh(new, out=shown)
        torch.mul(self.o[t], shown, out=out)


class Slopes:
    """What an LSTM's gradient needs of all its steps, from stored gates, cells and their tanh: made at once
    before the loop that runs backwards. ``out`` collects the gradient of the pre-activations."""

    def __init__(self, gates: Tensor, cells: Tensor, shown: Tensor) -> None:
        i, f, g, o = gates.unflatten(-1, (4, -1)).unbind(-2)
        # d_gates is d_c or d_h times these: with respect to i, f and g through the cell, and to o.
        slopes = torch.addcmul(gates, gates, gates, value=-1).unflatten(-1, (4, -1))
        for gate, other in zip((0, 1, 3), (g, cells[:-1], shown), strict=True):
            slopes[..., gate, :].mul_(other)
        torch.addcmul(i, i * g, g, value=-1, out=slopes[..., 2, :])
        self.f, self.c = f.unbind(0), torch.addcmul(o, o * shown, shown, value=-1).unbind(0)
        self.rest, self.o = slopes[..., :3, :].unbind(0), slopes[..., 3, :].unbind(0)
        self.out = torch.empty_like(gates)
        parts = self.out.unflatten(-1, (4, -1))
        self.d_gates, self.d_rest = self.out.unbind(0), parts[..., :3, :].unbind(0)
        self.d_o = parts[..., 3, :].unbind(0)

    def through(self, t: int, d_h: Tensor, d_c: Tensor) -> Tensor:
        """Write the gradient of a step's pre-activations, and give that of the cell before."""
        d_c = torch.addcmul(d_c, d_h, self.c[t])
        torch.mul(d_c.unsqueeze(-2), self.rest[t], out=self.d_rest[t])
        torch.mul(d_h, self.o[t], out=self.d_o[t])
        return d_c.mul_(self.f[t])
