"""Chapters as files: where they are, their parameters, and what is stripped before one is stored."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unrolled.base import paths
from unrolled.base.errors import UnrolledError, UsageError, unknown
from unrolled.execution.keys import python
from unrolled.library.outputs import code_cells

PARAMETERS = "parameters"
"""The tag of the cell that papermill puts its own after."""

INJECTED = "injected-parameters"

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}
"""No version: a notebook's text must not change with the Python that ran it."""


def slugs() -> list[str]:
    """The slugs of all chapters, sorted."""
    return sorted(file.stem for file in paths.notebooks().glob("*.ipynb") if not file.name.startswith("."))


def chapter_file(slug: str) -> Path:
    """The notebook of a chapter.

    Raises:
        UsageError: if there is none of that slug; near slugs are named.
    """
    file = paths.notebooks() / f"{slug}.ipynb"
    if slug not in slugs():
        raise unknown("chapter", slug, slugs(), listing=f"no notebook {file}")
    return file


def tags(cell: Mapping[str, Any]) -> list[str]:
    """A cell's tags."""
    return cell.get("metadata", {}).get("tags") or []


def parameter_defaults(notebook: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    """The names and default values that the notebook's parameters cell assigns.

    Raises:
        UnrolledError: if there is no such cell, or more than one, or it does more than assign literals.
    """
    hint = 'tag one code cell "parameters"; it sets profile, seed and device'
    cells = [cell for cell in code_cells(notebook) if PARAMETERS in tags(cell)]
    if len(cells) != 1:
        raise UnrolledError(
            f"{len(cells) or 'no'} parameters cell{'s' * (len(cells) > 1)}", file=path, hint=hint
        )
    defaults = {}
    try:
        for statement in ast.parse(python(cells[0]["source"])).body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                target, value = statement.targets[0], statement.value
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                target, value = statement.target, statement.value
            elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue
            else:
                raise ValueError(f"line {statement.lineno} assigns no name")
            if not isinstance(target, ast.Name):
                raise ValueError(f"line {statement.lineno} assigns no name")
            defaults[target.id] = ast.literal_eval(value)
    except (SyntaxError, ValueError) as error:
        raise UnrolledError(f"the parameters cell may only assign literals: {error}", file=path) from error
    return defaults


def overrides(defaults: Mapping[str, Any], given: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    """The given parameters that differ from the notebook's defaults.

    Raises:
        UsageError: if a name is not in the parameters cell (papermill would pass it in silence), or a value
            is not of the default's type.
    """
    chosen = {}
    for name, value in given.items():
        if name not in defaults:
            error = unknown("parameter", name, defaults, listing=f"known: {', '.join(defaults) or 'none'}")
            raise UsageError(error.problem, file=path, hint=error.hint)
        default = defaults[name]
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if default is not None and type(value) is not type(default):
            wanted = type(default).__name__
            raise UsageError(f"parameter {name} must be of type {wanted}, not {value!r}", file=path)
        if value != default:
            chosen[name] = value
    return chosen


def tidy(notebook: Any, identifiers: list[str | None]) -> None:
    """Strip from an executed notebook, in place, whatever would differ between two equal runs.

    Papermill's records and times go; the kernel's name and the language are set, without versions; cells
    keep the identifiers that the source gave them, or are counted where it gave none.
    """
    metadata = notebook.metadata
    for name in ("papermill", "widgets"):
        metadata.pop(name, None)
    metadata["kernelspec"], metadata["language_info"] = dict(KERNELSPEC), dict(LANGUAGE)
    known = [name for name in identifiers if name]
    distinct = len(set(known)) == len(identifiers)
    place = 0
    for cell in notebook.cells:
        for name in ("papermill", "execution", "ExecuteTime"):
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if INJECTED in tags(cell):
            cell["id"] = INJECTED
            continue
        cell["id"] = identifiers[place] if distinct else f"cell-{place + 1:02d}"
        place += 1


def outputs_of(notebook: Mapping[str, Any], mime: str) -> list[dict[str, Any]]:
    """What the stored outputs hold under a MIME type, in order."""
    return [
        output["data"][mime]
        for cell in code_cells(notebook)
        for output in cell.get("outputs", [])
        if mime in output.get("data", {})
    ]
