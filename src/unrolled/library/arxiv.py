"""A paper's BibTeX from its arXiv number, where there is internet."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from xml.etree import ElementTree

from unrolled import __version__
from unrolled.base.errors import UnrolledError, UsageError

SERVICE = "https://export.arxiv.org/api/query"
_ATOM = "{http://www.w3.org/2005/Atom}"
_SMALL = {"a", "an", "the", "on", "of", "for", "in", "to", "and", "with"}


def bibtex(number: str, service: str = SERVICE) -> str:
    """The BibTeX entry of an arXiv paper.

    Raises:
        UsageError: if the number has not the form of one.
        UnrolledError: if arXiv cannot be asked, or knows no such paper.
    """
    if not re.fullmatch(r"\d{4}\.\d{4,5}(v\d+)?|[a-z-]+(\.[A-Z]{2})?/\d{7}(v\d+)?", number):
        raise UsageError(f"{number!r} is no arXiv number", hint="as in 1603.09025")
    hint = "is there internet? --bibtex FILE needs none"
    request = urllib.request.Request(
        f"{service}?id_list={number}", headers={"User-Agent": f"unrolled/{__version__}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read(1_000_000)
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise UnrolledError(f"cannot ask arXiv: {why}", hint=hint) from error
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise UnrolledError("arXiv's answer cannot be read", hint=hint)
    try:
        entry = ElementTree.fromstring(text).find(f"{_ATOM}entry")
    except ElementTree.ParseError as error:
        raise UnrolledError("arXiv's answer cannot be read", hint=hint) from error
    title = _text(entry, "title")
    authors = [_text(a, "name") for a in entry.findall(f"{_ATOM}author")] if entry is not None else []
    year = _text(entry, "published")[:4]
    if not title or not authors or not year.isdigit():
        raise UnrolledError(f"arXiv knows no paper {number}")
    family = re.sub(r"[^a-z]", "", authors[0].split()[-1].lower()) or "anonymous"
    words = (re.sub(r"[^a-z0-9]", "", word) for word in title.lower().split())
    first = next((word for word in words if word and word not in _SMALL), "paper")
    fields = {
        "author": " and ".join(_clean(author) for author in authors),
        "title": _clean(title),
        "year": year,
        "eprint": re.sub(r"v\d+$", "", number),
        "archivePrefix": "arXiv",
        "url": f"https://arxiv.org/abs/{re.sub(r'v[0-9]+$', '', number)}",
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{{family}{year}{first},\n{lines}\n}}\n"


def _text(node: ElementTree.Element | None, name: str) -> str:
    return " ".join(((node.findtext(f"{_ATOM}{name}") if node is not None else "") or "").split())


def _clean(value: str) -> str:
    """Text that BibTeX reads as it stands."""
    return re.sub(r"([&%#_])", r"\\\1", re.sub(r"[{}\\]", "", value))
