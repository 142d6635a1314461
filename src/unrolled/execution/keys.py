"""Keys of chapters: what a notebook's stored outputs depend on, and which part of it has changed since.

A key covers the notebook's code cells, the text of every module that they import (directly or not), the
profile and parameters, the checksums of the data sets that the entry names, and the versions of torch and
numpy. Markdown cells are left out: they are shown
as they stand and never executed, so a better sentence needs no new run. Everything is read from text;
nothing is imported.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from unrolled.base import keys, paths
from unrolled.base.errors import UnrolledError
from unrolled.library.outputs import code_cells
from unrolled.training.presets import tables

PINNED = ("torch", "numpy")
"""The distributions whose version changes numbers."""

STYLE = "execution/unrolled.mplstyle"
"""Read by `unrolled.execution.figures`, and no Python: it enters the key by name."""

APART = "unrolled.library"
"""Left out of keys: outputs take nothing of the knowledge base. With it, a new field in the schema
would have every chapter of the book executed again."""

_SHORT = 12


def read_notebook(path: str | Path) -> dict[str, Any]:
    """The notebook as plain JSON, every cell's source one string.

    Raises:
        UnrolledError: if the file is missing or no notebook of format 4.
    """
    path = Path(path)
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UnrolledError("no such notebook", file=path) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", None)
        raise UnrolledError(f"not a notebook: {error}", file=path, line=line) from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise UnrolledError("not a notebook of format 4: no list of cells", file=path)
    if not all(isinstance(cell, dict) and "source" in cell for cell in notebook["cells"]):
        raise UnrolledError("not a notebook of format 4: a cell without source", file=path)
    for cell in notebook["cells"]:
        if isinstance(cell["source"], list):
            cell["source"] = "".join(cell["source"])
    return notebook


def python(source: str) -> str:
    """A cell's source as Python: IPython's magics and shell lines become ``pass``; a ``%%`` cell is nothing.

    >>> python("%pip install unrolled\\nimport torch")
    'pass\\nimport torch'
    >>> python("x = (a\\n    != b\\n    % 2)")
    'x = (a\\n    != b\\n    % 2)'
    """
    if source.lstrip().startswith("%%"):
        return ""
    return re.sub(r"^([ \t]*)(?:%(?=[%\w])|!(?!=)).*$", r"\1pass", source, flags=re.MULTILINE)


def imported(notebook: Mapping[str, Any], path: str | Path) -> set[str]:
    """The modules of ``unrolled`` that the code cells import.

    Raises:
        UnrolledError: if a cell is not Python, or imports from a module that does not exist.
    """
    modules = set()
    for number, cell in enumerate(code_cells(notebook), 1):
        try:
            names = keys.imports(ast.parse(python(cell["source"])), "__main__", is_package=False)
        except SyntaxError as error:
            raise UnrolledError(f"code cell {number} is not Python: {error.msg}", file=path) from error
        for name in names:
            if keys.module_file(name):
                modules.add(name)
            elif keys.module_file(name.rpartition(".")[0]) is None:
                module = name.rpartition(".")[0]
                raise UnrolledError(f"code cell {number} imports {module}, which does not exist", file=path)
    return modules


def trained(notebook: Mapping[str, Any]) -> list[str]:
    """The presets that the code cells train by ``chapter.train``, each once."""
    calls = [
        node
        for cell in code_cells(notebook)
        for node in ast.walk(ast.parse(python(cell["source"])))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "chapter.train"
    ]
    named = [getattr(call.args[0], "value", None) if call.args else "live" for call in calls]
    return sorted({name for name in named if isinstance(name, str)})


def versions() -> dict[str, str]:
    """Torch's and numpy's version: as pinned in ``constraints/cpu.txt`` if there is one, else as installed.

    The pins come first, so that a reader with another torch does not find every chapter stale.
    """
    found = {}
    pins = paths.project() / "constraints" / "cpu.txt"
    if pins.is_file():
        text = pins.read_text(encoding="utf-8")
        found = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;#+]+)", text, flags=re.MULTILINE))
    return {name: found.get(name) or _installed(name) for name in PINNED}


def _installed(distribution: str) -> str:
    try:
        return version(distribution).partition("+")[0]
    except PackageNotFoundError:
        return "absent"


def _hash(content: object) -> str:
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _entry(slug: str) -> dict[str, Any]:
    """The entry as plain data; an empty one where there is none (its faults are for `unrolled check`)."""
    from unrolled.library.entries import read_entry

    file = paths.entries() / f"{slug}.yaml"
    if not file.is_file():
        return {}
    _, document = read_entry(file)
    if document.data is None and document.faults:
        fault = document.faults[0]
        raise UnrolledError(fault.problem, file=file, line=fault.line, hint=fault.hint)
    return document.data if isinstance(document.data, dict) else {}


def _data(entry: Mapping[str, Any]) -> dict[str, str]:
    """The checksums of the data sets that the entry names; the registry's words on them are left out."""
    folder = paths.sources() / "data"
    registry, names = folder / "registry.toml", entry.get("datasets") or []
    if not names or not registry.is_file():
        return {}
    tables, found = tomllib.loads(registry.read_text(encoding="utf-8")), {}
    for name in names:
        listing = folder / "listings" / f"{name}.txt"
        if name in tables:
            files = tables[name].get("files")
            found[str(name)] = _hash(
                files or (listing.read_text("utf-8") if listing.is_file() else tables[name])
            )
    return found


