"""Evidence files, ``bib/evidence/<slug>.json``: read, and written with a digest over all that they say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.base.folders import found, written
from unrolled.base.keys import combine
from unrolled.library.faults import Fault, Faulty, read_text
from unrolled.library.measurements import Evidence

LARGEST = 4_000_000
"""Bytes of a file: one that is larger is not written."""


def evidence_file(slug: str) -> Path:
    """Where an entry's evidence lies."""
    return found("bib", "evidence", f"{slug}.json")


def digest(evidence: Evidence) -> str:
    """The digest over everything that a record says, but for the digest itself."""
    return combine(evidence.model_dump(mode="json", exclude={"digest"}, exclude_defaults=True))


def load(slug: str, path: Path | None = None, *, sealed: bool = True) -> Evidence | None:
    """An entry's evidence, or None where nothing has been measured.

    Args:
        sealed: refuse a record that differs from its digest; `unrolled check` looks at it all the same.

    Raises:
        Faulty: if the file does not hold evidence, with all its faults.
    """
    path = path or evidence_file(slug)
    if not path.is_file():
        return None
    text, faults = read_text(path)
    if faults:
        raise Faulty(faults)
    try:
        evidence = Evidence.model_validate_json(text)
    except ValidationError as error:
        raise Faulty(_fault(path, text, item) for item in error.errors(include_url=False)) from error
    if evidence.slug != slug:
        problem = f"evidence of {evidence.slug!r} in a file named {path.name}"
        raise Faulty([Fault(path, _line(text, ("slug",)), problem, "restore it from git")])
    if sealed and (problem := unsealed(evidence)):
        raise Faulty([Fault(path, _line(text, ("digest",)), problem, "restore it from git, or collect anew")])
    return evidence


def unsealed(evidence: Evidence) -> str | None:
    """What is wrong with a record's digest, or None."""
    if not evidence.digest:
        return "the evidence has no digest: it was not written by `unrolled evidence`"
    return (
        None if evidence.digest == digest(evidence) else "the evidence was edited: it differs from its digest"
    )


def save(evidence: Evidence, path: Path | None = None) -> Path:
    """Write evidence with its digest. The old file stays until the new one has been read back.

    Raises:
        UnrolledError: if it would be larger than ``LARGEST``.
    """
    path = path or written("bib", "evidence", f"{evidence.slug}.json")
    ordered = evidence.model_copy(
        update={
            "statements": tuple(sorted(evidence.statements, key=lambda item: item.id)),
            "findings": tuple(sorted(evidence.findings, key=lambda item: item.id)),
            "archived": tuple(sorted(evidence.archived, key=lambda item: item.claim)),
            "comparisons": tuple(
                sorted(evidence.comparisons, key=lambda item: [s.name for s in item.systems])
            ),
            "runs": dict(sorted(evidence.runs.items())),
        }
    )
    ordered = ordered.model_copy(update={"digest": digest(ordered)})
    record = ordered.model_dump(mode="json", exclude_defaults=True) | {"format": ordered.format}
    first = {name: record.pop(name) for name in ("format", "slug", "digest")}
    text = json.dumps(first | record, indent=1, ensure_ascii=False)
    # a list of numbers on one line: a curve is one line of a difference, not sixty
    text = (
        re.sub(r"\[\s+((?:-?[\d.eE+-]+,?\s*)+)\]", lambda match: f"[{' '.join(match[1].split())}]", text)
        + "\n"
    )
    if len(text.encode()) > LARGEST:
        raise UnrolledError(
            f"{len(text.encode()) / 1e6:.1f} MB of evidence; {LARGEST / 1e6:.0f} MB are kept at most",
            file=path,
            hint="name fewer presets in statements and findings; nothing was written",
        )
    if Evidence.model_validate_json(text) != ordered:
        raise UnrolledError("the evidence does not read back as it was written", file=path)
    return atomic_write(path, text)


def _fault(path: Path, text: str, item: Mapping) -> Fault:
    place = ".".join(str(part) for part in item["loc"])
    line = _line(text, item["loc"])
    if item["type"] == "json_invalid":
        number = re.search(r"line (\d+)", item["msg"])
        line = min(int(number[1]) if number else 1, text.count("\n") + 1)
    message = item["msg"][:1].lower() + item["msg"][1:]
    return Fault(path, line, f"{place}: {message}" if place else message, "collect the evidence again")


def _line(text: str, place: tuple) -> int:
    """The line of a value in JSON text: the names are looked up, since JSON readers keep no lines."""
    offset = 0
    for part in place:
        if isinstance(part, str):
            place_of = text.find(f'"{part}"', offset)
            offset = place_of if place_of >= 0 else offset
        else:  # `save` starts the items of a list two spaces in
            items = [match.start() for match in re.finditer(r"^  \{", text[offset:], re.MULTILINE)]
            offset += items[part] if part < len(items) else 0
    return text.count("\n", 0, offset) + 1
