"""Where local attention looks: the window's middle, its edges, and the Gaussian within it.

Source positions are counted from 0 and are the first axis.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional


def predicted_position(
    h: Float[Tensor, "batch hidden"],
    lengths: Int[Tensor, " batch"],
    W_p: Float[Tensor, "units hidden"],
    v_p: Float[Tensor, " units"],
) -> Float[Tensor, " batch"]:
    """Where the window of local-p stands, somewhere between the source's ends.

    *Paper*: luong2015effective, equation 9.

        p_t = S sigmoid(v_p^T tanh(W_p h_t))

    *Shapes*: as annotated; ``lengths`` are S.

    >>> predicted_position(torch.zeros(1, 2), torch.tensor([6]), torch.zeros(3, 2), torch.zeros(3))
    tensor([3.])
    """
    return lengths * torch.sigmoid(torch.tanh(functional.linear(h, W_p)) @ v_p)


def outside_window(
    position: Float[Tensor, " batch"], padding: Bool[Tensor, "source batch"], D: int
) -> Bool[Tensor, "source batch"]:
    """True where a position is no word, or more than D words from the window's middle.

    *Paper*: luong2015effective, Section 3.2.

    *Departures*: unspecified: the position is a real number and the window has 2D + 1 words; its middle is
    the position without its fraction, as in the released code.

    >>> outside_window(torch.tensor([2.7]), torch.zeros(6, 1, dtype=torch.bool), D=1).T.int()
    tensor([[1, 0, 0, 0, 1, 1]], dtype=torch.int32)
    """
    s = torch.arange(len(padding), device=position.device)[:, None]
    return padding | ((s - position.detach().floor()).abs() > D)


def gaussian(position: Float[Tensor, " batch"], source: int, D: int) -> Float[Tensor, "source batch"]:
    """The factor by which local-p favours words near its position; it is not renormalised.

    *Paper*: luong2015effective, equation 10.

        exp(-(s - p_t)^2 / (2 sigma^2)),  sigma = D / 2

    >>> gaussian(torch.tensor([2.0]), source=5, D=2).T.round(decimals=4)
    tensor([[0.1353, 0.6065, 1.0000, 0.6065, 0.1353]])
    """
    s = torch.arange(source, device=position.device)[:, None]
    return torch.exp(-2 * (s - position).square() / D**2)
