"""The source of a symbol, as a notebook shows it: what the reader sees is what ran."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from typing import Any

from unrolled.base.errors import UsageError


class Shown:
    """Source text that Jupyter and the book show highlighted, and a terminal shows plain."""

    def __init__(self, symbols: Iterable[Any], *, docstring: bool = True) -> None:
        self.text = "\n\n\n".join(source_of(symbol, docstring=docstring) for symbol in symbols)

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        longest = max(map(len, re.findall(r"`+", self.text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{fence}python\n{self.text}\n{fence}"


def source_of(symbol: Any, *, docstring: bool = True) -> str:
    """The source text of one function, class or method, without what surrounds it.

    Raises:
        UsageError: if the symbol has no source: a value, or something built in.
    """
    try:
        text = textwrap.dedent(inspect.getsource(symbol)).rstrip()
    except (TypeError, OSError) as error:
        name = getattr(symbol, "__qualname__", repr(symbol))
        raise UsageError(f"no source to show for {name}", hint="give a function or a class") from error
    return text if docstring else without_docstring(text)


def without_docstring(text: str) -> str:
    """A definition's source without its own docstring; those of inner definitions stay.

    >>> without_docstring('def f():\\n    "Say one."\\n    return 1')
    'def f():\\n    return 1'
    """
    definition = ast.parse(text).body[0]
    if not isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return text
    body = definition.body
    if ast.get_docstring(definition, clean=False) is None or len(body) < 2:
        return text
    lines = text.splitlines()
    first, last = body[0].lineno - 1, body[0].end_lineno
    while last < len(lines) and not lines[last].strip():
        last += 1
    return "\n".join(lines[:first] + lines[last:])
