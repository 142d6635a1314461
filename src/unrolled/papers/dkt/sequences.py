"""Many sequences of different lengths side by side: all those that have a step t are taken at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from unrolled.data.assistments import Students


class Sequences(NamedTuple):
    """Sequences of answers, packed by step: first the first answers of all, then the second answers, ….

    The longest sequence comes first, so that those that have a step t are the first ``sizes[t]``.
    """

    order: np.ndarray  # [answers]: where in the students' arrays each packed answer stands
    sizes: np.ndarray  # [steps]: how many sequences have a step; it never rises
    owner: np.ndarray  # [answers]: which sequence each packed answer belongs to
    tags: np.ndarray  # [sequences]: the tag of a sequence's first answer

    def slices(self) -> Iterator[slice]:
        """The packed answers of every step."""
        ends = np.cumsum(self.sizes).tolist()
        return (slice(end - size, end) for end, size in zip(ends, self.sizes.tolist(), strict=True))

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """The packed answers that another of their sequence follows, and those that follow them."""
        starts = np.cumsum(self.sizes) - self.sizes
        going = np.arange(self.sizes[0], len(self.order)) if len(self.sizes) else np.arange(0)
        step = np.repeat(np.arange(len(self.sizes)), self.sizes)[going]
        return going - starts[step] + starts[step - 1], going


def pack(students: Students, by_tag: bool = False) -> Sequences:
    """All answers of a student as one sequence, or one sequence for each tag of a student.

    >>> import torch
    >>> tags, ones = torch.tensor([5, 6, 5, 6]), torch.ones(4, dtype=torch.int64)
    >>> students = Students(tags, ones, torch.tensor([0, 3, 4]), 7)
    >>> pack(students).order.tolist(), pack(students, by_tag=True).order.tolist()
    ([0, 3, 1, 2], [0, 1, 3, 2])
    """
    questions = students.questions.numpy()
    total = len(questions)
    student = np.repeat(np.arange(students.count), students.lengths.numpy())
    keys = student * students.questions_known + questions if by_tag else student
    grouped = np.argsort(keys, kind="stable")
    begins = np.flatnonzero(np.diff(keys[grouped], prepend=-1))
    lengths = np.diff(begins, append=total)
    rank = np.empty(len(lengths), np.int64)
    rank[np.argsort(-lengths, kind="stable")] = np.arange(len(lengths))
    step = np.arange(total) - np.repeat(begins, lengths)
    sizes = np.bincount(step)
    owner = np.repeat(rank, lengths)
    place = (np.cumsum(sizes) - sizes)[step] + owner
    order, packed_owner = np.empty(total, np.int64), np.empty(total, np.int64)
    order[place], packed_owner[place] = grouped, owner
    tags = np.empty(len(lengths), np.int64)
    tags[rank] = questions[grouped[begins]]
    return Sequences(order, sizes, packed_owner, tags)
