"""What the chapter computes with the trained machine: how its copies of long lists fail."""

from typing import NamedTuple

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from unrolled.data import algorithmic_tasks as tasks
from unrolled.data.algorithmic_tasks import Episodes

NEARLY_ALL = 0.95
"""The share of vectors that have to come one step late for a copy to be called late."""


class Copies(NamedTuple):
    """Copies of one length: those without a wrong bit, those that come one vector late, and those whose
    reading does not begin at the row where the writing began; ``[n]`` each."""

    episodes: Episodes
    perfect: Bool[Tensor, " n"]
    late: Bool[Tensor, " n"]
    misplaced: Bool[Tensor, " n"]

    def one(self, which: Bool[Tensor, " n"]) -> Episodes:
        """The first of some episodes (of the late ones, say), or the first of all where there is none."""
        n = int(which.nonzero()[0]) if which.any() else 0
        return Episodes(*(part[n : n + 1] for part in self.episodes))


def long_copies(machine: nn.Module, length: int, n: int, seed: int = 0, *, bits: int = 8) -> Copies:
    """Have a machine with one head of each kind copy ``n`` lists, and sort the copies by their fault.

    A late copy has, at nearly every place, the vector that was due one place before: the paper's fault at
    length 120 (Figure 4), where one vector is given out twice and all that follow come a step late.
    """
    episodes = tasks.copy(n, length, bits=bits, generator=torch.Generator().manual_seed(seed))
    logits, trace = machine.trace(episodes.inputs)
    given, due = logits[:, length + 1 :] > 0, episodes.targets[:, length + 1 :] > 0.5
    perfect = (given == due).all(-1).all(-1)
    follows = (given[:, 1:] == due[:, :-1]).all(-1).float().mean(-1)
    read, written = trace.stages.weighting.argmax(-1).unbind(-1)  # [n, time] each
    misplaced = read[:, length + 1] != written[:, 0]
    return Copies(episodes, perfect, ~perfect & (follows >= NEARLY_ALL), misplaced)
