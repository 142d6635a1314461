"""References as CSL-JSON, and printed in a CSL style by citeproc."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from html import escape
from pathlib import Path

from unrolled.base.errors import UnrolledError
from unrolled.library.biblatex import KINDS, month, understood, web_address, year
from unrolled.library.bibliography import Reference
from unrolled.library.latex import Name, names, plain_field

_FIELDS = {
    "title": ("title",),
    "container-title": ("journal", "booktitle"),
    "collection-title": ("series",),
    "publisher": ("publisher", "institution", "school", "organization"),
    "publisher-place": ("address",),
    "event-title": ("eventtitle",),
    "event-place": ("venue",),
    "genre": ("type",),
    "chapter-number": ("chapter",),
    "number-of-pages": ("pagetotal",),
    "version": ("version",),
    "language": ("language",),
    "abstract": ("abstract",),
    "keyword": ("keywords",),
    "PMID": ("pmid",),
    "PMCID": ("pmcid",),
    "volume": ("volume",),
    "issue": ("number",),
    "edition": ("edition",),
    "DOI": ("doi",),
    "ISBN": ("isbn",),
    "ISSN": ("issn",),
    "note": ("note", "addendum", "annote", "howpublished"),
}


def csl_item(reference: Reference) -> dict[str, object]:
    """A reference as one CSL-JSON item, in Unicode."""
    given = understood(reference)
    other = "article" if given.get("eprint") or not given.get("url") else "webpage"
    item: dict[str, object] = {"id": given.key, "type": KINDS.get(given.type, ("", ""))[1] or other}
    for field, ours in (
        ("author", "author"),
        ("editor", "editor"),
        ("translator", "translator"),
        ("bookauthor", "container-author"),
    ):
        if people := [_person(name) for name in names(given.get(field))]:
            item[ours] = people
    for name, sources in _FIELDS.items():
        value = next((plain_field(field, given[field]) for field in sources if given.get(field)), "")
        if value:
            item[name] = value
    if given.type in ("techreport", "patent", "manual") and "issue" in item:
        item["number"] = item.pop("issue")
    if given.get("pages"):
        item["page"] = re.sub(r"(?<=\w)\s*[-–—]+\s*(?=\w)", "–", plain_field("pages", given["pages"]))
    if given.get("eprint"):
        item["number"] = f"{given.get('archiveprefix', 'arXiv')}:{given['eprint']}"
    if address := web_address(given):
        item["URL"] = address
    if accessed := re.fullmatch(r"(\d{4})-(\d\d?)(?:-(\d\d?))?", given.get("urldate")):
        item["accessed"] = {"date-parts": [[int(part) for part in accessed.groups() if part]]}
    years, text = year(given)
    if years:
        date = [years[0]]
        if at := month(given):
            date.append(at)
            if given.get("day").isdecimal() and 1 <= int(given["day"]) <= 31:
                date.append(int(given["day"]))
        item["issued"] = {"date-parts": [date] if len(years) == 1 else [[one] for one in years]}
    elif text:
        item["issued"] = {"literal": text}
    return item


def _person(name: Name) -> dict[str, str]:
    if name.literal:
        return {"literal": "et al." if name.literal == "others" else name.literal}
    parts = (
        ("family", name.family),
        ("given", name.given),
        ("non-dropping-particle", name.particle),
        ("suffix", name.suffix),
    )
    return {part: value for part, value in parts if value}


def printed(references: list[Reference], style: Path, *, html: bool = False) -> list[str]:
    """Each reference as its style prints it in a list of references, in the order given.

    Raises:
        UnrolledError: if the style file cannot be read.
    """
    from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
    from citeproc import model as elements
    from citeproc.source.json import CiteProcJSON

    elements.Name.initialize = _initials

    output = formatter.html if html else formatter.plain
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sheet = CitationStylesStyle(str(style), validate=False)
    except Exception as error:
        raise UnrolledError(f"no CSL style: {error}", file=style) from error
    lines = []
    for reference in references:
        item = _for_citeproc(csl_item(reference), escaped=html)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            listing = CitationStylesBibliography(sheet, CiteProcJSON([item]), output)
            listing.register(Citation([CitationItem(reference.key.lower())]))
            text = str(listing.bibliography()[0])
        # the style joins the last name; "and others" is none
        text = re.sub(r",? (&amp;|&|and) et al\.", " et al.", text)
        # a sentence ends once
        text = re.sub(r"(?<![.])([.?!])((?:</?\w+>|[”’\"])*)\.(?!\.)", r"\1\2", text)
        text = re.sub(r"([?!]),(?=[”’\"])", r"\1", text)
        text = re.sub(r",([”’\"])(?=$| https?://)", r".\1", text)
        lines.append(" ".join(text.split()))
    return lines


def _initials(element: object, given: str, mark: str, context: object) -> str:
    """Initials; citeproc takes parts in small letters for particles, which have their own field here."""
    hyphen = "-" if element.get_option("initialize-with-hyphen", context) else ""  # type: ignore[attr-defined]
    words = []
    for word in given.replace(".", ". ").split():
        starts = [found[0] for part in re.split("[-‐]", word) if (found := re.search(r"[^\W\d_]", part))]
        if starts:
            words.append((mark.rstrip() + hyphen).join(starts))
    return mark.join(words) + mark.rstrip() if words else given


def _for_citeproc(item: dict, *, escaped: bool) -> dict:
    """The item as citeproc needs it: a body's name as a family name, and text escaped, which it does not."""

    def text(value: object) -> object:
        if isinstance(value, str):
            return escape(value, quote=False) if escaped else value
        if isinstance(value, dict):
            return {"family" if name == "literal" else name: text(inner) for name, inner in value.items()}
        return [text(inner) for inner in value] if isinstance(value, list) else value

    for person in (person for value in item.values() if isinstance(value, list) for person in value):
        if re.search(r"[\u2e80-\u9fff\uac00-\ud7af]", person.get("given", "")):  # no letters, so no initials
            person["family"] = person.get("family", "") + person.pop("given")
    printed = {name: value for name, value in item.items() if name not in ("abstract", "keyword", "language")}
    issued = printed.get("issued")
    if isinstance(issued, dict) and (parts := issued.get("date-parts")):
        # citeproc prints one year of a pair, and "350BC"
        years = [f"{-part[0]} BC" if part[0] < 0 else str(part[0]) for part in parts]
        if len(parts) > 1 or parts[0][0] < 1000:
            printed["issued"] = {"literal": "–".join(years)}
    return {
        name: value
        if name in ("id", "type")
        else _date(value, text)
        if name in ("issued", "accessed")
        else text(value)
        for name, value in printed.items()
    }


def _date(value: dict, text: Callable) -> dict:
    return {"literal": text(value["literal"])} if "literal" in value else value
