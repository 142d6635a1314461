"""Sequences of different lengths in one batch: padding comes last, and no result may depend on it."""

import torch
from jaxtyping import Int, Shaped
from torch import Tensor


def mirrored(
    x: Shaped[Tensor, "batch time ..."], lengths: Int[Tensor, " batch"] | None = None
) -> Shaped[Tensor, "batch time ..."]:
    """Each sequence from its own last step to its first; padding stays behind.

    *Shapes*: as annotated; lengths are those that `unrolled.nn.checks.check_lengths` gave.

    >>> mirrored(torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([3, 2])).tolist()
    [[3, 2, 1], [5, 4, 0]]
    """
    if lengths is None:
        return x.flip(1)
    at, ends = torch.arange(x.shape[1], device=x.device), lengths.unsqueeze(1)
    rows = torch.arange(x.shape[0], device=x.device).unsqueeze(1)
    return x[rows, torch.where(at < ends, ends - 1 - at, at)]


def last_steps(
    x: Shaped[Tensor, "batch time ..."], lengths: Int[Tensor, " batch"] | None = None
) -> Shaped[Tensor, "batch ..."]:
    """What each sequence has at its own last step.

    *Shapes*: as annotated; lengths are at least 1.

    >>> last_steps(torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([3, 2])).tolist()
    [3, 5]
    """
    if lengths is None:
        return x[:, -1]
    return x[torch.arange(x.shape[0], device=x.device), lengths - 1]
