"""One update of the parameters: forward, backward, clip, step, and the loss kept on the device.

Its shapes are static and it never looks at a value, so on a GPU the whole of it can be one CUDA graph
(``graphs.py``), and losses are fetched many at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from unrolled.training import optimisers
from unrolled.training.experiment import Arrays, At, TrainingConfig

KEPT = 64
"""How many losses wait on the device before they are fetched."""


class Update:
    """What one update needs, and the losses of those since the last ``fetch``."""

    def __init__(
        self,
        loss: Callable[[nn.Module, Arrays, At], Tensor],
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        config: TrainingConfig,
        *,
        backward: Callable[[Tensor], None] = Tensor.backward,
        autocast: Callable[[], AbstractContextManager] = nullcontext,
    ) -> None:
        self.loss, self.model, self.optimiser, self.config = loss, model, optimiser, config
        self.backward, self.autocast = backward, autocast
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        device = self.parameters[0].device
        self.foreach = device.type == "cuda"
        self.losses = torch.zeros(KEPT, dtype=torch.float32, device=device)
        self.cursor = torch.zeros(1, dtype=torch.int64, device=device)
        self.pending = 0

    def __call__(self, batch: Arrays, at: At) -> None:
        """Update the parameters by one batch; the caller counts ``pending``, as a replay runs no Python."""
        self.optimiser.zero_grad(set_to_none=True)
        with self.autocast():
            loss = self.loss(self.model, batch, at)
        self.backward(loss)
        optimisers.clip(self.config, self.parameters, foreach=self.foreach)
        self.optimiser.step()
        self.keep(loss)

    def keep(self, loss: Tensor) -> None:
        """Keep the loss of an update on the device."""
        self.losses.index_copy_(0, self.cursor, loss.detach().float().reshape(1))
        self.cursor.add_(1)

    def fetch(self) -> list[float]:
        """The losses of the pending updates, in order; one wait for the device."""
        values = self.losses[: self.pending].tolist()
        self.cursor.zero_()
        self.pending = 0
        return values

    def state(self) -> Iterator[Tensor]:
        """Every tensor that an update changes in place."""
        yield from self.model.parameters()
        yield from self.model.buffers()
        yield self.losses
        yield self.cursor
        yield from self.optimiser_state()

    def optimiser_state(self) -> Iterator[Tensor]:
        """The optimiser's tensors; none before its first step."""
        for values in self.optimiser.state.values():
            yield from (value for value in values.values() if isinstance(value, Tensor))
