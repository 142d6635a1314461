"""Small translators of several seeds, trained side by side as one program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

Parameters = Mapping[str, Tensor]

Pairs = tuple[Tensor, Tensor]
"""Sources ``[batch, source]`` and targets ``[batch, target]``, each of one length: nothing is padding."""


class Trained(NamedTuple):
    """Models of several seeds: one of them for its form, and their parameters, seeds first."""

    model: nn.Module
    parameters: Parameters


def read(trained: Trained, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The log-odds of each seed's model for the same sequences, and its weights, empty where it has none."""

    def one(parameters: Parameters) -> tuple[Tensor, Tensor]:
        found = functional_call(trained.model, parameters, (source, target))
        return found.logits, found.logits.new_zeros(0) if found.alpha is None else found.alpha

    return vmap(one)(dict(trained.parameters))


def cross_entropies(logits: Tensor, target: Tensor) -> Tensor:
    """The mean cross-entropy of a word for each seed, in nats, ``[seeds]``.

    >>> cross_entropies(torch.zeros(2, 3, 4, 8), torch.zeros(3, 4, dtype=torch.long)).exp()
    tensor([8.0000, 8.0000])
    """
    words = target.expand(len(logits), -1, -1)
    found = functional.cross_entropy(logits.flatten(0, 2), words.flatten(), reduction="none")
    return found.view(len(logits), -1).mean(1)


def train_together(
    make: Callable[[], nn.Module],
    seeds: Sequence[int],
    draw: Callable[[torch.Generator], Pairs],
    *,
    updates: int,
    learning_rate: float,
) -> Trained:
    """Train one fresh translator a seed with Adam, all side by side, and each clipped by itself to norm 1.

    Every update draws new pairs; all seeds see the same ones and differ in their first weights. The rate
    rises over the first tenth and falls to zero.
    """
    copies = []
    for seed in seeds:
        torch.manual_seed(seed)
        copies.append(make())
    stacked, _ = stack_module_state(copies)
    parameters = {name: value.detach().requires_grad_() for name, value in stacked.items()}
    trained = Trained(copies[0].train(), parameters)
    optimiser = torch.optim.Adam(parameters.values(), lr=learning_rate, fused=True)
    generator = torch.Generator().manual_seed(seeds[0])
    rising = max(updates // 10, 1)
    for update in range(updates):
        share = min((update + 1) / rising, (updates - update) / max(updates - rising, 1))
        optimiser.param_groups[0]["lr"] = share * learning_rate
        source, target = draw(generator)
        logits, _ = read(trained, source, target)
        optimiser.zero_grad()
        cross_entropies(logits, target).sum().backward()
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
def accuracies(trained: Trained, source: Tensor, target: Tensor) -> Tensor:
    """The share of words that are the likeliest, each after the right ones before it, ``[seeds]``."""
    logits, _ = read(trained, source, target)
    return (logits.argmax(3) == target).float().mean((1, 2))
