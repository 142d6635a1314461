"""The letters of diagrams: formulas as outlines in TeX's own letters, words as text, both measured."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from markupsafe import Markup
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.textpath import TextPath

from unrolled.site.html import element

MATH, WORDS, NOTE = 15.0, 12.0, 11.0
"""Sizes of letters: formulas (whose indices are smaller by 0.7), words in boxes, words beside things."""

GAP, ROW = 4.0, 18.0
"""Between words and a formula; the height of a line with a formula."""


def number(value: float) -> str:
    """A coordinate, to the hundredth.

    >>> number(1.5), number(-0.001), number(20.0)
    ('1.5', '0', '20')
    """
    return f"{round(value, 2) or 0:.2f}".rstrip("0").rstrip(".")


def points(*values: float) -> str:
    """Coordinates one after another."""
    return " ".join(number(value) for value in values)


@dataclass(frozen=True)
class Outline:
    """A formula as a path from the start of its baseline."""

    path: str
    width: float
    rise: float  # of its highest letter above the baseline
    smallest: float  # size of its smallest letter


@cache
def outline(formula: str) -> Outline:
    """A formula between dollars. Steps within a letter are relative, so that equal letters are equal text."""
    font = FontProperties(size=MATH, math_fontfamily="cm")
    path = TextPath((0, 0), formula, size=MATH, prop=font)
    extent, here, said = path.get_extents(), (0.0, 0.0), []
    for flat, code in path.iter_segments(curves=True, simplify=False):
        if code == path.CLOSEPOLY:
            said.append("z")
            continue
        corners = [(round(x - extent.x0, 2), round(-y, 2)) for x, y in flat.reshape(-1, 2)]
        origin = (0.0, 0.0) if code == path.MOVETO else here
        steps = (value - start for corner in corners for value, start in zip(corner, origin, strict=True))
        said.append(
            {path.MOVETO: "M", path.LINETO: "l", path.CURVE3: "q", path.CURVE4: "c"}[code] + points(*steps)
        )
        here = corners[-1]
    smallest = min(glyph[1] for glyph in MathTextParser("path").parse(formula, 72, font).glyphs)
    return Outline("".join(said), float(extent.x1 - extent.x0), float(extent.y1), smallest)


@cache
def breadth(words: str, size: float) -> float:
    """The width of words in DejaVu Sans, the broadest of the usual fonts; in others they leave room."""
    return float(TextPath((0, 0), words, size=size, prop=FontProperties("DejaVu Sans")).get_extents().x1)


@dataclass(frozen=True)
class Line:
    """One line of a label: words, and formulas between dollars.

    >>> Line("row $i$", WORDS).runs
    ['row', '$i$']
    """

    text: str
    size: float

    @cached_property
    def runs(self) -> list[str]:
        """Words and formulas in turn."""
        return [run.strip() for run in re.split(r"(\$[^$]+\$)", self.text) if run.strip()]

    @cached_property
    def widths(self) -> list[float]:
        """The width of each run."""
        return [outline(run).width if run[0] == "$" else breadth(run, self.size) for run in self.runs]

    @property
    def width(self) -> float:
        """The whole line."""
        return sum(self.widths) + GAP * (len(self.runs) - 1)

    @property
    def height(self) -> float:
        """How much room the line takes."""
        return ROW if "$" in self.text else self.size * 1.25

    def drawn(self, left: float, y: float, anchor: str = "middle") -> Iterator[Markup]:
        """The line from its left end at a height.

        Words cling to the formula beside them, whatever their font; alone, to the ``anchor`` of their room.
        """
        rise = max((outline(run).rise for run in self.runs if run[0] == "$"), default=0.0)
        base = y + (5 + max(0, rise - 11.5) / 2 if rise else self.size * 0.35)
        for index, (run, width) in enumerate(zip(self.runs, self.widths, strict=True)):
            if run[0] == "$":
                made = outline(run)
                yield element(
                    "path",
                    class_="symbol",
                    transform=f"translate({points(left, base)})",
                    d=made.path,
                    data_size=number(made.smallest),
                )
            else:
                hold = anchor if len(self.runs) == 1 else "start" if index else "end"
                at = left + {"start": 0, "middle": 0.5, "end": 1}[hold] * width
                where = {"x": number(at), "y": number(base), "font_size": number(self.size)}
                yield element("text", run, **where, text_anchor=hold)
            left += width + GAP
