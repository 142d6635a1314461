"""The run store: one folder a run, named by what the run depends on, so that nothing is trained twice.

``<store>/<slug>/<preset>-s<seed>-<key[:12]>/`` holds ``config.json``, ``metrics.jsonl``, the last two
checkpoints, ``best.safetensors`` and, once the run has ended, ``result.json``.
"""

from __future__ import annotations

import inspect
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from unrolled.base import keys, records
from unrolled.base.errors import UnrolledError
from unrolled.base.paths import runs
from unrolled.training import history
from unrolled.training.checkpoints import latest, read_tensors
from unrolled.training.experiment import Experiment

log = logging.getLogger(__name__)


@lru_cache(maxsize=64)  # once per process: what runs is the code as it was imported
def source_part(kind: type) -> str:
    """The key of the code that a run executes: the experiment's import closure and the training loop's."""
    if kind.__module__.startswith("unrolled."):
        return keys.source_key([kind.__module__, "unrolled.training.fit"])
    own = keys.file_key(Path(inspect.getfile(kind)), as_text=False)  # one outside the package
    return keys.combine({"experiment": own, "fit": keys.source_key(["unrolled.training.fit"])})


@dataclass(frozen=True)
class Plan:
    """One run before it is trained: who it is, and its key. Made by ``plan``."""

    experiment: Experiment
    preset: str
    key_parts: dict[str, str]

    @cached_property
    def key(self) -> str:
        """The run's key."""
        return keys.combine(self.key_parts)

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return f"{self.preset}-s{self.experiment.seed}-{self.key[:12]}"

    def described(self) -> dict:
        """What identifies the run, as it stands in ``config.json`` and ``result.json``."""
        return {
            "slug": self.experiment.slug,
            "preset": self.preset,
            "seed": self.experiment.seed,
            "config": self.experiment.config.plain(),
            "key": self.key,
            "key_parts": self.key_parts,
        }


def plan(
    experiment: Experiment, preset: str = "custom", *, device_kind: str = "cpu", **extra: object
) -> Plan:
    """The plan of a run. ``extra`` are further parameters that change its numbers (a precision).

    The preset's name is no part of the key: the values of the configuration are.
    """
    parameters = {"config": experiment.config.plain(), "seed": experiment.seed, **extra}
    parts = {
        "source": source_part(type(experiment)),
        "config": keys.combine(parameters),
        "data": keys.combine(records.checksums(experiment.datasets())),
        "versions": records.version_line(device_kind, records.installed()),
    }
    return Plan(experiment, preset, parts)


@dataclass
class Run:
    """A run that has ended, or was stopped: its result, and what its folder holds."""

    result: dict
    folder: Path
    experiment: Experiment
    loaded: bool = False  # found finished, not trained by this call
    keep: object = field(default=None, repr=False)  # holds a temporary folder as long as the run is held

    @property
    def complete(self) -> bool:
        """Whether the schedule was run to its end."""
        return self.result["complete"]

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of the best weights, of the last ones (``last_…``) and ``train_loss``."""
        return self.result["metrics"]

    @cached_property
    def history(self) -> list[dict]:
        """The lines of ``metrics.jsonl``: ``update`` and ``loss``, or ``update`` and validation metrics."""
        history.check(self.folder / "metrics.jsonl", self.result)
        return history.read(self.folder / "metrics.jsonl")

    @property
    def losses(self) -> list[float]:
        """The training loss of every update."""
        return [record["loss"] for record in self.history if "loss" in record]

    def curve(self, metric: str) -> tuple[list[int], list[float]]:
        """The updates at which a metric was recorded (``"loss"``, ``"valid_error"``), and its values."""
        points = [(record["update"], record[metric]) for record in self.history if metric in record]
        return [update for update, _ in points], [value for _, value in points]

    def weights(self, which: str = "best") -> dict[str, Tensor]:
        """The best weights by the experiment's selection, or the ``"last"`` ones.

        Raises:
            UnrolledError: if they are missing or damaged.
        """
        if which == "best":
            return read_tensors(self.folder / "best.safetensors")[0]
        checkpoint = latest(self.folder)
        if checkpoint is None or checkpoint.update != self.result["updates"]:
            raise UnrolledError(
                f"holds no checkpoint after update {self.result['updates']}", file=self.folder
            )
        return checkpoint.model

    def model(self, which: str = "best") -> nn.Module:
        """The trained model, in evaluation mode, on the CPU."""
        with torch.random.fork_rng(devices=[]):  # fresh weights are drawn and overwritten
            model = self.experiment.model()
        model.load_state_dict(self.weights(which))
        return model.eval()


class RunStore:
    """The runs below one folder."""

    def __init__(self, root: str | Path | None = None) -> None:
        self.root = Path(root) if root is not None else runs()

    def folder(self, plan: Plan) -> Path:
        """The folder of a run, whether or not it exists."""
        return self.root / plan.experiment.slug / plan.name

    def result(self, plan: Plan) -> dict | None:
        """What ``result.json`` of a run says, or None; a damaged one counts as none, and one line says so."""
        path = self.folder(plan) / "result.json"
        try:
            found = records.read_result(path) if path.exists() else None
        except UnrolledError as error:
            log.warning("%s: it counts as absent", error)
            return None
        if found and found["key"] != plan.key:
            raise UnrolledError(
                f"the run of another key ({found['key'][:16]}…) lies here",
                file=self.folder(plan),
                hint="move it away",
            )
        return found

    @contextmanager
    def lock(self, plan: Plan) -> Iterator[Path]:
        """Hold a run alone while it is trained. A process that is killed lets go of it.

        Raises:
            UnrolledError: if another process holds it.
        """
        from filelock import FileLock, Timeout

        folder = self.folder(plan)
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UnrolledError(
                "another process trains this run", file=folder, hint="wait for it, or end it, and call again"
            ) from None
        try:
            yield folder
        finally:
            lock.release()


def temporary_store() -> tuple[RunStore, object]:
    """A store that vanishes with the object that comes with it."""
    folder = tempfile.TemporaryDirectory(prefix="unrolled-", ignore_cleanup_errors=os.name == "nt")
    return RunStore(folder.name), folder
