"""``metrics.jsonl``: a line an update or an evaluation, appended; a kill tears the last line at most."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
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
            records.append(json.loads(line))
        except ValueError as error:
            raise UnrolledError(
                "no JSON", file=path, line=number, hint="remove the run's folder to start it again"
            ) from error
    return records


def trim(path: Path, update: int) -> list[dict]:
    """Drop what a history says of updates after ``update``: they will be done again. Gives what is left."""
    records = [record for record in read(path) if record["update"] <= update]
    atomic_write(path, "".join(f"{json.dumps(record)}\n" for record in records))
    return records


def append(path: Path, records: Iterable[dict], *, sync: bool = False) -> None:
    """Append records in one write; ``sync`` waits for the disk, before a checkpoint relies on them."""
    text = "".join(f"{json.dumps(record)}\n" for record in records)
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)
        if sync:
            file.flush()
            os.fsync(file.fileno())
