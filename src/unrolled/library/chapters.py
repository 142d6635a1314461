"""What a chapter says of its entry, read from its text: equations, citations, statements, stored values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unrolled.library.faults import Fault
from unrolled.library.measurements import Chapter

VALUE = "application/vnd.unrolled.value+json"
"""The MIME type of a value that a chapter leaves for the evidence, beside the line that is read."""

CHECK = "application/vnd.unrolled.check+json"
"""The MIME type of what a cell verifies, beside its line: a row of the table that the page shows."""

_MATH = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{math\}[ \t]*\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL
)
_DOLLARS = re.compile(r"^\$\$(?P<body>.+?)\$\$[ \t]*\((?P<label>[a-z][a-z0-9-]*)\)", re.MULTILINE | re.DOTALL)
_CITE = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
_STATEMENT = re.compile(r"\{statement\}`([^`]+)`")


@dataclass(frozen=True)
class LabelledEquation:
    """One labelled equation of a page, and the line of the file on which its block starts."""

    label: str
    latex: str
    line: int


@dataclass(frozen=True)
class Page:
    """A chapter or prose page as far as links are concerned."""

    file: Path
    equations: tuple[LabelledEquation, ...] = ()
    citations: tuple[tuple[str, int], ...] = ()  # key, line
    statements: tuple[tuple[str, int], ...] = ()  # "slug/statement", line
    faults: tuple[Fault, ...] = ()


def read_page(file: Path) -> Page:
    """A notebook or Markdown page. A notebook that cannot be read is a fault of the page."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Page(file, faults=(Fault(file, 1, f"cannot read: {error}"),))
    if file.suffix != ".ipynb":
        return _page(file, [(text, 1)])
    try:
        notebook = json.loads(text)
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
        sources = [c["source"] if isinstance(c["source"], str) else "".join(c["source"]) for c in cells]
    except (ValueError, KeyError, TypeError) as error:
        line = getattr(error, "lineno", 1)
        return Page(file, faults=(Fault(file, line, "not a notebook", "restore it from git"),))
    placed, offset = [], 0
    for source in sources:
        first = next((line for line in source.split("\n") if line.strip()), "")
        found = text.find(json.dumps(first, ensure_ascii=False)[1:-1], offset) if first else -1
        if found < 0 and first:
            found = text.find(json.dumps(first)[1:-1], offset)
        offset = found if found >= 0 else offset
        placed.append((source, text.count("\n", 0, offset) + 1))
    return _page(file, placed)


def _page(file: Path, sources: list[tuple[str, int]]) -> Page:
    equations: list[LabelledEquation] = []
    citations: list[tuple[str, int]] = []
    cited: list[tuple[str, int]] = []
    for source, first in sources:

        def line(match: re.Match, source: str = source, first: int = first) -> int:
            return first + source.count("\n", 0, match.start())

        for match in _MATH.finditer(source):
            label = re.search(r"^:(?:label|name):[ \t]*(\S+)", match["body"], re.MULTILINE)
            if label:
                latex = re.sub(r"^:\w+:.*$", "", match["body"], flags=re.MULTILINE)
                equations.append(LabelledEquation(label[1], latex.strip(), line(match)))
        for match in _DOLLARS.finditer(source):
            equations.append(LabelledEquation(match["label"], match["body"].strip(), line(match)))
        for match in _CITE.finditer(source):
            citations += [(key.strip(), line(match)) for key in match[1].split(",")]
        cited += [(match[1], line(match)) for match in _STATEMENT.finditer(source)]
    return Page(file, tuple(equations), tuple(citations), tuple(cited))


def pages(root: Path) -> Iterator[Page]:
    """Every chapter and every prose page of the project."""
    for folder, pattern in (("notebooks", "*.ipynb"), ("book", "**/*.md")):
        for file in sorted((root / folder).glob(pattern)):
            if not any(part.startswith((".", "_")) for part in file.relative_to(root).parts):
                yield read_page(file)


def same_latex(one: str, other: str) -> bool:
    """Whether two formulas agree but for white space.

    >>> same_latex(r"h_t = \\\\phi( x )", r"h_t=\\\\phi(x)")
    True
    """
    return _squeezed(one) == _squeezed(other)


def _squeezed(latex: str) -> str:
    # white space only matters where it ends a command's name: \phi x is not \phix
    latex = re.sub(r"(\\[A-Za-z]+)\s+(?=[A-Za-z])", "\\1\0", latex.strip())
    return re.sub(r"\s+", "", latex)


def chapter_of(file: Path) -> Chapter | None:
    """What a notebook's stored outputs and metadata say of its last execution; None where it has none."""
    try:
        notebook = json.loads(file.read_text(encoding="utf-8"))
        return executed_chapter(notebook)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def executed_chapter(notebook: Mapping[str, Any]) -> Chapter:
    """The record of an executed notebook, as plain data.

    Raises:
        KeyError: if it was not executed by `unrolled run`.
    """
    record = notebook["metadata"]["unrolled"]
    outputs = [out for cell in notebook["cells"] for out in cell.get("outputs", ())]
    left = [out["data"][VALUE] for out in outputs if VALUE in out.get("data", {})]
    return Chapter(
        **{name: record[name] for name in ("key", "seconds", "peak_memory_mb", "executed", "versions")},
        device=record.get("device", "cpu"),
        values={item["name"]: item["value"] for item in left},
    )
