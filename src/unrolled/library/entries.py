"""Entries and concepts: loaded from ``bib/``, with every fault at once and its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from unrolled.base.errors import UnrolledError, unknown
from unrolled.base.paths import entries as entries_folder
from unrolled.base.paths import project
from unrolled.library.faults import Fault, Faulty
from unrolled.library.models import Concept, Entry, contradictions
from unrolled.library.yamltext import Document, read_yaml


def slugs(folder: Path | None = None) -> list[str]:
    """The slugs of all entries, sorted; only file names are read."""
    return sorted(path.stem for path in (folder or entries_folder()).glob("*.yaml"))


def entry_file(slug: str, folder: Path | None = None) -> Path:
    """The file of an entry.

    Raises:
        UsageError: if there is none, with the nearest slugs.
    """
    folder = folder or entries_folder()
    known = slugs(folder)
    if slug not in known:
        listing = "'unrolled list' shows them all" if known else f"{folder} holds no entry"
        raise unknown("entry", slug, known, listing=listing)
    return folder / f"{slug}.yaml"


def load_entry(slug: str, folder: Path | None = None) -> Entry:
    """One entry.

    Raises:
        UsageError: if there is no such entry, with near names.
        Faulty: if its file has faults; all of them, with their lines.
    """
    entry, document = read_entry(entry_file(slug, folder))
    if entry is None:
        raise Faulty(document.faults)
    return entry


def load_all(folder: Path | None = None) -> dict[str, Entry]:
    """Every entry by slug, sorted.

    Raises:
        Faulty: if any file has faults; those of all files at once.
    """
    loaded, documents = read_all(folder)
    faults = [fault for document in documents.values() for fault in document.faults]
    if faults:
        raise Faulty(faults)
    return loaded


def read_all(folder: Path | None = None) -> tuple[dict[str, Entry], dict[str, Document]]:
    """The entries that have no fault, and every entry's document, where the faults and lines are."""
    folder = folder or entries_folder()
    read = {slug: read_entry(folder / f"{slug}.yaml") for slug in slugs(folder)}
    return (
        {slug: entry for slug, (entry, _) in read.items() if entry is not None},
        {slug: document for slug, (_, document) in read.items()},
    )


def read_entry(path: Path) -> tuple[Entry | None, Document]:
    """An entry (None where its file has faults), and the document: the faults and the line of each value."""
    return _read_entry(path, _stamp(path))


def load_concepts(path: Path | None = None) -> dict[str, Concept]:
    """Every concept by slug, in the order of ``bib/concepts.yaml``.

    Raises:
        Faulty: if the file has faults; all of them.
    """
    concepts, document = read_concepts(path)
    if document.faults:
        raise Faulty(document.faults)
    return concepts


def read_concepts(path: Path | None = None) -> tuple[dict[str, Concept], Document]:
    """The concepts that have no fault, and the document with the faults and lines."""
    path = path or project() / "bib" / "concepts.yaml"
    document = _read(path)
    concepts: dict[str, Concept] = {}
    if document.data is None:
        return concepts, document
    if not isinstance(document.data, list):
        document.fault(1, "must be a list of concepts", "start each with '- slug: …'")
        return concepts, document
    for index, item in enumerate(document.data):
        concept = _validated(Concept, item, document, (index,))
        if concept is None:
            continue
        if concept.slug in concepts:
            document.fault(document.line(index, "slug"), f"concept {concept.slug!r} twice")
        concepts.setdefault(concept.slug, concept)
    return concepts, document


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _read_entry(path: Path, stamp: tuple[int, int]) -> tuple[Entry | None, Document]:
    document = _read(path)
    if document.data is None:
        return None, document
    exact = list(_inside(document))
    entry = _validated(Entry, document.data, document, (), drop_whole=bool(exact))
    document.faults += exact
    if entry is not None and entry.slug != path.stem:
        document.fault(
            document.line("slug"), f"slug {entry.slug!r} in a file named {path.name}", "make them equal"
        )
    document.faults.sort(key=Fault.order)
    return (None if document.faults else entry), document


def _read(path: Path) -> Document:
    try:
        return read_yaml(path)
    except UnrolledError as error:
        return Document(path, faults=[Fault(path, error.line or 1, error.problem, error.hint)])


def _inside(document: Document) -> Iterator[Fault]:
    """What the model checks across an entry's lists, here with the line of each item."""
    data = document.data
    if not isinstance(data, dict):
        return
    for problem, place in contradictions(data):
        yield Fault(document.file, document.line(*place), problem)


@lru_cache(maxsize=8)
def _adapter(model: type[BaseModel]) -> TypeAdapter:
    return TypeAdapter(model)


def _validated(model, data, document: Document, path: tuple, drop_whole: bool = False):
    """``data`` as ``model``, or None; what is wrong is added to the document's faults."""
    if not isinstance(data, dict):
        document.fault(document.line(*path), f"must be a mapping of {model.__name__.lower()} fields")
        return None
    try:
        return _adapter(model).validate_python(data)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_context=False):
            place = (*path, *item["loc"])
            if drop_whole and not item["loc"] and item["type"] == "value_error":
                continue
            problem, hint = _worded(item)
            name = ".".join(str(part) for part in item["loc"])
            document.fault(document.line(*place), f"{name}: {problem}" if name else problem, hint)
        return None


def _worded(item: dict) -> tuple[str, str | None]:
    """A validation error in words that say what to do."""
    message = re.sub(r"^Value error, ", "", item["msg"])
    given = item.get("input")
    if item["type"] == "extra_forbidden":
        return "unknown field", "see bib/entry.schema.json for the fields"
    if item["type"] == "missing":
        return "missing", None
    if item["type"] == "string_type" and isinstance(given, bool | int | float):
        return f"must be text, not {given!r}", "put it in quotes"
    shown = f", not {given!r}" if isinstance(given, str | int | float) and len(str(given)) < 60 else ""
    return message[:1].lower() + message[1:] + shown, None
