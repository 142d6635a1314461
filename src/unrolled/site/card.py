"""The card at the head of a chapter: one quiet block that says what this is and how far it is reproduced."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from unrolled.library.measurements import Chapter
from unrolled.library.models import Entry, Link
from unrolled.site.html import Place, element, join, render
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.numbers import duration, memory
from unrolled.site.statements import sentence
from unrolled.site.tables import entry_link

KINDS: dict[str, str] = {"pdf": "Paper"}
"""Names of the kinds of addresses, where they are not the kind itself."""


FEW = 2
"""So many addresses of a kind are shown at once."""


def kind_of(link: Link) -> str:
    """The kind of an address in words."""
    return KINDS.get(link.kind, link.kind.capitalize())


def card(kb: KnowledgeBase, slug: str, place: Place, page_title: str = "", minutes: int = 0) -> Markup:
    """The card of one chapter. Where the page's own heading is the title, the card does not say it twice.

    Args:
        minutes: what reading the page takes; 0 says nothing of it.
    """
    entry, work = kb.entries[slug], kb.works.get(kb.entries[slug].key)
    venue, year = (work.venue, work.year) if work else ("", str(entry.year))
    executed = kb.executed.get(slug)
    return render(
        "card",
        entry=entry,
        title=entry.title if page_title.strip() != entry.title else None,
        authors=work.names if work else "",
        venue=short_venue(venue, year),
        kicker=join(kicker(kb.numbers.get(slug), minutes, executed), " · "),
        links=grouped(entry.links),
        few=FEW,
        headlines=[sentence(item) for item in kb.headlines(slug)],
        total=len(entry.statements),
        ledger=place.to("book/ledger", f"ledger-{slug}"),
        ways={
            name: join((entry_link(kb, other, place) for other in slugs), ", ")
            for name, slugs in (("Read first", entry.read_first), ("Read next", entry.read_next))
            if slugs
        },
        buttons=buttons(kb, entry, place),
    )


def short_venue(venue: str, year: str) -> str:
    """Where a work appeared, in a word or two where its venue has an acronym.

    >>> short_venue("5th International Conference on Learning Representations (ICLR 2017), Toulon", "2017")
    'ICLR 2017'
    >>> short_venue("Proceedings of … Natural Language Processing (EMNLP)", "2014")
    'EMNLP 2014'
    >>> short_venue("arXiv preprint arXiv:1410.5401", "2014"), short_venue("", "2014")
    ('arXiv preprint arXiv:1410.5401, 2014', '2014')
    """
    if acronym := re.search(r"\(([A-Z][A-Za-z&-]+)(?:[ ’']?\d{4})?\)", venue):
        return f"{acronym[1]} {year}"
    return venue if year in venue else ", ".join(text for text in (venue, year) if text)


def kicker(number: int | None, minutes: int, executed: Chapter | None) -> Iterator[object]:
    """The line above the title: which chapter this is, and what time it takes to read and to run."""
    if number:
        yield f"Chapter {number}"
    if minutes:
        yield f"{minutes} minute{'s' * (minutes > 1)} to read"
    if executed:
        room = f", {memory(executed.peak_memory_mb)}" if executed.peak_memory_mb else ""
        where = f"on {executed.device}{room}; last run {executed.executed[:10]}"
        yield element("span", f"runs in {duration(executed.seconds)}", title=where)


def grouped(links: Sequence[Link]) -> dict[str, list[Link]]:
    """The addresses around an entry by their kind, in words."""
    groups: dict[str, list[Link]] = {}
    for item in links:
        groups.setdefault(kind_of(item), []).append(item)
    return groups


def buttons(kb: KnowledgeBase, entry: Entry, place: Place) -> list[tuple[str, str]]:
    """What a reader does next, with its address: cite, take the notebook, read the source, read the tests."""
    model = kb.texts.get(f"src/unrolled/papers/{entry.slug}/model.py")
    found = [("Cite", f"#cite-{entry.slug}")]
    if entry.slug in kb.chapters:
        found.append(("Notebook", place.file(f"downloads/{entry.slug}.ipynb")))
    found += [("Source", place.to(model.docname))] if model else []
    oracle = next((page for q in entry.equations if q.oracle and (page := kb.source(q.oracle))), None)
    found += [("Tests", place.to(oracle[0]))] if oracle else []
    return found
