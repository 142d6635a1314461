"""Tables that read as tables on a desk and as cards on a phone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from unrolled.library.models import Entry, Symbol
from unrolled.site.html import Place, code, element, join, link, math, render
from unrolled.site.knowledge import KnowledgeBase

SURE: dict[str, str] = {
    "secondary": "read in a secondary source only",
    "computed": "computed from facts that were verified in the paper",
    "recalled": "from memory, not verified in the paper",
}
"""What the mark of a fact says; a fact that was verified in the paper carries none."""


@dataclass(frozen=True)
class Row:
    """One row: its cells, and the anchor by which it is linked."""

    cells: Sequence[object]
    anchor: str | None = None
    class_: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)  # for scripts: data-… attributes


def table(heads: Sequence[str], rows: Iterable[Row], *, class_: str, caption: str) -> Markup:
    """A table whose first column heads its rows; every cell knows its column's name, for narrow screens."""
    head = element("tr", *(element("th", name, scope="col") for name in heads))
    body = []
    for row in rows:
        first, *rest = row.cells
        cells = [element("th", first, scope="row")]
        cells += [
            element(
                "td",
                element("div", cell, class_="cell-value"),
                data_label=name,
                class_=None if cell else "empty",
            )
            for name, cell in zip(heads[1:], rest, strict=True)
        ]
        marks = {f"data_{name}": value for name, value in row.data.items()}
        body.append(element("tr", *cells, id=row.anchor, class_=row.class_, **marks))
    return element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", *body),
        class_=f"unrolled-table {class_}",
    )


def sure(source: str) -> Markup | None:
    """A small mark for how sure a fact is, explained on hover; None where it was verified."""
    said = SURE.get(source)
    return said and element("span", "°", class_=f"sure {source}", title=said, aria_label=said, role="note")


def symbol_anchor(house: str) -> str:
    """The anchor of a symbol in the index of symbols."""
    return f"symbol-{hashlib.sha256(' '.join(house.split()).encode()).hexdigest()[:10]}"


def notation(entry: Entry, place: Place | None = None) -> Markup:
    """The notation table: the paper's symbol, ours, the name in the code, and the shape.

    Ours leads to the index of symbols, where ``place`` says from which page.
    """

    def ours(symbol: Symbol) -> Markup:
        if place is None:
            return math(symbol.house)
        address = place.to("book/symbols", symbol_anchor(symbol.house))
        # MathJax gives a formula no text that a screen reader could say as the name of a link
        return link(math(symbol.house), address, aria_label=f"{symbol.name}: this symbol in other papers")

    def row(symbol: Symbol) -> Row:
        names = [n.strip() for n in (symbol.identifier or "").split(",") if n.strip()]
        return Row(
            (
                symbol.name,
                math(symbol.paper),
                ours(symbol),
                join((code(name) for name in names), ", ") if names else None,
                _shape(symbol.shape) if symbol.shape else None,
            )
        )

    if not entry.notation:
        return nothing("No notation is recorded for this entry yet.")
    heads = ("Meaning", "Paper", "Here", "In the code", "Shape")
    made = table(heads, map(row, entry.notation), class_="notation", caption=f"Notation of {entry.short}")
    said = f"Notation: {len(entry.notation)} symbols, in the paper, here and in the code"
    return element("details", element("summary", said), made, class_="unrolled-fold")


def _shape(axes: str) -> Markup:
    names = axes.split()
    pieces = (element("span", name.replace("*", "·"), class_="axis") for name in names)
    return element("span", join(pieces, " × "), class_="shape")


def departures(entry: Entry) -> Markup:
    """Where the implementation differs from the paper, by kind, with the reason."""
    if not entry.departures:
        return nothing("No departure from the paper is recorded.")
    rows = [
        Row((element("span", d.type, class_="kind"), d.what, d.why, str(d.locus) if d.locus else None))
        for d in entry.departures
    ]
    heads = ("Kind", "What we do", "Why", "Place")
    return table(heads, rows, class_="departures", caption=f"Departures from {entry.short}")


def errata(entry: Entry) -> Markup:
    """Mistakes in the paper or its code, and the chapter's own changes."""
    if not (entry.errata or entry.changelog):
        return nothing("No erratum is recorded.")
    return render("errata", entry=entry, sure=sure)


def results(entry: Entry) -> Markup:
    """Numbers that are worth showing and that no statement or finding holds."""
    if not entry.results:
        return nothing("No further results are recorded.")
    rows = [Row((r.what, join((r.value, sure(r.source.value))), str(r.locus))) for r in entry.results]
    caption = f"Further results around {entry.short}"
    return table(("Result", "Value", "Place"), rows, class_="results", caption=caption)


def nothing(text: str) -> Markup:
    """A line that says what is not there."""
    return element("p", text, class_="unrolled-nothing")


def entry_link(kb: KnowledgeBase, slug: str, place: Place, text: object | None = None) -> Markup:
    """A link to an entry by its short name: to its chapter, or to the page made from it."""
    entry = kb.entries[slug]
    return link(text or entry.short, place.to(*kb.home(slug)))
