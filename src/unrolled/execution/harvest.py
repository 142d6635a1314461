"""From an executed chapter to its evidence: what it took, and the values that it left."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unrolled.base import paths
from unrolled.base.errors import UnrolledError
from unrolled.execution.notebooks import outputs_of


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return f"CPU, 1 thread ({line.partition(':')[2].strip()})"
    return f"CPU, 1 thread ({platform.machine()})"


def write_evidence(slug: str, executed: Mapping[str, Any], record: Mapping[str, Any]) -> Path:
    """Put an executed chapter's values and cost into ``bib/evidence/<slug>.json``; the rest stays.

    What rests on these values is measured anew.

    Raises:
        UnrolledError: if a value was left twice, or the file that is there is not valid.
    """
    from unrolled.library.chapters import VALUE, executed_chapter
    from unrolled.library.collecting import with_chapter
    from unrolled.library.entries import load_entry
    from unrolled.library.evidence import save

    names = [item["name"] for item in outputs_of(executed, VALUE)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnrolledError(f"value {twice[0]} is left twice", file=paths.notebooks() / f"{slug}.ipynb")
    notebook = {"cells": executed["cells"], "metadata": {"unrolled": dict(record)}}
    return save(with_chapter(load_entry(slug), executed_chapter(notebook)))
