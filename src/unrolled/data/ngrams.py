"""Bits with a hidden rule, a new one in every episode, and the best possible guess of the next bit."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from unrolled.base.errors import UsageError
from unrolled.data.algorithmic_tasks import Episodes, at_least_one


class Ngrams(NamedTuple):
    """Bits from a random table: the episodes, and the chance of a one at each scored step ``[n, time]``."""

    episodes: Episodes
    chances: Tensor


def dynamic_ngrams(
    n: int, length: int = 200, *, order: int = 6, generator: torch.Generator | None = None
) -> Ngrams:
    """Bits whose chance of being one depends on the ``order - 1`` before; every episode has its own table.

    A table's chances are drawn from Beta(1/2, 1/2); the first ``order - 1`` bits are fair coins. Input is
    one bit a step, the target the next bit. Steps before a whole context has been seen are not scored.

    Raises:
        UsageError: if a size is below 1 or there is nothing to predict.

    >>> episodes, chances = dynamic_ngrams(4, length=30)
    >>> episodes.inputs.shape, int(episodes.counts[0].sum()), chances.shape
    (torch.Size([4, 29, 1]), 25, torch.Size([4, 29]))
    """
    context = order - 1
    at_least_one(n=n, order=order)
    if length <= max(context, 1):
        raise UsageError(f"length is {length}; after a context of {context} nothing is left to predict")
    # A Beta(1/2, 1/2) variable is the squared sine of a uniform angle.
    table = torch.sin(torch.rand(n, 2**context, generator=generator) * (math.pi / 2)).square()
    draws = torch.rand(length, n, generator=generator)
    bits, chances = [], []
    for t in range(length):
        if t < context:
            chance = torch.full((n,), 0.5)
        else:
            chance = table.gather(1, _number(bits[t - context : t], n).unsqueeze(1)).squeeze(1)
        chances.append(chance)
        bits.append((draws[t] < chance).float())
    sequence, expected = torch.stack(bits, 1).unsqueeze(-1), torch.stack(chances, 1)
    counts = (torch.arange(1, length) >= context).expand(n, -1)
    return Ngrams(Episodes(sequence[:, :-1], sequence[:, 1:], counts), expected[:, 1:])


def _number(bits: list[Tensor], n: int) -> Tensor:
    """The bits, oldest first, as a number a sequence."""
    number = torch.zeros(n, dtype=torch.int64)
    for bit in bits:
        number = 2 * number + bit.long()
    return number


def ngram_counts(episodes: Episodes, order: int = 6) -> tuple[Tensor, Tensor]:
    """How often a one, and a zero, has followed the present context so far, both ``[n, time]``.

    >>> bits = torch.tensor([[0.0], [1.0], [0.0], [1.0], [0.0]]).unsqueeze(0)
    >>> episodes = Episodes(bits[:, :-1], bits[:, 1:], torch.ones(1, 4, dtype=torch.bool))
    >>> [count.int().tolist() for count in ngram_counts(episodes, order=2)]
    [[[0, 0, 1, 0]], [[0, 0, 0, 1]]]
    """
    context, (n, time, _) = order - 1, episodes.inputs.shape
    bits = episodes.inputs[..., 0].long()
    number = torch.zeros(n, time, dtype=torch.int64)
    for back in range(context):
        number[:, back:] += bits[:, : time - back] << back
    where = torch.nn.functional.one_hot(number, 2**context).float()
    where = where * (torch.arange(time) >= context - 1).view(1, -1, 1)
    ones = (where * episodes.targets).cumsum(1) - where * episodes.targets
    zeros = (where * (1 - episodes.targets)).cumsum(1) - where * (1 - episodes.targets)
    return (ones * where).sum(-1), (zeros * where).sum(-1)


def optimal_estimate(ones: Tensor, zeros: Tensor, pseudocount: float = 0.5) -> Tensor:
    """The chance of a one, given how often ones and zeros have followed the same context.

    With a pseudocount of 1/2 it is the best possible guess for tables from Beta(1/2, 1/2), in expected
    log-loss. With 1 it is the rule of adding one; with 0 the raw frequency (1/2 where nothing was seen).

    *Paper*: graves2014neural, Section 4.4, equation 10.

        P(B = 1 | N_1, N_0, c) = (N_1 + 1/2) / (N_1 + N_0 + 1)

    *Shapes*: any, alike.

    >>> optimal_estimate(torch.tensor([0.0, 3.0]), torch.tensor([0.0, 0.0])).tolist()
    [0.5, 0.875]
    """
    seen = ones + zeros + 2 * pseudocount
    guess = (ones + pseudocount) / seen.clamp(min=torch.finfo(seen.dtype).tiny)
    return torch.where(seen > 0, guess, 0.5)
