"""Half precision: what has to be computed in at least float32, whatever the type of the parameters."""

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """``x`` itself, or in float32 where its type has fewer bits: for norms, logarithms and long sums.

    >>> at_least_float32(torch.ones(1, dtype=torch.bfloat16)).dtype, at_least_float32(torch.ones(1)).dtype
    (torch.float32, torch.float32)
    """
    return x.to(torch.promote_types(x.dtype, torch.float32))
