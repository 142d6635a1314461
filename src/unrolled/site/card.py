"""The card at the head of a chapter: one quiet block that says what this is and how far it is proved."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from unrolled.library.models import Cost, Entry, Link
from unrolled.site.html import Place, element, join, link
from unrolled.site.numbers import duration, memory
from unrolled.site.shelf import Shelf
from unrolled.site.verdicts import badge
from unrolled.site.works import Work

KINDS: dict[str, str] = {
    "paper": "Paper",
    "pdf": "Paper",
    "code": "Code",
    "data": "Data",
    "notes": "Notes",
    "blog": "Blog",
    "talk": "Talk",
    "page": "Page",
    "archive": "Archive",
    "critique": "Critique",
}


def card(shelf: Shelf, slug: str, work: Work | None, place: Place, page_title: str = "") -> Markup:
    """The card of one chapter. Where the page's own heading is the title, the card does not say it twice."""
    entry = shelf.entries[slug]
    evidence = shelf.evidence.get(slug)
    parts = [
        heading(entry, work, page_title),
        links(entry.links),
        verdicts(shelf, entry, place),
        costs(evidence.costs if evidence else ()) if evidence or slug in shelf.chapters else None,
        buttons(shelf, entry, place),
    ]
    return element("section", *parts, class_="unrolled-card", aria_label=f"About {entry.short}")


def heading(entry: Entry, work: Work | None, page_title: str) -> Markup:
    """Title, authors, venue and year."""
    venue, year = (work.venue, work.year) if work else ("", str(entry.year))
    venue = venue if year in venue else ", ".join(text for text in (venue, year) if text)
    return join(
        (
            element("p", entry.title, class_="title") if page_title.strip() != entry.title else None,
            element("p", work.names, class_="authors") if work and work.names else None,
            element("p", venue, class_="venue"),
        )
    )


def links(items: Sequence[Link]) -> Markup | None:
    """The addresses around the entry, by kind, in words."""
    groups: dict[str, list[Link]] = {}
    for item in items:
        groups.setdefault(KINDS[item.kind], []).append(item)
    if not groups:
        return None
    rows = []
    for kind, members in groups.items():
        addresses = [
            element("span", link(m.label, m.url), " (gone)" if m.state == "dead" else "", class_="address")
            for m in members
        ]
        rows.append(element("div", element("dt", kind), element("dd", join(addresses, ", "))))
    return element("dl", *rows, class_="links")


def verdicts(shelf: Shelf, entry: Entry, place: Place) -> Markup | None:
    """How many claims have which verdict."""
    counted = shelf.verdicts(entry)
    if not counted:
        return None
    items = [element("li", badge(verdict, count)) for verdict, count in counted]
    address = place.to("book/ledger", f"ledger-{entry.slug}")
    label = link(f"{len(entry.claims)} claims", address)
    return element("div", element("p", label, class_="label"), element("ul", *items), class_="verdicts")


def costs(items: Sequence[Cost]) -> Markup:
    """Time and memory of each profile, and when the chapter last ran."""
    if not items:
        return element("p", "No run of this chapter has been recorded yet.", class_="costs")
    order = {"smoke": 0, "book": 1, "paper": 2}
    latest = {c.profile: c for c in sorted(items, key=lambda c: c.executed)}
    rows = []
    for cost in sorted(latest.values(), key=lambda c: order[c.profile]):
        room = f", {memory(cost.peak_memory_mb)}" if cost.peak_memory_mb else ""
        rows.append(
            element(
                "div",
                element("dt", cost.profile),
                element("dd", f"{duration(cost.seconds)}{room} on {cost.device}"),
            )
        )
    last = max(items, key=lambda c: c.executed).executed[:10]
    rows.append(
        element("div", element("dt", "last run"), element("dd", element("time", last, datetime=last)))
    )
    return element("dl", *rows, class_="costs")


def buttons(shelf: Shelf, entry: Entry, place: Place) -> Markup:
    """What a reader does next: take the notebook, read the source, read the tests, cite."""
    items: list[Markup] = []
    if entry.slug in shelf.chapters:
        notebook = place.file(f"_sources/notebooks/{entry.slug}.ipynb")
        items.append(element("a", "Notebook", href=notebook, download=f"{entry.slug}.ipynb", class_="button"))
    model = shelf.texts.get(f"src/unrolled/papers/{entry.slug}/model.py")
    if model:
        items.append(element("a", "Source", href=place.to(model.docname), class_="button"))
    oracle = next((q.oracle for q in entry.equations if q.oracle and shelf.source(q.oracle)), None)
    if oracle and (found := shelf.source(oracle)):
        items.append(element("a", "Tests", href=place.to(found[0]), class_="button"))
    items.append(element("a", "Cite", href=f"#cite-{entry.slug}", class_="button"))
    return element("div", *items, class_="buttons")
