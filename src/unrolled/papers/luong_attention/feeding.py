"""The decoder with input feeding as one function of a whole sentence, its gradient derived by hand.

What a step feeds back are its state and its attentional vector; the loop carries these and nothing else. All
weight gradients, and those of the annotations, are one large product each after it.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from unrolled.nn.attention import Memory
from unrolled.nn.cells import LSTMState
from unrolled.nn.lstm import Gates, Slopes


def fed_sentence(
    given: Float[Tensor, "target batch four_hidden"],
    initial: LSTMState,
    weights: Float[Tensor, "four_hidden both"],
    W_c: Float[Tensor, "hidden read"],
    memory: Memory,
    outside: Bool[Tensor, "steps source batch"],
) -> tuple[Float[Tensor, "target batch hidden"], Float[Tensor, "target source batch"]]:
    """Attentional vectors and weights of every step, where the score is an inner product with keys.

    *Paper*: luong2015effective, equations 3, 5 and 7 and Section 3.3.

        h_t = LSTM([E y_{t-1}; h~_{t-1}], h_{t-1})     a_t = align(h_t, keys)     h~_t = tanh(W_c [c_t; h_t])

    *Shapes*: as annotated, ``four_hidden`` = 4 ``hidden``; ``both`` = 2 ``hidden``, the weights of h~ and of
    h; ``read`` = annotation + hidden. ``given`` is the word's part of the gates with the biases. ``outside``
    is true where a step may not look; it has one step where that is the same for all.
    """
    return _Fed.apply(given, *initial, weights, W_c, memory.annotations, memory.keys, outside)


class _Fed(Function):
    """``feed`` holds [h~_{t-1}, h_{t-1}] and ``read`` [c_t, h_t], what the two products of a step read."""

    @staticmethod
    def forward(
        ctx: Any,
        given: Tensor,
        h: Tensor,
        c: Tensor,
        weights: Tensor,
        W_c: Tensor,
        annotations: Tensor,
        keys: Tensor,
        outside: Tensor,
    ) -> Any:
        target, batch, _ = given.shape
        source, _, size = annotations.shape
        hidden = h.shape[1]
        feed = given.new_empty(target + 1, batch, 2 * hidden)
        feed[0, :, :hidden], feed[0, :, hidden:] = 0.0, h
        read = given.new_empty(target, batch, size + hidden)
        gates, alpha = torch.empty_like(given), given.new_empty(target, source, batch)
        cells, shown = given.new_empty(target + 1, batch, hidden), given.new_empty(target, batch, hidden)
        cells[0] = c
        outside, lowest = outside.expand(target, -1, -1), torch.finfo(given.dtype).min
        turned, turned_c = weights.t(), W_c.t()
        products, weighted = torch.empty_like(keys), torch.empty_like(annotations)
        # Views of all steps, cut at once: cutting them one by one costs more than some of the products.
        in_place, cell = Gates(gates), cells.unbind(0)
        feeds, fed_attentional, fed_h = (
            part.unbind(0) for part in (feed, feed[..., :hidden], feed[..., hidden:])
        )
        reads, contexts, states = read.unbind(0), read[..., :size].unbind(0), read[..., size:].unbind(0)
        for t, (given_t, a, tanh_c, hidden_from) in enumerate(
            zip(given.unbind(0), alpha.unbind(0), shown.unbind(0), outside.unbind(0), strict=True)
        ):
            torch.addmm(given_t, feeds[t], turned, out=in_place.all[t])
            in_place.step(t, cell[t], cell[t + 1], tanh_c, out=fed_h[t + 1])
            h = states[t].copy_(fed_h[t + 1])
            torch.mul(keys, h, out=products)
            torch.softmax(products.sum(2).masked_fill_(hidden_from, lowest), 0, out=a)
            torch.mul(annotations, a.unsqueeze(2), out=weighted)
            torch.sum(weighted, 0, out=contexts[t])
            torch.tanh(reads[t] @ turned_c, out=fed_attentional[t + 1])
        alpha.masked_fill_(outside, 0.0)  # not 0 yet where a sentence has no word; its annotations are
        ctx.save_for_backward(feed, read, gates, cells, shown, alpha, weights, W_c, annotations, keys)
        return feed[1:, :, :hidden].contiguous(), alpha.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor, d_alpha: Tensor) -> Any:
        feed, read, gates, cells, shown, alpha, weights, W_c, annotations, keys = ctx.saved_tensors
        size, hidden = annotations.shape[2], keys.shape[2]
        slopes, slopes_out = Slopes(gates, cells, shown), 1 - feed[1:, :, :hidden].square()
        d_before = torch.empty_like(d_out)
        d_read, d_energy = torch.empty_like(read), torch.empty_like(alpha)
        d_fed, d_c = torch.zeros_like(feed[0]), torch.zeros_like(cells[0])
        products, weighted = torch.empty_like(keys), torch.empty_like(annotations)
        slope, before, reading = slopes_out.unbind(0), d_before.unbind(0), d_read.unbind(0)
        d_context, d_state = d_read[..., :size].unbind(0), d_read[..., size:].unbind(0)
        d_attentional, d_h_fed = d_fed[:, :hidden], d_fed[:, hidden:]
        steps = zip(d_out.unbind(0), d_alpha.unbind(0), alpha.unbind(0), d_energy.unbind(0), strict=True)
        for t, (d_out_t, d_alpha_t, a, d_e) in reversed(list(enumerate(steps))):
            torch.mul(d_attentional.add_(d_out_t), slope[t], out=before[t])
            torch.mm(before[t], W_c, out=reading[t])
            torch.mul(annotations, d_context[t], out=weighted)
            d_weight = weighted.sum(2).add_(d_alpha_t).mul_(a)
            torch.sub(d_weight, a * d_weight.sum(0), out=d_e)
            torch.mul(keys, d_e.unsqueeze(2), out=products)
            d_h = products.sum(0).add_(d_state[t]).add_(d_h_fed)
            d_c = slopes.through(t, d_h, d_c)
            torch.mm(slopes.d_gates[t], weights, out=d_fed)
        d_gates = slopes.out
        d_weights = d_gates.flatten(0, 1).t() @ feed[:-1].flatten(0, 1)
        d_W_c = d_before.flatten(0, 1).t() @ read.flatten(0, 1)
        d_annotations = _outer(alpha, d_read[..., :size])
        d_keys = _outer(d_energy, read[..., size:])
        return d_gates, d_fed[:, hidden:], d_c, d_weights, d_W_c, d_annotations, d_keys, None


def _outer(weights: Tensor, vectors: Tensor) -> Tensor:
    """The sum over steps of a weight times a vector: ``[target, source, batch]``, ``[target, batch, size]``
    to ``[source, batch, size]``."""
    return torch.bmm(weights.permute(2, 1, 0), vectors.transpose(0, 1)).transpose(0, 1)
