"""``fit`` trains every experiment: it resumes what was interrupted and loads what was finished."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from unrolled.base import records
from unrolled.base.errors import UnrolledError, UsageError
from unrolled.base.files import atomic_write
from unrolled.training import checkpoints, history
from unrolled.training.experiment import Experiment
from unrolled.training.store import Plan, Run, RunStore, plan, temporary_store
from unrolled.training.trainer import Trainer, isolated_rng, launched

log = logging.getLogger(__name__)

RECENT = 20
"""Over how many last updates ``train_loss`` is the mean."""


def fit(
    experiment: Experiment,
    preset: str = "custom",
    *,
    device: str = "cpu",
    store: RunStore | None = None,
    minutes: float | None = None,
    progress: bool = False,
    command: str | None = None,
    precision: str = "32-true",
    devices: int = 1,
    fingerprint: bool = False,
) -> Run:
    """Train one run to its end, or for some minutes; load a finished one, resume an interrupted one.

    On a CPU a resumed run ends with the very numbers of an uninterrupted one. On a GPU that holds as far as
    its kernels repeat their results.

    Args:
        experiment: what is trained, bound to its configuration and seed.
        preset: the run's name.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        store: where the run is kept; without one, in a temporary folder as long as the ``Run`` lives.
        minutes: stop after so much wall time, with a checkpoint and ``complete`` false; a later call goes on.
        progress: show a bar, on a terminal only.
        command: what was called, for the record.
        precision: as Fabric names them: ``"32-true"``, ``"bf16-mixed"``.
        devices: how many GPUs share each batch. Batch statistics are then each GPU's own.
        fingerprint: measure the run's fingerprint at its end, so that evidence from it can be verified.

    Raises:
        UnrolledError: if there is no such device, a loss is not finite, or another process holds the run.
        Interrupted: if Ctrl-C or SIGTERM asked for an end; a checkpoint is written, and a later call goes on.
    """
    options = {"device": device, "precision": precision, "devices": devices, "fingerprint": fingerprint}
    shown = {"minutes": minutes, "progress": progress, "command": command}
    return _fit([experiment], preset, store, **options, **shown)[0]


def fit_seeds(
    experiments: Sequence[Experiment],
    preset: str = "custom",
    *,
    store: RunStore | None = None,
    minutes: float | None = None,
    progress: bool = False,
    command: str | None = None,
    fingerprint: bool = False,
) -> list[Run]:
    """Train several seeds of one configuration as one program on the CPU (`unrolled.training.ensemble`).

    Every seed has a run of its own, as if it had been trained alone, up to rounding. The arguments are those
    of `fit`.

    Raises:
        UsageError: if the configurations differ.
        UnrolledError: as `fit`, or if the model cannot be batched by ``vmap``.
    """
    if len({json.dumps(one.config.plain(), sort_keys=True) for one in experiments}) != 1:
        raise UsageError("several seeds as one program share one configuration")
    shown = {"minutes": minutes, "progress": progress, "command": command, "fingerprint": fingerprint}
    return _fit(list(experiments), preset, store, **shown)


def _fit(
    experiments: list[Experiment],
    preset: str,
    store: RunStore | None,
    *,
    device: str = "cpu",
    precision: str = "32-true",
    devices: int = 1,
    fingerprint: bool = False,
    minutes: float | None = None,
    progress: bool = False,
    command: str | None = None,
) -> list[Run]:
    extra = {} if (precision, devices) == ("32-true", 1) else {"precision": precision, "devices": devices}
    kind = device.partition(":")[0]
    plans = [plan(one, preset, device_kind=kind, **extra) for one in experiments]
    keep = None
    if store is None:
        store, keep = temporary_store()
    runs = _finished(plans, store)
    if len(runs) < len(plans):
        with isolated_rng(), ExitStack() as stack:
            fabric = launched(device, precision=precision, devices=devices)
            waiting = [one for one in plans if one.key not in runs]
            if fabric.is_global_zero:
                for one in waiting:
                    stack.enter_context(store.lock(one))
            fabric.barrier()
            runs |= _finished(plans, store)  # another process may have finished one before the lock was ours
            trainings = [
                _Training(one, Trainer(one.experiment, fabric), store.folder(one))
                for one in waiting
                if one.key not in runs
            ]
            if trainings:
                with _signals(noted=keep is None and fabric.world_size == 1) as asked:
                    _resume(trainings)
                    _train(trainings, minutes, progress, asked)
                if asked:
                    done, planned = trainings[0].trainer.done, trainings[0].plan.experiment.config.updates
                    said = f"stopped after {done:,} of {planned:,} updates"
                    raise Interrupted(said, asked[0], trainings[0].folder)
            for training in trainings:
                seeds = [one.trainer.seed for one in trainings]
                called = command or " ".join(["unrolled", *sys.argv[1:]])
                result = training.finish(called, seeds, fingerprint=fingerprint)
                runs[training.plan.key] = Run(result, training.folder, training.plan.experiment)
    for run in runs.values():
        run.keep = keep
    return [runs[one.key] for one in plans]


def _finished(plans: list[Plan], store: RunStore) -> dict[str, Run]:
    found = {}
    for one in plans:
        result = store.result(one)
        if result and result["complete"]:
            found[one.key] = Run(result, store.folder(one), one.experiment, loaded=True)
    return found


def _resume(trainings: list[_Training]) -> None:
    """Take over the newest intact checkpoint that all trainings have; without one, begin."""
    common = set.intersection(*({update for update, _ in checkpoints.saved(t.folder)} for t in trainings))
    for update in sorted(common, reverse=True):
        try:
            found = [training.checkpoint(update) for training in trainings]
        except UnrolledError as error:
            log.warning("%s: the checkpoint before it is used", error)
            continue
        for training, checkpoint in zip(trainings, found, strict=True):
            training.restore(checkpoint)
        break
    for training in trainings:
        training.begin()


class Interrupted(UnrolledError):
    """A training that a signal stopped, after its checkpoint was written."""

    def __init__(self, said: str, number: int, folder: Path) -> None:
        super().__init__(said, file=folder, hint="its checkpoint is there: call again to go on")
        self.exit_code = 128 + number


@contextmanager
def _signals(*, noted: bool) -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM are noted, so that the update is finished and saved; the second one acts at once."""
    asked: list[int] = []
    if not noted or threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _: object) -> None:
        asked.append(number)
        for each, handler in before.items():
            signal.signal(each, handler)

    for number, handler in before.items():
        if handler is not None:
            signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


