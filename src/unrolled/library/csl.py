"""References as CSL-JSON, and printed in a CSL style by citeproc."""

from __future__ import annotations

import re
import warnings
from html import escape
from pathlib import Path

from unrolled.base.errors import UnrolledError
from unrolled.library.bibliography import Reference
from unrolled.library.latex import names, plain_field

_TYPES = {
    "article": "article-journal",
    "inproceedings": "paper-conference",
    "conference": "paper-conference",
    "incollection": "chapter",
    "inbook": "chapter",
    "book": "book",
    "proceedings": "book",
    "phdthesis": "thesis",
    "mastersthesis": "thesis",
    "techreport": "report",
    "unpublished": "manuscript",
    "online": "webpage",
    "software": "software",
    "dataset": "dataset",
}
_FIELDS = {
    "title": ("title",),
    "container-title": ("journal", "booktitle"),
    "collection-title": ("series",),
    "publisher": ("publisher", "institution", "school", "organization"),
    "publisher-place": ("address",),
    "volume": ("volume",),
    "issue": ("number",),
    "edition": ("edition",),
    "DOI": ("doi",),
    "ISBN": ("isbn",),
    "ISSN": ("issn",),
    "note": ("note", "howpublished"),
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def csl_item(reference: Reference) -> dict[str, object]:
    """A reference as one CSL-JSON item, in Unicode."""
    from unrolled.library.citing import _address

    kind = _TYPES.get(
        reference.type,
        "article" if reference.get("eprint") else "webpage" if reference.get("url") else "article",
    )
    item: dict[str, object] = {"id": reference.key, "type": kind}
    for field in ("author", "editor"):
        people = []
        for name in names(reference.get(field)):
            if name.literal:
                people.append({"literal": "et al." if name.literal == "others" else name.literal})
            else:
                parts = (
                    ("family", name.family),
                    ("given", name.given),
                    ("non-dropping-particle", name.particle),
                    ("suffix", name.suffix),
                )
                people.append({part: value for part, value in parts if value})
        if people:
            item[field] = people
    for name, sources in _FIELDS.items():
        value = next((plain_field(field, reference[field]) for field in sources if reference.get(field)), "")
        if value:
            item[name] = value
    if reference.get("pages"):
        item["page"] = plain_field("pages", reference["pages"]).replace("--", "–").replace("-", "–")
    if reference.get("eprint"):
        item["number"] = f"{reference.get('archiveprefix', 'arXiv')}:{reference['eprint']}"
    address = _address(reference)
    if address:
        item["URL"] = address
    year = "".join(c for c in reference.get("year") if c.isdigit())[:4]
    if year:
        date: list[int] = [int(year)]
        month = reference.get("month").lower()[:3]
        if month in _MONTHS:
            date.append(_MONTHS.index(month) + 1)
        item["issued"] = {"date-parts": [date]}
    return item


def printed(references: list[Reference], style: Path, *, html: bool = False) -> list[str]:
    """Each reference as its style prints it in a list of references, in the order given.

    Raises:
        UnrolledError: if the style file cannot be read.
    """
    from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
    from citeproc.source.json import CiteProcJSON

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
        text = re.sub(r",? (&amp;|&|and) et al\.,?", " et al.", text)
        lines.append(" ".join(text.split()))
    return lines


def _for_citeproc(item: dict, *, escaped: bool) -> dict:
    """The item as citeproc needs it: a body's name as a family name, and text escaped, which it leaves to us."""

    def text(value: object) -> object:
        if isinstance(value, str):
            return escape(value, quote=False) if escaped else value
        if isinstance(value, dict):
            return {"family" if name == "literal" else name: text(inner) for name, inner in value.items()}
        return [text(inner) for inner in value] if isinstance(value, list) else value

    return {name: value if name in ("id", "type") else text(value) for name, value in item.items()}
