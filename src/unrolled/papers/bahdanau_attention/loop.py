"""The decoder's loop in training, with its gradients by hand: one large product a weight, after the loop.

`unrolled.papers.bahdanau_attention.model.decoder_step` says what a step is. Here the gradients of all steps
are kept until the loop has ended; those of weights, keys and annotations are then made for all steps at once.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from unrolled.nn import gru_loop
from unrolled.nn.folding import folded
from unrolled.nn.gru_loop import Slopes, Steps, weight_gradient


class Looked(NamedTuple):
    """What the decoder leaves at every step: its state, the context it saw, and the weights behind it."""

    states: Float[Tensor, "target batch hidden"]
    context: Float[Tensor, "target batch two_hidden"]
    alpha: Float[Tensor, "target source batch"]


class Weights(NamedTuple):
    """The decoder's weights: of the alignment, of the state, and of the context."""

    query: Float[Tensor, "alignment hidden"]  # W_a
    v_a: Float[Tensor, " alignment"]
    gates: Float[Tensor, "two_hidden hidden"]  # U_r, U_z
    candidate: Float[Tensor, "hidden hidden"]  # U
    context: Float[Tensor, "three_hidden two_hidden"]  # C_r, C_z, C


def decoder_loop(
    from_y: Float[Tensor, "target batch three_hidden"],
    s_0: Float[Tensor, "batch hidden"],
    weights: Weights,
    annotations: Float[Tensor, "source batch two_hidden"],
    keys: Float[Tensor, "source batch alignment"],
    padding: Bool[Tensor, "source batch"],
) -> Looked:
    """All steps of the decoder with additive alignment, target words given.

    *Paper*: bahdanau2015neural, Section 3.1 and Appendix A.2.2, as in `decoder_step`.

    The alignment network is evaluated by tanh(x) = 2 sigma(2x) - 1: on the processor that it was measured on,
    tanh takes four times as long. The constant -sum(v_a) that this leaves in every energy cancels in the
    softmax.

    *Shapes*: as annotated. Under `torch.func.vmap` the models of the batch run side by side, in the axis of
    sides that the loop has. Second derivatives are not there.
    """
    time_first = (part.unsqueeze(1) for part in (annotations, keys, padding))
    parts = from_y.unsqueeze(1), s_0.unsqueeze(0), *(part.unsqueeze(0) for part in weights), *time_first
    states, context, alpha = _Loop.apply(*parts)[:3]
    return Looked(states.squeeze(1), context.squeeze(1), alpha.squeeze(2))


