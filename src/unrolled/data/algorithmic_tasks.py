"""Small programs to be learned from examples: copy, repeat copy, associative recall and priority sort.

Each generator draws episodes; all of one call have the same size. Beside each stands the program that solves
the task from nothing but the inputs. A fifth task, dynamic n-grams, is in `unrolled.data.ngrams`.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import torch
from torch import Tensor

from unrolled.base.errors import UsageError


class Episodes(NamedTuple):
    """Episodes of one task: what comes in, what should come out, and at which steps that counts.

    ``inputs`` is ``[n, time, channels]``, ``targets`` ``[n, time, bits]``, both float32; ``counts``
    ``[n, time]`` is true where the answer is scored. While an answer is due the inputs are zero.
    """

    inputs: Tensor
    targets: Tensor
    counts: Tensor


def at_least_one(**sizes: int) -> None:
    """Refuse sizes below 1, by name."""
    for name, value in sizes.items():
        if value < 1:
            raise UsageError(f"{name} is {value}; it must be at least 1")


def _bits(*shape: int, generator: torch.Generator | None) -> Tensor:
    return torch.randint(0, 2, shape, generator=generator).float()


def _answer(n: int, before: int, answer: Tensor) -> tuple[Tensor, Tensor]:
    """Targets and counts of episodes that present for ``before`` steps and then answer."""
    due = answer.shape[1]
    targets = torch.cat((torch.zeros(n, before, answer.shape[2]), answer), 1)
    counts = torch.arange(before + due).expand(n, -1) >= before
    return targets, counts


def copy(n: int, length: int, *, bits: int = 8, generator: torch.Generator | None = None) -> Episodes:
    """Random vectors, a delimiter on a channel of its own, and then the same vectors again.

    Raises:
        UsageError: if a size is below 1.

    >>> episodes = copy(4, length=3)
    >>> episodes.inputs.shape, episodes.targets.shape, episodes.counts[0].int().tolist()
    (torch.Size([4, 7, 9]), torch.Size([4, 7, 8]), [0, 0, 0, 0, 1, 1, 1])
    """
    at_least_one(n=n, length=length, bits=bits)
    vectors = _bits(n, length, bits, generator=generator)
    inputs = torch.zeros(n, 2 * length + 1, bits + 1)
    inputs[:, :length, :bits] = vectors
    inputs[:, length, bits] = 1
    return Episodes(inputs, *_answer(n, length + 1, vectors))


def solve_copy(inputs: Tensor) -> Tensor:
    """The answers to `copy`, ``[n, due, bits]``: everything before the delimiter.

    >>> episodes = copy(2, length=3)
    >>> torch.equal(solve_copy(episodes.inputs), episodes.targets[:, 4:])
    True
    """
    end = int(inputs[0, :, -1].argmax())
    return inputs[:, :end, :-1].clone()


MOST_REPEATS = 10
"""Repeats in training are 1 to this many; the count's channel has mean 0 and variance 1 over that range."""


def repeat_copy(
    n: int, length: int, repeats: int, *, bits: int = 8, generator: torch.Generator | None = None
) -> Episodes:
    """Random vectors, how often to repeat them, and then so many copies with an end marker.

    The count stands beside the delimiter, on a channel of its own, with mean 0 and variance 1 over 1 to
    `MOST_REPEATS`. The end marker is the last bit of the targets.

    Raises:
        UsageError: if a size is below 1.

    >>> episodes = repeat_copy(4, length=2, repeats=3)
    >>> episodes.inputs.shape, episodes.targets.shape, round(episodes.inputs[0, 2, -1].item(), 3)
    (torch.Size([4, 10, 10]), torch.Size([4, 10, 9]), -0.87)
    """
    at_least_one(n=n, length=length, repeats=repeats, bits=bits)
    vectors = _bits(n, length, bits, generator=generator)
    due = length * repeats + 1
    inputs = torch.zeros(n, length + 1 + due, bits + 2)
    inputs[:, :length, :bits] = vectors
    inputs[:, length, bits] = 1
    mean, deviation = (MOST_REPEATS + 1) / 2, math.sqrt((MOST_REPEATS**2 - 1) / 12)
    inputs[:, length, bits + 1] = (repeats - mean) / deviation
    answer = torch.zeros(n, due, bits + 1)
    answer[:, :-1, :bits] = vectors.repeat(1, repeats, 1)
    answer[:, -1, bits] = 1
    return Episodes(inputs, *_answer(n, length + 1, answer))


def solve_repeat_copy(inputs: Tensor) -> Tensor:
    """The answers to `repeat_copy`, ``[n, due, bits + 1]``.

    >>> episodes = repeat_copy(2, length=3, repeats=2)
    >>> torch.equal(solve_repeat_copy(episodes.inputs), episodes.targets[:, 4:])
    True
    """
    end = int(inputs[0, :, -2].argmax())
    mean, deviation = (MOST_REPEATS + 1) / 2, math.sqrt((MOST_REPEATS**2 - 1) / 12)
    repeats = round(float(inputs[0, end, -1]) * deviation + mean)
    copies = inputs[:, :end, :-2].repeat(1, repeats, 1)
    marked = torch.nn.functional.pad(copies, (0, 1, 0, 1))
    marked[:, -1, -1] = 1
    return marked


