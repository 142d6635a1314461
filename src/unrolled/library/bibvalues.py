"""Values of BibTeX fields: ``{text}``, ``"text"``, numbers, names of @string, and these joined by ``#``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping


def pieces(value: str) -> Iterator[str]:
    """The parts of ``a # {b} # "c"``.

    Raises:
        ValueError: if braces or quotes do not close.
    """
    depth, quoted, start = 0, False, 0
    for index, character in enumerate(value):
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth < 0:
                raise ValueError("a closing brace without an opening one")
        elif character == '"' and depth == 0:
            quoted = not quoted
        elif character == "#" and depth == 0 and not quoted:
            yield value[start:index].strip()
            start = index + 1
    if depth or quoted:
        raise ValueError("a brace or quote that does not close; BibTeX counts escaped braces too")
    yield value[start:].strip()


def evaluate(value: str, values: Mapping[str, str]) -> tuple[str, bool]:
    """A value as BibTeX reads it, and whether it was written out in full, without the name of a @string."""
    whole, plain = "", True
    for piece in (
        [value.strip()] if value[:1] == "{" and value.count("{") == 1 == value.count("}") else pieces(value)
    ):
        if len(piece) > 1 and piece[0] + piece[-1] in ("{}", '""'):
            body = piece[1:-1]
            if piece[0] == "{" and not balanced(body):
                raise ValueError("text after the closing brace")
            if piece[0] == '"' and not balanced(body):
                raise ValueError("braces that do not match inside quotes")
            whole += body
        elif piece.isdigit():
            whole += piece
        elif piece.lower() in values:
            whole += values[piece.lower()]
            plain = False
        elif not piece:
            raise ValueError("no value")
        else:
            raise ValueError(f"no @string is named {piece[:40]!r}; text needs braces")
    return " ".join(whole.split()), plain


def balanced(text: str) -> bool:
    """Whether every brace closes: BibTeX counts escaped ones, bibtexparser does not."""
    if "{" not in text and "}" not in text:
        return not text.endswith("\\")
    for pattern in (r"[{}]", r"(?<!\\)[{}]"):
        depth = 0
        for match in re.finditer(pattern, text):
            depth += 1 if match[0] == "{" else -1
            if depth < 0:
                return False
        if depth:
            return False
    return not text.endswith("\\")
