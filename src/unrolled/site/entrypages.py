"""A page for each entry that has no chapter yet: all that is known of it, made from the same parts.

The pages have no source file: Sphinx writes them beside those it reads, and its search finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from docutils import nodes
from markupsafe import Markup, escape
from sphinx.application import Sphinx
from sphinx.util.docutils import new_document

from unrolled.library.models import Entry
from unrolled.site import card, citebox, claims, formulas, lineage, tables
from unrolled.site.html import Place, element, join, link
from unrolled.site.shelf import PARTS, Shelf

Section = tuple[str, str, Callable[[Shelf, Entry, Place], Markup | None]]


def prose(text: str | None) -> Markup | None:
    """A paragraph, or nothing."""
    return element("p", text) if text else None


def listed(items: tuple[str, ...], class_: str) -> Markup | None:
    """A plain list, or nothing."""
    return element("ul", *(element("li", text) for text in items), class_=class_) if items else None


def _companions(shelf: Shelf, entry: Entry, place: Place) -> Markup | None:
    known = [slug for slug in entry.chapters if slug in shelf.entries]
    items = (element("li", tables.entry_link(shelf, s, place, shelf.entries[s].title)) for s in known)
    return element("ul", *items) if known else None


def _materials(shelf: Shelf, entry: Entry, place: Place) -> Markup | None:
    rows = []
    if entry.tasks:
        rows.append(element("div", element("dt", "Tasks"), element("dd", ", ".join(entry.tasks))))
    if entry.datasets:
        names = (link(name, place.to("book/datasets", f"data-{name}")) for name in entry.datasets)
        rows.append(element("div", element("dt", "Data"), element("dd", join(names, ", "))))
    return element("dl", *rows, class_="unrolled-materials") if rows else None


SECTIONS: tuple[Section, ...] = (
    ("teaches", "What it teaches", lambda s, e, p: prose(e.teaches)),
    ("problem", "The problem before it", lambda s, e, p: prose(e.problem)),
    ("contribution", "What was new", lambda s, e, p: prose(e.contribution)),
    ("tasks", "Tasks and data", _materials),
    ("companions", "Read along with", _companions),
    ("notation", "Notation", lambda s, e, p: tables.notation(e, p) if e.notation else None),
    ("equations", "Equations", lambda s, e, p: formulas.formulas(s, e, p) if e.equations else None),
    ("claims", "Claims", lambda s, e, p: claims.claims_table(s, e.slug) if e.claims else None),
    ("results", "Further results", lambda s, e, p: tables.results(e) if e.results else None),
    ("departures", "Departures to expect", lambda s, e, p: tables.departures(e) if e.departures else None),
    ("pitfalls", "What goes wrong", lambda s, e, p: listed(e.pitfalls, "unrolled-pitfalls")),
    ("errata", "Errata and changes", lambda s, e, p: tables.errata(e) if e.errata or e.changelog else None),
    ("relations", "Related entries", lambda s, e, p: lineage.relations(s, e.slug, p)),
)
"""The sections of a page: anchor, heading, and what makes them. One that gives nothing is left out."""


def sections(shelf: Shelf, entry: Entry, place: Place) -> list[tuple[str, str, Markup]]:
    """The sections that an entry has something for."""
    made = ((anchor, name, make(shelf, entry, place)) for anchor, name, make in SECTIONS)
    return [(anchor, name, content) for anchor, name, content in made if content]


def body(shelf: Shelf, entry: Entry, cite: Markup | None = None) -> Markup:
    """The whole page of an entry."""
    place = Place(f"entries/{entry.slug}")
    what = {"paper": "paper", "project": "project", "reading": "reading"}[entry.kind]
    note = (
        "To be read beside the chapters."
        if entry.kind == "reading"
        else f"The chapter on this {what} is still to be written. "
        "This page is made from its entry in the knowledge base; no claim of it has been measured yet."
        if not shelf.measured(entry)
        else f"The chapter on this {what} is still to be written. This page is made from its entry."
    )
    where = link(PARTS[entry.part], place.to(_part_page(entry)))
    parts: list[Markup | None] = [
        element("h1", entry.title),
        card.card(shelf, entry.slug, shelf.works.get(entry.key), place, entry.title),
        element("p", note, " It belongs to the part ", where, ".", class_="unrolled-note"),
        element("p", entry.summary, class_="unrolled-summary"),
    ]
    for anchor, name, content in sections(shelf, entry, place):
        parts.append(element("section", element("h2", name), content, id=anchor))
    if cite:
        parts.append(element("section", element("h2", "How to cite"), cite, id="cite"))
    return join(parts)


def _part_page(entry: Entry) -> str:
    return "book/further-reading" if entry.part == "reading" else f"book/parts/{entry.part}"


def contents(shelf: Shelf, entry: Entry) -> Markup:
    """The list of a page's sections, as the theme shows it beside the text."""
    place = Place(f"entries/{entry.slug}")
    names = [(anchor, name) for anchor, name, _ in sections(shelf, entry, place)] + [("cite", "How to cite")]
    items = (
        element("li", element("a", name, href=f"#{anchor}", class_="reference internal"))
        for anchor, name in names
    )
    top = element("a", entry.title, href="#", class_="reference internal")
    return element("ul", element("li", top, element("ul", *items)))


def pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The pages for Sphinx to write; each is fed to the search, and gets MathJax where it has formulas."""
    shelf: Shelf = app.unrolled_shelf  # type: ignore[attr-defined]
    members = [e for e in shelf.ordered() if e.slug not in shelf.chapters]
    for position, entry in enumerate(members):
        docname = f"entries/{entry.slug}"
        html = body(shelf, entry, cite(entry))
        if 'class="math' in html:
            app.env.get_domain("math").data["has_equations"][docname] = True
        feed(app, docname, entry.title, html)
        place = Place(docname)
        neighbours = {
            name: {"link": place.to(f"entries/{members[at].slug}"), "title": escape(members[at].short)}
            for name, at in (("prev", position - 1), ("next", position + 1))
            if 0 <= at < len(members)
        }
        context = {
            "title": escape(entry.title),
            "body": html,
            "toc": contents(shelf, entry),
            "display_toc": True,
        }
        yield docname, context | neighbours, "page.html"


def feed(app: Sphinx, docname: str, title: str, html: str) -> None:
    """Let the book's search know a page that has no source; what it lists of it is HTML."""
    indexer = getattr(app.builder, "indexer", None)
    if indexer is None:
        return
    document = new_document(docname)
    document += nodes.title("", title)
    document += nodes.raw("", html, format="html")
    keep(indexer, docname)
    indexer.feed(docname, f"{docname}.html", str(escape(title)), document)


def keep(indexer: Any, docname: str) -> None:
    """Have the search keep a page when, at the end, it drops all that have no source."""
    kept: set[str] | None = getattr(indexer, "unrolled_pages", None)
    if kept is None:
        kept = indexer.unrolled_pages = set()
        prune = indexer.prune
        indexer.prune = lambda names: prune({*names, *kept})
    kept.add(docname)


def escape_titles(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Have the search index hold headings as HTML: the search writes them into its page as they stand."""
    indexer = getattr(app.builder, "indexer", None)
    if indexer is not None:
        freeze = indexer.freeze
        indexer.freeze = lambda: escaped_titles(freeze())
    yield from ()


def escaped_titles(index: dict[str, Any]) -> dict[str, Any]:
    """A search index whose headings are escaped; the titles of pages are HTML already."""
    return index | {"alltitles": {str(escape(t)): places for t, places in index["alltitles"].items()}}


def cite(entry: Entry) -> Markup:
    """The cite box of an entry."""
    from unrolled.library.citing import cite

    return citebox.cite_box(entry.slug, {style: cite([entry.slug], style) for style in citebox.STYLES})
