"""``metrics.jsonl``: a line an update or an evaluation, appended; a kill tears the last line at most."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write


def read(path: Path) -> list[dict]:
    """The whole lines of a history; a torn last line is left out.

    Raises:
        UnrolledError: if a line before the last is no JSON.
    """
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")
    records = []
    for number, line in enumerate(lines, 1):
        if number == len(lines):
            break  # what follows the last line break: nothing, or a torn line
        try:
            record = json.loads(line)
            if type(record["update"]) is not int:
                raise ValueError("an update is a whole number")
            records.append(record)
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            hint = "remove the run's folder to start it again"
            raise UnrolledError("no record of an update", file=path, line=number, hint=hint) from error
    return records


def trim(path: Path, update: int) -> list[dict]:
    """Drop what a history says of updates after ``update``: they will be done again. Gives what is left."""
    records = [record for record in read(path) if record["update"] <= update]
    atomic_write(path, "".join(f"{json.dumps(record)}\n" for record in records))
    return records


def seal(path: Path) -> dict[str, str | int]:
    """How long a history is, and its SHA-256: a checkpoint keeps both, and a result."""
    content = path.read_bytes() if path.is_file() else b""
    return {"history_bytes": len(content), "history_sha256": hashlib.sha256(content).hexdigest()}


def check(path: Path, sealed: Mapping) -> None:
    """Compare the beginning of a history with what ``seal`` said of it; records of older code say nothing.

    Raises:
        UnrolledError: if it was altered since.
    """
    if "history_sha256" in sealed:
        content = (path.read_bytes() if path.is_file() else b"")[: sealed["history_bytes"]]
        if hashlib.sha256(content).hexdigest() != sealed["history_sha256"]:
            raise UnrolledError("is damaged: its checksum differs", file=path)


def append(path: Path, records: Iterable[dict], *, sync: bool = False) -> None:
    """Append records in one write; ``sync`` waits for the disk, before a checkpoint relies on them."""
    text = "".join(f"{json.dumps(record)}\n" for record in records)
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)
        if sync:
            file.flush()
            os.fsync(file.fileno())
