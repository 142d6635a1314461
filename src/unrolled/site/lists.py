"""Lists of entries: the reading list, and what a part of the book holds and will hold."""

from __future__ import annotations

from markupsafe import Markup

from unrolled.library.models import Entry
from unrolled.site.html import Place, element, join, link
from unrolled.site.shelf import PARTS, Shelf
from unrolled.site.tables import Row, entry_link, nothing, table
from unrolled.site.verdicts import badge

STATES = {
    "planned": "planned",
    "draft": "draft",
    "verified": "verified",
}


def state(shelf: Shelf, entry: Entry) -> str:
    """What there is of an entry, in words."""
    if entry.kind == "reading":
        return "reading"
    if entry.slug in shelf.chapters:
        return "chapter" if entry.status == "verified" else f"chapter, {STATES[entry.status]}"
    return "planned" if entry.status == "planned" else f"entry {STATES[entry.status]}, chapter to come"


def authors(shelf: Shelf, entry: Entry) -> str:
    """Who wrote it, as it is cited, or nothing where its key is unknown."""
    work = shelf.works.get(entry.key)
    return work.short if work else ""


def reading_list(shelf: Shelf, place: Place) -> Markup:
    """Every entry as one table, in the book's order."""
    from unrolled.site import filters

    rows = []
    for entry in shelf.ordered():
        title = entry_link(shelf, entry.slug, place, entry.title)
        verdicts = element(
            "ul", *(element("li", badge(v, n)) for v, n in shelf.verdicts(entry)), class_="plain-list"
        )
        rows.append(
            Row(
                (
                    join((title, element("span", authors(shelf, entry), class_="locus"), about(entry)), " "),
                    entry.short,
                    str(entry.year),
                    PARTS[entry.part],
                    state(shelf, entry),
                    verdicts if entry.claims else None,
                ),
                anchor=f"entry-{entry.slug}",
                data=filters.marks(shelf, entry),
            )
        )
    if not rows:
        return nothing("The reading list is empty.")
    heads = ("Title", "Known as", "Year", "Part", "State", "Claims")
    listing = table(
        heads,
        rows,
        class_="reading-list",
        caption=f"All {len(rows)} entries" if len(rows) > 1 else "One entry so far",
    )
    return join((filters.form(shelf), element("div", listing, class_="unrolled-wide")))


def about(entry: Entry) -> Markup | None:
    """Tasks and data sets in one quiet line."""
    words = [*entry.tasks, *entry.datasets]
    return element("span", " · ".join(words), class_="about") if words else None


def part(shelf: Shelf, name: str, place: Place) -> Markup:
    """What a part of the book holds, and for chapters to come what can be read meanwhile."""
    members = [entry for entry in shelf.ordered() if entry.part == name]
    if not members:
        return nothing("No entry of this part is in the knowledge base yet; its chapters are still to come.")
    items = []
    for entry in members:
        ready = entry.slug in shelf.chapters
        head = element("p", entry_link(shelf, entry.slug, place, entry.title), class_="title")
        who = element(
            "p", join([t for t in (authors(shelf, entry), state(shelf, entry)) if t], " · "), class_="venue"
        )
        meanwhile = None
        if not ready and entry.links:
            addresses = join((link(item.label, item.url) for item in entry.links[:3]), ", ")
            meanwhile = element("p", "To read meanwhile: ", addresses, class_="meanwhile")
        items.append(
            element(
                "li",
                head,
                who,
                element("p", entry.summary),
                meanwhile,
                class_="ready" if ready else "planned",
            )
        )
    return element("ul", *items, class_="unrolled-entries")


def status(shelf: Shelf, place: Place) -> Markup:
    """How far the book is, in one honest sentence, counted from the knowledge base."""
    papers = [e for e in shelf.entries.values() if e.kind != "reading"]
    ready = [e for e in papers if e.slug in shelf.chapters]
    findings = [f for e in shelf.entries.values() for f in shelf.findings(e)]
    measured = [f for f in findings if f.measurement is not None]
    chapters = "1 chapter is" if len(ready) == 1 else f"{len(ready)} chapters are"
    entries = "1 paper" if len(papers) == 1 else f"{len(papers)} papers and projects"
    return element(
        "p",
        f"{chapters} written, of {entries} in the knowledge base so far. ",
        f"Of {len(findings)} claims, {len(measured)} have been measured; ",
        link("the ledger", place.to("book/ledger")),
        " names every one, with the reason where it was not attempted.",
        class_="unrolled-status",
    )
