"""What a chapter stores beside its source: outputs, held by digests, and figures with the words beside them.

nbval passes over cells that are tagged so, over pictures, and over the data beside a line: a digest of every
output is written when a chapter is executed, and compared whenever the chapter is checked. What is written by
hand beside a figure, its caption and its alternative text, holds for the figure that was looked at: a digest
over all three is kept in the cell, and a figure that has changed asks for another look.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unrolled.base.files import atomic_write

IMAGES = ("image/svg+xml", "image/png", "image/jpeg")

WIDTH = 76
"""Characters that a line of a cell may have: what fits a page beside an equation, and on paper."""

PHONE, LETTERS = 358, 10
"""Pixels of a phone's column, and those that a letter needs there."""

_BOXES = (
    re.compile(r'<view [^>]*viewBox="[\d.]+ [\d.]+ ([\d.]+)'),
    re.compile(r'<svg[^>]*?\sviewBox="\S+ \S+ ([\d.]+)', re.DOTALL),
)
_SIZES = re.compile(r"font(?:-size)?: ?(?:[\w-]+ )*([\d.]+)px")

_LENGTH = 16
_FEWEST_WORDS = 6
_FILE_NAME = re.compile(r"^\S+\.(svg|png|jpe?g|gif|pdf|webp)$|^(fig(ure)?|image|plot)[\s_.-]*\d*$", re.I)


@dataclass(frozen=True)
class Figure:
    """A code cell that shows a figure; ``number`` counts the code cells from 1."""

    number: int
    images: tuple[tuple[str, str], ...]  # MIME type, content
    caption: str
    alt: str
    looked: str | None  # the digest of what was looked at

    @property
    def digest(self) -> str:
        """Of the figure and of the words beside it."""
        return _digest([self.images, self.caption, self.alt])

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong with the words beside the figure, each with a hint."""
        say = "say in a sentence what the figure shows (metadata: mystnb.image.alt)"
        alt = " ".join(self.alt.split())
        if not alt:
            yield "shows a figure without alt text (metadata: mystnb.image.alt)", say
        elif _FILE_NAME.match(alt):
            yield f"shows a figure whose alt text {alt!r} is a name, not a description", say
        elif len(alt.split()) < _FEWEST_WORDS:
            yield f"shows a figure whose alt text has fewer than {_FEWEST_WORDS} words: {alt!r}", say
        elif alt.casefold().strip(".") == " ".join(self.caption.split()).casefold().strip("."):
            yield "shows a figure whose alt text only repeats its caption", say


def code_cells(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The code cells that hold something; messages count them from 1."""
    return [c for c in notebook["cells"] if c.get("cell_type") == "code" and _text(c["source"]).strip()]


def digests(notebook: Mapping[str, Any]) -> list[str]:
    """One digest a code cell, over all that it shows; how the file splits its text into lines is left out.

    >>> cell = {"cell_type": "code", "source": "f()", "outputs": []}
    >>> digests({"cells": [cell]}) == digests({"cells": [{**cell, "source": ["f()"]}]})
    True
    """
    return [_digest([_shown(output) for output in cell.get("outputs", [])]) for cell in code_cells(notebook)]


def figures(notebook: Mapping[str, Any]) -> list[Figure]:
    """Every cell that shows a figure."""
    found = []
    for number, cell in enumerate(code_cells(notebook), 1):
        images = [
            (mime, _text(output["data"][mime]))
            for output in cell.get("outputs", [])
            for mime in IMAGES
            if mime in output.get("data", {})
        ]
        if images:
            caption = str(_inside(cell, "metadata", "mystnb", "figure", "caption") or "")
            alt = str(_inside(cell, "metadata", "mystnb", "image", "alt") or "")
            looked = _inside(cell, "metadata", "unrolled", "looked")
            found.append(Figure(number, tuple(images), caption, alt, looked))
    return found


