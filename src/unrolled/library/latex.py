"""LaTeX in bibliographic fields, read as plain Unicode text, and names in their parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_VERBATIM = {"url", "doi", "eprint", "pdf", "code", "isbn", "issn"}


@lru_cache(maxsize=1)
def _converter():
    from pylatexenc.latex2text import LatexNodes2Text  # 50 ms: only where text is decoded

    return LatexNodes2Text(math_mode="text", keep_comments=True, strict_latex_spaces=False)


@lru_cache(maxsize=4096)
def plain(value: str) -> str:
    """A field's value as Unicode text: accents composed, protecting braces gone.

    >>> plain(r"G{\\"u}l{\\c{c}}ehre, {LSTM}s {\\&} others -- 50\\% off")
    'Gülçehre, LSTMs & others – 50% off'
    """
    if not re.search(r"[\\{}~$]|--|``|''", value):
        return value
    text = _converter().latex_to_text(re.sub(r"(?<!\\)%", r"\\%", value))
    return " ".join(text.replace("\u00a0", " ").split())


def plain_field(name: str, value: str) -> str:
    """A field's value as text; addresses and identifiers only lose their LaTeX escapes."""
    return re.sub(r"\\([_%&#~$])", r"\1", value) if name in _VERBATIM else plain(value)


@dataclass(frozen=True)
class Name:
    """A person's name in its parts, or a body's name in ``literal``."""

    family: str = ""
    given: str = ""
    particle: str = ""
    suffix: str = ""
    literal: str = ""

    def __str__(self) -> str:
        return self.literal or " ".join(p for p in (self.given, self.particle, self.family, self.suffix) if p)


def names(value: str) -> list[Name]:
    """The people in an ``author`` field. A name in braces is a body's and stays whole.

    >>> [str(n) for n in names(r"{Theano Development Team} and van den Berg, C{\\'e}sar")]
    ['Theano Development Team', 'César van den Berg']
    """
    from bibtexparser.middlewares.names import parse_single_name_into_parts, split_multiple_persons_names

    people = []
    for one in split_multiple_persons_names(value):
        one = one.strip()
        if not one:
            continue
        if one.startswith("{") and _closes_at_end(one):
            people.append(Name(literal=plain(one)))
            continue
        parts = parse_single_name_into_parts(one, strict=False)
        joined = {name: plain(" ".join(getattr(parts, name))) for name in ("last", "first", "von", "jr")}
        if joined["last"] == "others" and not joined["first"]:
            people.append(Name(literal="others"))
        else:
            people.append(Name(joined["last"], joined["first"], joined["von"], joined["jr"]))
    return people


def _closes_at_end(text: str) -> bool:
    depth = 0
    for index, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return index == len(text) - 1
    return False
