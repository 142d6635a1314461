"""The command ``train``: the runs of a paper's profile, one after the other or several at once."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import typer

from unrolled.base.errors import UnrolledError, UsageError, unknown
from unrolled.base.paths import sources
from unrolled.cli import app
from unrolled.cli.library import print_json, print_table

if TYPE_CHECKING:
    from unrolled.training.experiment import Experiment, TrainingConfig

VARIANTS = typer.Option(None, help="Only this variant; several times for several.")
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


def load_experiment(slug: str) -> Experiment:
    """The ``EXPERIMENT`` of a paper.

    Raises:
        UsageError: if no paper of that name can be trained.
    """
    known = sorted(path.parent.name for path in (sources() / "papers").glob("*/experiment.py"))
    if slug not in known:
        raise unknown("paper with an experiment", slug, known, listing=f"there are {', '.join(known)}")
    return importlib.import_module(f"unrolled.papers.{slug}.experiment").EXPERIMENT


@app.command()
def train(
    slug: str = typer.Argument(help="The paper: bn_lstm."),
    profile: str = typer.Option("paper", help="How large: smoke, book or paper."),
    seeds: str = typer.Option("0", help="Seeds, like 0-4 or 0,2,5-7."),
    variant: list[str] = VARIANTS,
    device: str = typer.Option("cpu", help="cpu, cuda or cuda:N."),
    devices: int = typer.Option(1, help="How many GPUs share each batch."),
    minutes: float = typer.Option(None, help="Stop each run after so many minutes; call again to go on."),
    jobs: int = typer.Option(1, min=1, help="How many runs at once, each in a process of its own."),
    setting: list[str] = SETTINGS,
    as_json: bool = typer.Option(False, "--json", help="Print the results as JSON."),
) -> None:
    """Train the runs of a paper into the run store. What is finished is loaded, what was interrupted goes on.

    Example: unrolled train bn_lstm --profile paper --seeds 0-4 --device cuda --minutes 50
    """
    experiment = load_experiment(slug)
    from unrolled.training.experiment import PROFILES

    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    known = experiment.variants(profile)
    for name in variant or ():
        if name not in known:
            raise unknown("variant", name, known, listing=f"variants: {', '.join(known)}")
    settings = parse_settings(setting or [])
    changed = {name: known[name].changed(settings) for name in variant or known}
    wanted = [(name, seed) for seed in parse_seeds(seeds) for name in changed]
    if jobs > 1:
        options = ["--profile", profile, "--device", device, "--devices", str(devices)]
        options += [] if minutes is None else ["--minutes", str(minutes)]
        options += [word for text in setting or () for word in ("--set", text)]
        found = _apart(slug, wanted, options, jobs)
    else:
        found = _here(experiment, changed, wanted, profile, device=device, devices=devices, minutes=minutes)
    results = []
    for result in found:
        results.append(result)
        if not as_json:
            _tell(result)
    if as_json:
        print_json(results)


def _tell(result: dict) -> None:
    done = f"{result['updates']:,} of {result['updates_planned']:,} updates"
    state = "complete" if result["complete"] else done
    metrics = " ".join(f"{k} {v:.4g}" for k, v in result["metrics"].items() if not k.startswith("last_"))
    print_table(
        [], [[result["variant"], f"seed {result['seed']}", state, f"{result['seconds']:.0f} s", metrics]]
    )


def _here(
    experiment: Experiment,
    configs: dict[str, TrainingConfig],
    wanted: list[tuple[str, int]],
    profile: str,
    **options: object,
) -> Iterator[dict]:
    """Run the trainings in this process, one after the other."""
    from unrolled.training.fit import fit
    from unrolled.training.store import RunStore

    for name, seed in wanted:
        command = f"unrolled train {experiment.slug} --profile {profile} --variant {name} --seeds {seed}"
        yield fit(
            experiment,
            configs[name],
            seed=seed,
            profile=profile,
            variant=name,
            store=RunStore(),
            progress=True,
            command=f"{command} --device {options['device']}",
            **options,
        ).result


def _apart(slug: str, wanted: list[tuple[str, int]], options: list[str], jobs: int) -> Iterator[dict]:
    """Run each training in a process of its own, some at a time.

    Raises:
        UnrolledError: for the first that failed, after all have ended.
    """
    base = [sys.executable, "-m", "unrolled", "train", slug, *options, "--json"]

    def call(run: tuple[str, int]) -> subprocess.CompletedProcess:
        command = [*base, "--variant", run[0], "--seeds", str(run[1])]
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
