"""Several seeds as one program: at these sizes a step's calls cost more than its arithmetic."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from unrolled.data.algorithmic_tasks import Episodes
from unrolled.papers.ntm.metrics import bits_per_sequence

Draw = Callable[[int, int, torch.Generator], Episodes]
"""``draw(n, length, generator)`` gives ``n`` episodes of one length."""


class Trained(NamedTuple):
    """Networks side by side: their parameters, copies first, and what they cost while they learned."""

    model: nn.Module
    parameters: dict[str, Tensor]
    updates: list[int]
    bits: list[list[float]]  # a sequence in training, over the updates since the point before, by copy

    def __call__(self, inputs: Tensor) -> Tensor:
        """The logits of every network for the same inputs, ``[copies, n, time, bits]``."""
        copies = len(next(iter(self.parameters.values())))
        given = inputs.expand(copies, *inputs.shape)
        with torch.no_grad():
            return functional_call(self.model, self.parameters, (given,))

    def one(self, place: int) -> nn.Module:
        """One network by itself; it takes the place of the one before."""
        state = {name: value[place] for name, value in self.parameters.items()}
        self.model.load_state_dict(state)
        return self.model


def train_together(
    networks: Sequence[nn.Module],
    draw: Draw,
    *,
    seed: int,
    longest: int,
    updates: int,
    batch_size: int,
    learning_rate: float,
    points: int = 10,
) -> Trained:
    """Train networks of one architecture side by side, each on episodes of its own.

    The length is drawn for every update, between 1 and ``longest``, the same for all. RMSProp with
    momentum 0.9; every component of the gradient is clipped to (-10, 10), as in the paper. Over the last
    third of the updates the learning rate falls to zero as a straight line.
    """
    model, copies = networks[0], len(networks)
    stacked, buffers = stack_module_state(list(networks))
    fixed = {name for name, value in model.named_parameters() if not value.requires_grad}
    parameters = {name: value.detach() for name, value in stacked.items()} | buffers
    trained = [parameters[name].requires_grad_() for name in stacked if name not in fixed]
    optimiser = torch.optim.RMSprop(trained, lr=learning_rate, alpha=0.95, momentum=0.9)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda u: min(1.0, 3 * (1 - u / updates)))
    generator = torch.Generator().manual_seed(seed)
    at, bits, since = [], [], []
    for update in range(1, updates + 1):
        length = int(torch.randint(1, longest + 1, (1,), generator=generator))
        episodes = draw(copies * batch_size, length, generator)
        episodes = Episodes(*(part.unflatten(0, (copies, batch_size)) for part in episodes))
        cost = bits_per_sequence(functional_call(model, parameters, (episodes.inputs,)), episodes)
        optimiser.zero_grad()
        (cost.sum() * math.log(2)).backward()
        nn.utils.clip_grad_value_(trained, 10.0)
        optimiser.step()
        schedule.step()
        since.append(cost.detach().mean(1))
        if update % max(1, updates // points) == 0:
            at.append(update)
            bits.append(torch.stack(since).mean(0).tolist())
            since = []
    parameters = {name: value.detach() for name, value in parameters.items()}
    return Trained(model, parameters, at, bits)
