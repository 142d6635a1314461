"""The command ``unrolled evidence compare``: which of several translation models is better."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from unrolled.base.errors import UnrolledError, UsageError, unknown
from unrolled.cli.evidence import evidence_app
from unrolled.cli.library import print_table

if TYPE_CHECKING:
    from unrolled.library.comparisons import Comparison, Difference
    from unrolled.library.measurements import Run
    from unrolled.tasks.translation import Sentences, TranslationExperiment

SYSTEMS = typer.Argument(help="Two or more, each as SLUG:PRESET; the first paper keeps the comparison.")
METRIC = "test_bleu_beam"
SLACK = 0.1
"""BLEU by which translating again may miss what the run recorded: processors round differently."""


class Candidate(NamedTuple):
    """A system before it translates: its finished run, and what made it."""

    experiment: TranslationExperiment
    run: Run
    folder: Path

    @property
    def name(self) -> str:
        """As the command line names it."""
        return f"{self.experiment.slug}:{self.run.preset}"


@evidence_app.command()
def compare(
    systems: list[str] = SYSTEMS,
    seed: int = typer.Option(0, help="The seed of the runs."),
    resamples: int = typer.Option(1000, min=100, help="How many resamples of the test sentences."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Compare and show, but write nothing."),
) -> None:
    """Order translation models by a paired bootstrap over the test sentences, every two of them.

    The best weights of finished runs translate the test split again, by their own beam.
    Example: unrolled evidence compare luong_attention:multi30k_de bahdanau_attention:multi30k_de
    """
    from unrolled.library import evidence as files
    from unrolled.library.measurements import Evidence

    candidates = [_candidate(*_named(text), seed) for text in systems]
    _comparable(candidates)
    command = " ".join(["unrolled evidence compare", *systems])
    command += f" --seed {seed}" * (seed != 0) + f" --resamples {resamples}" * (resamples != 1000)
    found = _compared(candidates, resamples, command)
    first = candidates[0].experiment.slug
    if not dry_run:
        held = files.load(first) or Evidence(slug=first)
        others = [item for item in held.comparisons if not item.same_systems(found)]
        path = files.save(held.model_copy(update={"comparisons": (*others, found)}))
        typer.echo(f"wrote {path}", err=True)
    rows = [[p.ahead, p.behind, f"{p.difference:.2f}", f"{p.p:.4f}", _said(p)] for p in found.differences]
    print_table(["ahead", "behind", found.unit, "p", ""], rows)


def _said(pair: Difference) -> str:
    return "told apart" if pair.told_apart else "not told apart"


def _named(text: str) -> tuple[str, str]:
    slug, colon, preset = text.partition(":")
    if not (slug and colon and preset):
        raise UsageError(f"system {text!r}", hint="name it as SLUG:PRESET")
    return slug, preset


def _candidate(slug: str, preset: str, seed: int) -> Candidate:
    """A system's finished run; of several, the one that the evidence rests on, else the newest."""
    from unrolled.base.paths import runs
    from unrolled.library.collecting import finished
    from unrolled.library.entries import load_entry
    from unrolled.library.evidence import load
    from unrolled.tasks.translation import TranslationExperiment
    from unrolled.training.experiment import experiment
    from unrolled.training.presets import presets

    load_entry(slug)
    kind = experiment(slug)
    if not issubclass(kind, TranslationExperiment):
        raise UsageError(f"{slug} does not translate", hint="BLEU compares translations only")
    known = presets(kind)
    found = [(run, folder) for run, folder in finished(slug)[0].values() if run.preset == preset]
    if not found and preset not in known:
        raise unknown(f"preset of {slug}", preset, known, listing=f"presets: {', '.join(known)}")
    found = [(run, folder) for run, folder in found if run.seed == seed]
    train = f"unrolled train {slug} {preset} --seeds {seed}"
    if not found:
        raise UnrolledError(f"no run of {slug}:{preset} with seed {seed}", file=runs() / slug, hint=train)
    complete = [(run, folder) for run, folder in found if run.complete]
    if not complete:
        run, folder = max(found, key=lambda one: one[0].updates)
        done = f"{run.updates:,} of {run.updates_planned:,} updates"
        raise UnrolledError(f"the run was stopped after {done}", file=folder, hint=train)
    evidence = load(slug)
    rests_on = set(evidence.runs) if evidence else set()
    run, folder = max(complete, key=lambda one: (one[0].name in rests_on, one[0].finished))
    try:
        bound = kind(kind.Config.of(run.config), run.seed)
    except UsageError as error:
        problem = f"the run of {slug}:{preset} has another configuration than the code: {error}"
        raise UnrolledError(problem, file=folder, hint="train it again") from error
    return Candidate(bound, run, folder)


