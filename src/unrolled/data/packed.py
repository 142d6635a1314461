"""What is packed is unpacked to a limit: a few kilobytes of gzip or zip may stand for gigabytes."""

from __future__ import annotations

import gzip
import pickle
import tokenize
import zipfile
import zlib
from pathlib import Path

BROKEN = (
    *(
        ArithmeticError,
        AssertionError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        NotImplementedError,
    ),
    *(OSError, RecursionError, StopIteration, SyntaxError, TypeError, ValueError),
    *(pickle.UnpicklingError, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What readers of other libraries raise for files that are damaged; a loader tells it in one line."""
LARGEST = 256_000_000
"""Bytes that a packed file may hold; the largest of the registry holds a fifth of it."""


def gunzip(path: Path) -> bytes:
    """The content of a gzip file.

    Raises:
        OSError, EOFError, zlib.error: if it is damaged, or holds more than ``LARGEST`` bytes.
    """
    with gzip.open(path) as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(f"it holds more than {LARGEST:,} bytes")
    return content


def check_sizes(archive: zipfile.ZipFile) -> None:
    """Refuse an archive whose members say that they are too large together; none yields more than it says.

    Raises:
        zipfile.BadZipFile: if they are.
    """
    total = sum(member.file_size for member in archive.infolist())
    if total > LARGEST:
        raise zipfile.BadZipFile(f"its members hold {total:,} bytes; at most {LARGEST:,} are read")
