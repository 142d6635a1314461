"""A knowledge base built from models, with one text in every field."""

from __future__ import annotations

from pathlib import Path

from unrolled.library.measurements import Archived, Chapter, Evidence, Measured, Part, Run, Sample
from unrolled.library.models import (
    Concept,
    Departure,
    Entry,
    Equation,
    Erratum,
    Link,
    Locus,
    Relation,
    Reported,
    Result,
    Symbol,
)
from unrolled.library.statements import Check, Finding, Omitted, Statement, rule_digest
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.works import Work

ROOT = Path(__file__).resolve().parents[2]


def entry_with(text: str, slug: str = "bn_lstm", number: str = "6") -> Entry:
    """An entry that holds ``text`` in every field that takes free text."""
    place = Locus(section=text, table=text, figure=text, equation=text, page=text, note=text)
    return Entry(
        slug=slug,
        kind="reading",
        title=f"Title {text}",
        short=f"Short {text}",
        key="cooijmans2017recurrent",
        part="cells",
        year=2017,
        status="verified",
        summary=f"Summary {text}",
        problem=text,
        contribution=text,
        teaches=f"Teaches {text}",
        concepts=("lstm",),
        tasks=(text,),
        datasets=(text,),
        links=(Link(kind="paper", url="https://example.org/paper", label=f"Label {text}"),),
        chapters=(slug,),
        relations=(Relation(type="extends", target="hochreiter1997long", evidence=f"Evidence {text}"),),
        notation=(Symbol(paper=text, house=text, name=text, identifier=text, shape=text),),
        equations=(
            Equation(
                label="bn-lstm-6",
                number=number,
                name=f"Name {text}",
                latex=text,
                implementation="unrolled.papers.bn_lstm.model:bn_lstm_step",
                oracle="tests/oracles/test_bn_lstm.py::test_equation_6_bn_preactivations",
                statements=("gain",),
                checks=("equal",),
                note=text,
            ),
        ),
        statements=(
            Statement(
                id="untried",
                kind="value",
                says=f"Untried {text}.",
                locus=place,
                metric=text,
                not_attempted=f"Reason {text}",
                paper={"value": 1.32},
            ),
            Statement(
                id="gain",
                kind="ordering",
                headline=True,
                says=f"Says {text}.",
                locus=place,
                metric=f"metric {text}",
                unit=f"points {text}",
                result="test_accuracy",
                runs=[{"presets": ["bn_lstm"], "name": f"ours {text}", "paper": {"value": 95.4}}],
                against=[{"presets": ["lstm"], "name": f"theirs {text}", "paper": {"value": 90.2}}],
                pairing="paired",
                seeds=5,
                direction="higher",
                source="recalled",
                delta=0.5,
            ),
            Statement(
                id="old",
                kind="ability",
                says=f"Old {text}.",
                locus=place,
                metric=text,
                result="test_accuracy",
                runs=["bn_lstm"],
                seeds=3,
                rule={"comparator": ">=", "bound": 90, "needed": 2},
            ),
        ),
        findings=(
            Finding(
                id="found",
                says=f"Found {text}.",
                metric=text,
                unit="%",
                result="test_accuracy",
                runs=["lstm"],
                seeds=5,
            ),
        ),
        checks=(
            Check(
                id="equal",
                says=f"Equal {text}.",
                tests=("tests/oracles/test_bn_lstm.py::test_equation_6_bn_preactivations",),
            ),
        ),
        omitted=(Omitted(what=f"Row {text}", locus=place, why=f"Why {text}"),),
        departures=(Departure(type="data", what=text, why=text, locus=place),),
        errata=(Erratum(what=text, where=text),),
        results=(Result(what=text, value=text, locus=place, source="secondary"),),
        reported=(Reported(metric="test_bound", name=text, unit=text),),
        pitfalls=(text,),
        changelog=(text,),
    )


def sample(name: str, mean: float, n: int = 5, spread: float | None = 0.31) -> Sample:
    """One arm."""
    return Sample(name=name, per_seed={str(i): mean for i in range(n)}, mean=mean, spread=spread, n=n)


def part_with(text: str, **changes: object) -> Part:
    """The part of the statement ``gain``."""
    fields = {
        "ours": sample(f"ours {text}", 95.213),
        "against": sample(f"theirs {text}", 90.0, spread=1.0),
        "mean": 5.213,
        "interval": (4.1, 6.3),
        "level": 0.95,
        "agree": (5, 5),
        "outcome": "holds",
    }
    return Part(**(fields | changes))


def run_with(preset: str, seed: int = 0, **changes: object) -> Run:
    """A run with a curve and a metric."""
    fields = {
        "config": {},
        "key": f"{preset}{seed}",
        "key_parts": {},
        "metrics": {"test_bound": -8.0 - seed},
        "updates": 10,
        "updates_planned": 10,
        "complete": True,
        "device": "cpu",
        "seconds": 1.0,
        "command": "x",
        "finished": "2026-11-22",
        "curve": {"loss_update": (1, 2), "loss": (2.3, 2.1)},
    }
    return Run(preset=preset, seed=seed, **(fields | changes))


def evidence_with(
    text: str, slug: str = "bn_lstm", *, runs: tuple[Run, ...] = (), **changes: object
) -> Evidence:
    """Evidence for ``gain`` and ``found`` of ``entry_with``; ``old`` is archived."""
    entry = entry_with(text)
    gain = {
        "id": "gain",
        "parts": (part_with(text),),
        "outcome": "holds",
        "scale": "reduced",
        "reductions": (f"smaller {text}",),
        "note": f"Note {text}",
        "rule": rule_digest(entry.statement("gain")),
    }
    found = Measured(
        id="found",
        parts=(Part(ours=sample("lstm", 90.0), mean=90.0),),
        rule=rule_digest(entry.finding("found")),
    )
    old = Archived(claim="older", statement="old", value=91.273, spread=0.4, n=3, scale=f"100 updates {text}")
    return Evidence(
        slug=slug,
        statements=(Measured(**(gain | changes)),),
        findings=(found,),
        archived=(old,),
        runs={run.name: run for run in runs or (run_with(text), run_with(text, 1))},
    )


def knowledge_with(
    text: str = "words", *, evidence: Evidence | None = None, chapter: bool = True, **changes: object
) -> KnowledgeBase:
    """A knowledge base of one entry, whose code and oracle are the project's own."""
    entry = entry_with(text, **changes)
    executed = Chapter(
        key="key",
        seconds=38,
        peak_memory_mb=512,
        device=text,
        executed="2026-11-22",
        values={"steps": 64.0},
    )
    concept = Concept(slug="lstm", name=f"LSTM {text}", definition=f"Definition {text}", entry=entry.slug)
    return KnowledgeBase(
        ROOT,
        {entry.slug: entry},
        {entry.slug: evidence or evidence_with(text)},
        {"lstm": concept},
        {"cooijmans2017recurrent": Work("cooijmans2017recurrent", text, ((text, text),), text, "2017")},
        frozenset({entry.slug}) if chapter else frozenset(),
        {entry.slug: executed},
    )
