"""The decoder's loop in training, with its gradients by hand: one large product a weight, after the loop.

`unrolled.papers.rnn_encoder_decoder.model.decoder_step` says what a step is.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from unrolled.nn.gru import Recurrent, Reset
from unrolled.nn.gru_loop import gru_sequence


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
    return gru_sequence(given, s_0, weights, before=False, take=False, inside=c_n)
