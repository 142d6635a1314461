"""Where pages ask for a generated part: ``<!-- unrolled:card -->``, and labelled equations."""

from __future__ import annotations

import re
from collections.abc import Callable

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

from unrolled.base.errors import UnrolledError, unknown
from unrolled.site import (
    card,
    curves,
    demos,
    diagrams,
    graph,
    home,
    indexes,
    ledger,
    lineage,
    lists,
    outcomes,
    runs,
    sidebyside,
    statements,
    tables,
    takeaway,
)
from unrolled.site.citebox import cite_box, cited
from unrolled.site.headings import sectioned
from unrolled.site.html import Place
from unrolled.site.knowledge import PARTS, KnowledgeBase
from unrolled.site.reading import reading_minutes

log = logging.getLogger(__name__)

MARKER = re.compile(r"<!--\s*unrolled:([a-z-]+)(?:\s+([A-Za-z0-9_-]+))?\s*-->")
CHAPTER = re.compile(r"^notebooks/([a-z][a-z0-9_]*)$")


ENTRY_PARTS: dict[str, Callable[[KnowledgeBase, str, Place], str]] = {
    "diagram": diagrams.diagram,
    "notation": lambda kb, slug, place: tables.notation(kb.entries[slug], place),
    "statements": statements.statements_table,
    "curves": curves.curves,
    "runs": runs.runs,
    "departures": lambda kb, slug, place: tables.departures(kb.entries[slug]),
    "results": lambda kb, slug, place: tables.results(kb.entries[slug]),
    "errata": lambda kb, slug, place: tables.errata(kb.entries[slug]),
    "relations": lineage.relations,
    "cite": lambda kb, slug, place: cite_box(slug, cited(slug), place.file(f"data/chapters/{slug}.bib")),
}
"""Parts about one entry: a chapter's own, or the one that the marker names."""

BOOK_PARTS: dict[str, Callable[[KnowledgeBase, Place], str]] = {
    "ledger": ledger.ledger,
    "reading-list": lists.reading_list,
    "concepts": lineage.concepts,
    "equations": indexes.equations,
    "symbols": indexes.symbols,
    "datasets": indexes.datasets,
    "further-reading": lists.readings,
    "history": indexes.history,
    "timeline": lists.timeline,
    "lineage": graph.lineage,
    "family": home.family,
    "comparisons": sidebyside.listing,
    "cards": home.cards,
    "starts": home.starts,
    "clone": home.clone,
    "models": home.models,
    "cite-book": home.cite_book,
    "status": outcomes.status,
    "outcomes": lambda kb, place: outcomes.legend(),
    "power": outcomes.power,
    "downloads": takeaway.downloads,
}
"""Parts about the whole book."""


def render(
    kb: KnowledgeBase, name: str, argument: str | None, docname: str, page_title: str = "", minutes: int = 0
) -> str:
    """The HTML for one marker. ``minutes``: what reading the page takes.

    Raises:
        UnrolledError: for an unknown part or entry, or a part that needs an entry on a page that has none.
    """
    place = Place(docname)
    if name in BOOK_PARTS:
        return BOOK_PARTS[name](kb, place)
    if name == "part":
        if argument not in PARTS:
            raise unknown("part of the book", argument or "", PARTS)
        return lists.part(kb, argument, place)
    if name == "side-by-side":
        return sidebyside.side_by_side(kb, argument or "", place)
    if name not in ("card", "demo", *ENTRY_PARTS):
        raise unknown(
            "generated part", name, ["card", "demo", *ENTRY_PARTS, *BOOK_PARTS, "part", "side-by-side"]
        )
    chapter = CHAPTER.match(docname)
    slug = argument or (chapter[1] if chapter else None)
    if slug is None:
        raise UnrolledError(
            f"unrolled:{name} needs the slug of an entry here", hint=f"<!-- unrolled:{name} SLUG -->"
        )
    if slug not in kb.entries:
        raise unknown("entry", slug, kb.entries)
    if name == "card":
        return card.card(kb, slug, place, page_title, minutes)
    if name == "demo":
        return demos.panel(kb, slug, place)
    return ENTRY_PARTS[name](kb, slug, place)


def knowledge_base(app: Sphinx) -> KnowledgeBase:
    """What was read at the start of the build."""
    return app.unrolled_knowledge  # type: ignore[attr-defined]


class Markers(SphinxTransform):
    """Replaces each marker by its part. An unknown one is a warning, and so a failed build."""

    default_priority = 400

    def apply(self, **kwargs: object) -> None:
        title = next((node.astext() for node in self.document.findall(nodes.title)), "")
        minutes = reading_minutes(self.document)
        for node in list(self.document.findall(nodes.raw)):
            match = MARKER.fullmatch(node.astext().strip())
            if not match:
                continue
            try:
                html = render(knowledge_base(self.app), match[1], match[2], self.env.docname, title, minutes)
            except UnrolledError as error:
                log.warning("%s", error, location=node)
                continue
            made: list[nodes.Node] = [nodes.raw("", str(html), format="html")]
            if match[1] == "curves" and "<img" in html:  # a figure, numbered as those of the cells are
                caption = nodes.caption("", curves.CAPTION)
                made = [nodes.figure("", *made, caption, ids=[f"curves-{match[2] or 'here'}"])]
            elif isinstance(node.parent, nodes.section | nodes.document):
                made = sectioned(str(html))
            for part in made:
                part.source, part.line = node.source, node.line
            node.parent[node.parent.index(node) : node.parent.index(node) + 1] = made


def load_mathjax(app: Sphinx, doctree: nodes.document) -> None:
    """Have MathJax loaded on a page whose only mathematics stands in a generated part."""
    if any('class="math' in node.astext() for node in doctree.findall(nodes.raw)):
        app.env.get_domain("math").data["has_equations"][app.env.docname] = True
