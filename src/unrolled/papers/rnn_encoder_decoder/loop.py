"""The decoder's loop in training, with its gradients by hand: one large product a weight, after the loop.

`unrolled.papers.rnn_encoder_decoder.model.decoder_step` says what a step is.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from unrolled.nn.gru import Recurrent, Reset
from unrolled.nn.gru_loop import Gates, gru_backward, gru_sequence, weight_gradient


def decoder_loop(
    from_y: Float[Tensor, "time batch three_hidden"],
    s_0: Float[Tensor, "batch hidden"],
    from_c: Float[Tensor, "batch three_hidden"],
    weights: Recurrent,
    reset: Reset = "after",
) -> Float[Tensor, "time batch hidden"]:
    """The decoder's states of all steps, target words given.

    *Paper*: cho2014learning, Section 2.2 and the appendix on the decoder.

    With the reset before the product the summary is one more input of a plain GRU; after it, the summary's
    part of the candidate stands beside the product with the state, and the gate scales both.

    *Shapes*: as annotated. Second derivatives are not there.
    """
    if reset == "before":
        return gru_sequence(from_y + from_c, s_0, weights, before=True, take=False)
    hidden = s_0.shape[-1]
    c_gates, c_n = from_c.split((2 * hidden, hidden), -1)
    given = from_y + torch.cat((c_gates, torch.zeros_like(c_n)), -1)
    return _After.apply(given, s_0, c_n, weights.gates, weights.candidate)[0]


class _After(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(given, s_0, c_n, gates, candidate):
        hidden, s, kept = s_0.shape[-1], s_0, []
        for given_t in given.unbind(0):
            given_gates, given_n = given_t.split((2 * hidden, hidden), -1)
            r, z = torch.sigmoid(torch.addmm(given_gates, s, gates.t())).chunk(2, -1)
            product = torch.addmm(c_n, s, candidate.t())
            n = torch.tanh(torch.addcmul(given_n, r, product))
            s = torch.lerp(n, s, z)
            kept.append((s, r, z, n, product))
        return tuple(torch.stack(part) for part in zip(*kept, strict=True))

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        _, s_0, _, gates, candidate = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(s_0, gates, candidate, *output)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, d_states, *_):
        s_0, gates, candidate, states, *saved = ctx.saved_tensors
        earlier = torch.cat((s_0.unsqueeze(0), states[:-1]))
        d_s, kept = torch.zeros_like(s_0), []
        for t in range(len(states) - 1, -1, -1):
            of_step = Gates(*(part[t] for part in saved))
            d_s, d_given, d_product = gru_backward(
                d_s + d_states[t], earlier[t], of_step, gates, candidate, take=False
            )
            kept.append((d_given, d_product))
        d_given, d_product = (torch.stack(part[::-1]) for part in zip(*kept, strict=True))
        d_gates = weight_gradient(d_given[..., : 2 * s_0.shape[-1]], earlier)
        return d_given, d_s, d_product.sum(0), d_gates, weight_gradient(d_product, earlier)
