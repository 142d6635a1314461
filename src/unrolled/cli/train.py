"""The command ``train``: named runs of a paper, one after the other or several at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import typer

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.cli import app
from unrolled.cli.library import print_json, print_table

if TYPE_CHECKING:
    from unrolled.training.experiment import Experiment, TrainingConfig
    from unrolled.training.presets import Preset

PRESETS = typer.Argument(None, help="Which runs, by name (copy copy_lstm); without one, the list of them.")
SETTINGS = typer.Option(None, "--set", help="Change a setting: --set hidden=64.")


def parse_seeds(text: str) -> list[int]:
    """Seeds from text: ``"0-4"``, ``"3"``, ``"0,2,5-7"``; each once, in the order given.

    >>> parse_seeds("0-2,7,1")
    [0, 1, 2, 7]
    """
    seeds: dict[int, None] = {}
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and 0 <= int(last) - int(first) < 10_000):
            raise UsageError(f"seeds are {text!r}", hint="give them like 0-4 or 0,2,5-7")
        seeds |= dict.fromkeys(range(int(first), int(last) + 1))
    return list(seeds)


def parse_settings(texts: list[str]) -> dict[str, str]:
    """``name=value`` texts as a dictionary."""
    for text in texts:
        if "=" not in text:
            raise UsageError(f"setting {text!r} has no value", hint="give it like --set hidden=64")
    return {name.strip(): value.strip() for name, _, value in (text.partition("=") for text in texts)}


@app.command()
def train(
    slug: str = typer.Argument(help="The paper: bn_lstm."),
    preset: list[str] = PRESETS,
    seeds: str = typer.Option("0", help="Seeds, like 0-4 or 0,2,5-7."),
    device: str = typer.Option("cpu", help="cpu, cuda or cuda:N."),
    devices: int = typer.Option(1, help="How many GPUs share each batch."),
    minutes: float = typer.Option(None, help="Stop each run after so many minutes; call again to go on."),
    jobs: int = typer.Option(1, min=1, help="How many runs at once, each in a process of its own."),
    ensemble: bool = typer.Option(False, "--ensemble", help="Train all seeds of a preset as one program."),
    setting: list[str] = SETTINGS,
    as_json: bool = typer.Option(False, "--json", help="Print the results as JSON."),
) -> None:
    """Train named runs of a paper into the run store. Finished runs are loaded, interrupted ones resume.

    Example: unrolled train ntm copy --seeds 0-4 --minutes 50
    """
    from unrolled.training.experiment import experiment
    from unrolled.training.presets import preset as named
    from unrolled.training.presets import presets

    kind = experiment(slug)
    if not preset:
        print_table(["preset", "updates", "what for"], _listed(presets(kind).values()))
        return
    settings = parse_settings(setting or [])
    configs = {name: named(kind, name).config.changed(settings) for name in preset}
    numbers = parse_seeds(seeds)
    options = {"device": device, "devices": devices, "minutes": minutes}
    if ensemble and (device, devices, jobs) != ("cpu", 1, 1):
        raise UsageError("--ensemble trains in one process on the CPU")
    if jobs > 1:
        words = ["--device", device, "--devices", str(devices)]
        words += [] if minutes is None else ["--minutes", str(minutes)]
        words += [word for text in setting or () for word in ("--set", text)]
        found = _apart(slug, [(name, seed) for seed in numbers for name in configs], words, jobs)
    else:
        found = _here(kind, configs, numbers, setting or [], ensemble=ensemble, **options)
    results = []
    for result in found:
        results.append(result)
        if not as_json:
            _tell(result)
    if as_json:
        print_json(results)


def _listed(found: Iterable[Preset]) -> list[list[str]]:
    return [[one.name, f"{one.config.updates:,}", one.about] for one in found]


def _tell(result: dict) -> None:
    done = f"{result['updates']:,} of {result['updates_planned']:,} updates"
    state = "complete" if result["complete"] else done
    metrics = " ".join(f"{k} {v:.4g}" for k, v in result["metrics"].items() if not k.startswith("last_"))
    print_table(
        [], [[result["preset"], f"seed {result['seed']}", state, f"{result['seconds']:.0f} s", metrics]]
    )


def _here(
    kind: type[Experiment],
    configs: dict[str, TrainingConfig],
    seeds: list[int],
    settings: list[str],
    *,
    ensemble: bool,
    **options: Any,
) -> Iterator[dict]:
    """Run the trainings in this process, one after the other, or the seeds of each preset as one program."""
    from unrolled.training.fit import fit, fit_seeds
    from unrolled.training.store import RunStore

    shared = {"store": RunStore(), "progress": True, "fingerprint": True}
    changes = "".join(f" --set {text}" for text in settings)
    for name, config in configs.items():
        command = f"unrolled train {kind.slug} {name}{changes}"
        if ensemble:
            together = [kind(config, seed) for seed in seeds]
            command = f"{command} --seeds {','.join(map(str, seeds))} --ensemble"
            for run in fit_seeds(together, name, minutes=options["minutes"], command=command, **shared):
                yield run.result
            continue
        for seed in seeds:
            called = f"{command} --seeds {seed} --device {options['device']}"
            yield fit(kind(config, seed), name, command=called, **shared, **options).result


def _apart(slug: str, wanted: list[tuple[str, int]], options: list[str], jobs: int) -> Iterator[dict]:
    """Run each training in a process of its own, some at a time.

    Raises:
        UnrolledError: for the first that failed, after all have ended.
    """
    base = [sys.executable, "-m", "unrolled", "train", slug, "--json", *options]

    def call(run: tuple[str, int]) -> subprocess.CompletedProcess:
        command = [*base, run[0], "--seeds", str(run[1])]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    faults = []
    with ThreadPoolExecutor(jobs) as pool:
        for (name, seed), answer in zip(wanted, pool.map(call, wanted), strict=True):
            if answer.returncode:
                lines = answer.stderr.strip().splitlines() or [f"exit status {answer.returncode}"]
                faults.append(f"{name} seed {seed}: {lines[-1]}")
            else:
                yield from json.loads(answer.stdout)
    if faults:
        raise UnrolledError(f"{len(faults)} of {len(wanted)} runs failed; the first: {faults[0]}")
