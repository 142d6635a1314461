"""The card at the head of a chapter: one quiet block that says what this is and how far it is reproduced."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from unrolled.library.models import Entry, Link
from unrolled.site.html import Place, render
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.numbers import duration, memory
from unrolled.site.statements import sentence

KINDS: dict[str, str] = {"pdf": "Paper"}
"""Names of the kinds of addresses, where they are not the kind itself."""


def kind_of(link: Link) -> str:
    """The kind of an address in words."""
    return KINDS.get(link.kind, link.kind.capitalize())


def card(kb: KnowledgeBase, slug: str, place: Place, page_title: str = "") -> Markup:
    """The card of one chapter. Where the page's own heading is the title, the card does not say it twice."""
    entry, work = kb.entries[slug], kb.works.get(kb.entries[slug].key)
    venue, year = (work.venue, work.year) if work else ("", str(entry.year))
    executed = kb.executed.get(slug)
    room = f", {memory(executed.peak_memory_mb)}" if executed and executed.peak_memory_mb else ""
    return render(
        "card",
        entry=entry,
        title=entry.title if page_title.strip() != entry.title else None,
        authors=work.names if work else "",
        venue=venue if year in venue else ", ".join(text for text in (venue, year) if text),
        links=grouped(entry.links),
        headlines=[sentence(item) for item in kb.headlines(slug)],
        total=len(entry.statements),
        ledger=place.to("book/ledger", f"ledger-{slug}"),
        executed=executed,
        cost=f"{duration(executed.seconds)}{room} on {executed.device}" if executed else None,
        notebook=place.file(f"downloads/{slug}.ipynb") if slug in kb.chapters else None,
        buttons=buttons(kb, entry, place),
    )


def grouped(links: Sequence[Link]) -> dict[str, list[Link]]:
    """The addresses around an entry by their kind, in words."""
    groups: dict[str, list[Link]] = {}
    for item in links:
        groups.setdefault(kind_of(item), []).append(item)
    return groups


def buttons(kb: KnowledgeBase, entry: Entry, place: Place) -> list[tuple[str, str]]:
    """What a reader does next, with its address: read the source, read the tests, cite."""
    model = kb.texts.get(f"src/unrolled/papers/{entry.slug}/model.py")
    found = [("Source", place.to(model.docname))] if model else []
    oracle = next((page for q in entry.equations if q.oracle and (page := kb.source(q.oracle))), None)
    found += [("Tests", place.to(oracle[0]))] if oracle else []
    return [*found, ("Cite", f"#cite-{entry.slug}")]
