"""Lists of entries: the reading list, the parts of the book, further reading, and the timeline."""

from __future__ import annotations

from collections import Counter

from markupsafe import Markup

from unrolled.library.models import Entry
from unrolled.site import filters
from unrolled.site.card import kind_of
from unrolled.site.html import Place, join, link, render
from unrolled.site.knowledge import PARTS, KnowledgeBase
from unrolled.site.lineage import concept_link
from unrolled.site.outcomes import badge
from unrolled.site.tables import Row, entry_link, nothing, table


def authors(kb: KnowledgeBase, entry: Entry) -> str:
    """Who wrote it, as it is cited, or nothing where its key is unknown."""
    work = kb.works.get(entry.key)
    return work.short if work else ""


def reading_list(kb: KnowledgeBase, place: Place) -> Markup:
    """Every entry as one table, in the book's order."""
    rows = [
        Row(
            (
                render(
                    "listed",
                    title=entry_link(kb, entry.slug, place, entry.title),
                    authors=authors(kb, entry),
                    about=" · ".join((*entry.tasks, *entry.datasets)),
                ),
                entry.short,
                str(entry.year),
                PARTS[entry.part],
                filters.state(kb, entry),
                join((badge(item.outcome) for item in kb.headlines(entry.slug)), " ") or None,
            ),
            anchor=f"entry-{entry.slug}",
            data=filters.marks(kb, entry),
        )
        for entry in kb.ordered()
    ]
    if not rows:
        return nothing("The reading list is empty.")
    heads = ("Title", "Known as", "Year", "Part", "State", "Headlines")
    caption = f"All {len(rows)} entries" if len(rows) > 1 else "One entry so far"
    listing = table(heads, rows, class_="reading-list", caption=caption)
    return render("reading-list", form=filters.form(kb), listing=listing)


def part(kb: KnowledgeBase, name: str, place: Place) -> Markup:
    """What a part of the book holds, and for chapters to come what can be read meanwhile."""
    members = [entry for entry in kb.ordered() if entry.part == name]
    if not members:
        return nothing("No entry of this part is in the knowledge base yet; its chapters are still to come.")
    return render(
        "part",
        members=members,
        ready=kb.chapters,
        said=lambda e: " · ".join(text for text in (authors(kb, e), filters.state(kb, e)) if text),
        entry_link=lambda e: entry_link(kb, e.slug, place, e.title),
    )


def readings(kb: KnowledgeBase, place: Place) -> Markup:
    """Blogs, notes, lists and talks: what each teaches, what it goes with, and where it can still be read."""
    members = [entry for entry in kb.ordered() if entry.kind == "reading"]
    if not members:
        return nothing("No further reading is recorded yet.")
    return render(
        "readings",
        members=members,
        authors=lambda e: authors(kb, e) or str(e.year),
        entry_link=lambda e: entry_link(kb, e.slug, place, e.title),
        chapters=lambda e: [entry_link(kb, slug, place) for slug in e.chapters if slug in kb.entries],
        concepts=lambda e: [concept_link(kb, slug, place) for slug in e.concepts],
        kind_of=kind_of,
    )


def origins(kb: KnowledgeBase) -> Counter[str]:
    """Works that are no entry of their own, by how many entries relate to them."""
    own = {entry.key for entry in kb.entries.values()} | set(kb.entries)
    return Counter(
        target
        for entry in kb.ordered()
        for target in dict.fromkeys(relation.target for relation in entry.relations)
        if target not in own
    )


def timeline(kb: KnowledgeBase, place: Place) -> Markup:
    """One list a year, the oldest first; works outside the book stand back."""
    years: dict[int, list[tuple[object, str, str, str]]] = {}  # who, title, what else, class
    for target, count in origins(kb).items():
        work = kb.works.get(target)
        if work is not None and work.year.isdigit():
            who = link(work.short, place.to("book/bibliography", f"key-{target}"))
            used = "1 entry" if count == 1 else f"{count} entries"
            years.setdefault(int(work.year), []).append((who, work.title, used, "other"))
    for entry in kb.ordered():
        who = entry_link(kb, entry.slug, place, Markup("<strong>{}</strong>").format(entry.short))
        said = " · ".join(text for text in (authors(kb, entry), PARTS[entry.part]) if text)
        years.setdefault(entry.year, []).append((who, entry.title, said, f"own {entry.kind}"))
    if not years:
        return nothing("The timeline is empty.")
    return render("timeline", years=dict(sorted(years.items())))
