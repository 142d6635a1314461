"""Which examples an update sees: a pure function of seed and update, so that resuming is exact."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UsageError
from unrolled.training.experiment import Arrays


@lru_cache(maxsize=4)
def _epoch(seed: int, epoch: int, examples: int) -> np.ndarray:
    # Philox is counter-based: an epoch's order follows from (seed, epoch) without the epochs before it.
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(examples)


def batch_indices(seed: int, update: int, examples: int, batch_size: int) -> np.ndarray:
    """The examples of one update (counted from 0): each epoch shuffles anew and sees none twice.

    >>> [batch_indices(0, update, 5, 2).tolist() for update in (0, 1, 0)]
    [[4, 1], [2, 0], [4, 1]]
    """
    if not 0 < batch_size <= examples:
        raise UsageError(f"batch_size is {batch_size}; there are {examples} training examples")
    epoch, place = divmod(update, examples // batch_size)
    return _epoch(seed, epoch, examples)[place * batch_size : (place + 1) * batch_size]


class Batches:
    """The batches of a run, from arrays that lie on the device whole. Several processes share each batch.

    An epoch's order is moved to the device once, so that an update copies nothing from the host.
    """

    def __init__(self, arrays: Arrays, batch_size: int, seed: int, rank: int = 0, world: int = 1) -> None:
        self.arrays, self.batch_size, self.seed = arrays, batch_size, seed
        self.examples = len(arrays[0])
        batch_indices(seed, 0, self.examples, batch_size)
        if batch_size % world:
            raise UsageError(f"batch_size is {batch_size}; {world} processes cannot share it evenly")
        share = batch_size // world
        self.first, self.last = rank * share, (rank + 1) * share
        self.epoch, self.order = -1, torch.empty(0, dtype=torch.int64)

    def at(self, update: int) -> Arrays:
        """The batch of one update, counted from 0."""
        epoch, place = divmod(update, self.examples // self.batch_size)
        if epoch != self.epoch:
            order = torch.from_numpy(_epoch(self.seed, epoch, self.examples))
            self.epoch, self.order = epoch, order.to(self.arrays[0].device)
        start = place * self.batch_size
        chosen: Tensor = self.order[start + self.first : start + self.last]
        return tuple(array.index_select(0, chosen) for array in self.arrays)
