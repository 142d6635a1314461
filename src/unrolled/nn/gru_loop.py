"""The loop of a GRU over a sequence with its gradients by hand: one large product a weight, after the loop.

Autograd multiplies out the gradient of every weight at every step and adds the results up. The gradients of
the gates of all steps, kept until the loop has ended, give the same sum as one product. All tensors here have
an axis of sides, cells that run beside each other with weights of their own.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from unrolled.nn.folding import folded, only_vmap


class Weights(NamedTuple):
    """The recurrent weights of a GRU, each with its axis of sides, and what stands inside the reset."""

    gates: Float[Tensor, "side two_hidden hidden"]  # U_r, U_z
    candidate: Float[Tensor, "side hidden hidden"]  # U_n
    inside: Float[Tensor, "side rows hidden"] | None  # beside U_n h where the reset comes after it


def gru_sequence(
    given: Float[Tensor, "time *two batch three_hidden"],
    initial: Float[Tensor, "*two batch hidden"],
    weights: Any,
    *,
    before: bool,
    take: bool,
    inside: Float[Tensor, "*two batch hidden"] | None = None,
) -> Float[Tensor, "time *two batch hidden"]:
    """The states of all steps.

    *Paper*: cho2014learning, equations 5 to 8.

    *Options*: ``before`` and ``take`` are the two conventions of `unrolled.nn.gru.gru_update`. ``inside`` is
    added to the product with the state, so that the reset after it scales both; without it b_n is.

    *Shapes*: as annotated; ``weights`` is a `unrolled.nn.gru.Recurrent`. There is at least one step. Under
    `torch.func.vmap` the models of a batch run side by side. Second derivatives are not there.
    """
    gates, candidate, b_n = weights
    if inside is None and b_n is not None:
        inside = b_n.unsqueeze(-2)
    if not only_vmap():
        return _plain(given, initial, gates, candidate, inside, before, take)
    single = initial.ndim == 2
    if single:
        given, initial, gates, candidate = (
            given.unsqueeze(1),
            initial.unsqueeze(0),
            gates.unsqueeze(0),
            candidate.unsqueeze(0),
        )
        inside = None if inside is None else inside.unsqueeze(0)
    states = _Sequence.apply(given, initial, gates, candidate, inside, before, take)[0]
    return states.squeeze(1) if single else states


def _plain(given: Tensor, h: Tensor, gates: Tensor, candidate: Tensor, inside: Any, before: bool, take: bool):
    """The same by autograd, for transforms that the loop cannot follow."""
    hidden, states = h.shape[-1], []
    for given_t in given.unbind(0):
        r, z = torch.sigmoid(given_t[..., : 2 * hidden] + h @ gates.mT).chunk(2, -1)
        product = (r * h if before else h) @ candidate.mT
        product = product if inside is None else product + inside
        n = torch.tanh(given_t[..., 2 * hidden :] + (product if before else r * product))
        h = torch.lerp(h, n, z) if take else torch.lerp(n, h, z)
        states.append(h)
    return torch.stack(states)


class Steps:
    """The states and gates of all steps, made before the loop and cut into steps once.

    *Shapes*: ``states`` ``[time + 1, side, batch, hidden]``, beginning with the initial one; ``gates`` (r and
    z) ``[time, side, batch, 2 hidden]``; ``n`` and ``product`` ``[time, side, batch, hidden]``. ``product``
    is what the candidate's weights made of the state, where the reset comes after it; else it is empty.
    """

    def __init__(self, initial: Tensor, time: int, weights: Weights, before: bool, take: bool) -> None:
        side, batch, hidden = initial.shape
        self.before, self.take = before, take
        self.to_gates, self.to_candidate = weights.gates.mT, weights.candidate.mT
        self.inside = initial.new_zeros(1) if weights.inside is None else weights.inside
        self.states = initial.new_empty(time + 1, side, batch, hidden)
        self.states[0] = initial
        self.gates = initial.new_empty(time, side, batch, 2 * hidden)
        self.n = initial.new_empty(time, side, batch, hidden)
        self.product = initial.new_empty((0,) if before else self.n.shape)
        self.reset = torch.empty_like(initial)  # r * h of the present step
        self.h, self.both, self.new_n = self.states.unbind(0), self.gates.unbind(0), self.n.unbind(0)
        self.r, self.z = (part.unbind(0) for part in self.gates.split(hidden, -1))
        self.products = () if before else self.product.unbind(0)

    def step(self, t: int, given_gates: Tensor, given_n: Tensor) -> None:
        """Write the gates of step t and its state."""
        h, n = self.h[t], self.new_n[t]
        torch.baddbmm(given_gates, h, self.to_gates, out=self.both[t]).sigmoid_()
        if self.before:
            torch.baddbmm(given_n, torch.mul(self.r[t], h, out=self.reset), self.to_candidate, out=n)
        else:
            product = torch.baddbmm(self.inside, h, self.to_candidate, out=self.products[t])
            torch.addcmul(given_n, self.r[t], product, out=n)
        n.tanh_()
        torch.lerp(*((h, n) if self.take else (n, h)), self.z[t], out=self.h[t + 1])


class Slopes:
    """The gradient of a GRU's loop: what it needs of all steps is made at once, before it runs backwards.

    *Shapes*: as those of `Steps`; ``d_given`` ``[time, side, batch, 3 hidden]`` collects the gradients of
    what was given, in the order r, z, n.
    """

    def __init__(
        self,
        states: Tensor,
        gates: Tensor,
        n: Tensor,
        product: Tensor,
        weights: Weights,
        before: bool,
        take: bool,
    ) -> None:
        hidden = n.shape[-1]
        self.before, self.weights = before, weights
        self.earlier, (r, z) = states[:-1], gates.split(hidden, -1)
        self.reset = r
        of_z = z * (1 - z) * ((n - self.earlier) if take else (self.earlier - n))
        kept, taken = (1 - z, z) if take else (z, 1 - z)
        self.of_z, self.of_n = of_z.unbind(0), (taken * (1 - n.square())).unbind(0)
        self.of_r = (r * (1 - r) * (self.earlier if before else product)).unbind(0)
        self.kept, self.r = kept.unbind(0), r.unbind(0)
        self.d_given = n.new_empty(*n.shape[:-1], 3 * hidden)
        self.d_all, self.d_gates = self.d_given.unbind(0), self.d_given[..., : 2 * hidden].unbind(0)
        self.d_r, self.d_z, self.d_n = (part.unbind(0) for part in self.d_given.split(hidden, -1))
        self.into, self.d_product = torch.empty_like(n[0]), torch.empty_like(n[0])

    def through(self, t: int, d_new: Tensor) -> Tensor:
        """Write the gradients of step t, and turn that of its state, in place, into that of the state
        before."""
        torch.mul(d_new, self.of_z[t], out=self.d_z[t])
        d_n = torch.mul(d_new, self.of_n[t], out=self.d_n[t])
        d_new.mul_(self.kept[t])
        if self.before:
            into = torch.bmm(d_n, self.weights.candidate, out=self.into)
            torch.mul(into, self.of_r[t], out=self.d_r[t])
            d_new.addcmul_(into, self.r[t])
        else:
            torch.mul(d_n, self.of_r[t], out=self.d_r[t])
            d_new.baddbmm_(torch.mul(d_n, self.r[t], out=self.d_product), self.weights.candidate)
        return d_new.baddbmm_(self.d_gates[t], self.weights.gates)

    def of_weights(self) -> Weights:
        """The gradients of the weights, after the loop."""
        hidden = self.earlier.shape[-1]
        d_gates, d_n = self.d_given.split((2 * hidden, hidden), -1)
        if self.before:
            to_candidate = weight_gradient(d_n, self.reset * self.earlier)
            return Weights(weight_gradient(d_gates, self.earlier), to_candidate, None)
        d_product = d_n * self.reset
        to_candidate, d_inside = weight_gradient(d_product, self.earlier), d_product.sum(0)
        if self.weights.inside is None:
            d_inside = None
        elif self.weights.inside.shape[1] == 1:
            d_inside = d_inside.sum(1, keepdim=True)
        return Weights(weight_gradient(d_gates, self.earlier), to_candidate, d_inside)


def weight_gradient(
    d_out: Float[Tensor, "time side batch out"], inputs: Float[Tensor, "time side batch in"]
) -> Float[Tensor, "side out in"]:
    """The gradient of a weight from those of its products at all steps: one product over steps and batch.

    *Shapes*: as annotated.

    >>> weight_gradient(torch.ones(4, 1, 3, 2), torch.ones(4, 1, 3, 5))[0, 0]
    tensor([12., 12., 12., 12., 12.])
    """
    return d_out.transpose(0, 1).flatten(1, 2).mT @ inputs.transpose(0, 1).flatten(1, 2)


class _Sequence(Function):
    """`gru_sequence` with its gradient."""

    @staticmethod
    def forward(given, initial, gates, candidate, inside, before, take):
        hidden = initial.shape[-1]
        steps = Steps(initial, len(given), Weights(gates, candidate, inside), before, take)
        parts = (part.unbind(0) for part in given.split((2 * hidden, hidden), -1))
        for t, (given_gates, given_n) in enumerate(zip(*parts, strict=True)):
            steps.step(t, given_gates, given_n)
        return steps.states[1:].clone(), steps.states, steps.gates, steps.n, steps.product

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        _, _, gates, candidate, inside, ctx.before, ctx.take = inputs
        ctx.save_for_backward(gates, candidate, inside, *output[1:])
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)  # zeros for what is only kept would cost more than a step

    @staticmethod
    def vmap(info: Any, in_dims: Any, *given: Any) -> Any:
        """The models of a batch become further sides."""
        found = _Sequence.apply(*folded(info.batch_size, in_dims, (1, 0, 0, 0, 0, 0, 0), given))
        states = found[0].unflatten(1, (info.batch_size, -1))
        return (states, *found[1:]), (1, None, None, None, None)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_states: Tensor | None, *_: Any) -> Any:
        if d_states is None:
            return (None,) * 7
        gates, candidate, inside, *kept = ctx.saved_tensors
        slopes = Slopes(*kept, Weights(gates, candidate, inside), ctx.before, ctx.take)
        d_h = torch.zeros_like(d_states[0])
        for t in range(len(d_states) - 1, -1, -1):
            d_h = slopes.through(t, d_h.add_(d_states[t]))
        return slopes.d_given, d_h, *slopes.of_weights(), None, None
