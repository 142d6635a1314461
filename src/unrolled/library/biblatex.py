"""What biblatex, BibTeX and reference managers write, under the names that everything else reads.

``understood`` gives a reference with BibTeX's types and fields, one clean address, and a date in parts. What
it cannot place stays where it is; ``unread`` names what no output but BibTeX carries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from unrolled.base.addresses import is_web

if TYPE_CHECKING:
    from unrolled.library.bibliography import Reference

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_TYPES = {
    **dict.fromkeys(("mvbook", "reference", "mvreference", "bookinbook"), "book"),
    **dict.fromkeys(("collection", "mvcollection", "mvproceedings", "periodical"), "proceedings"),
    **dict.fromkeys(("suppbook", "inreference", "suppcollection"), "incollection"),
    **dict.fromkeys(("suppperiodical", "review"), "article"),
    **dict.fromkeys(("electronic", "www"), "online"),
    "conference": "inproceedings",
    "report": "techreport",
    "thesis": "phdthesis",
}
KINDS = {  # BibTeX's type: RIS, CSL
    "article": ("JOUR", "article-journal"),
    "inproceedings": ("CPAPER", "paper-conference"),
    "incollection": ("CHAP", "chapter"),
    "inbook": ("CHAP", "chapter"),
    "book": ("BOOK", "book"),
    "booklet": ("PAMP", "pamphlet"),
    "manual": ("BOOK", "book"),
    "proceedings": ("CONF", "book"),
    "phdthesis": ("THES", "thesis"),
    "mastersthesis": ("THES", "thesis"),
    "techreport": ("RPRT", "report"),
    "unpublished": ("UNPB", "manuscript"),
    "online": ("ELEC", "webpage"),
    "software": ("COMP", "software"),
    "dataset": ("DATA", "dataset"),
    "patent": ("PAT", "patent"),
    "video": ("VIDEO", "motion_picture"),
    "movie": ("MPCT", "motion_picture"),
    "audio": ("SOUND", "song"),
    "music": ("MUSIC", "song"),
    "image": ("ART", "graphic"),
    "artwork": ("ART", "graphic"),
    "letter": ("PCOMM", "personal_communication"),
    "misc": ("GEN", ""),
}
_FIELDS = {  # another name: BibTeX's
    "journaltitle": "journal",
    "location": "address",
    "annotation": "annote",
    "issue": "number",
    "eprinttype": "archiveprefix",
    "eprintclass": "primaryclass",
    "shortjournal": "journal",
    "keyword": "keywords",
    "articleno": "eid",
    "numpages": "pagetotal",
    **dict.fromkeys(("ee", "link", "bdsk-url-1"), "url"),
    **dict.fromkeys(("hyphenation", "langid"), "language"),
}
CARRIED = {  # what RIS and CSL have a place for
    *("author", "editor", "translator", "title", "subtitle", "booktitle", "booksubtitle", "journal"),
    *(
        "journalsubtitle",
        "maintitle",
        "series",
        "volume",
        "number",
        "pages",
        "year",
        "month",
        "day",
        "school",
    ),
    *("institution", "organization", "publisher", "address", "edition", "chapter", "howpublished", "type"),
    *("note", "addendum", "annote", "doi", "isbn", "issn", "eprint", "archiveprefix", "primaryclass", "url"),
    *("urldate", "abstract", "keywords", "language", "eid", "pagetotal", "version", "eventtitle", "venue"),
    *("pmid", "pmcid", "date", "titleaddon", "bookauthor"),
}
_BOOKKEEPING = re.compile(
    r"pdf|code|data|file|owner|timestamp|date-(added|modified)|bdsk-.*|_.*|groups|mendeley-.*|bib(url|source)|rating"
    r"|readstatus|ranking|ids|options|key|label|sort(name|key|title|year)|presort|short(title|author|editor|hand)"
    r"|crossref|xdata|xref|related.*|creationdate|modificationdate|comment|priority|qualityassured|printed"
    r"|adsurl|adsnote|collaboration|urlyear|opt.*|gender|indextitle|indexsorttitle|entrysubtype|venueurl|nocase"
)
_URL = re.compile(
    r"\\(?:url|path|nolinkurl)\s*\{([^{}]*)\}|\\href\s*\{([^{}]*)\}\s*\{[^{}]*\}|<(https?://[^<>\s]+)>"
)
_RESOLVER = re.compile(
    r"\s*(?:(?:https?:)?/*(?:dx\.|www\.)?doi\.org/|(?:info|urn)?:?doi[:/ ]\s*|doi\s+)", re.I
)
_ARXIV = re.compile(r"\s*(?:(?:https?:)?/*(?:www\.)?arxiv\.org/(?:abs|pdf)/|arxiv:)\s*", re.I)


def understood(reference: Reference) -> Reference:
    """The reference with BibTeX's type and fields, what it inherits written in."""
    from unrolled.library.latex import plain

    fields = dict(reference.inherited) | dict(reference.fields)
    for name, ours in _FIELDS.items():
        if name in fields and (not fields.get(ours) or name == ours):
            fields[ours] = fields.pop(name)
    kind = _TYPES.get(reference.type, reference.type)
    sort = re.sub(r"\W", "", fields.get("type", "")).lower()
    if kind == "phdthesis" and sort.startswith(("ma", "msc", "bachelor", "diplom", "licen")):
        kind = "mastersthesis"
    if sort in ("phdthesis", "mathesis", "mastersthesis", "techreport", "resreport"):
        fields.pop("type")
    for name in ("title", "booktitle", "journal"):
        under = fields.pop("subtitle" if name == "title" else name.removesuffix("title") + "subtitle", "")
        if under and fields.get(name):
            fields[name] += f"{'' if fields[name].rstrip('}')[-1:] in '?!:' else ':'} {under}"
    _dates(fields)
    _addresses(fields)
    number = plain(fields.get("eid", ""))
    if number and not fields.get("pages"):
        fields["pages"] = number
    return replace(reference, type=kind, fields=fields, inherited={})


