"""``fit`` trains every experiment: it resumes what was interrupted and loads what was finished."""

from __future__ import annotations

import json
import logging
import platform
import subprocess
import sys
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.base.paths import project
from unrolled.training import checkpoints, history
from unrolled.training.experiment import Experiment, TrainingConfig
from unrolled.training.store import Plan, Run, RunStore, plan, temporary_store
from unrolled.training.trainer import Trainer, isolated_rng, launched

log = logging.getLogger(__name__)

FINGERPRINT = 20
"""How many first losses a run's fingerprint keeps."""


def fit(
    experiment: Experiment,
    config: TrainingConfig,
    *,
    seed: int,
    profile: str,
    device: str = "cpu",
    store: RunStore | None = None,
    minutes: float | None = None,
    progress: bool = False,
    command: str | None = None,
    variant: str | None = None,
    precision: str = "32-true",
    devices: int = 1,
) -> Run:
    """Train one run to its end, or for some minutes; load a finished one, resume an interrupted one.

    On a CPU a resumed run ends with the very numbers of an uninterrupted one. On a GPU that holds as far as
    its kernels repeat their results.

    Args:
        experiment: what is trained.
        config: how.
        seed: of weights, batches and noise.
        profile: ``"smoke"``, ``"book"`` or ``"paper"``; part of the run's key.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        store: where the run is kept; without one, in a temporary folder as long as the ``Run`` lives.
        minutes: stop after so much wall time, with a checkpoint and ``complete`` false; a later call goes on.
        progress: show a bar, on a terminal only.
        command: what was called, for the record.
        variant: the run's name; without it, that of the profile's variant with this configuration.
        precision: as Fabric names them: ``"32-true"``, ``"bf16-mixed"``.
        devices: how many GPUs share each batch. Batch statistics are then each GPU's own.

    Raises:
        UnrolledError: if there is no such device, a loss is not finite, or another process holds the run.
    """
    extra = {} if (precision, devices) == ("32-true", 1) else {"precision": precision, "devices": devices}
    planned = plan(
        experiment,
        config,
        seed=seed,
        profile=profile,
        device_kind=device.partition(":")[0],
        variant=variant,
        **extra,
    )
    keep = None
    if store is None:
        store, keep = temporary_store()
    result = store.result(planned)
    if result and result["complete"]:
        return Run(result, store.folder(planned), loaded=True)
    with isolated_rng():
        fabric = launched(device, precision=precision, devices=devices)
        with store.lock(planned) if fabric.is_global_zero else nullcontext():
            fabric.barrier()
            result = store.result(planned)  # another process may have finished it before the lock was ours
            if result and result["complete"]:
                return Run(result, store.folder(planned), loaded=True)
            trainer = Trainer(experiment, planned.config, seed, fabric)
            training = _Training(planned, trainer, store.folder(planned))
            training.resume()
            training.run(minutes, progress)
            result = training.finish(command or " ".join(["unrolled", *sys.argv[1:]]))
    return Run(result, store.folder(planned), keep=keep)


