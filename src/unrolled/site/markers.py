"""Where pages ask for a generated part: ``<!-- unrolled:card -->``, and labelled equations."""

from __future__ import annotations

import re
from collections.abc import Callable

from docutils import nodes
from markupsafe import escape
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

from unrolled.base.errors import UnrolledError, unknown
from unrolled.site import (
    card,
    curves,
    demos,
    diagrams,
    equations,
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
from unrolled.site.knowledge import PARTS, KnowledgeBase, symbol_of

log = logging.getLogger(__name__)

MARKER = re.compile(r"<!--\s*unrolled:([a-z-]+)(?:\s+([A-Za-z0-9_-]+))?\s*-->")
CHAPTER = re.compile(r"^notebooks/([a-z][a-z0-9_]*)$")
SHOW = re.compile(r"^\s*(?:chapter\.)?show\(([^()]*)\)", re.MULTILINE)


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


def render(kb: KnowledgeBase, name: str, argument: str | None, docname: str, page_title: str = "") -> str:
    """The HTML for one marker.

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
        return card.card(kb, slug, place, page_title)
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
        for node in list(self.document.findall(nodes.raw)):
            match = MARKER.fullmatch(node.astext().strip())
            if not match:
                continue
            try:
                html = render(knowledge_base(self.app), match[1], match[2], self.env.docname, title)
            except UnrolledError as error:
                log.warning("%s", error, location=node)
                continue
            top = isinstance(node.parent, nodes.section | nodes.document)
            made = sectioned(str(html)) if top else [nodes.raw("", str(html), format="html")]
            for part in made:
                part.source, part.line = node.source, node.line
            node.parent[node.parent.index(node) : node.parent.index(node) + 1] = made


def load_mathjax(app: Sphinx, doctree: nodes.document) -> None:
    """Have MathJax loaded on a page whose only mathematics stands in a generated part."""
    if any('class="math' in node.astext() for node in doctree.findall(nodes.raw)):
        app.env.get_domain("math").data["has_equations"][app.env.docname] = True


class EquationChips(SphinxTransform):
    """Gives each known equation its number in the paper, its chips and, beside it, its source."""

    default_priority = 410

    def apply(self, **kwargs: object) -> None:
        kb = knowledge_base(self.app)
        domain = self.env.get_domain("math")
        for block in list(self.document.findall(nodes.math_block)):
            label = block.get("label")
            if label not in kb.equations:
                continue
            entry, equation = kb.equations[label]
            for name in equations.missing(kb, equation):
                log.warning("equation %s names %s, which does not exist", label, name, location=block)
            number = equation.number if equations.numbered(equation) else equation.name
            block["number"] = str(escape(number))  # Sphinx writes it into the page as it stands
            domain.equations[label] = (self.env.docname, number)  # type: ignore[attr-defined]
            self._wrap(block, equations.chips(kb, entry, equation, Place(self.env.docname)))
        self._pair()

    def _wrap(self, block: nodes.math_block, chips: str) -> None:
        parent = block.parent
        index = parent.index(block)
        box = nodes.container(classes=["unrolled-equation"])
        box.source, box.line = block.source, block.line
        first = index
        if index and isinstance(parent[index - 1], nodes.target):
            first = index - 1
        members = parent[first : index + 1]
        del parent[first : index + 1]
        box += members
        box += nodes.raw("", str(chips), format="html")
        parent.insert(first, box)

    def _pair(self) -> None:
        """Beside a cell that shows source stand the equations before it, or those its symbols compute."""
        cells = [c for c in self.document.findall(nodes.container) if "cell" in c.get("classes", ())]
        for cell in cells:
            match = SHOW.search(cell.astext())
            if not match:
                continue
            cell["classes"].append("unrolled-show")
            parent = cell.parent
            index = parent.index(cell)
            first = index
            while first and "unrolled-equation" in _classes(parent[first - 1]):
                first -= 1
            left = nodes.container(classes=["unrolled-pair-equations"])
            left += parent[first:index] or self._recalled(match[1])
            if not left.children:
                continue
            pair = nodes.container(classes=["unrolled-pair"])
            del parent[first : index + 1]
            pair += left
            pair += cell
            parent.insert(first, pair)

    def _recalled(self, arguments: str) -> list[nodes.Node]:
        """The page's equations that the shown symbols compute, once more, each leading to its place."""
        names = {name.strip() for name in arguments.split(",")}
        kb = knowledge_base(self.app)
        found: list[nodes.Node] = []
        for block in self.document.findall(nodes.math_block):
            _, equation = kb.equations.get(block.get("label"), (None, None))
            if equation and equation.implementation and symbol_of(equation.implementation) in names:
                found.append(nodes.raw("", str(equations.recalled(equation)), format="html"))
        return found


class ParametersCell(SphinxTransform):
    """Moves the cell of parameters, which must open a notebook, from above the title to the first code."""

    default_priority = 405

    def apply(self, **kwargs: object) -> None:
        cells = [c for c in self.document.findall(nodes.container) if "cell" in _classes(c)]
        if len(cells) > 1 and "tag_parameters" in _classes(cells[0]):
            moved, other = cells[0], cells[1]
            moved.parent.remove(moved)
            other.parent.insert(other.parent.index(other), moved)


def _classes(node: nodes.Node) -> list[str]:
    return node.get("classes", []) if isinstance(node, nodes.container) else []
