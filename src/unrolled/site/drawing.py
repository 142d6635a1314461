"""The diagrams' one hand: boxes, circles, grids, and arrows with the paper's symbols.

A script in ``book/diagrams`` makes a `Drawing` and saves it. A unit is a pixel of a phone's column: letters
have the size there that they have here. Time runs from left to right, depth from bottom to top. Colours are
classes of ``book/static/diagrams.css``: a *role* (input, state, gate, memory, output) tints a thing, a *mark*
(``new`` in this paper, or ``old``) is its outline.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import hypot
from pathlib import Path

from markupsafe import Markup

from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.base.paths import project
from unrolled.site.html import element, join
from unrolled.site.lettering import NOTE, WORDS, Line, number, points

WIDTH = 342
"""How wide every drawing is: the column of a phone, in pixels."""

HEAD, CORNER, PAD = 6.5, 7.0, 7.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle, or a circle, around a centre, with the points of its border."""

    x: float
    y: float
    width: float
    height: float
    round: bool = False

    def top(self, dx: float = 0) -> Point:
        """The point ``dx`` right of the middle of the upper edge."""
        return self.x + dx, self.y - self.height / 2

    def bottom(self, dx: float = 0) -> Point:
        """The point ``dx`` right of the middle of the lower edge."""
        return self.x + dx, self.y + self.height / 2

    def left(self, dy: float = 0) -> Point:
        """The point ``dy`` below the middle of the left edge."""
        return self.x - self.width / 2, self.y + dy

    def right(self, dy: float = 0) -> Point:
        """The point ``dy`` below the middle of the right edge."""
        return self.x + self.width / 2, self.y + dy

    def towards(self, other: Point) -> Point:
        """Where the line from the centre to another point leaves the border."""
        dx, dy = other[0] - self.x, other[1] - self.y
        if self.round:
            share = self.width / 2 / (hypot(dx, dy) or 1)
        else:
            share = min(half / abs(d) for half, d in ((self.width / 2, dx), (self.height / 2, dy)) if d)
        return self.x + dx * share, self.y + dy * share

    def overlaps(self, other: Box) -> bool:
        """Whether two rectangles share more than their borders."""
        wide, high = (self.width + other.width) / 2, (self.height + other.height) / 2
        return abs(self.x - other.x) < wide - 1 and abs(self.y - other.y) < high - 1

    def crossed(self, a: Point, b: Point) -> bool:
        """Whether a line passes through the inside."""
        steps = int(hypot(b[0] - a[0], b[1] - a[1])) + 1
        shares = (k / steps for k in range(steps + 1))
        return any(
            self.overlaps(Box(a[0] + (b[0] - a[0]) * s, a[1] + (b[1] - a[1]) * s, 0, 0)) for s in shares
        )


