"""Filters of the reading list: choices counted from the entries; the book's script applies them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from markupsafe import Markup

from unrolled.library.models import Entry
from unrolled.site.html import element, join
from unrolled.site.lists import state
from unrolled.site.shelf import ORDER, PARTS, Shelf

NAMES: dict[str, str] = {
    "concept": "Concept",
    "task": "Task",
    "year": "Year",
    "data": "Data set",
    "part": "Part",
    "status": "State",
    "verdict": "Verdict",
}
"""What can be filtered by, and how it is called."""


def facets(shelf: Shelf, entry: Entry) -> dict[str, tuple[str, ...]]:
    """The words of an entry under each filter."""
    return {
        "concept": tuple(_concept(shelf, slug) for slug in entry.concepts),
        "task": entry.tasks,
        "year": (str(entry.year),),
        "data": entry.datasets,
        "part": (PARTS[entry.part],),
        "status": (state(shelf, entry),),
        "verdict": tuple(verdict.value for verdict, _ in shelf.verdicts(entry)),
    }


def _concept(shelf: Shelf, slug: str) -> str:
    found = shelf.concepts.get(slug)
    return found.name if found else slug.replace("_", " ")


def marks(shelf: Shelf, entry: Entry) -> dict[str, str]:
    """The same for the attributes of a row: words between bars, so that a script finds each whole."""
    return {name: join_words(words) for name, words in facets(shelf, entry).items()}


def join_words(words: Iterable[str]) -> str:
    """Words between bars.

    >>> join_words(["copy", "repeat copy"])
    '|copy|repeat copy|'
    """
    return "|" + "".join(f"{word.replace('|', '/')}|" for word in words)


def form(shelf: Shelf) -> Markup:
    """The choices, hidden until the script that applies them shows them."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in NAMES}
    for entry in shelf.entries.values():
        for name, words in facets(shelf, entry).items():
            counts[name].update({word.replace("|", "/") for word in words})
    fields = []
    for name, label in NAMES.items():
        order = {"part": list(PARTS.values()), "verdict": [v.value for v in ORDER]}.get(name)
        words = sorted(counts[name], key=lambda w: (order.index(w) if order else 0, w.lower()))
        options = [element("option", "any", value="")]
        options += [element("option", f"{word} ({counts[name][word]})", value=word) for word in words]
        select = element("select", *options, name=name, id=f"filter-{name}")
        fields.append(element("div", element("label", label, for_=f"filter-{name}"), select, class_="field"))
    status = element("p", role="status", class_="count")
    return element(
        "form",
        join(fields),
        element("button", "Show all", type="reset"),
        status,
        class_="unrolled-filters",
        aria_label="Filter the reading list",
        hidden=True,
    )
