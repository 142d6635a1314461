"""Filters of the reading list: choices counted from the entries; the book's script applies them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from markupsafe import Markup

from unrolled.library.models import Entry
from unrolled.library.statements import Outcome
from unrolled.site.html import render
from unrolled.site.knowledge import PARTS, KnowledgeBase

NAMES: dict[str, str] = {
    "concept": "Concept",
    "task": "Task",
    "year": "Year",
    "data": "Data set",
    "part": "Part",
    "status": "State",
    "outcome": "Outcome of a headline",
}
"""What can be filtered by, and how it is called."""


def state(kb: KnowledgeBase, entry: Entry) -> str:
    """What there is of an entry, in words."""
    if entry.kind == "reading":
        return "reading"
    if entry.slug in kb.chapters:
        return "chapter" if entry.status == "verified" else f"chapter, {entry.status}"
    return "planned" if entry.status == "planned" else f"entry {entry.status}, chapter to come"


def facets(kb: KnowledgeBase, entry: Entry) -> dict[str, tuple[str, ...]]:
    """The words of an entry under each filter."""
    names = (
        kb.concepts[slug].name if slug in kb.concepts else slug.replace("_", " ") for slug in entry.concepts
    )
    return {
        "concept": tuple(names),
        "task": entry.tasks,
        "year": (str(entry.year),),
        "data": entry.datasets,
        "part": (PARTS[entry.part],),
        "status": (state(kb, entry),),
        "outcome": tuple(dict.fromkeys(item.outcome.value for item in kb.headlines(entry.slug))),
    }


def marks(kb: KnowledgeBase, entry: Entry) -> dict[str, str]:
    """The same for the attributes of a row: words between bars, so that a script finds each whole."""
    return {name: join_words(words) for name, words in facets(kb, entry).items()}


def join_words(words: Iterable[str]) -> str:
    """Words between bars.

    >>> join_words(["copy", "repeat copy"])
    '|copy|repeat copy|'
    """
    return "|" + "".join(f"{word.replace('|', '/')}|" for word in words)


def form(kb: KnowledgeBase) -> Markup:
    """The choices, hidden until the script that applies them shows them."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in NAMES}
    for entry in kb.entries.values():
        for name, words in facets(kb, entry).items():
            counts[name].update({word.replace("|", "/") for word in words})
    orders = {"part": list(PARTS.values()), "outcome": [outcome.value for outcome in Outcome]}
    choices = {
        name: sorted(
            counts[name].items(),
            key=lambda c: (orders[name].index(c[0]) if name in orders else 0, c[0].lower()),
        )
        for name in NAMES
    }
    return render("filters", names=NAMES, choices=choices)