class Drawing:
    """A diagram in the making. What is drawn is remembered, and `svg` refuses what overlaps.

    Args:
        slug: the paper; ids begin with it.
        title: what the picture shows, in some words.
        desc: the text alternative: what is seen, written after looking.
        caption: the sentence that stands below it.
        height: in units.
    """

    def __init__(self, slug: str, *, title: str, desc: str, caption: str, height: float) -> None:
        self.slug, self.title, self.height = slug, title, height
        self.desc, self.caption = " ".join(desc.split()), " ".join(caption.split())
        self._layers: dict[str, list[Markup]] = {"frames": [], "lines": [], "things": [], "labels": []}
        self._taken: list[tuple[str, Box]] = []
        self._lines: list[tuple[Point, Point]] = []

    def _put(self, layer: str, classes: Sequence[str], *content: Markup) -> None:
        self._layers[layer].append(element("g", *content, class_=" ".join(filter(None, classes))))

    def _text(
        self, text: str, x: float, y: float, size: float, anchor: str = "middle"
    ) -> tuple[list[Markup], Box]:
        """Lines one below the other, and the room that they take; the anchor is the point's place in it."""
        lines = [Line(part, size) for part in text.split("\n")]
        width, height = max(line.width for line in lines), sum(line.height for line in lines)
        share = {"start": 0, "middle": 0.5, "end": 1}[anchor]
        top, made = y - height / 2, []
        for line in lines:
            made += line.drawn(x - share * line.width, top + line.height / 2, anchor)
            top += line.height
        return made, Box(x + (0.5 - share) * width, y, width, height)

    def box(
        self,
        text: str,
        x: float,
        y: float,
        *,
        width: float = 0,
        height: float = 30,
        role: str = "",
        mark: str = "old",
    ) -> Box:
        """A function: a rounded box around its name. Without a width it fits the name."""
        words, room = self._text(text, x, y, WORDS)
        made = Box(x, y, width or room.width + 2 * PAD, height)
        if room.width > made.width - 4 or room.height > made.height:
            raise UnrolledError(f"{self.slug}: {text!r} ({room.width:.0f} units wide) does not fit its box")
        self._put("things", ("box", role, mark), rectangle(made, rx=7), *words)
        self._taken.append((text, made))
        return made

    def circle(
        self, sign: str, x: float, y: float, *, role: str = "", mark: str = "old", radius: float = 10
    ) -> Box:
        """A point-wise operation: ``dot`` for a product, ``plus`` for a sum, or a formula."""
        made, arm = Box(x, y, 2 * radius, 2 * radius, round=True), radius / 2
        if sign == "dot":
            content = [element("circle", class_="sign", cx=number(x), cy=number(y), r=2)]
        elif sign == "plus":
            d = f"M{points(x - arm, y)}h{number(2 * arm)}M{points(x, y - arm)}v{number(2 * arm)}"
            content = [element("path", class_="line", d=d)]
        else:
            content = self._text(sign, x, y, WORDS)[0]
        ring = element("circle", cx=number(x), cy=number(y), r=number(radius))
        self._put("things", ("circle", role, mark), ring, *content)
        self._taken.append((sign, made))
        return made

    def symbol(self, text: str, x: float, y: float, *, role: str = "") -> Box:
        """A value that comes in or goes out: its symbol alone. Arrows keep a distance from it."""
        room = self.label(text, x, y, role=role)
        return Box(x, y, room.width + 6, room.height + 4)

    def label(self, text: str, x: float, y: float, *, role: str = "", anchor: str = "middle") -> Box:
        """Words or a symbol beside things, whose start, middle or end is the point."""
        words, room = self._text(text, x, y, NOTE, anchor)
        self._put("labels", ("label", role), *words)
        self._taken.append((text, room))
        return room

    def grid(
        self,
        x: float,
        y: float,
        shades: Sequence[Sequence[float]],
        *,
        cell: float = 13,
        role: str = "memory",
        mark: str = "",
        over: bool = False,
    ) -> Box:
        """A matrix or vector of cells, each with a shade from 0 (no cell) to 1; rows from top to bottom.

        It may lie over something else, as a window does on an image.
        """
        made = Box(x, y, len(shades[0]) * cell, len(shades) * cell)
        (left, _), (_, top) = made.left(), made.top()
        cells = [
            rectangle(
                Box(left + (c + 0.5) * cell, top + (r + 0.5) * cell, cell, cell), fill_opacity=number(shade)
            )
            for r, row in enumerate(shades)
            for c, shade in enumerate(row)
            if shade
        ]
        self._put("things", ("cells", role), *cells)
        self._put("things", ("grid", role, mark), rectangle(made, rx=2))
        if not over:
            self._taken.append(("a grid", made))
        return made

    def frame(self, left: float, top: float, right: float, bottom: float, *, mark: str = "old") -> Box:
        """A quiet ground behind what belongs together."""
        made = Box((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
        self._put("frames", ("frame", mark), rectangle(made, rx=9))
        return made

    def arrow(
        self,
        *stops: Box | Point,
        role: str = "state",
        label: str = "",
        side: str = "",
        part: int | None = None,
        dashed: bool = False,
        head: bool = True,
    ) -> None:
        """A line through boxes or points, from border to border, with rounded corners.

        Args:
            stops: where it begins, bends and ends.
            role: what flows.
            label: its symbol, ``above``, ``below``, ``left`` or ``right`` (``side``) of the middle of the
                longest piece, or of the piece whose number is ``part``.
            dashed: from or to another step of time.
            head: whether it ends in an arrow head.
        """
        route = [(stop.x, stop.y) if isinstance(stop, Box) else stop for stop in stops]
        for end, other in ((0, 1), (-1, -2)):
            if isinstance(stop := stops[end], Box):
                route[end] = stop.towards(route[other])
        pieces = list(pairwise(route))
        lengths = [hypot(b[0] - a[0], b[1] - a[1]) for a, b in pieces]
        self._lines += pieces
        tips = []
        if head:
            (ax, ay), (x, y) = pieces[-1]
            ux, uy = (x - ax) / lengths[-1] * HEAD, (y - ay) / lengths[-1] * HEAD
            wings = points(x, y, x - ux - uy / 2, y - uy + ux / 2, x - ux + uy / 2, y - uy - ux / 2)
            tips = [element("path", class_="head", d=f"M{wings}z")]
            route[-1] = (x - 0.7 * ux, y - 0.7 * uy)
        line = element("path", class_="line", d=rounded(route))
        self._put("lines", ("arrow", role, "dashed" if dashed else ""), line, *tips)
        if label:
            (ax, ay), (bx, by) = pieces[lengths.index(max(lengths)) if part is None else part]
            side = side or ("right" if abs(by - ay) > abs(bx - ax) else "above")
            dx, dy = {"above": (0, -1), "below": (0, 1), "left": (-1, 0), "right": (1, 0)}[side]
            room = Line(label, NOTE)
            x, y = (ax + bx) / 2 + dx * (room.width / 2 + 5), (ay + by) / 2 + dy * (room.height / 2 + 3)
            self.label(label, x, y, role=role)

    def dot(self, x: float, y: float, *, role: str = "state") -> None:
        """A junction: the lines that meet here are one."""
        self._put("things", ("dot", role), element("circle", cx=number(x), cy=number(y), r=2.6))

    def faults(self) -> Iterator[str]:
        """What overlaps or leaves the drawing."""
        for (name, a), (other, b) in combinations(self._taken, 2):
            if a.overlaps(b):
                yield f"{name!r} overlaps {other!r}"
        for name, a in self._taken:
            if a.left()[0] < 0 or a.right()[0] > WIDTH or a.top()[1] < 0 or a.bottom()[1] > self.height:
                yield f"{name!r} leaves the drawing"
            for start, end in self._lines:
                if a.crossed(start, end):
                    yield f"the line from {start} to {end} runs through {name!r}"

    def svg(self) -> str:
        """The file.

        Raises:
            UnrolledError: where something overlaps.
        """
        if found := list(self.faults()):
            raise UnrolledError(f"{self.slug}: " + "; ".join(found))
        style = (project() / "book" / "static" / "diagrams.css").read_text(encoding="utf-8")
        title, desc = f"{self.slug}-diagram-title", f"{self.slug}-diagram-desc"
        parts = [
            element("title", self.title, id=title),
            element("desc", self.desc, id=desc),
            element("metadata", self.caption),
            element("style", style.partition("/* Pages */")[0].strip()),
            *(part for layer in self._layers.values() for part in layer),
        ]
        size = {
            "viewBox": f"0 0 {WIDTH} {number(self.height)}",
            "width": WIDTH,
            "height": number(self.height),
        }
        names = {"class_": "unrolled-drawing", "role": "img", "aria_labelledby": f"{title} {desc}"}
        made = element(
            "svg", "\n", join(parts, "\n"), "\n", xmlns="http://www.w3.org/2000/svg", **size, **names
        )
        return f"{made}\n"

    def save(self, script: str) -> None:
        """Write the drawing beside its script."""
        atomic_write(Path(script).with_suffix(".svg"), self.svg())


def rectangle(box: Box, **attributes: object) -> Markup:
    """A box as an element."""
    (x, _), (_, y) = box.left(), box.top()
    place = {"x": x, "y": y, "width": box.width, "height": box.height}
    return element("rect", **{name: number(value) for name, value in place.items()}, **attributes)


def rounded(route: Sequence[Point]) -> str:
    """A path through points with rounded corners."""
    said = [f"M{points(*route[0])}"]
    for before, (x, y), after in zip(route, route[1:], route[2:], strict=False):
        ends = []
        for a, b in (before, after):
            length = hypot(a - x, b - y)
            share = min(CORNER, length / 2) / length
            ends += [x + (a - x) * share, y + (b - y) * share]
        said.append(f"L{points(*ends[:2])}Q{points(x, y, *ends[2:])}")
    return "".join([*said, f"L{points(*route[-1])}"])
