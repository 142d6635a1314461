"""The references behind a Python object: ``unrolled.cite(model)``.

The single source is the line ``*Paper*: key, section, equations`` in the docstrings of the code. An object's
parts are found in its source text; of a module that exists, its live submodules are looked at, so that
a classifier with an LSTM inside does not cite the cell that it could have had.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from unrolled import __version__
from unrolled.base import paths
from unrolled.base.errors import UsageError
from unrolled.base.keys import module_file
from unrolled.library import bibliography
from unrolled.library.bibliography import Reference
from unrolled.library.models import INVERSES

_TAG = re.compile(r"^[ \t]*\*Paper\*:[ \t]*(.+?)(?=\n[ \t]*\n|\Z)", re.MULTILINE | re.DOTALL)
_ORIGINS = ("extends", "combines", "replaces-component", "special-case-of", "generalises")
"""Relations whose target is part of what an entry is made of."""
_FLOORS = ("nn", "papers")
"""Below these the code follows papers; the rest is the house's own."""


@dataclass(frozen=True)
class Credit:
    """One reference, and the sentences that say why it stands behind the object."""

    reference: Reference
    reasons: tuple[str, ...]

    @property
    def key(self) -> str:
        """The reference's key."""
        return self.reference.key


@dataclass(frozen=True)
class Credits:
    """The references behind an object, in the order in which its parts name them; the book's code is last."""

    name: str
    items: tuple[Credit, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the references."""
        return tuple(item.key for item in self.items)

    def bibtex(self) -> str:
        """The references in BibTeX, ready for a ``.bib`` file."""
        return self.render("bibtex")

    def render(self, style: str = "apa") -> str:
        """The references in any style that ``unrolled cite`` knows."""
        from unrolled.library.citing import render

        return render([item.reference for item in self.items], style)

    def __iter__(self) -> Iterator[Credit]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __str__(self) -> str:
        from unrolled.library.biblatex import understood
        from unrolled.library.latex import names, plain_field

        lines = [f"References behind {self.name}:"]
        for item in self.items:
            people = names(item.reference.get("author"))
            who = people[0].literal or people[0].family if people else item.key
            if len(people) == 2 and people[1].literal != "others":
                who += f" and {people[1].literal or people[1].family}"
            elif len(people) > 1:
                who += " et al."
            year = understood(item.reference).get("year")
            lines.append(
                f"- {who} ({year}), {plain_field('title', item.reference.get('title'))} [{item.key}]"
            )
            lines += [f"    {reason}" for reason in item.reasons]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Credits({self.name}: {', '.join(self.keys)})"


@dataclass(frozen=True)
class _Symbol:
    """A function or class of the package, in its source text."""

    module: str
    name: str
    node: ast.AST = field(compare=False, hash=False, repr=False)

    @property
    def identifier(self) -> str:
        """As entries name it: ``unrolled.nn.cells:lstm_step``."""
        return f"{self.module}:{self.name}"


def credits_of(thing: object) -> Credits:
    """The references behind a model, class, function or module of the package.

    Args:
        thing: an instance (its live submodules count), a class, a function or a module below ``unrolled``.

    Raises:
        UsageError: if the thing has no part that this package defines.
    """
    found: dict[str, list[str]] = {}
    for symbol, where, live in _starts(thing):
        _visit(symbol, where, live, found, set())
    name = _name(thing)
    if not found and not _ours(thing):
        raise UsageError(
            f"nothing of {name} is defined in unrolled",
            hint="give a model, class, function or module of the package",
        )
    _add_lineage(found)
    known = bibliography.load().entries
    items = [Credit(known[key], tuple(dict.fromkeys(why))) for key, why in found.items()]
    from unrolled.library.bookcite import book_reference

    book = book_reference()
    items.append(Credit(book, (f"The code of {name} is this package's, version {__version__}.",)))
    return Credits(name, tuple(items))


def _ours(thing: object) -> bool:
    if isinstance(thing, ModuleType):
        module = thing.__name__
    else:
        module = getattr(thing, "__module__", None) or type(thing).__module__
    return module == "unrolled" or module.startswith("unrolled.")


def _name(thing: object) -> str:
    if isinstance(thing, ModuleType):
        return thing.__name__
    return getattr(thing, "__qualname__", None) or type(thing).__qualname__


def _starts(thing: object) -> Iterator[tuple[_Symbol, str, bool]]:
    """The symbols to begin with, where each stands in the thing, and whether live parts show themselves."""
    if isinstance(thing, ModuleType):
        if _ours(thing):
            for module in _modules_of(thing.__name__):
                for name in _definitions(module):
                    if not name.startswith("_"):
                        yield _Symbol(module, name, _definitions(module)[name]), "", False
        return
    if isinstance(thing, type) or hasattr(thing, "__qualname__"):  # a class, a function or a method
        if symbol := _symbol(thing):
            yield symbol, "", False
        return
    parts = getattr(thing, "named_modules", None)
    if not callable(parts):
        if symbol := _symbol(type(thing)):
            yield symbol, "", True
        return
    for path, part in parts():
        for kind in type(part).__mro__:
            if symbol := _symbol(kind):
                yield symbol, path, True


def _modules_of(name: str) -> list[str]:
    """A module, or all modules of a package; of the whole package, those that follow papers."""
    file = module_file(name, paths.sources())
    if file is None or file.name != "__init__.py":
        return [name]
    folders = [file.parent / floor for floor in _FLOORS] if name == "unrolled" else [file.parent]
    root = paths.sources().parent
    return [
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for folder in folders
        for path in sorted(folder.rglob("*.py"))
    ]


def _symbol(thing: object) -> _Symbol | None:
    module = str(getattr(thing, "__module__", "") or "")
    name = str(getattr(thing, "__qualname__", "")).partition(".")[0]
    if not module.startswith("unrolled.") or module_file(module, paths.sources()) is None:
        return None
    node = _definitions(module).get(name)
    return _Symbol(module, name, node) if node is not None else None


def _visit(symbol: _Symbol, where: str, live: bool, found: dict[str, list[str]], seen: set[str]) -> None:
    """Note what a symbol's own docstring and entries name, then go on to what it uses."""
    if symbol.identifier in seen:
        return
    seen.add(symbol.identifier)
    what = f"{symbol.name} (part {where!r})" if where else symbol.name
    tagged = list(_tagged(symbol))
    for key, rest in tagged:
        found.setdefault(key, []).append(f"{what} follows {rest}." if rest else f"{what} follows it.")
    for key, numbers in _implemented(symbol.identifier).items():
        if key not in dict(tagged):
            plural = "s" if len(numbers) > 1 else ""
            said = f"{what} computes equation{plural} {', '.join(numbers)}."
            found.setdefault(key, []).append(said)
    for other in _used(symbol):
        if not (live and _is_layer(other)):
            _visit(other, where, live, found, seen)


def _tagged(symbol: _Symbol) -> Iterator[tuple[str, str]]:
    """Each key that the docstring's line ``*Paper*`` names, and what it says of the place."""
    match = _TAG.search(ast.get_docstring(symbol.node) or "")
    if not match:
        return
    known = bibliography.load().entries
    text = " ".join(match[1].split()).rstrip(".")
    for part in re.split(r";\s+(?=[a-z]+\d{4})", text):
        key, _, rest = part.partition(",")
        if key.strip() in known:
            # the first sentence says the place; what follows explains
            yield key.strip(), re.split(r"\.\s+(?=[A-Z])", rest.strip())[0]


@lru_cache(maxsize=1)
def _equations(stamp: tuple) -> dict[str, dict[str, list[str]]]:
    from unrolled.library.entries import read_all

    table: dict[str, dict[str, list[str]]] = {}
    for entry in read_all()[0].values():
        for equation in entry.equations:
            if equation.implementation:
                numbers = table.setdefault(equation.implementation, {}).setdefault(entry.key, [])
                numbers.append(equation.number)
    return table


def _implemented(identifier: str) -> dict[str, list[str]]:
    """The equations that a symbol computes, by key, as the entries say."""
    stamp = tuple(sorted((p.name, p.stat().st_mtime_ns) for p in paths.entries().glob("*.yaml")))
    return _equations((str(paths.entries()), stamp)).get(identifier, {})


def _add_lineage(found: dict[str, list[str]]) -> None:
    """What the entries found are made of, by their relations, one step back."""
    from unrolled.library.entries import read_all

    entries = read_all()[0]
    homes = {entry.key: entry for entry in entries.values() if entry.kind != "reading"}
    for key in list(found):
        entry = homes.get(key)
        for relation in entry.relations if entry else ():
            if relation.type in _ORIGINS:
                target = entries[relation.target].key if relation.target in entries else relation.target
                said = f"It {INVERSES[relation.type]} {entry.short}: {relation.evidence.rstrip('.')}."
                found.setdefault(target, []).append(said)


def _definitions(module: str) -> dict[str, ast.AST]:
    file = module_file(module, paths.sources())
    status = file.stat()
    return _read(file, (status.st_mtime_ns, status.st_size))[0]


@lru_cache(maxsize=256)
def _read(file: Path, stamp: tuple[int, int]) -> tuple[dict[str, ast.AST], dict[str, tuple[str, str]]]:
    """A file's functions and classes, and the names that it imports from the package."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    imported: dict[str, tuple[str, str]] = {}
    for node in body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unrolled."):
            for alias in node.names:
                imported[alias.asname or alias.name] = (node.module, alias.name)
    return {node.name: node for node in body if isinstance(node, kinds)}, imported


def _used(symbol: _Symbol) -> Iterator[_Symbol]:
    """The functions and classes of the package that a symbol's code names, beyond the ground's tools."""
    file = module_file(symbol.module, paths.sources())
    status = file.stat()
    own, imported = _read(file, (status.st_mtime_ns, status.st_size))
    for node in ast.walk(symbol.node):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        if isinstance(node, ast.Attribute):  # derived.run, where derived is a module
            if not isinstance(node.value, ast.Name) or node.value.id not in imported:
                continue
            base, last = imported[node.value.id]
            module, name = f"{base}.{last}", node.attr
        elif node.id in own:
            module, name = symbol.module, node.id
        elif node.id in imported:
            module, name = imported[node.id]
        else:
            continue
        follows = module.split(".")[1] in _FLOORS and module_file(module, paths.sources()) is not None
        if follows and (found := _definitions(module).get(name)) is not None:
            yield _Symbol(module, name, found)


def _is_layer(symbol: _Symbol) -> bool:
    """Whether a symbol is a layer: of a live model, the layers it has show themselves."""
    kind = getattr(sys.modules.get(symbol.module), symbol.name, None)
    return isinstance(kind, type) and any(base.__name__ == "Module" for base in kind.__mro__)
