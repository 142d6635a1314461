"""How long a page takes to read."""

from __future__ import annotations

import math
import re

from docutils import nodes

from unrolled.site.cells import is_cell

WORDS_PER_MINUTE = 220

FORMULA_SECONDS = 10
"""For a displayed formula; one in a line counts as a word."""

_APART = (nodes.literal_block, nodes.math_block, nodes.raw, nodes.comment)
_WORD = re.compile(r"\w[\w'’-]*")


def reading_minutes(page: nodes.Element) -> int:
    """Minutes for a page's prose and formulas, rounded up; code and generated parts are not counted.

    >>> reading_minutes(nodes.paragraph("", "word " * 221))
    2
    """
    formulas = sum(1 for _ in page.findall(nodes.math_block))
    return math.ceil(_words(page) / WORDS_PER_MINUTE + formulas * FORMULA_SECONDS / 60)


def _words(node: nodes.Node) -> int:
    if isinstance(node, nodes.Text):
        return len(_WORD.findall(node.astext()))
    if isinstance(node, nodes.math):
        return 1
    if isinstance(node, _APART) or is_cell(node):
        return 0
    return sum(_words(child) for child in node.children)
