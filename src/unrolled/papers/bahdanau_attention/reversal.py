"""Sequences to be reversed: several seeds of a small RNNsearch trained side by side, as one program."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from unrolled.data.vocabulary import STOP
from unrolled.papers.bahdanau_attention.model import RNNsearch

SPECIAL = 4
"""Numbers of words that are no symbols: padding, start, stop, unknown."""

Parameters = Mapping[str, Tensor]


class Trained(NamedTuple):
    """Models of several seeds: one of them for its form, and their parameters, seeds first."""

    model: RNNsearch
    parameters: Parameters


def sequences(count: int, length: int, symbols: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random sequences ``[count, length]``, and the same reversed with a stop symbol at the end.

    >>> source, target = sequences(1, 3, 9, torch.Generator().manual_seed(0))
    >>> torch.equal(source.flip(1), target[:, :-1])
    True
    """
    source = torch.randint(SPECIAL, SPECIAL + symbols, (count, length), generator=generator)
    return source, torch.cat((source.flip(1), torch.full((count, 1), STOP)), 1)


def read(trained: Trained, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The log-odds of each seed's model for the same sequences, and its weights, empty where it has none."""

    def one(weights: Parameters) -> tuple[Tensor, Tensor]:
        logits, alpha, _ = functional_call(trained.model, weights, (source, target))
        return logits, logits.new_zeros(0) if alpha is None else alpha

    return vmap(one)(dict(trained.parameters))


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

    Every update draws new sequences, of one length between the two given; all seeds see the same ones and
    differ in their first weights. The rate rises over the first tenth and falls to zero.
    """
    copies = []
    for seed in seeds:
        torch.manual_seed(seed)
        copies.append(make())
    stacked, _ = stack_module_state(copies)
    parameters = {name: value.detach().requires_grad_() for name, value in stacked.items()}
    trained = Trained(copies[0].train(), parameters)
    optimiser = torch.optim.Adam(parameters.values(), lr=learning_rate, fused=True)
    draw = torch.Generator().manual_seed(seeds[0])
    rising = max(updates // 10, 1)
    for update in range(updates):
        share = min((update + 1) / rising, (updates - update) / (updates - rising))
        optimiser.param_groups[0]["lr"] = share * learning_rate
        length = int(torch.randint(lengths[0], lengths[1] + 1, (), generator=draw))
        source, target = sequences(batch_size, length, symbols, draw)
        logits, _ = read(trained, source, target)
        loss = functional.cross_entropy(logits.flatten(0, 2), target.expand(len(seeds), -1, -1).flatten())
        optimiser.zero_grad()
        (loss * len(seeds)).backward()
        clip_each(parameters.values(), 1.0)
        optimiser.step()
    return Trained(copies[0].eval(), {name: value.detach() for name, value in parameters.items()})


def clip_each(parameters: Iterable[Tensor], norm: float) -> None:
    """Clip the gradient of each seed by itself to a norm."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    squares = sum(gradient.square().flatten(1).sum(1) for gradient in gradients)
    scale = (norm / squares.sqrt()).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *([1] * (gradient.ndim - 1))))


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
