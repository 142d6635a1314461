"""Pictures as sequences: one pixel a step, in order or in one fixed random order."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def permutation(length: int, seed: int) -> Tensor:
    """A true permutation of ``0 … length - 1``, a pure function of the seed.

    NumPy's legacy generator is used because its stream is frozen over versions.

    >>> permutation(5, 0).tolist()
    [2, 0, 1, 3, 4]
    """
    return torch.from_numpy(np.random.RandomState(seed).permutation(length))


def pixels(images: Tensor, order: Tensor | None = None) -> Tensor:
    """Pictures as sequences of one pixel a step.

    *Shapes*: images ``[batch, height, width]``, order ``[height * width]``; gives
    ``[batch, height * width, 1]``, row by row without an order.

    >>> pixels(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]), torch.tensor([3, 0, 1, 2])).flatten().tolist()
    [4.0, 1.0, 2.0, 3.0]
    """
    flat = images.flatten(1)
    return (flat if order is None else flat[:, order]).unsqueeze(-1)