def _comparable(candidates: list[Candidate]) -> None:
    """Refuse systems that cannot be held to the same references, before any of them translates."""
    names = [one.name for one in candidates]
    if len(set(names)) < max(len(names), 2):
        raise UsageError(f"systems: {', '.join(names)}", hint="name two or more, each once")
    first, *others = [
        {
            "task": one.run.config.get("task"),
            "target language": one.run.config.get("target"),
            "checksums of the data": one.run.key_parts.get("data"),
        }
        for one in candidates
    ]
    for name, other in zip(names[1:], others, strict=True):
        for what, mine in first.items():
            if other[what] != mine:
                raise UsageError(f"{names[0]} and {name} differ in the {what}: {mine}, and {other[what]}")


def _compared(candidates: list[Candidate], resamples: int, command: str) -> Comparison:
    """Translate with every system and hold every two of them against each other."""
    from unrolled.base.records import commit
    from unrolled.data.bleu import bleu, paired
    from unrolled.execution.harvest import processor
    from unrolled.library.comparisons import Comparison, Difference, System

    started = time.monotonic()
    written: dict[str, Sentences] = {one.name: _translated(one) for one in candidates}
    references = written[candidates[0].name].references
    systems = []
    for one in candidates:
        if written[one.name].references != references:
            raise UnrolledError(f"{candidates[0].name} and {one.name} have other references")
        score = bleu(*written[one.name]).score
        recorded = one.run.metrics.get(METRIC)
        if recorded is None or abs(score - recorded) > SLACK:
            raise UnrolledError(
                f"{one.name} translates with {score:.2f} BLEU, but its run recorded {recorded}",
                file=one.folder,
                hint="the code has changed since: train it again",
            )
        told = {name: getattr(one.run, name) for name in ("preset", "seed", "key", "commit")}
        systems.append(System(slug=one.experiment.slug, **told, run=one.run.name, score=score))
    hypotheses = {name: sentences.hypotheses for name, sentences in written.items()}
    differences, signature = [], ""
    for start in range(len(systems) - 1):  # each in turn the baseline of those after it
        names = list(hypotheses)[start:]
        found = paired({name: hypotheses[name] for name in names}, references, resamples=resamples)
        signature = found.signature
        for name, against in found.others.items():
            pair = (name, names[0]) if against.difference > 0 else (names[0], name)
            size = abs(against.difference)
            differences.append(Difference(ahead=pair[0], behind=pair[1], difference=size, p=against.p))
    return Comparison(
        metric=METRIC,
        unit="BLEU",
        test="paired bootstrap",
        sentences=len(references),
        resamples=resamples,
        systems=tuple(systems),
        differences=tuple(differences),
        signature=signature,
        device=processor(),
        seconds=round(time.monotonic() - started, 1),
        versions=_versions(),
        commit=commit(),
        command=command,
        collected=datetime.now(UTC).date().isoformat(),
    )


def _translated(one: Candidate) -> Sentences:
    """What the best weights of a run write for the test sentences, and their references."""
    from unrolled.base.records import read_result
    from unrolled.training.store import Run

    test = one.experiment.data().test
    if test is None:
        raise UsageError(f"{one.name} has no test sentences", hint="runs on captions have some")
    typer.echo(f"{one.name}: translating {len(test[0]):,} sentences", err=True)
    model = Run(read_result(one.folder / "result.json"), one.folder, one.experiment).model()
    return one.experiment.sentences(model, test)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "numpy", "sacrebleu")}