def parts(
    path: str | Path, profile: str = "book", parameters: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """Everything that the notebook's key covers, each part with its own hash."""
    notebook, paper = read_notebook(path), f"unrolled.papers.{Path(path).stem}.experiment"
    wanted, presets = imported(notebook, path), trained(notebook)
    if presets and keys.module_file(paper):
        wanted.add(paper)  # `chapter.train` imports it by its name
    modules = {
        name: file
        for name, file in keys.closure(sorted(wanted)).items()
        if name != APART and not name.startswith(f"{APART}.")
    }
    files = {}
    style = paths.sources() / STYLE
    if "unrolled.execution.figures" in modules and style.is_file():
        files[STYLE] = _hash(style.read_text(encoding="utf-8"))
    if paper in modules:
        known = tables(modules[paper].with_name("runs.toml"))
        for name in presets:
            values = {field: value for field, value in known.get(name, {}).items() if field != "about"}
            files[f"preset {name}"] = _hash(values)
    entry = _entry(Path(path).stem)
    return {
        "profile": profile,
        "parameters": dict(parameters or {}),
        "cells": [_hash(cell["source"].strip()) for cell in code_cells(notebook)],
        "modules": {name: keys.file_key(file, as_text=True) for name, file in modules.items()},
        "files": files,
        "data": _data(entry),
        "versions": versions(),
    }


def compact(found: Mapping[str, Any]) -> dict[str, Any]:
    """The parts as a notebook's metadata keeps them: hashes cut to twelve digits, enough to name a change."""

    def cut(value: object) -> object:
        if isinstance(value, list):
            return [item[:_SHORT] for item in value]
        return {name: item[:_SHORT] for name, item in value.items()}  # type: ignore[attr-defined]

    kept = {name: cut(found[name]) for name in ("cells", "modules", "files", "data") if found[name]}
    return kept | ({"parameters": found["parameters"]} if found["parameters"] else {})


def notebook_key(
    path: str | Path, profile: str = "book", parameters: Mapping[str, object] | None = None
) -> str:
    """The key of a chapter's outputs under a profile, with parameters other than the notebook's defaults."""
    return keys.combine(parts(path, profile, parameters))


def stale(path: str | Path) -> str | None:
    """Why the stored outputs no longer follow from what they depend on; None where they do.

    Raises:
        UnrolledError: if the file is no notebook.
    """
    notebook = read_notebook(path)
    record = notebook.get("metadata", {}).get("unrolled")
    if not isinstance(record, dict) or not record.get("key"):
        return "never executed by `unrolled run`"
    for number, cell in enumerate(code_cells(notebook), 1):
        if cell.get("execution_count") is None:
            return f"code cell {number} was not executed"
    if record.get("profile") != "book":
        return f"executed with profile {record.get('profile')!r}, not 'book'"
    try:
        found = parts(path)
    except UnrolledError as error:
        return str(error)
    if keys.combine(found) == record["key"]:
        return None
    reasons = _changes(record, found, notebook)
    shown = "; ".join(reasons[:3]) or "the key differs"
    return shown + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")


def _changes(record: Mapping[str, Any], found: Mapping[str, Any], notebook: Mapping[str, Any]) -> list[str]:
    old, new = record.get("parts", {}), compact(found)
    reasons = []
    before, after = old.get("cells", []), new.get("cells", [])
    if len(before) == len(after):
        sources = [cell["source"].strip().splitlines()[0] for cell in code_cells(notebook)]
        for number, (left, right) in enumerate(zip(before, after, strict=True), 1):
            if left != right:
                reasons.append(f"code cell {number} changed ({sources[number - 1][:40]})")
    else:
        reasons.append(f"{len(after)} code cells, {len(before)} were executed")
    for group, word in (("modules", "module"), ("files", "file"), ("data", "data set")):
        left, right = old.get(group, {}), new.get(group, {})
        for name in sorted(left.keys() | right.keys()):
            if name not in right:
                reasons.append(f"{word} {name} is no longer used")
            elif name not in left:
                reasons.append(f"{word} {name} is new")
            elif left[name] != right[name]:
                reasons.append(f"{word} {name} changed")
    for name, now in found["versions"].items():
        then = record.get("versions", {}).get(name)
        if then != now:
            reasons.append(f"{name} {then} became {now}")
    if old.get("parameters"):
        reasons.append("executed with other parameters than the defaults")
    return reasons
