"""The state of one training: model, optimiser, data and generators; how to step, keep and measure it."""

from __future__ import annotations

import math
import resource
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from unrolled.base.allocator import keep_freed_memory
from unrolled.base.errors import UnrolledError, UsageError
from unrolled.training import optimisers
from unrolled.training.batches import Batches
from unrolled.training.checkpoints import Checkpoint
from unrolled.training.experiment import Arrays, At, Experiment
from unrolled.training.graphs import captured
from unrolled.training.update import KEPT, Update

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class Alone:
    """One device in full precision: what a training asks of Fabric, whose import alone takes longer than
    some trainings."""

    device: torch.device
    world_size: int = 1
    global_rank: int = 0
    is_global_zero: bool = True

    def autocast(self) -> AbstractContextManager:
        """Every number keeps its precision."""
        return nullcontext()

    def barrier(self) -> None:
        """There is nobody to wait for."""


def launched(device: str, *, precision: str = "32-true", devices: int = 1) -> Fabric | Alone:
    """What was asked for (``"cpu"``, ``"cuda"``, ``"cuda:1"``): several devices, or another precision, by
    Lightning Fabric, launched.

    Raises:
        UsageError: for another device.
        UnrolledError: if there is no such GPU.
    """
    kind, _, index = device.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()):
        raise UsageError(f"no device {device!r}", hint="it is cpu, cuda or cuda:N")
    if kind == "cuda" and torch.cuda.device_count() <= (int(index) if index else devices - 1):
        raise UnrolledError(
            f"no device {device}: torch sees {torch.cuda.device_count()} GPUs",
            hint="use --device cpu, or a GPU machine",
        )
    keep_freed_memory()
    if (precision, devices) == ("32-true", 1):
        place = torch.device(kind, int(index or 0)) if kind == "cuda" else torch.device(kind)
        if kind == "cuda":
            torch.cuda.set_device(place)
        return Alone(place)
    from lightning_fabric import Fabric

    wanted = [int(index)] if index else devices
    fabric = Fabric(accelerator=kind, devices=wanted, precision=precision)
    fabric.launch()
    return fabric


@contextmanager
def isolated_rng() -> Iterator[None]:
    """Train on one thread, and leave the caller's random generators and thread count as they were.

    A chapter then shows the same whether a run was trained or found in the store.
    """
    threads = torch.get_num_threads()
    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices=devices):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def place(seed: int, update: int) -> At:
    """Where the training of a seed stands before an update, with the random numbers that belong to it."""

    def generator(*numbers: int) -> torch.Generator:
        # torch's generator keeps 32 bits of a seed: the numbers have to be mixed, not put side by side.
        (mixed,) = np.random.SeedSequence(numbers).generate_state(1)
        return torch.Generator().manual_seed(int(mixed))

    return At(update, generator(1, seed, update), generator(0, update))


class Trainer:
    """One training, at some update. Build it inside ``isolated_rng``."""

    def __init__(self, experiment: Experiment, fabric: Fabric | Alone) -> None:
        self.experiment, self.config, self.fabric = experiment, experiment.config, fabric
        self.seed, self.device, self.done = experiment.seed, fabric.device, 0
        config = self.config
        splits = experiment.data()
        self.train, self.valid = self._placed(splits.train), self._placed(splits.valid)
        self.test = self._placed(splits.test) if splits.test is not None else None
        torch.manual_seed(self.seed)
        self.model = experiment.model().to(self.device)
        graph = (
            config.fast and experiment.capturable and self.device.type == "cuda" and fabric.world_size == 1
        )
        self.optimiser = optimisers.build(config, self.model.parameters(), captured=graph)
        module, optimiser, backward = self.model, self.optimiser, torch.Tensor.backward
        if fabric.world_size > 1:
            module, optimiser = fabric.setup(self.model, self.optimiser)
            backward = fabric.backward
        self.update = Update(
            experiment.loss, module, optimiser, config, backward=backward, autocast=fabric.autocast
        )
        self.batches = Batches(
            self.train, config.batch_size, self.seed, fabric.global_rank, fabric.world_size
        )
        self.capture = graph
        self.apply = None  # the update, or the replay of its graph; made when it is first needed

    def _placed(self, arrays: Arrays) -> Arrays:
        return tuple(array.to(self.device) for array in arrays)

    def next_batch(self) -> tuple[Arrays, At]:
        """What the loss of the next update is given."""
        at = place(self.seed, self.done)
        return self._placed(self.experiment.batch(self.batches.at(self.done), at)), at

    def step(self) -> None:
        """Do one update."""
        batch, at = self.next_batch()
        if self.apply is None:  # not before: a graph holds the tensors of a restored optimiser
            self.model.train()
            self.apply = captured(self.update, batch, at) if self.capture else self.update
        optimisers.set_learning_rate(self.optimiser, self.experiment.learning_rate(self.done))
        self.apply(batch, at)
        self.update.pending += 1
        self.done += 1

    @property
    def full(self) -> bool:
        """Whether the losses that wait on the device must be fetched before the next update."""
        return self.update.pending == KEPT

    def fetch(self) -> list[dict]:
        """The records of the updates since the last call.

        Raises:
            UnrolledError: if a loss is not finite.
        """
        losses = self.update.fetch()
        first = self.done - len(losses)
        records = []
        for update, loss in enumerate(losses, first + 1):
            if not math.isfinite(loss):
                raise UnrolledError(
                    f"the loss is {loss} at update {update}", hint="lower the learning rate or clip_norm"
                )
            rate = self.experiment.learning_rate(update - 1)
            records.append({"update": update, "loss": loss, "learning_rate": rate})
        return records

    def evaluate(self, split: str, *, final: bool = False) -> dict[str, float]:
        """The metrics of the present weights over a split; changes neither weights nor generators.

        ``final`` asks for the experiment's ``test``, which may be more expensive.

        Raises:
            UnrolledError: if a metric is not finite.
        """
        arrays = getattr(self, split)
        if arrays is None:
            return {}
        self.model.eval()
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.no_grad(), torch.random.fork_rng(devices=devices), self.fabric.autocast():
            torch.manual_seed(self.seed)
            metrics = (self.experiment.test if final else self.experiment.evaluate)(self.model, arrays)
        self.model.train()
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise UnrolledError(
                    f"{split}_{name} is {value} after update {self.done}", hint="lower the learning rate"
                )
        return {f"{split}_{name}": float(value) for name, value in metrics.items()}

    def checkpoint(self, facts: dict) -> Checkpoint:
        """The whole state."""
        generators = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            generators["cuda"] = torch.cuda.get_rng_state(self.device)
        state = {"update": self.done, **facts}
        return Checkpoint(self.model.state_dict(), self.optimiser.state_dict(), generators, state)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take over a state; before the first ``step``.

        Raises:
            UnrolledError: if it belongs to another model.
        """
        try:
            self.model.load_state_dict(checkpoint.model)
        except RuntimeError as error:
            raise UnrolledError(f"the checkpoint belongs to another model: {error}") from error
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({**checkpoint.optimiser, "param_groups": groups})
        torch.set_rng_state(checkpoint.generators["cpu"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(checkpoint.generators["cuda"], self.device)
        self.done = checkpoint.update

    def peak_memory_mb(self) -> float:
        """The largest memory so far: of the GPU's tensors, or on a CPU of the whole process."""
        if self.device.type == "cuda":
            return round(torch.cuda.max_memory_allocated(self.device) / 2**20, 1)
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)

    def device_name(self) -> str:
        """``"cpu"``, or the GPU's name."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu"
