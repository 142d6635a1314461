"""What an answer costs, in bits, and how many of its bits are wrong."""

import math

from torch import Tensor
from torch.nn import functional

from unrolled.data.algorithmic_tasks import Episodes


def bits_per_sequence(logits: Tensor, episodes: Episodes) -> Tensor:
    """The cost of each sequence in bits: the cross-entropy of all scored output bits, by ln 2.

    *Paper*: graves2014neural, Section 4.

    *Shapes*: logits ``[..., n, time, bits]``; the result ``[..., n]``.

    >>> import torch
    >>> episodes = Episodes(torch.zeros(1, 2, 1), torch.ones(1, 2, 3), torch.tensor([[False, True]]))
    >>> bits_per_sequence(torch.zeros(1, 2, 3), episodes).tolist()
    [3.0]
    """
    targets = episodes.targets.expand_as(logits)
    each = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (each.sum(-1) * episodes.counts).sum(-1) / math.log(2)


def wrong_bits(logits: Tensor, episodes: Episodes) -> Tensor:
    """How many scored output bits of each sequence are on the wrong side of one half.

    *Shapes*: those of `bits_per_sequence`.
    """
    wrong = (logits > 0) != (episodes.targets > 0.5)
    return (wrong.sum(-1) * episodes.counts).sum(-1)
