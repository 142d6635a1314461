"""What must be true of a stored chapter, beyond what nbval compares. Read from its file; nothing is executed.

nbval passes over a cell that was never executed, and Jupyter Book shows a stored error without a word: these
checks are the ones that stand between both and the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unrolled.base import paths
from unrolled.base.errors import UnrolledError
from unrolled.execution.aftermath import after_training
from unrolled.execution.keys import python, read_notebook, stale
from unrolled.execution.notebooks import INJECTED, outputs_of, parameter_defaults, tags
from unrolled.library.chapters import VALUE
from unrolled.library.outputs import IMAGES, code_cells, problems

LARGEST = 100_000
"""Bytes of one stored figure. A PNG is stored as base64, of which four characters are three bytes."""

NOT_BY_VALUE = "nbval-ignore-output"

_BAR = re.compile(r"\d+%\|.*\||\d ?(?:it/s|s/it)\b")
_EMBEDDED = re.compile(r";base64,[A-Za-z0-9+/=\s]+")  # a sound or a picture: its letters are no words
_PLACE = re.compile(r"(?<![\w.:/<])/(?:[\w.-]+/)+[\w.-]+|\b[A-Za-z]:\\\w+")


def faults(path: str | Path) -> list[str]:
    """Everything that keeps a stored chapter from being shown, one line each; none where it is fit."""
    path = Path(path)
    try:
        notebook = read_notebook(path)
    except UnrolledError as error:
        return [str(error)]
    found = [*_parameters(notebook, path)]
    for number, cell in enumerate(code_cells(notebook), 1):
        found += [f"code cell {number} {fault}" for fault in _cell(cell)]
    found += _aftermath(code_cells(notebook))
    for number, problem, hint in problems(notebook, path.stem):
        found.append(f"{f'code cell {number} ' if number else ''}{problem}; {hint}")
    found += _values(notebook, path.stem)
    reason = stale(path)
    return [*found, f"stale: {reason}; run `unrolled run {path.stem}`"] if reason else found


def _parameters(notebook: Mapping[str, Any], path: Path) -> Iterator[str]:
    try:
        defaults = parameter_defaults(notebook, path)
    except UnrolledError as error:
        yield f"{error.problem} ({error.hint})" if error.hint else error.problem
        return
    if defaults.get("profile") != "book":
        yield 'the parameters cell must say profile = "book"'
    if any(INJECTED in tags(cell) for cell in notebook["cells"]):
        yield "holds a cell that papermill injected: it does not show the defaults"


def _text(content: object) -> str:
    return "".join(content) if isinstance(content, list) else str(content)


def _cell(cell: Mapping[str, Any]) -> Iterator[str]:
    if cell.get("execution_count") is None:
        yield "was not executed"
    for output in cell.get("outputs", []):
        if output.get("output_type") == "error":
            yield f"holds an error: {output.get('ename')}: {output.get('evalue')}"
            continue
        if output.get("output_type") == "stream" and output.get("name") == "stderr":
            yield f"printed on standard error: {_text(output.get('text', '')).strip()[:80]!r}"
        data = output.get("data", {})
        images = [mime for mime in IMAGES if mime in data]
        for mime in images:
            size = len(_text(data[mime]).encode())
            size = size if mime == "image/svg+xml" else size * 3 // 4
            if size > LARGEST:
                yield f"holds a figure of {size / 1000:.0f} kB; {LARGEST / 1000:.0f} are allowed"
        words = [_text(output.get("text", ""))]
        words += [
            _EMBEDDED.sub("", _text(content)) for mime, content in data.items() if mime.startswith("text/")
        ]
        if any(_BAR.search(text) for text in words):
            yield "holds a progress bar"
        for place in {match for text in words for match in _PLACE.findall(text)}:
            yield f"holds a path of one machine: {place}"


def _aftermath(cells: list[dict[str, Any]]) -> Iterator[str]:
    """What follows from a training is not compared by value: its cell says so."""
    try:
        places = after_training(python(cell["source"]) for cell in cells)
    except SyntaxError:
        return  # told with the key
    for place in places:
        outputs = [output for output in cells[place].get("outputs", []) if not _is_picture(output)]
        if outputs and NOT_BY_VALUE not in tags(cells[place]):
            yield f"code cell {place + 1} prints what follows from a training: tag it {NOT_BY_VALUE}"


def _is_picture(output: Mapping[str, Any]) -> bool:
    return any(mime in output.get("data", {}) for mime in IMAGES)


def _values(notebook: Mapping[str, Any], slug: str) -> Iterator[str]:
    """Every value of the chapter that a statement or finding rests on is left by a cell."""
    if not (paths.entries() / f"{slug}.yaml").is_file():
        yield f"has no entry bib/entries/{slug}.yaml"
        return
    from unrolled.library.entries import load_entry

    try:
        entry = load_entry(slug)
    except UnrolledError as error:
        yield f"its entry has faults: {str(error).splitlines()[0]}"
        return
    left = {item["name"] for item in outputs_of(notebook, VALUE)}
    for quantity in (*entry.statements, *entry.findings):
        if quantity.value and quantity.value not in left:
            yield f"leaves no value {quantity.value!r}, which {quantity.id} rests on"
