"""Evidence of version 0.1 as an archive: its code is gone, so its values are shown and counted nowhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from unrolled.base.errors import UnrolledError, unknown
from unrolled.library.evidence import evidence_file, load
from unrolled.library.measurements import Archived, Evidence
from unrolled.library.models import Entry


def archive(slug: str, entry: Entry | None, names: Mapping[str, str] | None = None) -> Evidence:
    """An entry's evidence with all that version 0.1 measured in its archive, not yet written.

    A file of format 1 becomes one of format 2. In one that has an archive, the archived claims get their
    statements anew.

    Args:
        entry: None while it is not migrated; no claim has a statement then.
        names: ids of claims of version 0.1 and of the statements or findings that they became; one without
            keeps its id, where a statement or finding has it.

    Raises:
        UnrolledError: if there is no evidence, or it cannot be read.
        UsageError: for an unknown claim or statement.
    """
    path = evidence_file(slug)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnrolledError(f"cannot read: {error}", file=path) from error
    new = load(slug) if record.get("format") == 2 else Evidence(slug=slug, archived=_claims(record, path))
    ids = {item.id for item in (*entry.statements, *entry.findings)} if entry else set()
    known = {item.claim for item in new.archived}
    for claim, name in (names or {}).items():
        if claim not in known:
            raise unknown(f"archived claim of {slug}", claim, known)
        if name not in ids:
            raise unknown(f"statement or finding of {slug}", name, ids)
    became = {claim: claim for claim in known & ids} | dict(names or {})
    archived = tuple(item.model_copy(update={"statement": became.get(item.claim)}) for item in new.archived)
    return new.model_copy(update={"archived": archived})


def _claims(record: dict, path: Path) -> tuple[Archived, ...]:
    try:
        return tuple(
            Archived(
                claim=item["claim"],
                value=item["value"],
                spread=item.get("spread"),
                n=item["n"],
                unit=item.get("unit", ""),
                scale=item.get("scale") or f"{item['profile']} profile",
                commit=item.get("commit"),
            )
            for item in record.get("measurements", ())
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnrolledError(f"is no evidence of format 1: {error}", file=path) from error
