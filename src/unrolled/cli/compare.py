"""The command ``unrolled evidence compare``: which of several translation models is better."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from unrolled.base.errors import UnrolledError, UsageError, unknown
from unrolled.cli.evidence import evidence_app, restored
from unrolled.cli.library import print_table

if TYPE_CHECKING:
    from unrolled.library.comparisons import Comparison, Difference
    from unrolled.tasks.translation import Sentences, TranslationConfig, TranslationExperiment

SYSTEMS = typer.Argument(help="Two or more, each as SLUG:VARIANT; the first paper keeps the comparison.")
METRIC = "test_bleu_beam"
SLACK = 0.1
"""BLEU by which translating again may miss what the run recorded: processors round differently."""


class Candidate(NamedTuple):
    """A system before it translates: its finished run, and what made it."""

    experiment: TranslationExperiment
    config: TranslationConfig
    result: dict

    @property
    def name(self) -> str:
        """As the command line names it."""
        return f"{self.result['slug']}:{self.result['variant']}"


@evidence_app.command()
def compare(
    systems: list[str] = SYSTEMS,
    seed: int = typer.Option(0, help="The seed of the runs."),
    resamples: int = typer.Option(1000, min=100, help="How many resamples of the test sentences."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Compare and show, but write nothing."),
) -> None:
    """Order translation models by a paired bootstrap over the test sentences, every two of them.

    The best weights of finished runs translate the test split again, by their own beam.
    Example: unrolled evidence compare luong_attention:general_feeding_de bahdanau_attention:attention_de
    """
    from unrolled.library import evidence as files
    from unrolled.library.models import Evidence

    candidates = [_candidate(*_named(text), seed) for text in systems]
    _comparable(candidates)
    command = " ".join(["unrolled evidence compare", *systems])
    command += f" --seed {seed}" * (seed != 0) + f" --resamples {resamples}" * (resamples != 1000)
    found = _compared(candidates, resamples, command)
    first = candidates[0].result["slug"]
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
    slug, colon, variant = text.partition(":")
    if not (slug and colon and variant):
        raise UsageError(f"system {text!r}", hint="name it as SLUG:VARIANT")
    return slug, variant


def _candidate(slug: str, variant: str, seed: int) -> Candidate:
    """A system's finished run at the paper's scale; of several, the one that the evidence rests on, else the
    newest."""
    from unrolled.base.paths import runs
    from unrolled.cli.train import load_experiment
    from unrolled.library.collecting import results
    from unrolled.library.entries import load_entry
    from unrolled.library.evidence import load
    from unrolled.tasks.translation import TranslationExperiment

    load_entry(slug)
    experiment = load_experiment(slug)
    if not isinstance(experiment, TranslationExperiment):
        raise UsageError(f"{slug} does not translate", hint="BLEU compares translations only")
    known = experiment.variants("paper")
    found = [r for r in results(slug)[0] if r["profile"] == "paper" and r["variant"] == variant]
    if not found and variant not in known:
        raise unknown(f"variant of {slug}", variant, known, listing=f"variants: {', '.join(known)}")
    found = [r for r in found if r["seed"] == seed]
    train = f"unrolled train {slug} --profile paper --variant {variant} --seeds {seed}"
    if not found:
        raise UnrolledError(f"no run of {slug}:{variant} with seed {seed}", file=runs() / slug, hint=train)
    complete = [r for r in found if r.get("complete")]
    if not complete:
        most = max(found, key=lambda r: r["updates"])
        done = f"{most['updates']:,} of {most.get('updates_planned', most['config']['updates']):,} updates"
        raise UnrolledError(f"the run was stopped after {done}", file=Path(most["_folder"]), hint=train)
    evidence = load(slug)
    rests_on = {key for item in evidence.measurements for key in item.runs.values()} if evidence else set()
    chosen = max(complete, key=lambda r: (r["key"] in rests_on, str(r.get("finished", ""))))
    try:
        config = restored(experiment, "paper", chosen["config"])
    except TypeError as error:
        problem = f"the run of {slug}:{variant} has another configuration than the code: {error}"
        raise UnrolledError(problem, file=Path(chosen["_folder"]), hint="train it again") from error
    return Candidate(experiment, config, chosen)


def _comparable(candidates: list[Candidate]) -> None:
    """Refuse systems that cannot be held to the same references, before any of them translates."""
    names = [one.name for one in candidates]
    if len(set(names)) < max(len(names), 2):
        raise UsageError(f"systems: {', '.join(names)}", hint="name two or more, each once")
    first, *others = [
        {
            "task": one.config.task,
            "target language": one.config.target,
            "checksums of the data": one.result["key_parts"].get("data"),
        }
        for one in candidates
    ]
    for name, other in zip(names[1:], others, strict=True):
        for what, mine in first.items():
            if other[what] != mine:
                raise UsageError(f"{names[0]} and {name} differ in the {what}: {mine}, and {other[what]}")


def _compared(candidates: list[Candidate], resamples: int, command: str) -> Comparison:
    """Translate with every system and hold every two of them against each other."""
    from unrolled.data.bleu import bleu, paired
    from unrolled.execution.harvest import commit, processor
    from unrolled.library.claims import run_name
    from unrolled.library.comparisons import Comparison, Difference, System

    started = time.monotonic()
    written: dict[str, Sentences] = {one.name: _translated(one) for one in candidates}
    references = written[candidates[0].name].references
    systems = []
    for one in candidates:
        if written[one.name].references != references:
            raise UnrolledError(f"{candidates[0].name} and {one.name} have other references")
        score = bleu(*written[one.name]).score
        recorded = one.result["metrics"].get(METRIC)
        if recorded is None or abs(score - recorded) > SLACK:
            raise UnrolledError(
                f"{one.name} translates with {score:.2f} BLEU, but its run recorded {recorded}",
                file=Path(one.result["_folder"]),
                hint="the code has changed since: train it again",
            )
        told = {name: one.result.get(name) for name in ("slug", "variant", "seed", "key", "commit")}
        systems.append(System(**told, run=run_name(one.result), score=score))
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
    from unrolled.training.store import Run

    test = one.experiment.data(one.config).test
    if test is None:
        raise UsageError(f"{one.name} has no test sentences", hint="runs on captions have some")
    typer.echo(f"{one.name}: translating {len(test[0]):,} sentences", err=True)
    model = Run(one.result, Path(one.result["_folder"])).model(one.experiment, one.config)
    return one.experiment.sentences(model, test)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "numpy", "sacrebleu")}
