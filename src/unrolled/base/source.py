"""Python files as syntax trees: each is parsed once in a process, and again only where it has changed."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

Stamp = tuple[int, int]
"""When a file was last written, in nanoseconds, and its size: another stamp is another content."""


def stamp(path: Path) -> Stamp:
    """The stamp of a file."""
    status = path.stat()
    return (status.st_mtime_ns, status.st_size)


def syntax_tree(path: Path) -> ast.Module:
    """The syntax tree of a Python file, to be read and not changed.

    Raises:
        SyntaxError: if it is not Python.
    """
    return _tree(str(path), stamp(path))


@lru_cache(maxsize=1024)
def _tree(path: str, stamp: Stamp) -> ast.Module:
    return ast.parse(Path(path).read_text(encoding="utf-8"))
