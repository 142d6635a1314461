"""The papers' diagrams on pages: whole as a figure, small beside a title, and as files in both themes."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup
from sphinx.application import Sphinx

from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.site.html import Place, element
from unrolled.site.knowledge import KnowledgeBase

SVG = "{http://www.w3.org/2000/svg}"
LEGEND: Mapping[str, str] = {
    "input": "input",
    "state": "state",
    "gate": "gate or weight",
    "memory": "memory",
    "output": "output",
    "new": "new in this paper",
    "old": "taken over",
    "dashed": "another time step",
}
"""What colours and lines mean, in the order of a legend."""

TAGS = frozenset({"svg", "title", "desc", "metadata", "style", "g", "rect", "circle", "path", "text"})
THEMES = ("light", "dark")

ET.register_namespace("", SVG.strip("{}"))


def read(root: Path, slug: str) -> ET.Element:
    """The drawing of a paper.

    Raises:
        UnrolledError: if there is none, or if it holds more than shapes and words (scripts, links, handlers).
    """
    file = root / "book" / "diagrams" / f"{slug}.svg"
    try:
        drawing = ET.fromstring(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnrolledError("there is no such diagram", file=file, hint=f"draw it in {slug}.py") from error
    except ET.ParseError as error:
        raise UnrolledError(f"this is no SVG: {error}", file=file) from error
    for node in drawing.iter():
        strange = [name for name in node.attrib if name.startswith(("on", "style")) or "href" in name]
        if node.tag.removeprefix(SVG) not in TAGS or strange:
            raise UnrolledError(f"<{node.tag}> with {sorted(node.attrib)} does not belong here", file=file)
    return drawing


def classes(drawing: ET.Element) -> set[str]:
    """Every class that occurs in a drawing."""
    return {name for node in drawing.iter() for name in node.get("class", "").split()}


def drawing(kb: KnowledgeBase, slug: str) -> Markup | None:
    """The drawing alone, in the page itself; None where the paper has none yet."""
    if not (kb.root / "book" / "diagrams" / f"{slug}.svg").is_file():
        return None
    found = read(kb.root, slug)
    for tag in ("style", "metadata"):  # the page has both
        for node in found.findall(SVG + tag):
            found.remove(node)
    return element("div", Markup(ET.tostring(found, encoding="unicode")), class_="unrolled-diagram")


def diagram(kb: KnowledgeBase, slug: str, place: Place) -> Markup:
    """The drawing in the page itself, so that it has the page's colours, with its caption and a legend."""
    drawing = read(kb.root, slug)
    caption = drawing.findtext(f"{SVG}metadata", "").strip()
    for tag in ("style", "metadata"):  # the page has both
        for node in drawing.findall(SVG + tag):
            drawing.remove(node)
    found = classes(drawing)
    legend = [
        element("li", element("span", class_=f"swatch {name}"), said)
        for name, said in LEGEND.items()
        if name in found
    ]
    return element(
        "figure",
        Markup(ET.tostring(drawing, encoding="unicode")),  # written by a parser, so escaped
        element("figcaption", element("p", caption), element("ul", *legend, class_="legend")),
        class_="unrolled-diagram",
        data_diagram=slug,
    )


def thumbnail(kb: KnowledgeBase, slug: str, place: Place) -> Markup | None:
    """The drawing, small, for a card or a list; it decorates a title, and so has no text of its own.

    A picture in a file cannot see the theme of the page, so there are two, and the style sheet shows one.
    None where the paper has no diagram yet.
    """
    if not (kb.root / "book" / "diagrams" / f"{slug}.svg").is_file():
        return None
    size = read(kb.root, slug)
    pictures = (
        element(
            "img",
            class_=f"for-{theme}",
            src=place.file(f"_static/diagrams/{slug}-{theme}.svg"),
            width=size.get("width"),
            height=size.get("height"),
            alt="",
            loading="lazy",
        )
        for theme in THEMES
    )
    return element("span", *pictures, class_="unrolled-thumbnail")


def write(app: Sphinx, exception: Exception | None) -> None:
    """Put every diagram into the built book, once for each theme."""
    if exception is not None or app.builder.format != "html":
        return
    for file in sorted((Path(app.srcdir) / "book" / "diagrams").glob("*.svg")):
        drawing = read(Path(app.srcdir), file.stem)
        for theme in THEMES:
            drawing.set("data-theme", theme)
            target = Path(app.outdir) / "_static" / "diagrams" / f"{file.stem}-{theme}.svg"
            target.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(target, ET.tostring(drawing, encoding="unicode"))
