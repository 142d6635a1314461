"""The decoder's loop in training, with its gradients by hand: one large product a weight, after the loop.

`unrolled.papers.bahdanau_attention.model.decoder_step` says what a step is. Here the gradients of all steps
are kept until the loop has ended; those of weights, keys and annotations are then made for all steps at once.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unrolled.nn.attention import masked_softmax
from unrolled.nn.gru_loop import Gates, gru_backward, gru_forward, weight_gradient


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

    The alignment network is evaluated by tanh(x) = 2 sigma(2x) - 1: many processors take four times as
    long for tanh. The constant -sum(v_a) that this leaves in every energy cancels in the softmax.

    *Shapes*: as annotated. Second derivatives are not there.
    """
    return Looked(*_Loop.apply(from_y, s_0, *weights, annotations, keys, padding)[:3])


class _Loop(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(from_y, s_0, query, v_a, gates, candidate, weight_context, annotations, keys, padding):
        doubled_query, doubled_keys, doubled_v, weight_context = (
            2 * query.t(),
            2 * keys,
            2 * v_a,
            weight_context.t(),
        )
        s, kept = s_0, []
        for from_y_t in from_y.unbind(0):
            sigma = torch.sigmoid(s @ doubled_query + doubled_keys)  # [source, batch, alignment]
            alpha = masked_softmax((sigma * doubled_v).sum(-1), padding)
            context = (alpha.unsqueeze(-1) * annotations).sum(0)
            given = torch.addmm(from_y_t, context, weight_context)
            s, saved = gru_forward(s, given, gates, candidate, None, before=True, take=True)
            kept.append((s, context, alpha, sigma, *saved[:3]))
        return tuple(torch.stack(part) for part in zip(*kept, strict=True))

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        _, s_0, query, v_a, gates, candidate, weight_context, annotations, _, _ = inputs
        ctx.mark_non_differentiable(*output[3:])
        ctx.save_for_backward(s_0, query, v_a, gates, candidate, weight_context, annotations, *output)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, d_states, d_contexts, d_alphas, *_):
        s_0, query, v_a, gates, candidate, weight_context, annotations, *output = ctx.saved_tensors
        states, contexts, alphas, sigmas, r, z, n = output
        earlier = torch.cat((s_0.unsqueeze(0), states[:-1]))
        d_s, d_keys, kept = torch.zeros_like(s_0), torch.zeros_like(sigmas[0]), []
        for t in range(len(states) - 1, -1, -1):
            saved = Gates(r[t], z[t], n[t], None)
            d_s, d_given, _ = gru_backward(d_s + d_states[t], earlier[t], saved, gates, candidate, take=True)
            d_context = torch.addmm(d_contexts[t], d_given, weight_context)
            alpha, sigma = alphas[t], sigmas[t]
            d_alpha = d_alphas[t] + (d_context * annotations).sum(-1)
            d_energy = alpha * (d_alpha - (alpha * d_alpha).sum(0))
            # d tanh(x) = 4 sigma (1 - sigma); the factor v_a stands outside the sums over steps and sources.
            slope = d_energy.unsqueeze(-1) * sigma
            slope = torch.addcmul(slope, slope, sigma, value=-1)
            d_keys = d_keys + slope
            d_query = slope.sum(0) * (4 * v_a)
            d_s = d_s + d_query @ query
            kept.append((d_given, d_context, d_energy, d_query))
        d_given, d_context, d_energy, d_query = (torch.stack(part[::-1]) for part in zip(*kept, strict=True))
        hidden = s_0.shape[-1]
        # tanh = 2 sigma - 1, and the energies' gradients sum to zero over a sentence.
        d_v = 2 * (d_energy.flatten() @ sigmas.flatten(0, -2))
        d_annotations = torch.einsum("tsb,tbm->sbm", alphas, d_context)
        return (
            d_given,
            d_s,
            weight_gradient(d_query, earlier),
            d_v,
            weight_gradient(d_given[..., : 2 * hidden], earlier),
            weight_gradient(d_given[..., 2 * hidden :], r * earlier),
            weight_gradient(d_given, contexts),
            d_annotations,
            d_keys * (4 * v_a),
            None,
        )
