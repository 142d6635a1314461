"""What a chapter has beside its text, a drawing and a demo, and what in its files is still to be written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from unrolled.base import paths
from unrolled.library.faults import Fault
from unrolled.library.models import Entry

STUB = re.compile(r"\bto be written: *(.{0,100})", re.IGNORECASE)
"""How every part begins that `unrolled new` leaves to its author."""

PARTS = {
    "drawing": "book/diagrams/{slug}.svg",
    "demo": "book/demos/{slug}.js",
}
"""What every chapter has of its own beside text and code; without it, it cannot be verified."""

FILES = (
    "bib/entries/{slug}.yaml",
    "src/unrolled/papers/{slug}/*.py",
    "src/unrolled/papers/{slug}/runs.toml",
    "notebooks/{slug}.ipynb",
    "book/diagrams/{slug}.*",
    "book/demos/{slug}.js",
    "tests/checks/test_{slug}.py",
    "tests/oracles/*{slug}.py",
)
"""Where stubs of a chapter can be."""


def stub_faults(entry: Entry) -> Iterator[Fault]:
    """A fault for every line of a chapter's files that says that something is still to be written."""
    for file in files(entry.slug):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if found := STUB.search(line):
                said = found[1].removesuffix('\\n",').rstrip('",.')
                yield Fault(file, number, f"still to be written: {said}", "write it")


def files(slug: str) -> list[Path]:
    """The files of a chapter in which `unrolled new` leaves stubs, as far as they are there."""
    root = paths.project()
    return sorted({path for pattern in FILES for path in root.glob(pattern.format(slug=slug))})


def lacking_parts(slug: str) -> list[str]:
    """The parts that a chapter does not have, in words."""
    named = {name: pattern.format(slug=slug) for name, pattern in PARTS.items()}
    return [f"no {name} ({file})" for name, file in named.items() if not (paths.project() / file).is_file()]
