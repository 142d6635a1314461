"""A page for each entry that has no chapter yet: all that is known of it, made from the same parts.

The pages have no source file: Sphinx writes them beside those it reads, and its search finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from docutils import nodes
from markupsafe import Markup, escape
from sphinx.application import Sphinx
from sphinx.util.docutils import new_document

from unrolled.library.models import Entry
from unrolled.site import card, equations, lineage, statements, tables
from unrolled.site.citebox import cite_box, cited
from unrolled.site.html import Place, element, join, link, render
from unrolled.site.knowledge import PARTS, KnowledgeBase

Section = tuple[str, str, Callable[[KnowledgeBase, Entry, Place], Markup | None]]

SECTIONS: tuple[Section, ...] = (
    ("teaches", "What it teaches", lambda kb, e, place: prose(e.teaches)),
    ("problem", "The problem before it", lambda kb, e, place: prose(e.problem)),
    ("contribution", "What was new", lambda kb, e, place: prose(e.contribution)),
    ("tasks", "Tasks and data", lambda kb, e, place: materials(e, place)),
    ("companions", "Read along with", lambda kb, e, place: companions(kb, e, place)),
    ("notation", "Notation", lambda kb, e, place: e.notation and tables.notation(e, place)),
    ("equations", "Equations", lambda kb, e, place: e.equations and equations.formulas(kb, e, place)),
    ("statements", "What it found", lambda kb, e, place: stated(kb, e, place)),
    ("results", "Further results", lambda kb, e, place: e.results and tables.results(e)),
    ("departures", "Departures to expect", lambda kb, e, place: e.departures and tables.departures(e)),
    ("pitfalls", "What goes wrong", lambda kb, e, place: listed(e.pitfalls, "unrolled-pitfalls")),
    ("errata", "Errata and changes", lambda kb, e, place: (e.errata or e.changelog) and tables.errata(e)),
    ("relations", "Related entries", lambda kb, e, place: lineage.relations(kb, e.slug, place)),
)
"""The sections of a page: anchor, heading, and what makes them. One that gives nothing is left out."""


def prose(text: str | None) -> Markup | None:
    """A paragraph, or nothing."""
    return element("p", text) if text else None


def listed(items: Sequence[object], class_: str | None = None) -> Markup | None:
    """A plain list, or nothing."""
    return element("ul", *(element("li", text) for text in items), class_=class_) if items else None


def companions(kb: KnowledgeBase, entry: Entry, place: Place) -> Markup | None:
    """The chapters beside which a reading is to be read."""
    known = [slug for slug in entry.chapters if slug in kb.entries]
    return listed([tables.entry_link(kb, s, place, kb.entries[s].title) for s in known])


def materials(entry: Entry, place: Place) -> Markup | None:
    """The tasks and the data sets of an entry."""
    names = (link(name, place.to("book/datasets", f"data-{name}")) for name in entry.datasets)
    facts = {"Tasks": ", ".join(entry.tasks), "Data": join(names, ", ")}
    rows = [element("div", element("dt", k), element("dd", v)) for k, v in facts.items() if v]
    return element("dl", *rows, class_="unrolled-materials") if rows else None


def stated(kb: KnowledgeBase, entry: Entry, place: Place) -> Markup | None:
    """The statements, findings, checks and omitted results of an entry."""
    some = entry.statements or entry.findings or entry.checks or entry.omitted
    return statements.statements_table(kb, entry.slug, place) if some else None


def sections(kb: KnowledgeBase, entry: Entry, place: Place) -> list[tuple[str, str, Markup]]:
    """The sections that an entry has something for."""
    made = ((anchor, name, make(kb, entry, place)) for anchor, name, make in SECTIONS)
    return [(anchor, name, content) for anchor, name, content in made if content]


def body(kb: KnowledgeBase, entry: Entry, cite: Markup | None = None) -> Markup:
    """The whole page of an entry."""
    place = Place(f"entries/{entry.slug}")
    reading = entry.part == "reading"
    where = place.to("book/further-reading" if reading else f"book/parts/{entry.part}")
    return render(
        "entry",
        entry=entry,
        card=card.card(kb, entry.slug, place, entry.title),
        where=link(PARTS[entry.part], where),
        sections=sections(kb, entry, place),
        cite=cite,
    )


def contents(kb: KnowledgeBase, entry: Entry) -> Markup:
    """The list of a page's sections, as the theme shows it beside the text."""
    place = Place(f"entries/{entry.slug}")
    names = [(anchor, name) for anchor, name, _ in sections(kb, entry, place)] + [("cite", "How to cite")]
    made = listed([element("a", name, href=f"#{at}", class_="reference internal") for at, name in names])
    top = element("a", entry.title, href="#", class_="reference internal")
    return element("ul", element("li", top, made))


def pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The pages for Sphinx to write; each is fed to the search, and gets MathJax where it has formulas."""
    kb: KnowledgeBase = app.unrolled_knowledge  # type: ignore[attr-defined]
    members = [e for e in kb.ordered() if e.slug not in kb.chapters]
    for position, entry in enumerate(members):
        docname = f"entries/{entry.slug}"
        html = body(kb, entry, cite_box(entry.slug, cited(entry.slug)))
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
            "toc": contents(kb, entry),
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