def problems(notebook: Mapping[str, Any], slug: str) -> Iterator[tuple[int, str, str]]:
    """What is wrong with the stored outputs: the code cell (0 for the notebook), the problem, a hint."""
    again = f"run `unrolled run {slug}`"
    written, now = _inside(notebook, "metadata", "unrolled", "outputs"), digests(notebook)
    if not isinstance(written, list):
        if any(cell.get("outputs") for cell in code_cells(notebook)):
            yield 0, "its outputs carry no digests", again
    elif len(written) != len(now):
        yield 0, f"{len(now)} code cells, but digests for the outputs of {len(written)}", again
    else:
        for number, (then, found) in enumerate(zip(written, now, strict=True), 1):
            if then != found:
                yield number, "shows another output than the execution wrote", again
    for number, cell in enumerate(code_cells(notebook), 1):
        wide = [line for line in _text(cell["source"]).splitlines() if len(line) > WIDTH]
        if wide:
            problem = f"has a line of {max(map(len, wide))} characters: {wide[0].strip()[:40]!r}"
            narrow = f"`ruff format --line-length {WIDTH} notebooks/{slug}.ipynb`"
            yield number, problem, f"at most {WIDTH}: {narrow}, then {again}"
    if any(cell.get("outputs") and not _text(cell["source"]).strip() for cell in notebook["cells"]):
        yield 0, "a cell without source shows an output", again
    for figure in figures(notebook):
        for problem, hint in figure.problems():
            yield figure.number, problem, hint
        size = min((letters(image) for mime, image in figure.images if mime == IMAGES[0]), default=LETTERS)
        if round(size, 1) < LETTERS:
            problem = f"shows a figure whose letters have {size:.1f} pixels on a phone"
            hint = "one panel is at most 4.9 inches wide, and text has 10 points (unrolled.execution.figures)"
            yield figure.number, problem, hint
        if figure.alt.strip() and figure.looked != figure.digest:
            problem = "shows a figure that nobody has looked at yet"
            if figure.looked is not None:
                problem = "shows a figure that has changed, or its words have, since it was looked at"
            yield figure.number, problem, f"look at it and confirm: `unrolled look {slug}`"


def letters(svg: str) -> float:
    """The pixels that the smallest letters of a figure have on a phone, where its panels stand one by one.

    Indices of formulas, which are set at 0.7 of their letters, do not count.

    >>> letters('<svg viewBox="0 0 716 100"><text style="font: 12px sans">')
    6.0
    """
    found = {float(size) for size in _SIZES.findall(svg)}
    sizes = [size for size in found if not any(abs(size - 0.7 * other) < 0.05 for other in found)]
    widths = [float(width) for width in _BOXES[0].findall(svg) or _BOXES[1].findall(svg)]
    if not (sizes and widths):
        return LETTERS
    return min(sizes) * min(1.0, PHONE / max(widths))


def confirm(path: Path, numbers: set[int] | None = None) -> list[Figure]:
    """Record in a notebook that its figures (or those of some cells) were looked at; those that were new."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = code_cells(notebook)
    done = []
    for figure in figures(notebook):
        if figure.looked != figure.digest and (numbers is None or figure.number in numbers):
            metadata = cells[figure.number - 1].setdefault("metadata", {})
            metadata.setdefault("unrolled", {})["looked"] = figure.digest
            done.append(figure)
    if done:  # as nbformat writes it
        atomic_write(path, json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    return done


def _inside(content: Any, *names: str) -> Any:
    """The value at nested names; None where there is none."""
    for name in names:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content


def _text(content: Any) -> Any:
    """Text in one piece, where the file has it as a list of lines."""
    lines = isinstance(content, list) and all(isinstance(line, str) for line in content)
    return "".join(content) if lines else content


def _shown(output: Mapping[str, Any]) -> dict[str, Any]:
    """An output without its count, every text in one piece."""
    kept = {name: _text(value) for name, value in output.items() if name not in ("execution_count", "data")}
    return kept | {"data": {mime: _text(content) for mime, content in output.get("data", {}).items()}}


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]
