"""Maxout units in pairs, as the output layers of the first translation networks have them."""

import torch
from jaxtyping import Float
from torch import Tensor


def maxout(total: Float[Tensor, "*batch two_units"]) -> Float[Tensor, "*batch units"]:
    """The larger of each two neighbours.

    *Paper*: goodfellow2013maxout; cho2014learning, the appendix on the decoder; bahdanau2015neural,
    Appendix A.2.2.

        t_j = max(t~_{2j-1}, t~_{2j})

    *Shapes*: as annotated, ``two_units`` = 2 ``units``.

    >>> maxout(torch.tensor([1.0, 4.0, 3.0, 2.0]))
    tensor([4., 3.])
    """
    pairs = total.unflatten(-1, (-1, 2))
    return torch.maximum(pairs[..., 0], pairs[..., 1])