class _Training:
    """A trainer and the folder in which its progress is written."""

    def __init__(self, plan: Plan, trainer: Trainer, folder: Path) -> None:
        self.plan, self.trainer, self.folder = plan, trainer, folder
        self.metrics = folder / "metrics.jsonl"
        self.writes = trainer.fabric.is_global_zero
        self.best: float | None = None
        self.best_update: int | None = None
        self.seconds, self.peak = 0.0, 0.0  # of the calls before this one
        self.started = time.monotonic()

    def elapsed(self) -> float:
        """Wall seconds of training, over all calls."""
        return self.seconds + time.monotonic() - self.started

    def resume(self) -> None:
        """Take over the newest whole checkpoint; without one, begin."""
        checkpoint = checkpoints.latest(self.folder)
        if checkpoint and checkpoint.facts["best_update"] is not None:
            try:
                checkpoints.read_tensors(self.folder / "best.safetensors")
            except UnrolledError as error:
                log.warning("%s: the run starts again", error)
                checkpoint = None
                if self.writes:
                    checkpoints.clear(self.folder)
        if checkpoint:
            self.trainer.restore(checkpoint)
            self.best, self.best_update = checkpoint.facts["best"], checkpoint.facts["best_update"]
            self.seconds, self.peak = checkpoint.facts["seconds"], checkpoint.facts["peak_memory_mb"]
            log.info("%s: resumed after update %d", self.plan.name, checkpoint.update)
        if self.writes:
            history.trim(self.metrics, self.trainer.done)
            described = json.dumps(self.plan.described(), indent=2) + "\n"
            atomic_write(self.folder / "config.json", described)

    def run(self, minutes: float | None, progress: bool) -> None:
        """Train to the end of the schedule, or until the time is up."""
        from tqdm import tqdm

        trainer, config = self.trainer, self.plan.config
        with tqdm(
            total=config.updates,
            initial=trainer.done,
            desc=f"{self.plan.slug} {self.plan.variant} seed {self.plan.seed}",
            disable=not (progress and self.writes and sys.stderr.isatty()),
            leave=False,
        ) as bar:
            while trainer.done < config.updates:
                trainer.step()
                last = trainer.done == config.updates
                evaluates = last or trainer.done % config.evaluate_every == 0
                saves = last or trainer.done % config.checkpoint_every == 0
                if not (evaluates or saves or trainer.full or minutes is not None):
                    continue
                late = self._late(minutes)
                if evaluates or saves or trainer.full or late:
                    self._record(bar, sync=saves or late)
                if evaluates:
                    self._evaluate()
                if saves or late:
                    self._save()
                if late:
                    return

    def _late(self, minutes: float | None) -> bool:
        late = minutes is not None and time.monotonic() - self.started >= minutes * 60
        # Processes that share batches must stop at the same update: the first one's clock decides.
        return late if self.trainer.fabric.world_size == 1 else self.trainer.fabric.broadcast(late)

    def _record(self, bar: object, sync: bool) -> None:
        records = self.trainer.fetch()
        seconds = round(self.elapsed(), 3)
        if self.writes:
            history.append(self.metrics, ({**record, "seconds": seconds} for record in records), sync=sync)
        bar.update(len(records))
        if records:
            bar.set_postfix(loss=f"{records[-1]['loss']:.4g}", refresh=False)

    def _evaluate(self) -> None:
        trainer = self.trainer
        metrics = trainer.evaluate("valid")
        name, direction = trainer.experiment.selection
        if name not in metrics:
            given = ", ".join(metrics) or "nothing"
            raise UnrolledError(f"{self.plan.slug}: selection names {name!r}; evaluate gives {given}")
        value = metrics[name]
        if self.best is None or (value < self.best if direction == "min" else value > self.best):
            self.best, self.best_update = value, trainer.done
            if self.writes:  # before the checkpoint that names it
                checkpoints.write_tensors(
                    self.folder / "best.safetensors", trainer.model.state_dict(), {"update": trainer.done}
                )
        if self.writes:
            record = {"update": trainer.done, **metrics, "seconds": round(self.elapsed(), 3)}
            history.append(self.metrics, [record])

    def _save(self) -> None:
        if self.writes:
            facts = {
                "best": self.best,
                "best_update": self.best_update,
                "seconds": self.elapsed(),
                "peak_memory_mb": max(self.peak, self.trainer.peak_memory_mb()),
            }
            checkpoints.save(self.folder, self.trainer.checkpoint(facts))

    def finish(self, command: str) -> dict:
        """Measure the last and the best weights, and write ``result.json``."""
        trainer, config = self.trainer, self.plan.config
        records = history.read(self.metrics)
        losses = [record["loss"] for record in records if "loss" in record]
        evaluated = {
            r["update"]: {k: v for k, v in r.items() if k.startswith("valid_")}
            for r in records
            if "loss" not in r
        }
        # Stopped between two evaluations: measured for the record, without a say in what is best.
        last = evaluated[trainer.done] if trainer.done in evaluated else trainer.evaluate("valid")
        last = {**last, **trainer.evaluate("test")}
        metrics = {f"last_{name}": value for name, value in last.items()}
        if self.best_update is not None:
            weights, _ = checkpoints.read_tensors(self.folder / "best.safetensors")
            trainer.model.load_state_dict(weights)
            metrics |= {**evaluated[self.best_update], **trainer.evaluate("test", final=True)}
        else:
            metrics |= {**last, **trainer.evaluate("test", final=True)}
        if losses:
            recent = losses[-FINGERPRINT:]
            metrics["train_loss"] = sum(recent) / len(recent)
        result = {
            **self.plan.described(),
            "metrics": metrics,
            "best_update": self.best_update,
            "updates": trainer.done,
            "updates_planned": config.updates,
            "complete": trainer.done == config.updates,
            "fingerprint": losses[:FINGERPRINT],
            "device": trainer.device_name(),
            "seconds": round(self.elapsed(), 3),
            "peak_memory_mb": max(self.peak, trainer.peak_memory_mb()),
            "versions": _versions(),
            "commit": _commit(),
            "command": command,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if self.writes:
            atomic_write(self.folder / "result.json", json.dumps(result, indent=2) + "\n")
        return result


def _versions() -> dict[str, str]:
    import numpy
    import torch

    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": numpy.__version__}


def _commit() -> str | None:
    """The checkout's commit, or None outside one."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(project()), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None
