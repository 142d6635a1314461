"""Several seeds of a small network as one program: in a short step, calls cost more than arithmetic.

The models know nothing of it: ``vmap`` batches the experiment's own ``loss`` over their parameters. Every
seed has its own weights, batches and noise, and its gradient is its own, since the losses are only added.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from unrolled.base.errors import UnrolledError
from unrolled.training import optimisers
from unrolled.training.experiment import Arrays, At, Experiment
from unrolled.training.trainer import Trainer


class _Loss(nn.Module):
    """The experiment's loss as a module: any method of the model then sees the parameters put in."""

    def __init__(self, experiment: Experiment, model: nn.Module) -> None:
        super().__init__()
        self.experiment, self.model = experiment, model

    def forward(self, batch: Arrays, at: At) -> Tensor:
        return self.experiment.loss(self.model, batch, at)


class Ensemble:
    """Trainers of one configuration and several seeds, all at the same update, that step as one.

    Their own models and optimisers are only up to date after ``synchronise``.

    Raises:
        UnrolledError: if a model has buffers that differ between seeds or that training changes.
    """

    def __init__(self, trainers: Sequence[Trainer]) -> None:
        self.trainers, first = trainers, trainers[0]
        self.loss = _Loss(first.experiment, first.model)
        self.names = [name for name, value in self.loss.named_parameters() if value.requires_grad]
        own = [dict(_Loss(t.experiment, t.model).named_parameters()) for t in trainers]
        self.stacked = {
            name: torch.stack([p[name].detach() for p in own]).requires_grad_() for name in self.names
        }
        self.buffers = {name: value.clone() for name, value in first.model.named_buffers()}
        self._same_buffers()
        self.optimiser = optimisers.build(first.config, self.stacked.values())
        self._take_over()
        for trainer in trainers:
            trainer.model.train()

    def _same_buffers(self) -> None:
        for trainer in self.trainers:
            for name, value in trainer.model.named_buffers():
                if not torch.equal(value, self.buffers[name]):
                    raise UnrolledError(
                        f"buffer {name} of {type(trainer.model).__name__} differs between seeds or changes",
                        hint="train its seeds one by one",
                    )

    def _take_over(self) -> None:
        """The members' optimiser states, stacked: by parameter, since what is restored has any order."""
        own = [dict(_Loss(t.experiment, t.model).named_parameters()) for t in self.trainers]
        for parameter_name, parameter in self.stacked.items():
            members = [
                trainer.optimiser.state.get(parameters[parameter_name])
                for trainer, parameters in zip(self.trainers, own, strict=True)
            ]
            if not all(members):
                return
            for name, value in members[0].items():
                alike = isinstance(value, Tensor) and value.shape == parameter.shape[1:] and name != "step"
                self.optimiser.state[parameter][name] = (
                    torch.stack([m[name] for m in members]) if alike else value
                )

    def step(self) -> None:
        """Do one update of every seed."""
        first = self.trainers[0]
        batches, places = zip(*(trainer.next_batch() for trainer in self.trainers), strict=True)
        stacked = tuple(torch.stack(parts) for parts in zip(*batches, strict=True))

        def one(parameters: dict[str, Tensor], batch: Arrays) -> Tensor:
            return functional_call(self.loss, parameters, (batch, places[0]))

        optimisers.set_learning_rate(self.optimiser, first.experiment.learning_rate(first.done))
        self.optimiser.zero_grad(set_to_none=True)
        losses = vmap(one, randomness="different")(self.stacked, stacked)
        losses.sum().backward()
        optimisers.clip(first.config, list(self.stacked.values()), members=True)
        self.optimiser.step()
        for trainer, loss in zip(self.trainers, losses.detach(), strict=True):
            trainer.update.keep(loss)
            trainer.update.pending += 1
            trainer.done += 1

    @torch.no_grad()
    def synchronise(self) -> None:
        """Give every trainer its own weights and the state of its optimiser."""
        self._same_buffers()
        for member, trainer in enumerate(self.trainers):
            own = dict(_Loss(trainer.experiment, trainer.model).named_parameters())
            for name, parameter in self.stacked.items():
                own[name].copy_(parameter[member])
                state = self.optimiser.state[parameter]
                trainer.optimiser.state[own[name]] = {
                    key: value[member].clone()
                    if isinstance(value, Tensor) and value.shape == parameter.shape and key != "step"
                    else (value.clone() if isinstance(value, Tensor) else value)
                    for key, value in state.items()
                }