def _distinct_items(n: int, items: int, size: int, generator: torch.Generator | None) -> Tensor:
    """Items ``[n, items, size]`` of random bits, no two of one episode alike."""
    if items > 2**size:
        raise UsageError(f"there are no {items} different items of {size} bits")
    drawn = _bits(n, items, size, generator=generator)
    while True:
        same = (drawn.unsqueeze(1) == drawn.unsqueeze(2)).all(-1)
        again = same.tril(-1).any(-1)
        if not again.any():
            return drawn
        drawn[again] = _bits(int(again.sum()), size, generator=generator)


def associative_recall(
    n: int,
    items: int,
    *,
    item_length: int = 3,
    bits: int = 6,
    generator: torch.Generator | None = None,
) -> Episodes:
    """A list of items, then one of them as a question; the answer is the item that followed it.

    Every item comes after a delimiter; the question stands between two delimiters of another channel. Items
    of one episode differ, so that there is one answer.

    Raises:
        UsageError: for fewer than two items, or more than there are different ones.

    >>> episodes = associative_recall(4, items=3)
    >>> episodes.inputs.shape, episodes.targets.shape, int(episodes.counts[0].sum())
    (torch.Size([4, 20, 8]), torch.Size([4, 20, 6]), 3)
    """
    at_least_one(n=n, item_length=item_length, bits=bits)
    if items < 2:
        raise UsageError(f"items is {items}; a question needs an item and one after it")
    listed = _distinct_items(n, items, item_length * bits, generator).view(n, items, item_length, bits)
    question = torch.randint(0, items - 1, (n,), generator=generator)
    block = item_length + 1
    inputs = torch.zeros(n, items * block + 1 + block + item_length, bits + 2)
    blocks = inputs[:, : items * block].view(n, items, block, bits + 2)
    blocks[:, :, 0, bits] = 1
    blocks[:, :, 1:, :bits] = listed
    ask = items * block
    inputs[:, [ask, ask + block], bits + 1] = 1
    inputs[:, ask + 1 : ask + block, :bits] = listed[torch.arange(n), question]
    return Episodes(inputs, *_answer(n, ask + 1 + block, listed[torch.arange(n), question + 1]))


def solve_associative_recall(inputs: Tensor) -> Tensor:
    """The answers to `associative_recall`, ``[n, item_length, bits]``: look the question up, step on by one.

    >>> episodes = associative_recall(2, items=4)
    >>> torch.equal(solve_associative_recall(episodes.inputs), episodes.targets[:, -3:])
    True
    """
    answers = []
    for episode in inputs:
        starts = episode[:, -2].nonzero()[:, 0].tolist()
        first, last = episode[:, -1].nonzero()[:, 0].tolist()
        listed = [episode[start + 1 : stop, :-2] for start, stop in itertools.pairwise([*starts, first])]
        question = episode[first + 1 : last, :-2]
        found = next(i for i, item in enumerate(listed) if torch.equal(item, question))
        answers.append(listed[found + 1])
    return torch.stack(answers)


def priority_sort(
    n: int,
    items: int = 20,
    answers: int = 16,
    *,
    bits: int = 8,
    generator: torch.Generator | None = None,
) -> Episodes:
    """Random vectors with random priorities, then those of highest priority, highest first.

    Inputs are the vector, its priority in [-1, 1], and a delimiter after the last one.

    Raises:
        UsageError: if a size is below 1, or more answers are asked for than there are items.

    >>> episodes = priority_sort(4)
    >>> episodes.inputs.shape, episodes.targets.shape, int(episodes.counts[0].sum())
    (torch.Size([4, 37, 10]), torch.Size([4, 37, 8]), 16)
    """
    at_least_one(n=n, items=items, answers=answers, bits=bits)
    if answers > items:
        raise UsageError(f"{answers} answers are asked for, of {items} items")
    vectors = _bits(n, items, bits, generator=generator)
    priorities = torch.rand(n, items, generator=generator) * 2 - 1
    inputs = torch.zeros(n, items + 1 + answers, bits + 2)
    inputs[:, :items, :bits] = vectors
    inputs[:, :items, bits] = priorities
    inputs[:, items, bits + 1] = 1
    chosen = priorities.argsort(dim=1, descending=True, stable=True)[:, :answers, None].expand(-1, -1, bits)
    return Episodes(inputs, *_answer(n, items + 1, vectors.gather(1, chosen)))


def solve_priority_sort(inputs: Tensor) -> Tensor:
    """The answers to `priority_sort`, ``[n, answers, bits]``.

    >>> episodes = priority_sort(2)
    >>> torch.equal(solve_priority_sort(episodes.inputs), episodes.targets[:, 21:])
    True
    """
    answers = []
    for episode in inputs:
        end = int(episode[:, -1].argmax())
        ranked = sorted(range(end), key=lambda i: -float(episode[i, -2]))
        answers.append(episode[ranked[: len(episode) - end - 1], :-2])
    return torch.stack(answers)