def _train(trainings: list[_Training], minutes: float | None, progress: bool, asked: list[int]) -> None:
    """Train to the end of the schedule, until the time is up, or until a signal asks for an end."""
    from tqdm import tqdm

    from unrolled.training.ensemble import Ensemble

    first, config = trainings[0].trainer, trainings[0].plan.experiment.config
    program = Ensemble([t.trainer for t in trainings]) if len(trainings) > 1 else first
    synchronise: Callable[[], None] = program.synchronise if isinstance(program, Ensemble) else lambda: None
    named = trainings[0].plan
    seeds = ",".join(str(t.trainer.seed) for t in trainings)
    with tqdm(
        total=config.updates,
        initial=first.done,
        desc=f"{named.experiment.slug} {named.preset} seed {seeds}",
        disable=not (progress and trainings[0].writes and sys.stderr.isatty()),
        leave=False,
    ) as bar:
        while first.done < config.updates:
            program.step()
            last = first.done == config.updates
            evaluates = last or first.done % config.evaluate_every == 0
            saves = last or first.done % config.checkpoint_every == 0
            full = first.full  # no longer, once the first of several has recorded
            if not (evaluates or saves or full or asked or minutes is not None):
                continue
            late = trainings[0].late(minutes) or bool(asked)
            if evaluates or saves or late:
                synchronise()
            for training in trainings:
                if evaluates or saves or full or late:
                    training.record(sync=saves or late)
                if evaluates:
                    training.evaluate()
                if saves or late:
                    training.save()
            bar.update(first.done - bar.n)
            if late:
                return


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

    def checkpoint(self, update: int) -> checkpoints.Checkpoint:
        """The checkpoint after an update, with the best weights that it names.

        Raises:
            UnrolledError: if either is damaged, or they are of different updates.
        """
        found = checkpoints.load(checkpoints.checkpoint_path(self.folder, update))
        history.check(self.metrics, found.facts)
        if found.facts["best_update"] is not None:
            best = self.folder / "best.safetensors"
            kept = checkpoints.read_tensors(best)[1]["update"]
            if kept != found.facts["best_update"]:
                problem = f"holds the weights after update {kept}, not {found.facts['best_update']}"
                raise UnrolledError(problem, file=best)
        return found

    def restore(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Take over a checkpoint."""
        self.trainer.restore(checkpoint)
        self.best, self.best_update = checkpoint.facts["best"], checkpoint.facts["best_update"]
        self.seconds, self.peak = checkpoint.facts["seconds"], checkpoint.facts["peak_memory_mb"]
        log.info("%s: resumed after update %d", self.plan.name, checkpoint.update)

    def begin(self) -> None:
        """Write who the run is, and drop what its history says of later updates."""
        if self.writes:
            if not self.trainer.done:
                checkpoints.clear(self.folder)
            history.trim(self.metrics, self.trainer.done)
            atomic_write(self.folder / "config.json", json.dumps(self.plan.described(), indent=2) + "\n")

    def late(self, minutes: float | None) -> bool:
        """Whether the time is up."""
        late = minutes is not None and time.monotonic() - self.started >= minutes * 60
        # Processes that share batches must stop at the same update: the first one's clock decides.
        return late if self.trainer.fabric.world_size == 1 else self.trainer.fabric.broadcast(late)

    def record(self, *, sync: bool) -> None:
        """Write the losses since the last call."""
        found = self.trainer.fetch()
        seconds = round(self.elapsed(), 3)
        if self.writes:
            history.append(self.metrics, ({**record, "seconds": seconds} for record in found), sync=sync)

    def evaluate(self) -> None:
        """Measure the validation data, and keep the weights if they are the best so far."""
        trainer = self.trainer
        metrics = trainer.evaluate("valid")
        name, direction = trainer.experiment.selection
        if name not in metrics:
            given = ", ".join(metrics) or "nothing"
            raise UnrolledError(
                f"{trainer.experiment.slug}: selection names {name!r}; evaluate gives {given}"
            )
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

    def save(self) -> None:
        """Write a checkpoint."""
        if self.writes:
            facts = {
                "best": self.best,
                "best_update": self.best_update,
                "seconds": self.elapsed(),
                "peak_memory_mb": max(self.peak, self.trainer.peak_memory_mb()),
                **history.seal(self.metrics),
            }
            checkpoints.save(self.folder, self.trainer.checkpoint(facts))

    def finish(self, command: str, seeds: list[int], *, fingerprint: bool) -> dict:
        """Measure the last and the best weights, and write ``result.json``."""
        trainer, config = self.trainer, self.plan.experiment.config
        lines = history.read(self.metrics)
        losses = [line["loss"] for line in lines if "loss" in line]
        evaluated = {
            line["update"]: {k: v for k, v in line.items() if k.startswith("valid_")}
            for line in lines
            if "loss" not in line
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
            recent = losses[-RECENT:]
            metrics["train_loss"] = sum(recent) / len(recent)
        complete = trainer.done == config.updates
        taken = None
        if fingerprint and complete:
            from unrolled.training.fingerprint import measure

            taken = measure(trainer.experiment, trainer.model.state_dict())
        result = {
            **self.plan.described(),
            "selection": list(trainer.experiment.selection),
            "metrics": metrics,
            "best_update": self.best_update,
            "updates": trainer.done,
            "updates_planned": config.updates,
            "complete": complete,
            "fingerprint": taken,
            "seeds_as_one_program": seeds if len(seeds) > 1 else None,
            "device": trainer.device_name(),
            "seconds": round(self.elapsed() / len(seeds), 3),
            "peak_memory_mb": max(self.peak, trainer.peak_memory_mb()),
            "versions": records.installed(),
            "commit": records.commit(),
            "command": command,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            **(history.seal(self.metrics) if self.writes else {}),
        }
        result = json.loads(json.dumps(result))  # as it reads back: tuples are lists there
        result["digest"] = records.digest(result)
        if self.writes:
            atomic_write(self.folder / "result.json", json.dumps(result, indent=2) + "\n")
        return result
