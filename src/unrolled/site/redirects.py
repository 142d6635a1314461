"""Addresses that were published once and have changed: old pages lead on, old anchors stand at the new place.

``book/redirects.yml`` names them; ``bib/migration.csv`` has what became of the claims of version 0.1.
"""

from __future__ import annotations

import csv
import posixpath
import re
from html import unescape
from pathlib import Path

from markupsafe import escape
from pydantic import Field, ValidationError

from unrolled.base.errors import UnrolledError
from unrolled.library.fields import Model
from unrolled.library.yamltext import read_yaml
from unrolled.site import addresses
from unrolled.site.knowledge import KnowledgeBase

FILE = "book/redirects.yml"


class Redirects(Model):
    """Pages by their old name, each with its new one or a place on it; anchors by page, old and new."""

    pages: dict[str, str] = Field(default_factory=dict)
    anchors: dict[str, dict[str, str]] = Field(default_factory=dict)


def redirects(root: Path) -> Redirects:
    """The redirects of the project at ``root``; none where there is no file.

    Raises:
        UnrolledError: if the file's form is wrong.
    """
    file = root / FILE
    if not file.is_file():
        return Redirects()
    document = read_yaml(file)
    if document.faults:
        raise UnrolledError(document.faults[0].problem, file=file, line=document.faults[0].line)
    try:
        return Redirects.model_validate(document.data or {})
    except ValidationError as error:
        raise UnrolledError(f"{error.errors()[0]['loc']}: {error.errors()[0]['msg']}", file=file) from error


def page(old: str, new: str, title: str) -> str:
    """The page at an old address: it leads on at once, and says where to."""
    target, _, anchor = new.partition("#")
    address = posixpath.relpath(f"{target}.html", posixpath.dirname(old) or ".")
    address += f"#{anchor}" if anchor else ""
    site = addresses.site()
    canonical = f'<link rel="canonical" href="{escape(f"{site}/{target}.html")}">\n' if site else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="refresh" content="0; url={escape(address)}">\n{canonical}'
        f"<title>{escape(title)}</title>\n</head>\n"
        f'<body><p>This page has moved: <a href="{escape(address)}">{escape(title)}</a></p></body>\n</html>\n'
    )


def claims(kb: KnowledgeBase) -> dict[str, dict[str, str]]:
    """The anchors of version 0.1's claims, by page, with those of the statements, findings and checks now."""
    found: dict[str, dict[str, str]] = {}
    file = kb.root / "bib" / "migration.csv"
    for row in csv.DictReader(file.open(encoding="utf-8")) if file.is_file() else ():
        entry = kb.entries.get(row["slug"])
        if entry is None or row["kind"] not in ("statement", "finding", "check"):
            continue
        check = next((check.id for check in entry.checks if row["new"] in check.tests), None)
        new = f"check-{check}" if row["kind"] == "check" else row["new"]
        found.setdefault(kb.home(entry.slug)[0], {}).setdefault(f"claim-{row['claim']}", f"statement-{new}")
    return found


def write(kb: KnowledgeBase, folder: Path) -> None:
    """Write the pages at old addresses, and put old anchors in.

    Raises:
        UnrolledError: if an old address is in use again, or a new one does not exist.
    """
    file, known = kb.root / FILE, redirects(kb.root)
    for old, new in known.pages.items():
        target, _, anchor = new.partition("#")
        html = _read(folder, target, file)
        if (folder / f"{old}.html").exists():
            raise UnrolledError(f"{old} is a page again", file=file, hint="drop its redirect")
        if anchor and f'id="{anchor}"' not in html:
            raise UnrolledError(f"{old} leads to {new}, which does not exist", file=file)
        title = re.search(r"<title>(.*?)</title>", html, re.DOTALL)
        said = unescape(title[1]).split(" \u2014 ")[0].strip() if title else target
        (folder / old).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{old}.html").write_text(page(old, new, said), encoding="utf-8")
    for name in sorted({*known.anchors, *(moved := claims(kb))}):
        html = _read(folder, name, file)
        for old, new in (moved.get(name, {}) | known.anchors.get(name, {})).items():
            html = standing(html, old, new, file, name)
        (folder / f"{name}.html").write_text(html, encoding="utf-8")


def standing(html: str, old: str, new: str, file: Path, name: str) -> str:
    """A page on which an old anchor stands at the beginning of what has a new one.

    Raises:
        UnrolledError: if the old one exists again, or the new one does not.
    """
    if f'id="{old}"' in html:
        raise UnrolledError(f"{name}#{old} exists again", file=file, hint="drop its redirect")
    # a row of a table holds cells only, so there the anchor stands in the first of them
    place = rf'<[a-z0-9]+\b[^<>]*\bid="{re.escape(new)}"[^<>]*>(?:\s*<t[hd]\b[^<>]*>)?'
    html, count = re.subn(place, rf'\g<0><span id="{old}"></span>', html, count=1)
    if not count:
        raise UnrolledError(f"{name}#{old} leads to #{new}, which does not exist", file=file)
    return html


def _read(folder: Path, name: str, file: Path) -> str:
    target = folder / f"{name}.html"
    if not target.is_file():
        raise UnrolledError(f"leads to {name}, which is no page", file=file)
    return target.read_text(encoding="utf-8")