def _addresses(fields: dict[str, str]) -> None:
    """One address, one DOI, one arXiv number: without commands around them and without a resolver twice."""
    for name in ("howpublished", "note", "addendum", "title"):
        if (found := _URL.search(fields.get(name, ""))) and not fields.get("url"):
            fields["url"] = next(filter(None, found.groups()), "")
            if name != "title" and not re.search(
                r"\w", _URL.sub("", fields[name]).lower().replace("available at", "")
            ):
                del fields[name]
        elif is_web(address(fields.get(name, ""))) and not fields.get("url"):
            fields["url"] = fields.pop(name)
    if not fields.get("doi", "10.").strip("{} ").startswith(("10.",)) and not _RESOLVER.match(
        address(fields["doi"])
    ):
        fields.setdefault("addendum", fields.pop("doi"))  # words in place of a number
    for name, prefix in (("url", None), ("doi", _RESOLVER), ("eprint", _ARXIV)):
        if name not in fields:
            continue
        value = address(fields[name])
        while prefix and (match := prefix.match(value)) and match.end():
            value = value[match.end() :].lstrip()
            fields.setdefault("archiveprefix", "arXiv") if name == "eprint" else None
        value = re.sub(r"\.pdf$", "", value) if name == "eprint" else value
        fields[name] = f"https://{value}" if name == "url" and value.lower().startswith("www.") else value


def address(value: str) -> str:
    """An address, DOI or number without the TeX around it.

    >>> address(r"\\url{https://example.com/a\\_b%20c}"), address(r"\\href{https://example.com}{here}")
    ('https://example.com/a_b%20c', 'https://example.com')
    """
    value = re.sub(r"\{(\\[^A-Za-z{}]|\\text\w+)\s*\}", r"\1", value.strip())
    value = re.sub(r"\\(?:textasciitilde|string~|sim)\s*(?:\{\})?|\$\\sim\$", "~", value)
    value = re.sub(r"\\(?:textunderscore|_)\s*(?:\{\})?", "_", value)
    if found := _URL.fullmatch(value.strip("{}") if "\\" not in value else value):
        value = next(filter(None, found.groups()), "")
    return re.sub(r"\\([%&#~$])|[{}]|\s+", lambda found: found[1] or "", value)


_DATE = re.compile(r"(-?\d{4,5})(?:-(\d\d))?(?:-(\d\d))?(?:[T ][\d:.,Z+-]*)?[?~%]?")


def _dates(fields: dict[str, str]) -> None:
    """biblatex's ``date`` as year, month and day, where these are not given; ``10~January`` in its parts."""
    given = fields.get("date", "").strip()
    begin, slash, end = given.partition("/")
    if found := _DATE.fullmatch(begin.strip()):
        until = _DATE.fullmatch(end.strip())
        whole = found[1] if not until or until[1] == found[1] else f"{found[1]}/{until[1]}"
        fields.setdefault("year", f"{whole}/" if slash and not end.strip(". ") else whole)
        if found[2] and 1 <= int(found[2]) <= 12:
            fields.setdefault("month", MONTHS[int(found[2]) - 1])
            if found[3] and not slash:
                fields.setdefault("day", str(int(found[3])))
        del fields["date"]
    elif given:
        fields.setdefault("year", given)
        del fields["date"]
    day = re.search(r"(?<!\d)([12]?\d|3[01])(?:st|nd|rd|th)?(?!\d)", fields.get("month", ""))
    if day and re.search("[A-Za-z]{3}", fields["month"]):
        fields.setdefault("day", day[1])


