"""The loop of a GRU over a sequence with its gradients by hand: one large product a weight, after the loop.

Autograd multiplies out the gradient of every weight at every step and adds the results up. The gradients of
the gates of all steps, kept until the loop has ended, give the same sum as one product.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Gates(NamedTuple):
    """What a step of a GRU leaves for its gradients."""

    r: Float[Tensor, "*two batch hidden"]
    z: Float[Tensor, "*two batch hidden"]
    n: Float[Tensor, "*two batch hidden"]
    product: Tensor | None  # U_n h + b_n, where the reset comes after it


def gru_forward(
    h: Tensor, given: Tensor, gates: Tensor, candidate: Tensor, b_n: Tensor | None, before: bool, take: bool
) -> tuple[Tensor, Gates]:
    """The step of `unrolled.nn.gru.gru_update`, and what its gradients need.

    *Shapes*: ``h`` ``[*two, batch, hidden]``, ``given`` ``[*two, batch, 3 hidden]``; the weights as in
    `unrolled.nn.gru.Recurrent`. ``before`` and ``take`` are the two conventions.
    """
    hidden = h.shape[-1]
    given_gates, given_n = given.split((2 * hidden, hidden), -1)
    added = torch.addmm if h.ndim == 2 else torch.baddbmm
    r, z = torch.sigmoid(added(given_gates, h, gates.mT)).chunk(2, -1)
    if before:
        product, total = None, added(given_n, r * h, candidate.mT)
    else:
        product = h @ candidate.mT
        product = product if b_n is None else product + b_n.unsqueeze(-2)
        total = torch.addcmul(given_n, r, product)
    n = torch.tanh(total)
    return torch.lerp(h, n, z) if take else torch.lerp(n, h, z), Gates(r, z, n, product)


def gru_backward(
    d_new: Tensor, h: Tensor, saved: Gates, gates: Tensor, candidate: Tensor, take: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """From the gradient of a step's result to those of its state and of what was ``given``; the third is
    the gradient of the candidate's product with the state (where the reset comes before, of its sum).

    *Shapes*: ``d_new``, ``h`` ``[*two, batch, hidden]``; gives ``[*two, batch, hidden]``,
    ``[*two, batch, 3 hidden]`` and ``[*two, batch, hidden]``.
    """
    r, z, n, product = saved
    d_z = d_new * (n - h if take else h - n)
    towards_n = d_new * z
    d_h, d_n = (d_new - towards_n, towards_n) if take else (towards_n, d_new - towards_n)
    d_total = torch.ops.aten.tanh_backward(d_n, n)
    if product is None:
        d_product, d_reset = d_total, d_total @ candidate
        d_r, d_h = d_reset * h, torch.addcmul(d_h, d_reset, r)
    else:
        d_product, d_r = d_total * r, d_total * product
        d_h = d_h + d_product @ candidate
    d_gates = torch.cat((d_r, d_z), -1)
    d_gates = torch.ops.aten.sigmoid_backward(d_gates, torch.cat((r, z), -1))
    return d_h + d_gates @ gates, torch.cat((d_gates, d_total), -1), d_product


def weight_gradient(d_out: Tensor, inputs: Tensor) -> Tensor:
    """The gradient of a weight from those of its products at all steps: one product over steps and batch.

    *Shapes*: ``[time, *two, batch, out]`` and ``[time, *two, batch, in]`` give ``[*two, out, in]``.

    >>> weight_gradient(torch.ones(4, 3, 2), torch.ones(4, 3, 5))[0]
    tensor([12., 12., 12., 12., 12.])
    """
    if d_out.ndim == 3:
        return d_out.flatten(0, 1).t() @ inputs.flatten(0, 1)
    return d_out.transpose(0, 1).flatten(1, 2).mT @ inputs.transpose(0, 1).flatten(1, 2)


def gru_sequence(
    given: Float[Tensor, "time *two batch three_hidden"],
    initial: Float[Tensor, "*two batch hidden"],
    weights: Any,
    *,
    before: bool,
    take: bool,
) -> Float[Tensor, "time *two batch hidden"]:
    """The states of all steps, by the loop whose gradients are written by hand.

    *Paper*: cho2014learning, equations 5 to 8.

    *Shapes*: as annotated; ``weights`` is a `unrolled.nn.gru.Recurrent`. Second derivatives are not there.
    """
    return _Sequence.apply(given, initial, *weights, before, take)[0]


class _Sequence(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(given, initial, gates, candidate, b_n, before, take):
        h, states, kept = initial, [], []
        for given_t in given.unbind(0):
            h, saved = gru_forward(h, given_t, gates, candidate, b_n, before, take)
            states.append(h)
            kept.append(saved)
        r, z, n, product = zip(*kept, strict=True)
        product = initial.new_zeros(0) if before else torch.stack(product)
        return torch.stack(states), torch.stack(r), torch.stack(z), torch.stack(n), product

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        _, initial, gates, candidate, b_n, ctx.before, ctx.take = inputs
        ctx.has_bias = b_n is not None
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(initial, gates, candidate, *output)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, d_states, *_):
        initial, gates, candidate, states, r, z, n, product = ctx.saved_tensors
        earlier = torch.cat((initial.unsqueeze(0), states[:-1]))
        d_h, d_given, d_products = torch.zeros_like(initial), [], []
        for t in range(len(states) - 1, -1, -1):
            saved = Gates(r[t], z[t], n[t], None if ctx.before else product[t])
            d_h, d_given_t, d_product = gru_backward(
                d_h + d_states[t], earlier[t], saved, gates, candidate, ctx.take
            )
            d_given.append(d_given_t)
            d_products.append(d_product)
        d_given, d_product = torch.stack(d_given[::-1]), torch.stack(d_products[::-1])
        d_gates = weight_gradient(d_given[..., : 2 * initial.shape[-1]], earlier)
        d_candidate = weight_gradient(d_product, r * earlier if ctx.before else earlier)
        d_b = d_product.sum((0, -2)) if ctx.has_bias else None
        return d_given, d_h, d_gates, d_candidate, d_b, None, None
