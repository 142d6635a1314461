"""BibTeX in one order and one form. Writing twice gives the same bytes; what is written reads as before."""

from __future__ import annotations

from bibtexparser import BibtexFormat, write_string
from bibtexparser.library import Library
from bibtexparser.model import Entry, Field

from unrolled.library.bibliography import Bibliography, Reference
from unrolled.library.faults import Faulty

ORDER = [
    "author",
    "editor",
    "title",
    "subtitle",
    "booktitle",
    "journal",
    "series",
    "volume",
    "number",
    "pages",
    "year",
    "month",
    "day",
    "school",
    "institution",
    "organization",
    "publisher",
    "address",
    "edition",
    "chapter",
    "howpublished",
    "type",
    "note",
    "doi",
    "isbn",
    "issn",
    "eprint",
    "archiveprefix",
    "primaryclass",
    "url",
    "urldate",
    "pdf",
    "code",
    "abstract",
    "keywords",
]
_SPELLED = {"archiveprefix": "archivePrefix", "primaryclass": "primaryClass"}


def _format() -> BibtexFormat:
    form = BibtexFormat()
    form.indent, form.value_column, form.trailing_comma = "  ", 16, False
    return form


def write_reference(reference: Reference, *, resolve: bool = False) -> str:
    """One reference as BibTeX, ending in a line break.

    Args:
        resolve: write out values that are made of ``@string`` names or come by ``crossref``, so that the text
            stands alone.
    """
    rank = {name: place for place, name in enumerate(ORDER)}
    values = {**reference.inherited, **reference.fields} if resolve else reference.fields
    if resolve and reference.inherited:
        values = {name: value for name, value in values.items() if name not in ("crossref", "xdata")}
    names = sorted(values, key=lambda name: (rank.get(name, len(rank)), name))
    fields = []
    for name in names:
        value = f"{{{values[name]}}}"
        if not resolve and name in reference.expressions:
            value = reference.expressions[name]
        fields.append(Field(_SPELLED.get(name, name), value))
    entry = Entry(reference.type, reference.key, fields)
    return write_string(Library([entry]), unparse_stack=[], bibtex_format=_format())


def write(bibliography: Bibliography) -> str:
    """The whole file: header, @string definitions, references by key, each under its comment.

    Raises:
        Faulty: if a block could not be read, since writing would lose it.
    """
    if bibliography.faults:
        raise Faulty(bibliography.faults)
    parts = [bibliography.header] if bibliography.header else []
    parts += bibliography.preambles
    if bibliography.strings:
        parts.append(
            "\n".join(f"@string{{{name} = {{{value}}}}}" for name, value in bibliography.strings.items())
        )
    for key in sorted(bibliography.entries, key=lambda key: (key.lower(), key)):
        reference = bibliography.entries[key]
        comment = f"{reference.comment}\n" if reference.comment else ""
        parts.append(comment + write_reference(reference).rstrip("\n"))
    if bibliography.footer:
        parts.append(bibliography.footer)
    return "\n\n".join(parts) + "\n" if parts else ""
