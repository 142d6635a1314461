"""What the paper computes to explain the scale: the simple network of its Figure 1a, and its gradients."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from unrolled.papers.bn_lstm.model import batch_norm


def bn_rnn_step(
    h: Float[Tensor, "batch hidden"],
    x_t: Float[Tensor, "batch input"],
    W_x: Float[Tensor, "hidden input"],
    W_h: Float[Tensor, "hidden hidden"],
    b: Float[Tensor, " hidden"],
    gamma: Float[Tensor, " hidden"],
    epsilon: float = 1e-5,
) -> Float[Tensor, "batch hidden"]:
    """One step of a batch-normalised simple recurrent network: why gamma has to start at 0.1.

    *Paper*: cooijmans2017recurrent, Section 4, Figure 1a; equation 1 with the normalisation of equation 6.

        h_t = tanh(BN(W_h h_{t-1}; gamma, 0) + BN(W_x x_t; gamma, 0) + b)

    *Shapes*: as annotated.

    *Departures*: unspecified: the paper does not print this network; both terms are normalised as in (6).

    >>> h = torch.tensor([[-1.0], [1.0]])
    >>> bn_rnn_step(h, h, torch.ones(1, 1), torch.ones(1, 1), torch.zeros(1), torch.tensor([0.1]))
    tensor([[-0.1974],
            [ 0.1974]])
    """
    return torch.tanh(
        batch_norm(functional.linear(h, W_h), gamma, None, None, epsilon)
        + batch_norm(functional.linear(x_t, W_x), gamma, None, None, epsilon)
        + b
    )
