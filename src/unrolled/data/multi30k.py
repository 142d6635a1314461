"""Multi30k, task 1: image descriptions in English with their translations by people."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from unrolled.base.errors import UnrolledError, unknown
from unrolled.data.packed import BROKEN, gunzip
from unrolled.data.registry import fetch

LANGUAGES = ("de", "fr", "cs")
SPLITS = {"train": "train", "valid": "val", "test_2016_flickr": "test_2016_flickr"}
"""Our names of the splits, and the files'. Those of 2017 have no Czech."""
LATER = {name: name for name in ("test_2017_flickr", "test_2017_mscoco")}


class Pairs(NamedTuple):
    """Sentences and their translations, one to one."""

    source: list[str]
    target: list[str]


def read(path: str | Path) -> list[str]:
    """The sentences of a file, one a line, without spaces at their ends.

    Raises:
        UnrolledError: if the file is no gzip, is cut off, is not UTF-8, or holds an empty line.
    """
    path = Path(path)
    try:
        text = gunzip(path).decode("utf-8")
    except BROKEN as error:
        raise UnrolledError(f"not a packed text file: {error}", file=path) from error
    lines = [line.strip() for line in text.removesuffix("\n").split("\n")]
    if "" in lines:
        raise UnrolledError("holds an empty line", file=path, line=lines.index("") + 1)
    return lines


def load(target: str = "de", *, source: str = "en") -> dict[str, Pairs]:
    """The sentence pairs by split: ``train`` (29,000), ``valid`` (1,014), ``test_2016_flickr`` (1,000); for
    German and French also ``test_2017_flickr`` (1,000) and ``test_2017_mscoco`` (461).

    Raises:
        UsageError: for an unknown language.
        UnrolledError: if a file cannot be had or is malformed, or two files differ in their length.
    """
    for name, language in (("source", source), ("target", target)):
        if language not in ("en", *LANGUAGES):
            raise unknown(f"{name} language", language, ("en", *LANGUAGES))
    wanted = SPLITS if "cs" in (source, target) else SPLITS | LATER
    sides = (source, target)
    files = fetch("multi30k", only=[f"{file}.{side}.gz" for file in wanted.values() for side in sides])
    found = {}
    for split, file in wanted.items():
        pairs = Pairs(*(read(files[f"{file}.{side}.gz"]) for side in sides))
        if len(pairs.source) != len(pairs.target):
            raise UnrolledError(
                f"{len(pairs.source)} sentences, and {len(pairs.target)} translations in {target}",
                file=files[f"{file}.{source}.gz"],
            )
        found[split] = pairs
    return found
