"""Whether an oracle's test, by its source text, holds an equation's code against the transcription.

Such a test calls the implementation, calls the NumPy transcription, and asserts something that could be
false. That it fails when the implementation is broken is tried in ``tests/oracles``, with ``--broken``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from unrolled.base import keys
from unrolled.base.errors import UnrolledError
from unrolled.base.source import Stamp, stamp, syntax_tree
from unrolled.library import symbols
from unrolled.library.faults import Fault
from unrolled.library.models import Entry
from unrolled.library.yamltext import Document

_CALLED = frozenset({"forward", "__call__", "__init__"})  # methods that a call of the object or class reaches
_SWITCHES = frozenset({"skip", "skipif", "xfail"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Module:
    """What a file defines and imports at its top."""

    defined: dict[str, ast.AST] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)  # name -> "package.module:name" or "module:"
    transcriptions: set[str] = field(default_factory=set)  # modules loaded from a file


@dataclass
class Uses:
    """What one definition names, or a test with all the helpers and fixtures of its own file."""

    symbols: set[str] = field(default_factory=set)  # "package.module:name"
    own: set[str] = field(default_factory=set)  # names of its own file
    attributes: set[str] = field(default_factory=set)
    asserts: bool = False
    switched_off: bool = False


def oracle_faults(entry: Entry, document: Document) -> Iterator[Fault]:
    """Equations whose oracle does not hold their implementation against the transcription."""
    for index, equation in enumerate(entry.equations):
        if equation.implementation is None or equation.oracle is None:
            continue
        try:
            place = symbols.resolve(equation.oracle)
            symbols.resolve(equation.implementation)
        except UnrolledError:  # told of the symbol itself
            continue
        found = reach(place.file, place.name)
        test = equation.oracle.partition("::")[2]
        said = None
        if found.switched_off:
            said = f"{test} is skipped or expected to fail", "an oracle must run"
        elif not found.asserts:
            said = f"{test} asserts nothing", "compare the implementation with the transcription"
        elif not found.own & _module(str(place.file), stamp(place.file)).transcriptions:
            said = f"{test} does not call the transcription", "compare with the NumPy form of the equation"
        elif not calls(found, equation.implementation):
            said = (
                f"{test} does not call {equation.implementation}",
                "name the function that the test compares",
            )
        if said:
            line = document.line("equations", index, "oracle")
            yield Fault(document.file, line, f"equation {equation.label}: {said[0]}", said[1])


def reach(file: Path, test: str) -> Uses:
    """What the test of that name uses, by itself and through its file."""
    path, written, found = str(file), stamp(file), Uses()
    found.switched_off = _uses(path, written, test).switched_off
    pending = [test, *_always(_module(path, written))]
    while pending:
        name = pending.pop()
        if name not in found.own:
            found.own.add(name)
            part = _uses(path, written, name)
            pending += part.own
            found.symbols |= part.symbols
            found.attributes |= part.attributes
            found.asserts |= part.asserts
    return found


def calls(found: Uses, implementation: str) -> bool:
    """Whether a test names the implementation itself, or a class of which it is a part.

    A function counts where the test names it, or where a class that the test builds does, by itself or
    through the classes that it is made of. A function behind another function does not count: then the
    equation should name the one that the test calls.
    """
    module, _, symbol = implementation.partition(":")
    owner, _, method = symbol.rpartition(".")
    named, attributes, pending = set(found.symbols), set(found.attributes), list(found.symbols)
    while pending:
        part = _class(pending.pop())
        attributes |= part.attributes
        pending += part.symbols - named
        named |= part.symbols
    if not owner:
        return implementation in named
    return f"{module}:{owner}" in named and (method in attributes or method in _CALLED)


def _class(symbol: str) -> Uses:
    """What the body of a class names; nothing for a function."""
    name, _, inner = symbol.partition(":")
    file = keys.module_file(name) if name.startswith("unrolled.") else None
    if file is None or not isinstance(_module(str(file), stamp(file)).defined.get(inner), ast.ClassDef):
        return Uses()
    found = _uses(str(file), stamp(file), inner)
    return Uses(found.symbols | {f"{name}:{other}" for other in found.own}, set(), found.attributes)


@lru_cache(maxsize=4096)
def _uses(path: str, stamp: Stamp, name: str) -> Uses:
    """What one definition of a file names; a method is named with its class."""
    module, found = _module(path, stamp), Uses()
    first, _, method = name.partition(".")
    node = module.defined.get(first)
    if node is None:
        return found
    if method:
        node = next((n for n in ast.walk(node) if isinstance(n, Function) and n.name == method), node)
    for part in ast.walk(node):
        if isinstance(part, ast.Name | ast.arg):  # an argument of a test is a fixture
            _note(found, module, part.id if isinstance(part, ast.Name) else part.arg)
        elif isinstance(part, ast.Attribute):
            found.attributes.add(part.attr)
            found.switched_off |= part.attr in _SWITCHES
            if isinstance(part.value, ast.Name):  # module.symbol
                package, colon, inner = module.imported.get(part.value.id, "").partition(":")
                found.symbols |= {f"{package}.{inner}".rstrip(".") + f":{part.attr}"} if colon else set()
        found.asserts |= _asserts(part)
    return found


def _note(found: Uses, module: Module, name: str) -> None:
    if name in module.imported:
        found.symbols.add(module.imported[name])
    elif name in module.defined:
        found.own.add(name)


@lru_cache(maxsize=1024)
def _module(path: str, stamp: Stamp) -> Module:
    found = Module()
    for node in syntax_tree(Path(path)).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found.imported[alias.asname or alias.name] = f"{node.module}:{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found.imported[alias.asname or alias.name] = f"{alias.name}:"
        elif isinstance(node, Function | ast.ClassDef):
            found.defined[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            loads = any(getattr(part, "attr", None) == "module_from_spec" for part in ast.walk(node.value))
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for name in (part.id for part in ast.walk(target) if isinstance(part, ast.Name)):
                    found.defined[name] = node.value
                    if loads:
                        found.transcriptions.add(name)
    return found


def _always(module: Module) -> list[str]:
    """Fixtures that every test of the file uses."""
    return [
        name
        for name, node in module.defined.items()
        if isinstance(node, Function)
        and any(
            isinstance(part, ast.keyword) and part.arg == "autouse"
            for decorator in node.decorator_list
            for part in ast.walk(decorator)
        )
    ]


def _asserts(part: ast.AST) -> bool:
    """Whether a node asserts something that is no constant."""
    if isinstance(part, ast.Assert):
        return any(isinstance(inner, ast.Name | ast.Call) for inner in ast.walk(part.test))
    if isinstance(part, ast.Call):
        name = part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
        return name.startswith("assert_") and len(part.args) > 1
    return False
