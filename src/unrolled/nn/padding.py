"""Sequences of different lengths in one batch: padding comes last, and no result may depend on it."""

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from unrolled.nn.scan import ShapeError, length_mask


def live_steps(lengths: Int[Tensor, " batch"], batch: int, time: int) -> Bool[Tensor, "batch time"]:
    """True where a sequence has a step, False where there is padding.

    *Raises*: `ShapeError` where ``lengths`` is not one whole number per sequence, from 1 to ``time``.

    >>> live_steps(torch.tensor([2, 1]), batch=2, time=3).int().tolist()
    [[1, 1, 0], [1, 0, 0]]
    """
    if lengths.shape != (batch,):
        raise ShapeError(f"lengths must be [batch] = [{batch}], not {list(lengths.shape)}")
    live = length_mask(lengths, time).t()
    if lengths.device.type == "cpu" and not torch.compiler.is_compiling() and not live[:, :1].all():
        raise ShapeError(f"lengths must be at least 1, not {lengths.min()}")
    return live


def mirrored(
    x: Shaped[Tensor, "batch time ..."], lengths: Int[Tensor, " batch"] | None = None
) -> Shaped[Tensor, "batch time ..."]:
    """Each sequence from its own last step to its first; padding stays behind.

    *Shapes*: as annotated.

    >>> mirrored(torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([3, 2])).tolist()
    [[3, 2, 1], [5, 4, 0]]
    """
    if lengths is None:
        return x.flip(1)
    at = torch.arange(x.shape[1], device=x.device)
    places = torch.where(live_steps(lengths, *x.shape[:2]), lengths.unsqueeze(1) - 1 - at, at)
    return x[torch.arange(len(x), device=x.device).unsqueeze(1), places]


def last_steps(
    x: Shaped[Tensor, "batch time ..."], lengths: Int[Tensor, " batch"] | None = None
) -> Shaped[Tensor, "batch ..."]:
    """What each sequence has at its own last step.

    *Shapes*: as annotated.

    *Raises*: `ShapeError` as `live_steps`.

    >>> last_steps(torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([3, 2])).tolist()
    [3, 5]
    """
    if lengths is None:
        return x[:, -1]
    live_steps(lengths, *x.shape[:2])
    return x[torch.arange(len(x), device=x.device), lengths - 1]
