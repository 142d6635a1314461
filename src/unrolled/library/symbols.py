"""Symbols found in source text, never by importing: an equation's function, an oracle's test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from unrolled.base import paths
from unrolled.base.errors import UnrolledError, unknown
from unrolled.base.keys import module_file
from unrolled.base.source import Stamp, stamp, syntax_tree

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Place:
    """Where a symbol stands: its file and its lines, both counted from 1, decorators included."""

    file: Path
    first: int
    last: int
    name: str

    def source(self) -> str:
        """The symbol's source text."""
        lines = self.file.read_text(encoding="utf-8").splitlines()
        return "\n".join(lines[self.first - 1 : self.last]) + "\n"


def resolve(name: str) -> Place:
    """The place of ``package.module:symbol``, ``package.module:Class.method`` or ``tests/file.py::test``.

    Raises:
        UsageError: if the file or the symbol does not exist, with the nearest names that do.
    """
    if "::" in name:
        file, _, symbol = name.partition("::")
        return _in_file(_test_file(file), symbol.replace("::", ".").partition("[")[0], name)
    module, colon, symbol = name.partition(":")
    if not colon or not re.fullmatch(r"unrolled(\.\w+)+", module) or not symbol:
        raise UnrolledError(
            f"{name!r} names no symbol", hint="write it as unrolled.papers.slug.model:function"
        )
    found = module_file(module, paths.sources())
    if found is None:
        raise unknown("module", module, _modules(), listing=f"looked in {paths.sources()}")
    return _in_file(found, symbol, name)


def _test_file(name: str) -> Path:
    root = paths.project()
    path = root / name
    if not name.startswith("tests/") or ".." in Path(name).parts:
        raise UnrolledError(
            f"{name!r} is no test file", hint="write it as tests/oracles/test_slug.py::test_name"
        )
    if not path.is_file():
        known = [str(found.relative_to(root)) for found in root.glob("tests/**/test_*.py")]
        raise unknown("test file", name, known, listing=f"looked in {root}")
    return path


def _modules() -> Iterator[str]:
    root = paths.sources()
    for path in root.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        yield ".".join(("unrolled", *(part for part in parts if part != "__init__")))


def _in_file(file: Path, symbol: str, name: str) -> Place:
    known = definitions(file, stamp(file))
    if symbol not in known:
        raise unknown("symbol", f"{symbol}", known, listing=f"{name} is not in {file.name}")
    first, last = known[symbol]
    return Place(file, first, last, symbol)


@lru_cache(maxsize=512)
def definitions(file: Path, stamp: Stamp) -> dict[str, tuple[int, int]]:
    """Every function, class, method and module-level name of a file, with its lines.

    Raises:
        UnrolledError: if the file is not Python.
    """
    try:
        tree = syntax_tree(file)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise UnrolledError(f"not Python: {error.args[0]}", file=file, line=line) from error
    return dict(_defined(tree.body, ""))


def _defined(body: list[ast.stmt], around: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for node in body:
        if isinstance(node, _DEFINITIONS):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield around + node.name, (first, node.end_lineno or first)
            if isinstance(node, ast.ClassDef):
                yield from _defined(node.body, f"{around}{node.name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    yield around + target.id, (node.lineno, node.end_lineno or node.lineno)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from _defined(node.body, around)
