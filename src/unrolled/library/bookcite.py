"""Citing the book itself and its chapters, with their version, and gathering what a chapter cites."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from unrolled import __version__
from unrolled.base import paths
from unrolled.base.errors import UnrolledError
from unrolled.base.folders import checkout
from unrolled.library.bibliography import MONTHS, Reference
from unrolled.library.models import Entry
from unrolled.library.yamltext import read_yaml


def citation_file() -> dict:
    """What ``CITATION.cff`` says.

    Raises:
        UnrolledError: if it is missing, or lacks a title, authors or the day of release.
    """
    path = paths.project() / "CITATION.cff"
    document = read_yaml(path)
    said = document.data
    if document.faults or not isinstance(said, dict):
        problem = document.faults[0].problem if document.faults else "must be a mapping"
        raise UnrolledError(problem, file=path, line=document.faults[0].line if document.faults else 1)
    people = said.get("authors")
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise UnrolledError("authors is no list of people", file=path, hint="as in '- family-names: Doe'")
    missing = [name for name in ("title", "authors", "date-released") if not said.get(name)]
    if missing or not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])-\d\d", str(said["date-released"])):
        raise UnrolledError(
            f"lacks {', '.join(missing)}" if missing else "date-released is no day",
            file=path,
            hint="as in 'date-released: 2026-11-22'",
        )
    return said


def book_reference(site: str = "") -> Reference:
    """The book with its version, as a reference; its address is ``site``, else the one in CITATION.cff."""
    said = citation_file()
    return Reference("book", "unrolled", _common(said, "title", said["title"], site))


def chapter_reference(entry: Entry, site: str = "") -> Reference:
    """A chapter of the book, as a reference.

    Raises:
        UnrolledError: if the entry has no chapter yet.
    """
    checkout()  # a chapter's title stands in its notebook
    title = chapter_title(entry.slug)
    if title is None:
        raise UnrolledError(
            f"{entry.slug} has no chapter yet",
            hint=f"'unrolled cite {entry.slug}' cites the work itself",
        )
    said = citation_file()
    address = f"{site.rstrip('/')}/notebooks/{entry.slug}.html" if site else ""
    fields = _common(said, "booktitle", said["title"], address)
    return Reference("incollection", f"unrolled_{entry.slug}", {"title": _braced(title)} | fields)


def _common(said: Mapping, name: str, title: str, address: str) -> dict[str, str]:
    year, month, _ = str(said["date-released"]).split("-")
    fields = {
        "author": " and ".join(_author(person) for person in said["authors"]),
        name: f"{_braced(str(title))} (version {__version__})",  # few styles print a version of its own
        "year": year,
        "month": MONTHS[int(month) - 1],
    }
    address = address or str(said.get("url") or "")
    return fields | ({"url": address} if address else {}) | ({"doi": said["doi"]} if said.get("doi") else {})


def _author(person: Mapping) -> str:
    if person.get("family-names"):
        return ", ".join(str(person[part]) for part in ("family-names", "given-names") if person.get(part))
    return "{" + str(person.get("name", "")) + "}"


def _braced(title: str) -> str:
    """A title whose words with capitals inside, and name at the front, keep them in every style."""
    return re.sub(r"\b(?=\w*[A-Z]\w*[A-Z])[\w-]+\b", r"{\g<0>}", re.sub(r"[{}\\]", "", title))


def chapter_title(slug: str) -> str | None:
    """The first heading of an entry's chapter; None where it has no chapter."""
    path = paths.notebooks() / f"{slug}.ipynb"
    if not path.is_file():
        return None
    found = re.search(r"^# +(.+)$", "\n".join(_prose(path)), re.MULTILINE)
    return found[1].strip() if found else slug


def chapter_keys(entry: Entry, entries: Mapping[str, Entry], root: Path | None = None) -> list[str]:
    """Every key that an entry and its chapter cite: the work itself first, then in order of mention."""
    keys = [entry.key, *entry.also_cite]
    keys += [
        entries[relation.target].key if relation.target in entries else relation.target
        for relation in entry.relations
    ]
    path = (root or paths.project()) / "notebooks" / f"{entry.slug}.ipynb"
    if path.is_file():
        for match in re.finditer(r"\{cite(?::\w+)?\}`([^`]+)`", "\n".join(_prose(path))):
            keys += [key.strip() for key in match[1].split(",")]
    return list(dict.fromkeys(keys))


def _prose(path: Path) -> list[str]:
    """The text of a notebook's Markdown cells."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnrolledError("not a notebook", file=path, hint="restore it from git") from error
