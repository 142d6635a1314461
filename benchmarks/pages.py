"""How long the book's generated pages take, with its own entries and with many made from them.

All of it is measured that ``unrolled.site`` adds to a build: entry pages with their cite boxes, indexes, the
graph, the ledger, and the cards over links. What Sphinx itself does with a page is not.
Seconds are those of the processor, which other work on the machine does not change.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

from unrolled.base import paths
from unrolled.library.models import Entry
from unrolled.site import citebox, entrypages, hovercards
from unrolled.site.html import Place
from unrolled.site.knowledge import KnowledgeBase, load_knowledge_base
from unrolled.site.markers import BOOK_PARTS

SIZES = (0, 250, 1000)
"""How many entries; 0 stands for the book's own."""

LIMIT = 5.0
"""Seconds within which the book's own pages must be made."""


def enlarged(kb: KnowledgeBase, count: int) -> KnowledgeBase:
    """A kb of ``count`` entries: the book's own again and again under new names, related as before."""
    own = list(kb.entries.values())
    entries = dict(kb.entries)
    for position in range(len(own), count):
        entry, round_ = own[position % len(own)], position // len(own)
        entries[f"{entry.slug}_{round_}"] = again(entry, round_, set(kb.entries))
    return replace(kb, entries=dict(list(entries.items())[:count]))


def again(entry: Entry, round_: int, known: set[str]) -> Entry:
    """A copy of an entry under a new name; its relations lead to copies of the same round."""

    def renamed(slug: str) -> str:
        return f"{slug}_{round_}" if slug in known else slug

    return entry.model_copy(
        update={
            "slug": renamed(entry.slug),
            "key": f"{entry.key}{round_}",
            "chapters": tuple(map(renamed, entry.chapters)),
            "relations": tuple(r.model_copy(update={"target": renamed(r.target)}) for r in entry.relations),
            "equations": tuple(
                q.model_copy(update={"label": f"{q.label}-{round_}"}) for q in entry.equations
            ),
        }
    )


def generate(kb: KnowledgeBase, cited: dict[str, str]) -> tuple[int, int]:
    """Make every page once; how many there are, and their characters."""
    cards = hovercards.known(kb)
    made = {f"book/{name}": str(part(kb, Place(f"book/{name}"))) for name, part in BOOK_PARTS.items()}
    for entry in kb.ordered():
        box = citebox.cite_box(entry.slug, cited)
        entrypages.contents(kb, entry)
        made[f"entries/{entry.slug}"] = str(entrypages.body(kb, entry, box))
    made = {
        name: html if name in hovercards.WITHOUT else hovercards.add(html, name, cards)
        for name, html in made.items()
    }
    return len(made), sum(map(len, made.values()))


def measure(sizes: tuple[int, ...] = SIZES) -> Iterator[dict[str, object]]:
    """One row a size: seconds, and seconds for each 100 entries, which stay about the same."""
    from unrolled.library.citing import cite

    started = time.process_time()
    kb = load_knowledge_base(paths.project(), frozenset())
    loading = time.process_time() - started
    started = time.process_time()
    for slug in kb.entries:
        texts = {style: cite([slug], style) for style in citebox.STYLES}
    citing = (time.process_time() - started) / len(kb.entries)
    for size in sizes:
        large = enlarged(kb, size or len(kb.entries))
        count = len(large.entries)
        started = time.process_time()
        pages, characters = generate(large, texts)
        seconds = time.process_time() - started + citing * count
        yield {
            "entries": count,
            "pages": pages,
            "seconds": round(seconds, 3),
            "seconds_per_100": round(100 * seconds / count, 3),
            "megabytes": round(characters / 1e6, 2),
            "loading_seconds": round(loading, 3) if not size else "",
        }