def year(reference: Reference) -> tuple[list[int], str]:
    """The year or years of an understood reference (before our era below zero), and what is no number.

    >>> from unrolled.library.bibliography import Reference
    >>> [year(Reference("misc", "k", {"year": y})) for y in ("350 B.C.E", "1998--2001", "in press")]
    [([-350], ''), ([1998, 2001], ''), ([], 'in press')]
    """
    from unrolled.library.latex import plain

    text = plain(reference.get("year")).strip().strip("()[]")
    if ours := re.fullmatch(r"(\d{1,5})\s*(?:A\.?D\.?|C\.?E\.?)?", text, re.I):
        return [int(ours[1])], ""
    if before := re.fullmatch(r"-(\d{1,5})|(\d{1,5})\s*B\.?\s?C\.?(?:\s?E\.?)?", text, re.I):
        return [-int(before[1] or before[2])], ""
    if both := re.fullmatch(r"(\d{4})\s*[-–/]+\s*(\d{4})", text):
        return [int(both[1]), int(both[2])], ""
    if short := re.fullmatch(r"(\d\d)(\d\d)\s*[-–/]+\s*(\d\d)", text):
        return [int(short[1] + short[2]), int(short[1] + short[3])], ""
    return [], text


def month(reference: Reference) -> int:
    """The month as a number, 0 where there is none."""
    text = reference.get("month").strip().strip("{}").lower()
    if text.isdecimal():
        return int(text) if len(text) < 3 and 1 <= int(text) <= 12 else 0
    found = re.search("|".join(name[:3].lower() for name in MONTHS), text)
    return [name[:3].lower() for name in MONTHS].index(found[0]) + 1 if found else 0


def web_address(reference: Reference) -> str:
    """Where an understood reference can be read: its address, else what its DOI or arXiv number gives."""
    if is_web(reference.get("url")):
        return reference.get("url")
    if reference.get("doi").startswith("10."):
        return "https://doi.org/" + re.sub(
            r"[\s\"<>]", lambda found: f"%{ord(found[0]):02X}", reference["doi"]
        )
    number = reference.get("eprint")
    if reference.get("archiveprefix").lower() == "arxiv" and re.fullmatch(r"[\w.-]+(/\d+)?(v\d+)?", number):
        return "https://arxiv.org/abs/" + number
    return ""


def inherit(child: Reference, parents: Mapping[str, Reference]) -> tuple[dict[str, str], list[str]]:
    """What a reference takes over by ``crossref`` and ``xdata``, and the keys that are nowhere."""
    taken: dict[str, str] = {}
    missing: list[str] = []

    def follow(one: Reference, seen: tuple[str, ...]) -> None:
        for key in (k.strip() for name in ("crossref", "xdata") for k in one.fields.get(name, "").split(",")):
            if not key or key.lower() in seen:
                continue
            parent = parents.get(key.lower())
            if parent is None:
                missing.append(key)
                continue
            part = child.type.startswith("in") or child.type.startswith("supp") or child.type == "conference"
            for name, value in parent.fields.items():
                if name in ("crossref", "xdata", "xref", "ids", "label", "key", "options", "related"):
                    continue
                if part and one.fields.get("crossref", "").strip() == key and name in ("title", "subtitle"):
                    if name == "title" and "booktitle" in parent.fields:
                        continue
                    name = f"book{name}"
                if name not in child.fields:
                    taken.setdefault(name, value)
            follow(parent, (*seen, key.lower()))

    follow(child, (child.key.lower(),))
    return taken, missing


def unread(reference: Reference) -> list[str]:
    """What no output but BibTeX carries of a reference, each in a few words."""
    given = understood(reference)
    said = [] if given.type in KINDS else [f"type @{reference.type} is unknown, printed as a document"]
    lost = [
        name
        for name in given.fields
        if name not in CARRIED and not _BOOKKEEPING.fullmatch(name) and given[name]
    ]
    said += [f"field {name} is in no output but BibTeX" for name in lost]
    if given.get("url") and not is_web(given["url"]):
        said.append(f"url {given['url'][:60]!r} is no address, left out")
    if reference.get("doi") and not given.get("doi").startswith("10."):
        said.append(f"doi {reference['doi'][:60]!r} is no DOI")
    return said
