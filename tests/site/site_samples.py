"""A shelf built from models, with one text in every field."""

from __future__ import annotations

from pathlib import Path

from unrolled.library.models import (
    Claim,
    Concept,
    Cost,
    Departure,
    Entry,
    Equation,
    Erratum,
    Evidence,
    Link,
    Locus,
    Measurement,
    Relation,
    Reported,
    Result,
    Rule,
    Symbol,
)
from unrolled.site.shelf import Shelf
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
                claims=("gain",),
                note=text,
            ),
        ),
        claims=(
            Claim(
                id="gain",
                kind="paper",
                statement=f"Statement {text}",
                locus=place,
                metric=f"metric {text}",
                unit=f"points {text}",
                direction="higher",
                rule=Rule(comparator=">=", bound=2),
                paper_value=5.2,
                paper_value_source="recalled",
            ),
            Claim(
                id="untried",
                kind="paper",
                statement=text,
                locus=place,
                metric=text,
                rule=Rule(comparator="between", bound=0, upper=1),
                not_attempted=f"Reason {text}",
            ),
        ),
        departures=(Departure(type="data", what=text, why=text, locus=place),),
        errata=(Erratum(what=text, where=text),),
        results=(Result(what=text, value=text, locus=place, source="secondary"),),
        reported=(Reported(metric="test_bound", name=text, unit=text),),
        pitfalls=(text,),
        changelog=(text,),
    )


def evidence_with(text: str, slug: str = "bn_lstm", **changes: object) -> Evidence:
    """Evidence for the first claim of ``entry_with``."""
    fields = {
        "claim": "gain",
        "value": 5.213,
        "spread": 0.31,
        "n": 5,
        "unit": text,
        "profile": "paper",
        "scale": f"all updates {text}",
        "device": f"device {text}",
        "seconds": 10,
        "command": text,
        "key": "0" * 8,
        "collected": "2026-11-22",
        "carried_over": text,
    }
    return Evidence(
        slug=slug,
        measurements=(Measurement(**(fields | changes)),),
        costs=(Cost(profile="book", seconds=38, peak_memory_mb=512, device=text, executed="2026-11-22"),),
        values={"steps": 64.0},
        curves={f"{text}-s0": {"loss_update": (1, 2), "loss": (2.3, 2.1)}},
        finals={f"{text}-s{seed}": {"test_bound": -8.0 - seed} for seed in (0, 1)},
    )


def shelf_with(
    text: str = "words", *, evidence: Evidence | None = None, chapter: bool = True, **changes: object
) -> Shelf:
    """A shelf with one entry, whose code and oracle are the project's own."""
    entry = entry_with(text, **changes)
    return Shelf(
        ROOT,
        {entry.slug: entry},
        {entry.slug: evidence or evidence_with(text)},
        {
            "lstm": Concept(
                slug="lstm", name=f"LSTM {text}", definition=f"Definition {text}", entry=entry.slug
            )
        },
        {"cooijmans2017recurrent": Work("cooijmans2017recurrent", text, ((text, text),), text, "2017")},
        frozenset({entry.slug}) if chapter else frozenset(),
    )
