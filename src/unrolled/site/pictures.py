"""Figures of a chapter on the page: panels that stack on a phone, inks for each ground, numbers by chapter.

A figure is stored once, in inks that read on white and on black. Here it becomes two files, light and dark,
with inks that reach 4.5:1 on their ground. A figure of several panels names them (``<view>``); each is an
image of its own, so that they stand in a row where there is room, and below one another where there is none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from docutils import nodes
from markupsafe import Markup
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform

from unrolled.base.errors import UnrolledError
from unrolled.site.html import Place, element, join
from unrolled.site.knowledge import KnowledgeBase

INKS: dict[str, tuple[str, str]] = {
    "#757575": ("#4d545b", "#c3c9cf"),
    "#000000": ("#1d2125", "#dfe3e7"),
    "#7f7f7f": ("#6b7177", "#a3abb3"),
    "#0072b2": ("#0072b2", "#56b4e9"),
    "#d55e00": ("#b04e00", "#f08a52"),
    "#009e73": ("#007a5a", "#3cc49b"),
    "#e69f00": ("#8a6100", "#e6b23c"),
    "#cc79a7": ("#9b4a77", "#e0a3c6"),
    "#56b4e9": ("#1b78ab", "#9ad2f2"),
}
"""The stored inks, by what stands for them on a light and on a dark ground."""

GROUNDS = ("light", "dark")

COLUMN = 680
"""Pixels of the column of text: no row of panels is wider."""

POINT = 4 / 3
"""Pixels of a point."""

_INK = re.compile(r"((?:fill|stroke|stop-color|color)(?:: ?|=\"))(#[0-9a-fA-F]{6})\b")
_VIEW = re.compile(r'<view id="panel-\d+" viewBox="([\d. ]+)"/>\n?')
_HEAD = re.compile(r'<svg[^>]*?\sviewBox="(?P<box>[\d. -]+)"[^>]*>', re.DOTALL)
_SIZE = re.compile(r'\s(?:width|height|viewBox)="[^"]*"')


def inked(svg: str, ground: str) -> str:
    """A figure with the inks of a ground, ``light`` or ``dark``. Lines in other colours are made to reach
    3:1; white ones lie on pictures and stay.

    >>> inked('style="fill: none; stroke: #0072B2"', "dark")
    'style="fill: none; stroke: #56b4e9"'
    >>> inked('style="stroke: #482878; fill: #482878"', "dark")
    'style="stroke: #765e9a; fill: #482878"'
    """

    def ink(match: re.Match[str]) -> str:
        kind, colour = match[1], match[2].lower()
        if colour in INKS:
            return kind + INKS[colour][GROUNDS.index(ground)]
        line = kind.startswith("stroke") and colour != "#ffffff"
        return kind + (visible(colour, ground) if line else colour)

    return _INK.sub(ink, svg)


def visible(colour: str, ground: str, least: float = 3.0) -> str:
    """A colour, mixed with black or white until a mark in it stands out from its ground."""
    channels = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    towards, behind = ((0, 1.0), (255, 0.0085))[GROUNDS.index(ground)]
    for step in range(21):
        mixed = [round(c + (towards - c) * step / 20) for c in channels]
        low, high = sorted((luminance(mixed), behind))
        if (high + 0.05) / (low + 0.05) >= least:
            break
    return "#" + "".join(f"{c:02x}" for c in mixed)


def luminance(channels: Iterable[int]) -> float:
    """The relative luminance of a colour, of which contrast is computed (WCAG)."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in channels)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def panels(svg: str) -> list[tuple[str, float, float]]:
    """The panels of a figure, each as a file of its own, with its width and height in points.

    >>> panels('<svg width="9pt" viewBox="0 0 9 3"><view id="panel-1" viewBox="0 0 4.5 3"/></svg>')
    [('<svg viewBox="0 0 4.5 3" width="4.5pt" height="3.0pt"></svg>', 4.5, 3.0)]
    """
    head = _HEAD.search(svg)
    if head is None:
        raise UnrolledError("a figure without a viewBox")
    whole = _VIEW.sub("", svg)
    found = []
    for box in _VIEW.findall(svg) or [head["box"]]:
        width, height = map(float, box.split()[2:])
        size = f'viewBox="{box}" width="{width}pt" height="{height}pt"'
        start = _SIZE.sub("", head[0]).replace("<svg", f"<svg {size}", 1)
        found.append((whole.replace(head[0], start, 1), width, height))
    return found


def picture(svgs: Iterable[str], alt: str, place: Place, folder: Path | None) -> Markup:
    """Figures side by side where there is room, each with its panels; the files are written to ``folder``."""
    shown = [panel for svg in svgs for panel in panels(svg)]
    scale = min(POINT, COLUMN / sum(width for _, width, _ in shown))
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    images = []
    for number, (svg, width, height) in enumerate(shown, 1):
        said = alt if number == 1 else f"Panel {number} of {len(shown)} of the figure that was just described"
        size = {"width": int(scale * width), "height": round(scale * height)}
        for ground in GROUNDS:
            text = inked(svg, ground)
            name = f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.svg"
            if folder:
                (folder / name).write_text(text, encoding="utf-8")
            address = place.file(f"_images/{name}")
            classes = f"only-{ground}"
            images.append(element("img", src=address, alt=said, class_=classes, loading="lazy", **size))
    return element("div", join(images), class_="unrolled-picture")


class Pictures(SphinxTransform):
    """Sets the stored figures of a chapter's cells."""

    default_priority = 409

    def apply(self, **kwargs: object) -> None:
        if self.app.builder.format != "html":
            return
        for image in list(self.document.findall(nodes.image)):
            file = Path(self.app.srcdir) / image["uri"].lstrip("/")
            bundle = image.parent
            if not (isinstance(bundle, nodes.container) and bundle.get("mime_type") == "image/svg+xml"):
                continue
            svg = file.read_text(encoding="utf-8")
            images = self.app.unrolled_knowledge.images
            html = picture([svg], image.get("alt", ""), Place(self.env.docname), images)
            image.replace_self(nodes.raw("", str(html), format="html"))


def number_figures(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Number the figures of a chapter by it: the second one of chapter 7 is Figure 7.2."""
    kb: KnowledgeBase = app.unrolled_knowledge  # type: ignore[attr-defined]
    for docname, kinds in env.toc_fignumbers.items():
        chapter = kb.numbers.get(docname.rpartition("/")[2]) if docname.startswith("notebooks/") else None
        if chapter:
            order = sorted(kinds.get("figure", {}).items(), key=lambda item: item[1])
            kinds["figure"] = {name: (chapter, place) for place, (name, _) in enumerate(order, 1)}
    return []
