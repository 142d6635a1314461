"""Places in a paper: whether a statement's section, table, figure or equation can be one, and is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel

from unrolled.base import paths
from unrolled.base.source import Stamp, stamp
from unrolled.library.faults import Fault
from unrolled.library.models import Entry, Locus
from unrolled.library.yamltext import Document, read_yaml

_FORMS = {
    "section": r"\d+(\.\d+)*|[A-Z](\.\d+)+|Appendix( [A-Z](\.\d+)*)?|Abstract|Supplement(ary material)?",
    "table": r"[A-Z]?\.?\d+[a-z]?",
    "figure": r"[A-Z]?\.?\d+[a-z]?",
    "equation": r"[A-Z]?\.?\d+[a-z]?",
    "page": r"\d+",
}
_HIGHEST = {"section": 12, "table": 30, "figure": 60, "equation": 200, "page": 200}
_CITED = re.compile(r"\b(Section|Table|Figure|Equation)s? (\d+(?:\.\d+)*[a-z]?)")


def outlines_file() -> Path:
    """The file that says how far the places of each paper go."""
    return paths.project() / "bib" / "outlines.yaml"


def place_faults(entry: Entry, document: Document) -> Iterator[Fault]:
    """Every place that an entry names and its paper cannot have, or does not have."""
    outline = _outline(entry.slug)
    numbers = {number for equation in entry.equations if (number := equation.number).isdigit()}
    for path, locus in _loci(entry, ()):
        for kind in _FORMS:
            value = getattr(locus, kind)
            if value and (why := _wrong(kind, value, outline, numbers)):
                yield _fault(document, path, f"{kind} {value!r} {why}")
    for index, relation in enumerate(entry.relations):
        if relation.type != "surveys" and entry.kind == "paper":
            for kind, value in _CITED.findall(relation.evidence):
                if why := _wrong(kind.lower(), value, outline, set()):
                    yield _fault(document, ("relations", index), f"{kind.lower()} {value!r} {why}")


def _fault(document: Document, path: tuple, problem: str) -> Fault:
    hint = "look it up in the paper; its known places are in bib/outlines.yaml"
    return Fault(document.file, document.line(*path), problem, hint)


def _loci(value: object, path: tuple) -> Iterator[tuple[tuple, Locus]]:
    if isinstance(value, Locus):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _loci(getattr(value, name), (*path, name))
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _loci(item, (*path, index))


def _outline(slug: str) -> Mapping[str, object]:
    file = outlines_file()
    data = _outlines(file, stamp(file)) if file.is_file() else None
    found = data.get(slug) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


@lru_cache(maxsize=4)
def _outlines(file: Path, stamp: Stamp) -> object:
    return read_yaml(file).data


def _wrong(kind: str, value: str, outline: Mapping[str, object], equations: set[str]) -> str | None:
    """Why a place cannot be; None where it can.

    >>> _wrong("table", "1 and 2", {}, set()), _wrong("table", "9", {"tables": 4}, set())
    (None, 'is beyond the last one, 4')
    """
    for part in re.split(r",\s*|\s+and\s+|\s+to\s+|\s*[–-]\s*", value.strip()):
        if not re.fullmatch(_FORMS[kind], part):
            return f"has no form of a {kind}"
        number = re.match(r"\d+", part)
        if number and int(number[0]) not in range(1, _HIGHEST[kind] + 1):
            return f"is no number of a {kind}"
        if why := _beyond(kind, part, outline):
            return why
        if kind == "equation" and equations and "equations" not in outline and part not in equations:
            return "is no equation of this entry"
    return None


def _beyond(kind: str, part: str, outline: Mapping[str, object]) -> str | None:
    if kind == "section":
        letter = re.fullmatch(r"(?:Appendix )?([A-Z])(?:\.\d+)*", part)
        if letter:
            last = outline.get("appendices")
            return f"is beyond the last one, {last}" if last and letter[1] > str(last) else None
        ends = [[int(n) for n in str(end).split(".")] for end in outline.get("sections") or ()]
        if not ends or not part[0].isdigit():
            return None
        numbers = [int(n) for n in part.split(".")]
        end = next((end for end in ends if end[0] == numbers[0]), None)
        if end is None or (len(numbers) > 1 and (len(end) < 2 or not 1 <= numbers[1] <= end[1])):
            return "is not in the paper"
        return None
    last = outline.get(f"{kind}s")
    number = re.match(r"\d+", part)
    return (
        f"is beyond the last one, {last}"
        if isinstance(last, int) and number and int(number[0]) > last
        else None
    )
