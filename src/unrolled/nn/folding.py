"""Models side by side in loops whose gradients are written by hand: `torch.func.vmap` as one more axis.

Such a loop writes into tensors that it made before, which `vmap` cannot follow. So its weights have an axis
of sides, and the models that `vmap` batches become further sides.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def only_vmap() -> bool:
    """Whether one vmap, or nothing, is all that `torch.func` does at the moment: what these loops can do."""
    if not torch._C._are_functorch_transforms_active():
        return True
    top = torch._C._functorch.peek_interpreter_stack()
    return top.level() == 1 and top.key() == torch._C._functorch.TransformType.Vmap


def folded(
    models: int, in_dims: Sequence[int | None], sides: Sequence[int], given: Sequence[Any]
) -> list[Any]:
    """The arguments of a loop with the models of a batch folded into their axes of sides.

    *Options*: ``in_dims`` is where each has its models, None for what all share; ``sides`` is where its axis
    of sides belongs. What is no tensor stays what it is.

    >>> shared, own = torch.zeros(1, 3), torch.zeros(5, 2, 1, 3)
    >>> [part.shape for part in folded(5, (None, 0), (0, 1), (shared, own))]
    [torch.Size([5, 3]), torch.Size([2, 5, 3])]
    """
    found = []
    for part, dim, side in zip(given, in_dims, sides, strict=True):
        if isinstance(part, Tensor):
            moved = part.unsqueeze(side) if dim is None else part.movedim(dim, side)
            shape = list(moved.shape)
            shape[side] = models
            part = moved.expand(shape).flatten(side, side + 1)
        found.append(part)
    return found
