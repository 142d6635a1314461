"""Several seeds as one program: the same small training, five times at once, for about the price of one."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from unrolled.data import canvases
from unrolled.papers.ram.learning import hybrid_loss
from unrolled.papers.ram.model import RAM, Rollout

Parameters = Mapping[str, Tensor]


class Trained(NamedTuple):
    """Models of several seeds: their parameters, seeds first, and their errors while they learned."""

    model: RAM
    parameters: Parameters
    updates: list[int]
    errors: list[Tensor]  # [seeds], share of wrong validation images


def rollouts(
    model: RAM, parameters: Parameters, images: Tensor, glimpses: int, *, sample: bool = False
) -> Rollout:
    """What each seed's model does with its images ``[seeds, batch, height, width]``; seeds come first."""
    model.train(sample)

    def one(weights: Parameters, of_seed: Tensor) -> Rollout:
        return functional_call(model, weights, (of_seed, glimpses))

    return vmap(one, randomness="different")(dict(parameters), images)


def train_together(
    make: Callable[[], RAM],
    seeds: Sequence[int],
    train: tuple[Tensor, Tensor],
    valid: tuple[Tensor, Tensor],
    *,
    size: int,
    glimpses: int,
    updates: int,
    batch_size: int,
    learning_rate: float,
    evaluations: int = 5,
    clutter: tuple[int, int] | None = None,
) -> Trained:
    """Train one fresh model a seed on digits at random places, all side by side.

    Canvases are drawn anew in every update. The rate falls to zero as half a cosine.

    *Shapes*: ``train`` and ``valid`` are images ``[seeds, n, height, width]`` and labels ``[seeds, n]``;
    validation images lie on their canvases already.
    """
    copies = []
    for seed in seeds:
        torch.manual_seed(seed)
        copies.append(make())
    model = copies[0]
    torch.manual_seed(seeds[0])
    stacked, _ = stack_module_state(copies)
    parameters = {name: value.detach().requires_grad_() for name, value in stacked.items()}
    optimiser = torch.optim.Adam(parameters.values(), lr=learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, updates)
    images, labels = train
    at, errors = [], []
    for update in range(1, updates + 1):
        chosen = torch.randint(images.shape[1], (batch_size,))
        batch = images[:, chosen].flatten(0, 1)
        if clutter is None:
            placed = canvases.translated(batch, size)
        else:
            placed = canvases.cluttered(batch, size, *clutter)
        rollout = rollouts(
            model, parameters, placed.view(len(seeds), batch_size, size, size), glimpses, sample=True
        )
        parts = vmap(hybrid_loss)(rollout, labels[:, chosen])
        optimiser.zero_grad()
        (parts.classification + parts.baseline + parts.location).sum().backward()
        optimiser.step()
        schedule.step()
        if update % (updates // evaluations) == 0:
            at.append(update)
            errors.append(errors_of(model, parameters, valid, glimpses))
    return Trained(model, {k: v.detach() for k, v in parameters.items()}, at, errors)


@torch.no_grad()
def errors_of(model: RAM, parameters: Parameters, split: tuple[Tensor, Tensor], glimpses: int) -> Tensor:
    """The share of wrong classes of each seed's model on its images, at the policy's mean locations."""
    images, labels = split
    log_probs = rollouts(model, parameters, images, glimpses).log_probs
    return (log_probs.argmax(-1) != labels).float().mean(1)
