"""Random sequences to copy or to reverse: translation at its smallest, with a known alignment."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from unrolled.data.vocabulary import SPECIAL, STOP

Task = Literal["copy", "reversal"]


def draw(
    task: Task, count: int, length: int, symbols: int, generator: torch.Generator
) -> tuple[Int[Tensor, "count length"], Int[Tensor, "count target"]]:
    """Random sequences of one length, and their copies or reversals with a stop symbol at the end.

    >>> source, target = draw("reversal", 1, 3, symbols=9, generator=torch.Generator().manual_seed(0))
    >>> source.tolist(), target.tolist()
    ([[12, 4, 6]], [[6, 4, 12, 2]])
    """
    source = torch.randint(len(SPECIAL), len(SPECIAL) + symbols, (count, length), generator=generator)
    target = source if task == "copy" else source.flip(1)
    return source, torch.cat((target, torch.full((count, 1), STOP)), 1)


def accepted(task: Task, count: int, length: int) -> Bool[Tensor, "count length length"]:
    """Where each target position should attend to: the same source position, or the mirrored one.

    >>> accepted("reversal", 1, 2).int().tolist()
    [[[0, 1], [1, 0]]]
    """
    same = torch.eye(length, dtype=torch.bool)
    return (same if task == "copy" else same.flip(1)).expand(count, -1, -1)
