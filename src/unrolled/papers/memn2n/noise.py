"""Random noise: empty memories among the sentences of a story, so that the time embedding generalises."""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from unrolled.base.errors import unknown

Kind = Literal["empty", "gaps"]


class Timed(NamedTuple):
    """Stories, and when each sentence was; 0 is right before the question."""

    story: Int[Tensor, "batch slot"]
    numbers: Int[Tensor, "batch slot"] | None
    """The time of each slot's sentence; None where it is the slot's own number."""
    mask: Bool[Tensor, "batch slot"]
    """Which slots can be attended to."""


def in_order(story: Int[Tensor, "batch slot"]) -> Timed:
    """Stories without noise.

    >>> in_order(torch.tensor([[5, 6, 0]])).mask
    tensor([[ True,  True, False]])
    """
    return Timed(story, None, story != 0)


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
    >>> with_noise(story, 0.3, "empty", torch.Generator().manual_seed(1)).story
    tensor([[7, 8, 0, 9, 0, 0]])
    >>> with_noise(story, 0.3, "gaps", torch.Generator().manual_seed(1)).numbers[0, :3]
    tensor([0, 1, 3])
    """
    if kind not in ("empty", "gaps"):
        raise unknown("kind of noise", kind, ("empty", "gaps"))
    batch, slots = story.shape
    mask = story != 0
    lengths = mask.sum(1, keepdim=True)
    most = torch.ceil(lengths * share)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, device=story.device, generator=generator)

    empty = torch.floor(uniform(batch, 1) * (most + 1)).clamp(max=most).long()
    at = torch.arange(2 * slots, device=story.device).expand(batch, -1)
    inside = at < lengths + empty
    # The sentences take a random subset of the places, in order: those whose draws are the smallest.
    draws = uniform(batch, 2 * slots).masked_fill(~inside, 2.0)
    chosen = draws.argsort(dim=1, stable=True).argsort(1) < lengths
    numbers = torch.where(chosen, at, 2 * slots).sort(1).values[:, :slots]
    if kind == "gaps":
        return Timed(story, numbers.clamp(max=slots - 1), mask)
    placed = torch.zeros(batch, slots + 1, dtype=story.dtype, device=story.device)
    placed.scatter_(1, numbers.clamp(max=slots), story)  # the last column takes what has no place
    return Timed(placed[:, :slots], None, inside[:, :slots])