class _Loop(Function):
    """`decoder_loop` with its gradient. Every tensor has an axis of sides before that of the batch."""

    @staticmethod
    def forward(from_y, s_0, query, v_a, gates, candidate, weight_context, annotations, keys, padding):
        time, (source, side, batch, both) = len(from_y), annotations.shape
        hidden = s_0.shape[-1]
        steps = Steps(s_0, time, gru_loop.Weights(gates, candidate, None), before=True, take=True)
        contexts = annotations.new_empty(time, side, batch, both)
        alphas, sigmas = keys.new_empty(time, source, side, batch), keys.new_empty(time, *keys.shape)
        looked, weighed = torch.empty_like(keys), torch.empty_like(annotations)
        to_query, doubled_keys, doubled_v = 2 * query.mT, 2 * keys, 2 * v_a.unsqueeze(1)
        to_given, lowest = weight_context.mT, torch.finfo(keys.dtype).min
        given = torch.empty_like(from_y[0])
        given_gates, given_n = given.split((2 * hidden, hidden), -1)
        parts = (part.unbind(0) for part in (from_y, steps.states, sigmas, alphas, contexts))
        for t, (from_y_t, s, sigma, alpha, context) in enumerate(zip(*parts, strict=False)):
            torch.add(doubled_keys, s @ to_query, out=sigma).sigmoid_()
            energy = torch.mul(sigma, doubled_v, out=looked).sum(-1).masked_fill_(padding, lowest)
            torch.softmax(energy, 0, out=alpha).masked_fill_(padding, 0.0)
            torch.mul(annotations, alpha.unsqueeze(-1), out=weighed)
            torch.sum(weighed, 0, out=context)
            torch.baddbmm(from_y_t, context, to_given, out=given)
            steps.step(t, given_gates, given_n)
        return steps.states[1:].clone(), contexts, alphas, steps.states, sigmas, steps.gates, steps.n

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        _, _, query, v_a, gates, candidate, weight_context, annotations, _, _ = inputs
        ctx.mark_non_differentiable(*output[3:])
        ctx.set_materialize_grads(False)  # zeros for what is only kept would cost more than a step
        ctx.save_for_backward(query, v_a, gates, candidate, weight_context, annotations, *output[1:])

    @staticmethod
    def vmap(info: Any, in_dims: Any, *given: Any) -> Any:
        """The models of a batch become further sides."""
        found = _Loop.apply(*folded(info.batch_size, in_dims, (1, 0, 0, 0, 0, 0, 0, 1, 1, 1), given))
        states, context, alpha = (
            part.unflatten(axis, (info.batch_size, -1))
            for part, axis in zip(found[:3], (1, 1, 2), strict=True)
        )
        return (states, context, alpha, *found[3:]), (1, 1, 2, None, None, None, None)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_states: Tensor | None, d_contexts: Any, d_alphas: Any, *_: Any) -> Any:
        query, v_a, gates, candidate, weight_context, annotations, *output = ctx.saved_tensors
        contexts, alphas, states, sigmas, both, n = output
        weights = gru_loop.Weights(gates, candidate, None)
        slopes = Slopes(states, both, n, n, weights, before=True, take=True)
        d_context = torch.zeros_like(contexts) if d_contexts is None else d_contexts.clone()
        d_energy, d_query = torch.empty_like(alphas), sigmas.new_empty(len(n), *sigmas.shape[2:])
        d_s, d_keys = torch.zeros_like(states[0]), torch.zeros_like(sigmas[0])
        slope, weighed = torch.empty_like(d_keys), torch.empty_like(annotations)
        d_annotations = torch.zeros_like(annotations)
        from_v = 4 * v_a.unsqueeze(1)
        for t in range(len(n) - 1, -1, -1):
            d_s = slopes.through(t, d_s if d_states is None else d_s.add_(d_states[t]))
            d_context[t].baddbmm_(slopes.d_all[t], weight_context)
            alpha, sigma = alphas[t], sigmas[t]
            d_annotations.addcmul_(alpha.unsqueeze(-1), d_context[t])
            d_alpha = torch.mul(annotations, d_context[t], out=weighed).sum(-1)
            if d_alphas is not None:
                d_alpha.add_(d_alphas[t])
            d_alpha.mul_(alpha)
            torch.sub(d_alpha, alpha * d_alpha.sum(0), out=d_energy[t])
            # d tanh(x) = 4 sigma (1 - sigma); the factor v_a stands outside the sums over steps and sources.
            torch.mul(sigma, d_energy[t].unsqueeze(-1), out=slope)
            d_keys.add_(slope.addcmul_(slope, sigma, value=-1))
            torch.mul(slope.sum(0), from_v, out=d_query[t])
            d_s.baddbmm_(d_query[t], query)
        d_weights = slopes.of_weights()
        # tanh = 2 sigma - 1, and the energies' gradients sum to zero over a sentence.
        of_sides = (part.movedim(2, 0) for part in (d_energy.unsqueeze(-1), sigmas))
        d_energy, sigmas = (part.flatten(1, -2) for part in of_sides)
        d_v = 2 * (d_energy.mT @ sigmas).squeeze(1)
        return (
            slopes.d_given,
            d_s,
            weight_gradient(d_query, slopes.earlier),
            d_v,
            *d_weights[:2],
            weight_gradient(slopes.d_given, contexts),
            d_annotations,
            d_keys * from_v,
            None,
        )
