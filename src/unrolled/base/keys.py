"""Keys: one SHA-256 over everything that a result depends on, read from source text, never by importing.

A *run's* key covers syntax trees without comments and docstrings, so that a better sentence does not
cost an hour of training. A *notebook's* key covers the source text, because the page shows it.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from unrolled.base.errors import UnrolledError
from unrolled.base.paths import sources
from unrolled.base.source import Stamp, stamp, syntax_tree


def module_file(module: str, root: Path | None = None) -> Path | None:
    """The file of ``unrolled.…`` below the source folder ``root``, or None where there is no such module."""
    base = os.path.join(root or sources(), *module.split(".")[1:])  # text: a closure asks thousands of times
    for candidate in (f"{base}.py", os.path.join(base, "__init__.py")):
        if os.path.isfile(candidate):
            return Path(candidate)
    return None


def imports(tree: ast.AST, module: str, is_package: bool) -> set[str]:
    """The names below ``unrolled`` that a module imports, anywhere in its tree, as absolute names."""
    found: set[str] = set()
    package = module if is_package else module.rpartition(".")[0]
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
                base = f"{parent}.{base}" if base else parent
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return {name for name in found if name == "unrolled" or name.startswith("unrolled.")}


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below a node; expressions, nine nodes in ten, hold no import."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for inner in getattr(node, name, None) or ():
            yield inner
            yield from _statements(inner)


def imports_of(file: Path, module: str) -> frozenset[str]:
    """The names below ``unrolled`` that the file of a module imports.

    Raises:
        SyntaxError: if it is not Python.
    """
    return _imported(str(file), module, stamp(file))


@lru_cache(maxsize=1024)
def _imported(path: str, module: str, stamp: Stamp) -> frozenset[str]:
    file = Path(path)
    return frozenset(imports(syntax_tree(file), module, file.name == "__init__.py"))


@lru_cache(maxsize=1024)
def _modules(path: str, module: str, root: Path, stamp: Stamp) -> tuple[str, ...]:
    """The names that the file of a module imports and that are modules themselves."""
    return tuple(name for name in imports_of(Path(path), module) if module_file(name, root))


def closure(modules: Iterable[str], root: Path | None = None) -> dict[str, Path]:
    """Every module of the package that ``modules`` import, directly or not, with its file; sorted by name.

    Raises:
        UnrolledError: if one of ``modules`` does not exist or holds a syntax error.
    """
    folder = root or sources()
    pending, seen = list(modules), {}
    for module in pending:
        if module_file(module, folder) is None:
            raise UnrolledError(f"no module {module}", file=folder)
    while pending:
        module = pending.pop()
        file = None if module in seen else module_file(module, folder)
        if file is None:
            continue
        seen[module] = file
        try:
            pending.extend(_modules(str(file), module, folder, stamp(file)))
        except SyntaxError as error:
            raise UnrolledError(f"not Python: {error.msg}", file=file, line=error.lineno) from error
        parent = module.rpartition(".")[0]
        if parent not in (
            "",
            "unrolled",
        ):  # the package's own __init__ holds its version and what is loaded late
            pending.append(parent)
    return dict(sorted(seen.items()))


def _tree(node: object) -> object:
    """A syntax tree as nested lists, without positions, docstrings and empty fields.

    Empty fields are left out because newer Pythons add some: the key is the same on every version.
    """
    if isinstance(node, ast.AST):
        fields = []
        for name, value in ast.iter_fields(node):
            if name == "body" and isinstance(value, list) and not isinstance(node, ast.Lambda):
                value = [
                    statement
                    for statement in value
                    if not (
                        isinstance(statement, ast.Expr)
                        and isinstance(statement.value, ast.Constant)
                        and isinstance(statement.value.value, str)
                    )
                ]
            if value in (None, []) or name in ("ctx", "kind", "type_comment"):
                continue
            fields.append([name, _tree(value)])
        return [type(node).__name__, fields]
    if isinstance(node, list):
        return [_tree(item) for item in node]
    return repr(node)


@lru_cache(maxsize=1024)
def _hashed(path: str, stamp: Stamp, as_text: bool) -> str:
    file = Path(path)
    content = file.read_text(encoding="utf-8") if as_text else json.dumps(_tree(syntax_tree(file)))
    return hashlib.sha256(content.encode()).hexdigest()


def file_key(path: Path, *, as_text: bool) -> str:
    """The hash of one Python file: of its text, or of its syntax tree without comments and docstrings."""
    return _hashed(str(path), stamp(path), as_text)


def source_key(modules: Iterable[str], *, as_text: bool = False, root: Path | None = None) -> str:
    """One hash over the import closure of ``modules``."""
    return combine({name: file_key(file, as_text=as_text) for name, file in closure(modules, root).items()})


def combine(parts: Mapping[str, object]) -> str:
    """One SHA-256 over named parts, independent of their order; values must fit JSON.

    >>> combine({"a": 1, "b": 2}) == combine({"b": 2, "a": 1})
    True
    """
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
