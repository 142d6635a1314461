"""Citing: references behind slugs and keys, in BibTeX, RIS, CSL-JSON or a printed style."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from unrolled.base.errors import UnrolledError, unknown
from unrolled.base.paths import bibliography as bibliography_file
from unrolled.base.paths import entries as entries_folder

if TYPE_CHECKING:
    from unrolled.library.bibliography import Reference

FORMATS = ("bibtex", "ris", "csl-json")
STYLES_FOLDER = Path(__file__).parent / "styles"


def styles() -> list[str]:
    """The names that ``cite`` takes as style."""
    from importlib.resources import files

    own = [path.stem for path in STYLES_FOLDER.glob("*.csl")]
    bundled = [item.name.removesuffix(".csl") for item in (files("citeproc") / "data" / "styles").iterdir()]
    return [*FORMATS, *sorted({*own, *(name for name in bundled if not name.startswith("_"))})]


def cite(names: str | Iterable[str], style: str = "bibtex", *, html: bool = False) -> str:
    """The references of entries (by slug) or keys, in the order given, each once.

    Args:
        names: slugs of entries, or keys of the bibliography.
        style: ``bibtex``, ``ris``, ``csl-json``, one of ``styles()``, or a path to a ``.csl`` file.
        html: printed styles as HTML, with italics, instead of plain text.

    Raises:
        UsageError: for an unknown name or style, with near names.
        Faulty: if the reference's block in the bibliography is broken.
    """
    names = [names] if isinstance(names, str) else list(names)
    return render(references(names), style, html=html)


def references(names: Iterable[str]) -> list[Reference]:
    """The references of slugs or keys, each once. Of entries only the line with the key is read."""
    from unrolled.library import bibliography

    keys = list(dict.fromkeys(_key(name) for name in names))
    return bibliography.find(keys) if keys else []


def _key(name: str) -> str:
    """The key behind a slug; a key stays as it is."""
    file = entries_folder() / f"{name}.yaml"
    if re.fullmatch(r"[a-z][a-z0-9_]*", name) and file.is_file():
        found = re.search(
            r"^key:[ \t]*[\"']?([^\s\"'#]+)", file.read_text("utf-8", errors="replace"), re.MULTILINE
        )
        if not found:
            raise UnrolledError("names no key to cite", file=file, hint="add a line 'key: …'")
        return found[1]
    text = bibliography_file().read_text("utf-8", errors="replace") if bibliography_file().is_file() else ""
    keys = re.findall(r"@[ \t]*(?!string|comment|preamble)\w+[ \t]*[{(]\s*([^\s,{}]+)\s*[,}]", text, re.I)
    if name not in keys:
        known = [path.stem for path in entries_folder().glob("*.yaml")] + keys
        raise unknown("entry or reference", name, known, listing="'unrolled list' shows the entries")
    return name


def render(chosen: Iterable[Reference], style: str = "bibtex", *, html: bool = False) -> str:
    """References in a style, ending in a line break."""
    chosen = list(chosen)
    if style == "bibtex":
        from unrolled.library.bibformat import write_reference

        return "\n".join(write_reference(reference, resolve=True) for reference in chosen)
    if style == "ris":
        return "\n".join(ris(reference) for reference in chosen)
    if style == "csl-json":
        from unrolled.library.csl import csl_item

        return json.dumps([csl_item(reference) for reference in chosen], ensure_ascii=False, indent=2) + "\n"
    from unrolled.library.csl import printed

    return "\n".join(printed(chosen, style_file(style), html=html)) + "\n"


def style_file(style: str) -> Path:
    """The CSL file of a printed style.

    Raises:
        UsageError: if there is none of that name.
    """
    from importlib.resources import as_file, files

    if style.endswith(".csl") and Path(style).is_file():
        return Path(style)
    own = STYLES_FOLDER / f"{style}.csl"
    if style not in styles():
        raise unknown("style", style, styles(), listing="known: " + ", ".join(styles()))
    if own.is_file():
        return own
    with as_file(files("citeproc") / "data" / "styles" / f"{style}.csl") as path:
        return Path(path)


def ris(reference: Reference) -> str:
    """One reference as an RIS record, in Unicode."""
    from unrolled.library.biblatex import KINDS, month, understood, web_address, year
    from unrolled.library.latex import names, plain_field

    given = understood(reference)

    def text(name: str) -> str:
        return plain_field(name, given.get(name))

    kind = "EJOUR" if given.type == "article" and not given.get("journal") and given.get("eprint") else ""
    lines = [("TY", kind or KINDS.get(given.type, ("GEN", ""))[0]), ("ID", given.key)]
    for field, tag in (("author", "AU"), ("editor", "ED"), ("translator", "A4"), ("bookauthor", "A2")):
        for person in names(given.get(field)):
            family = " ".join(part for part in (person.particle, person.family) if part)
            full = person.literal or ", ".join(part for part in (family, person.given, person.suffix) if part)
            lines.append(("N1", f"{field}: and others") if person.literal == "others" else (tag, full))
    lines.append(("TI", text("title")))
    lines.append(("T2", text("booktitle") or text("journal")))
    lines.append(("T3", text("series")))
    years, _ = year(given)
    lines.append(("PY", "–".join(map(str, years)) if years and years[0] > 0 else text("year")))
    if len(years) == 1 and (at := month(given)):
        day = int(given["day"]) if given.get("day").isdecimal() else 0
        lines.append(("DA", f"{years[0]:04}/{at:02}/" + (f"{day:02}" if day else "")))
    first, _, last = re.sub(r"\s*[–—-]+\s*", "-", text("pages")).partition("-")
    lines += [
        ("VL", text("volume")),
        ("IS", text("number")),
        ("SP", first),
        ("EP", last),
        ("ET", text("edition")),
    ]
    publisher = next(
        (text(name) for name in ("publisher", "institution", "school", "organization") if text(name)), ""
    )
    lines += [("PB", publisher), ("CY", text("address")), ("SE", text("chapter")), ("M3", text("type"))]
    lines += [("SN", text("isbn") or text("issn")), ("DO", text("doi")), ("UR", web_address(given))]
    lines += [("Y2", text("urldate")), ("LA", text("language")), ("AB", text("abstract"))]
    lines += [("KW", word.strip()) for word in re.split("[,;]", text("keywords"))]
    lines += [
        ("N1", text(name))
        for name in ("note", "addendum", "annote", "howpublished", "version", "eventtitle", "venue")
    ]
    if given.get("eprint"):
        lines.append(("M1", f"{text('archiveprefix') or 'arXiv'}:{text('eprint')}"))
    body = [f"{tag}  - {' '.join(value.split())}" for tag, value in lines if value]
    return "\n".join([*body, "ER  - "]) + "\n"
