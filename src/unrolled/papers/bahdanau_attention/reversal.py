"""Sequences to be reversed: several seeds of a small RNNsearch trained side by side, as one program."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from unrolled.data.vocabulary import STOP
from unrolled.papers.bahdanau_attention.model import RNNsearch
from unrolled.tasks import side_by_side
from unrolled.tasks.side_by_side import Pairs, Parameters, Trained, read

SPECIAL = 4
"""Numbers of words that are no symbols: padding, start, stop, unknown."""


def sequences(count: int, length: int, symbols: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random sequences ``[count, length]``, and the same reversed with a stop symbol at the end.

    >>> source, target = sequences(1, 3, 9, torch.Generator().manual_seed(0))
    >>> torch.equal(source.flip(1), target[:, :-1])
    True
    """
    source = torch.randint(SPECIAL, SPECIAL + symbols, (count, length), generator=generator)
    return source, torch.cat((source.flip(1), torch.full((count, 1), STOP)), 1)


def train_together(
    make: Callable[[], RNNsearch],
    seeds: Sequence[int],
    *,
    symbols: int,
    lengths: tuple[int, int],
    updates: int,
    batch_size: int,
    learning_rate: float,
) -> Trained:
    """Train one fresh model a seed to reverse sequences, all side by side.

    Every update draws new sequences, of one length between the two given.
    """

    def draw(generator: torch.Generator) -> Pairs:
        length = int(torch.randint(lengths[0], lengths[1] + 1, (), generator=generator))
        return sequences(batch_size, length, symbols, generator)

    return side_by_side.train_together(make, seeds, draw, updates=updates, learning_rate=learning_rate)


@torch.no_grad()
def written(trained: Trained, source: Tensor, steps: int) -> Tensor:
    """The greedy translations of every seed, ``[seeds, batch, steps]``."""

    def one(weights: Parameters) -> Tensor:
        named = {f"model.{name}": weight for name, weight in weights.items()}
        return functional_call(_Writer(trained.model, steps), named, (source,))

    return vmap(one)(dict(trained.parameters))


class _Writer(torch.nn.Module):
    """A model that writes a fixed number of words: no step looks at a value, so that `vmap` can run it."""

    def __init__(self, model: RNNsearch, steps: int) -> None:
        super().__init__()
        self.model, self.steps = model, steps

    def forward(self, source: Tensor) -> Tensor:
        s, memory = self.model.encode(source)
        step, found = self.model.stepper(memory), []
        words = torch.full_like(source[:, 0], 1)
        for _ in range(self.steps):
            s, log_probs = step(s, words)
            words = log_probs.argmax(1)
            found.append(words)
        return torch.stack(found, 1)


def reversed_right(trained: Trained, length: int, count: int, symbols: int, seed: int = 1) -> Tensor:
    """The share of new sequences of a length that each seed reverses without a fault, ``[seeds]``."""
    source, target = sequences(count, length, symbols, torch.Generator().manual_seed(seed))
    return (written(trained, source, length + 1) == target).all(2).float().mean(1)


@torch.no_grad()
def mirrored(trained: Trained, length: int, count: int, symbols: int, seed: int = 1) -> Tensor:
    """The share of target positions whose largest weight is on the mirrored source position, ``[seeds]``."""
    source, target = sequences(count, length, symbols, torch.Generator().manual_seed(seed))
    _, alpha = read(trained, source, target[:, :-1])
    return (alpha.argmax(3) == torch.arange(length).flip(0)).float().mean((1, 2))
