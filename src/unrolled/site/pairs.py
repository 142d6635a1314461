"""Equations of a chapter: each with its labels beneath, and beside it the source that computes it."""

from __future__ import annotations

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

from unrolled.site import cells, equations
from unrolled.site.html import Place
from unrolled.site.knowledge import KnowledgeBase, symbol_of

log = logging.getLogger(__name__)


class EquationChips(SphinxTransform):
    """Gives each known equation its labels (the paper's number, function, oracle) and, beside it, its source.

    A cell that only shows source stands beside the equations right before it; where prose comes between,
    beside those of the page that the shown functions compute, said once more.
    """

    default_priority = 410

    def apply(self, **kwargs: object) -> None:
        kb: KnowledgeBase = self.app.unrolled_knowledge  # type: ignore[attr-defined]
        domain, place = self.env.get_domain("math"), Place(self.env.docname)
        for block in list(self.document.findall(nodes.math_block)):
            label = block.get("label")
            if label not in kb.equations:
                continue
            entry, equation = kb.equations[label]
            for name in equations.missing(kb, equation):
                log.warning("equation %s names %s, which does not exist", label, name, location=block)
            number = equation.number if equations.numbered(equation) else equation.name
            domain.equations[label] = (self.env.docname, number)  # type: ignore[attr-defined]
            block["number"] = None  # a number at its side would push it; it stands with the labels, beneath
            self._wrap(block, equations.chips(kb, entry, equation, place, number=True))
        self._pair(kb)

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

    def _pair(self, kb: KnowledgeBase) -> None:
        for cell in list(self.document.findall(cells.is_cell)):
            shown = cell.get("unrolled_shows")
            if shown is None:
                continue
            parent = cell.parent
            index = parent.index(cell)
            first = index
            while first and "unrolled-equation" in cells.classes(parent[first - 1]):
                first -= 1
            left = nodes.container(classes=["unrolled-pair-equations"])
            left += parent[first:index] or self._recalled(kb, set(shown))
            if not left.children:
                continue
            pair = nodes.container(classes=["unrolled-pair"])
            del parent[first : index + 1]
            pair += left
            pair += cell
            parent.insert(first, pair)

    def _recalled(self, kb: KnowledgeBase, names: set[str]) -> list[nodes.Node]:
        """The page's equations that the shown symbols compute, once more, each leading to its place."""
        found: list[nodes.Node] = []
        for block in self.document.findall(nodes.math_block):
            _, equation = kb.equations.get(block.get("label"), (None, None))
            if equation and equation.implementation and symbol_of(equation.implementation) in names:
                found.append(nodes.raw("", str(equations.recalled(equation)), format="html"))
        return found
