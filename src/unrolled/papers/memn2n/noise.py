"""When each sentence of a story was, with random noise in training so that all times are learned."""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from unrolled.base.errors import unknown

Kind = Literal["empty", "gaps"]


class Timed(NamedTuple):
    """Stories, and when each sentence was: 0 is right before the question, the number of slots is never."""

    story: Int[Tensor, "batch slot"]
    when: Int[Tensor, "batch slot"]


def in_order(story: Int[Tensor, "batch slot"]) -> Timed:
    """Stories without noise: a sentence's time is its slot, and an empty slot has none.

    >>> in_order(torch.tensor([[5, 6, 0, 0]])).when
    tensor([[0, 1, 4, 4]])
    """
    slots = story.shape[1]
    return Timed(story, torch.where(story != 0, torch.arange(slots, device=story.device), slots))


def with_noise(
    story: Int[Tensor, "batch slot"], share: float, kind: Kind, generator: torch.Generator | None = None
) -> Timed:
    """Stories with empty memories between their sentences.

    *Paper*: sukhbaatar2015end, random noise.

    A story of n sentences gets up to n ``share`` empty ones, rounded up, their number drawn evenly, at random
    places. "empty": they can be attended to, as vectors of time alone, and push the oldest sentences out of a
    full memory. "gaps", as in the released code: they only leave gaps in the numbering, and sentences beyond
    the memory share its last number.

    *Raises*: `UsageError` for another kind.

    >>> story = torch.tensor([[7, 8, 9, 0, 0, 0]])
    >>> with_noise(story, 0.3, "empty", torch.Generator().manual_seed(1))
    Timed(story=tensor([[7, 8, 0, 9, 0, 0]]), when=tensor([[0, 1, 2, 3, 6, 6]]))
    >>> with_noise(story, 0.3, "gaps", torch.Generator().manual_seed(1))
    Timed(story=tensor([[7, 8, 9, 0, 0, 0]]), when=tensor([[0, 1, 3, 6, 6, 6]]))
    """
    if kind not in ("empty", "gaps"):
        raise unknown("kind of noise", kind, ("empty", "gaps"))
    batch, slots = story.shape
    lengths = (story != 0).sum(1, keepdim=True)
    most = torch.ceil(lengths * share)
    empty = torch.floor(torch.rand(batch, 1, generator=generator) * (most + 1)).clamp(max=most).long()
    at = torch.arange(2 * slots).expand(batch, -1)
    inside = at < lengths + empty
    # The sentences take a random subset of the places, in order: those whose draws are the smallest.
    draws = torch.rand(batch, 2 * slots, generator=generator).masked_fill(~inside, 2.0)
    chosen = draws.argsort(dim=1, stable=True).argsort(1) < lengths
    when = torch.where(chosen, at, 2 * slots).sort(1).values[:, :slots]
    if kind == "gaps":
        return Timed(story, torch.where(story != 0, when.clamp(max=slots - 1), slots))
    placed = torch.zeros(batch, slots + 1, dtype=story.dtype)
    placed.scatter_(1, when.clamp(max=slots), story)  # the last column takes what has no place
    return Timed(placed[:, :slots], torch.where(inside, at, slots)[:, :slots])
