"""The registry of real data sets: where each file lies, its SHA-256, its licence, and how to get it.

``UNROLLED_DATA_MIRROR`` names a folder that is asked first, ``<mirror>/<data set>/<file>``: what lies there
is used in place, after its SHA-256 was checked. Everything else is downloaded once into the cache
(``UNROLLED_DATA``, else the platform's cache folder). See ``download.py`` for the download itself.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from unrolled.base.errors import UnrolledError, unknown
from unrolled.base.files import atomic_write, sha256

REGISTRY = Path(__file__).with_name("registry.toml")


@dataclass(frozen=True)
class File:
    """One pinned file: its name below the data set's folder, address, SHA-256 and size in bytes."""

    name: str
    url: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Dataset:
    """One data set: what it is, under which licence, whom to cite, and its files by name."""

    name: str
    title: str
    licence: str
    citation: str
    splits: str
    files: dict[str, File]
    key: str | None = None  # in references.bib
    description: str = ""
    verified: str = ""
    notes: str = ""

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(file.bytes for file in self.files.values())


def _listed(path: Path, base: str) -> dict[str, File]:
    files = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        digest, size, name, *where = line.split()
        files[name] = File(name, base + (where[0] if where else name), digest, int(size))
    return files


@lru_cache(maxsize=8)
def _loaded(path: Path, stamp: int) -> dict[str, Dataset]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnrolledError(f"not TOML: {error}", file=path) from error
    found = {}
    for name, table in tables.items():
        try:
            base, rows, listing = table.pop("base"), table.pop("files", {}), table.pop("listing", None)
            files = {
                file: File(file, base + row.get("path", file), row["sha256"], row["bytes"])
                for file, row in rows.items()
            }
            if listing:
                files |= _listed(path.parent / listing, base)
            found[name] = Dataset(name=name, files=files, **table)
        except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            raise UnrolledError(
                f"data set {name!r} is incomplete or malformed: {error}", file=path
            ) from error
    return found


def datasets(registry: Path | None = None) -> dict[str, Dataset]:
    """Every data set of the registry, by name.

    >>> datasets()["mnist"].files["t10k-labels-idx1-ubyte.gz"].bytes
    4542
    """
    path = registry or REGISTRY
    return _loaded(path, path.stat().st_mtime_ns if path.is_file() else 0)


def dataset(name: str, registry: Path | None = None) -> Dataset:
    """One data set by name.

    Raises:
        UsageError: if there is none of that name; it tells near names.
    """
    known = datasets(registry)
    if name not in known:
        raise unknown("data set", name, known, listing="'unrolled data list' shows all")
    return known[name]


def checksums(names: Iterable[str], registry: Path | None = None) -> dict[str, dict[str, str]]:
    """The SHA-256 of every file of the named sets: what keys depend on. Needs no file to be there."""
    return {
        name: {file.name: file.sha256 for file in dataset(name, registry).files.values()}
        for name in sorted(set(names))
    }


def cache() -> Path:
    """The folder of downloaded data: ``$UNROLLED_DATA``, else the platform's cache folder."""
    named = os.environ.get("UNROLLED_DATA")
    if named:
        return Path(named)
    import pooch

    return Path(pooch.os_cache("unrolled"))


def mirror() -> Path | None:
    """The folder that is asked before the network: ``$UNROLLED_DATA_MIRROR``, if set.

    Raises:
        UnrolledError: if it is set and is no folder.
    """
    named = os.environ.get("UNROLLED_DATA_MIRROR")
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        raise UnrolledError("UNROLLED_DATA_MIRROR names no folder", file=folder, hint="correct or unset it")
    return folder


def _stamp(path: Path) -> Path:
    """Where it is noted that ``path`` was verified, so that no file is hashed at each call."""
    import hashlib

    return cache() / ".verified" / hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:24]


def check(path: Path, file: File, *, thorough: bool = False) -> None:
    """Check a file's size and SHA-256 against the registry.

    A file that was found good is noted in the cache with its size and time of change, and not hashed
    again while both stay the same, unless ``thorough``.

    Raises:
        UnrolledError: if it differs; it names the file, both sums and the hint.
    """
    status = path.stat()
    note = f"{status.st_size} {status.st_mtime_ns} {file.sha256}"
    stamp = _stamp(path)
    if not thorough and stamp.is_file() and stamp.read_text() == note:
        return
    hint = f"delete it and fetch it again from {file.url}"
    if status.st_size != file.bytes:
        raise UnrolledError(f"has {status.st_size} bytes; expected {file.bytes}", file=path, hint=hint)
    found = sha256(path)
    if found != file.sha256:
        raise UnrolledError(f"SHA-256 is {found}; expected {file.sha256}", file=path, hint=hint)
    try:
        atomic_write(stamp, note)
    except OSError:  # a cache that cannot be written costs a hash at the next call, nothing else
        return


def locate(name: str, file: File) -> Path | None:
    """Where a file lies already, in the mirror or the cache, checked; None if it is in neither."""
    for root in (mirror(), cache()):
        path = root / name / file.name if root else None
        if path and path.is_file():
            check(path, file)
            return path
    return None


def fetch(name: str, only: Iterable[str] | None = None, registry: Path | None = None) -> dict[str, Path]:
    """The files of a data set, by name, each with its place on this machine; downloaded where they must be.

    Args:
        name: the data set.
        only: names of the files that are wanted; all without it.
        registry: another registry than the package's own.

    Raises:
        UsageError: for an unknown data set or file.
        UnrolledError: if a checksum differs, the network or the disk does not serve.
    """
    from unrolled.data.download import download

    known = dataset(name, registry)
    wanted = list(known.files) if only is None else list(only)
    for file in wanted:
        if file not in known.files:
            raise unknown(f"file of {name}", file, known.files)
    places = {}
    for file in wanted:
        pinned = known.files[file]
        places[file] = locate(name, pinned) or download(pinned, cache() / name / file)
    return places


def state(name: str, registry: Path | None = None) -> dict[str, str]:
    """For each file of a set: ``"verified"``, ``"absent"``, or what is wrong with it. Hashes every file."""
    result = {}
    for file in dataset(name, registry).files.values():
        result[file.name] = "absent"
        for root in (mirror(), cache()):
            path = root / name / file.name if root else None
            if path and path.is_file():
                try:
                    check(path, file, thorough=True)
                    result[file.name] = "verified"
                except UnrolledError as error:
                    result[file.name] = str(error)
                break
    return result
