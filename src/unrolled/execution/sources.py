"""The source of a symbol, as a notebook shows it: what the reader sees is what ran."""

from __future__ import annotations

import ast
import inspect
import io
import re
import subprocess
import sys
import textwrap
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from unrolled.base.errors import UsageError

WIDTH = 76
"""Characters of a line of shown code: what stands beside an equation, and on a printed page."""

_EXAMPLE, _ITEM = (">>>", "..."), ("- ", "* ")


class Shown:
    """Source text that Jupyter and the book show highlighted, and a terminal shows plain."""

    def __init__(self, symbols: Iterable[Any], *, docstring: bool = True) -> None:
        self.text = wrapped("\n\n\n".join(source_of(symbol, docstring=docstring) for symbol in symbols))

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


def wrapped(text: str, width: int = WIDTH) -> str:
    """Source text with no line wider than ``width``, set by ruff; where ruff is not installed, as it is.

    Ruff leaves comments and the prose of docstrings alone: paragraphs with a wide line are filled anew here,
    and a wide comment behind a line goes above it. What a string needs in one piece stays wide.
    """
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--target-version", "py311"]
    examples = ["format.docstring-code-format=true", "format.docstring-code-line-length='dynamic'"]
    done = subprocess.run(
        [*command, f"--line-length={width}", *(f"--config={option}" for option in examples), "-"],
        input=text,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return text if done.returncode else _with_narrow_prose(done.stdout.rstrip(), width)


def _with_narrow_prose(text: str, width: int) -> str:
    """Fill anew what is wide in comments and docstrings."""
    lines = text.splitlines()
    made: dict[int, list[str]] = {}  # by line: what stands there instead
    comments: list[int] = []  # lines that are nothing but a comment
    fresh = True  # whether a string that comes now begins a statement
    for token in tokenize.generate_tokens(io.StringIO(text + "\n").readline):
        first, last = token.start[0] - 1, token.end[0]
        if token.type == tokenize.COMMENT:
            code = lines[first][: token.start[1]].rstrip()
            if not code:
                comments.append(first)
            elif len(lines[first]) > width:
                made[first] = [*_filled([token.string], width, _indent(lines[first]), "# "), code]
        elif token.type == tokenize.STRING and fresh:
            made |= _narrowed(lines, range(first, last), width)
        if token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
            fresh = token.type == tokenize.NEWLINE
    made |= _narrowed(lines, comments, width, "# ")
    return "\n".join(part for place, line in enumerate(lines) for part in made.get(place, [line]))


def _narrowed(
    lines: Sequence[str], places: Sequence[int], width: int, mark: str = ""
) -> dict[int, list[str]]:
    """What stands, by line, in place of the paragraphs that have a wide one."""
    made: dict[int, list[str]] = {}
    for paragraph in _paragraphs(lines, places, mark):
        found = [lines[place] for place in paragraph]
        if max(map(len, found)) > width:
            made |= {place: [] for place in paragraph}
            made[paragraph[0]] = _filled(found, width, _indent(found[0]), mark)
    return made


def _paragraphs(lines: Sequence[str], places: Sequence[int], mark: str) -> Iterator[list[int]]:
    """Lines that run on, by their places. Examples are left out; each item of a list, and in a docstring each
    line that is indented, such as a formula, is one by itself."""
    found: list[int] = []
    for place in places:
        line = _content(lines[place], mark)
        goes_on = found and place == found[-1] + 1 and _indent(lines[place]) == _indent(lines[found[0]])
        inner = not mark and len(_indent(lines[place])) > len(_indent(lines[places[0]]))
        plain = line and not line.startswith(_EXAMPLE)
        if found and not (goes_on and plain and not inner and not line.startswith(_ITEM)):
            yield found
            found = []
        if plain:
            found.append(place)
    if found:
        yield found


def _filled(lines: Iterable[str], width: int, indent: str, mark: str) -> list[str]:
    fill = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    fill.initial_indent = fill.subsequent_indent = indent + mark
    return fill.wrap(" ".join(_content(line, mark) for line in lines))


def _content(line: str, mark: str) -> str:
    return line.strip().removeprefix(mark.strip()).strip()


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
