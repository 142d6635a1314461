"""The bibliography: ``bib/references.bib``, read and written through bibtexparser.

bibtexparser never raises: a block that it cannot read is set aside. Here each becomes a fault with its
line, and the other blocks still load. Values keep their braces, which protect capitals and accents.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from bibtexparser import model as blocks
from bibtexparser.splitter import Splitter

from unrolled.base.errors import unknown
from unrolled.base.paths import bibliography as bibliography_file
from unrolled.library.bibvalues import evaluate, pieces
from unrolled.library.faults import Fault, Faulty, read_text

logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # what it would warn of, we report as faults

_START = re.compile(r"^[ \t]*@[ \t]*\w+[ \t]*[{(]", re.MULTILINE)
_STRING = re.compile(r"^[ \t]*@[ \t]*string[ \t]*[{(]", re.MULTILINE | re.IGNORECASE)
_LOST = re.compile(
    r"@[ \t]*\w+[ \t]*[{(]|^[ \t]*(article|book|inproceedings|misc|phdthesis|techreport)\s*\{", re.M | re.I
)
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


@dataclass(frozen=True)
class Reference:
    """One entry of the bibliography: values as BibTeX reads them, braces kept, under names in lower case."""

    type: str
    key: str
    fields: Mapping[str, str]
    line: int = field(compare=False, default=1)
    comment: str = ""  # the text right above it
    expressions: Mapping[str, str] = field(
        compare=False, default_factory=dict
    )  # values made of @string names

    def __getitem__(self, name: str) -> str:
        return self.fields[name]

    def get(self, name: str, default: str = "") -> str:
        """The value of a field, or ``default``."""
        return self.fields.get(name, default)


@dataclass
class Bibliography:
    """References by key, in the file's order, and the faults of the blocks that could not be read."""

    file: Path
    entries: dict[str, Reference] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    strings: dict[str, str] = field(default_factory=dict)  # @string definitions, as written
    preambles: list[str] = field(default_factory=list)
    header: str = ""
    footer: str = ""
    broken: set[str] = field(default_factory=set)  # keys of blocks that are set aside

    def find(self, key: str) -> Reference:
        """The reference of that key.

        Raises:
            UsageError: if there is none, with near keys.
            Faulty: if its block is broken.
        """
        if key in self.entries:
            return self.entries[key]
        if key in self.broken and self.faults:
            raise Faulty([fault for fault in self.faults if repr(key) in fault.problem] or self.faults)
        raise unknown("reference", key, self.entries, listing=f"see {self.file.name}")


def load(path: Path | None = None) -> Bibliography:
    """Read a BibTeX file, ``bib/references.bib`` by default. Faults are in the result, never raised.

    Raises:
        UnrolledError: if the file cannot be read at all.
    """
    path = path or bibliography_file()
    status = path.stat() if path.exists() else None
    return _load(path, (status.st_mtime_ns, status.st_size) if status else (0, 0))


@lru_cache(maxsize=16)
def _load(path: Path, stamp: tuple[int, int]) -> Bibliography:
    text, faults = read_text(path, limit=64_000_000)
    result = parse(text, path)
    result.faults = sorted(faults + result.faults)
    return result


def find(keys: Iterable[str], path: Path | None = None) -> list[Reference]:
    """The references of ``keys``, without reading the rest of the file where that is not needed.

    Raises:
        UsageError: if a key is unknown, with near keys.
        Faulty: if one of their blocks is broken.
    """
    path, keys = path or bibliography_file(), list(keys)
    text, _ = read_text(path, limit=64_000_000)
    cuts = [match.start() for match in _START.finditer(text)] + [len(text)]
    wanted = re.compile(
        r"\s*@[ \t]*\w+[ \t]*[{(]\s*(" + "|".join(re.escape(key) for key in keys) + r")\s*[,})]"
    )
    chosen = [
        text[start:end]
        for start, end in pairwise(cuts)
        if wanted.match(text, start) or _STRING.match(text, start)
    ]
    some = parse("\n".join(chosen), path)
    if not some.faults and all(key in some.entries for key in keys):
        return [some.entries[key] for key in keys]
    everything = load(path)
    return [everything.find(key) for key in keys]


def parse(text: str, path: Path = Path("<text>")) -> Bibliography:
    """Read BibTeX text. Every fault has the line (from 1) on which its block starts, or its field stands."""
    result = Bibliography(path)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    breaks = [index for index, character in enumerate(text) if character == "\n"]
    position, comment = 0, ""
    seen: dict[str, int] = {}
    values: dict[str, str] = {name[:3].lower(): name for name in _MONTHS}

    def fault(line: int, problem: str, mend: str | None = None) -> None:
        result.faults.append(Fault(path, line, problem, mend))

    for block in Splitter(text).split().blocks:
        inner = getattr(block, "ignore_error_block", None) or block
        raw = block.raw or inner.raw or ""
        # bibtexparser counts no line that ends in a backslash, so the place is looked up in the text
        start = text.find(raw, position) if raw else -1
        line = bisect_right(breaks, start - 1) + 1 if start >= 0 else (block.start_line or 0) + 1
        broken = isinstance(block, blocks.ParsingFailedBlock)
        if start >= 0:
            position = start + (1 if broken else len(raw))
        if isinstance(block, blocks.ImplicitComment | blocks.ExplicitComment):
            said = _tidy(block.comment) if isinstance(block, blocks.ImplicitComment) else raw
            if isinstance(block, blocks.ImplicitComment) and (lost := _LOST.search(raw)):
                at = line + raw.count("\n", 0, lost.start())
                fault(
                    at,
                    "text between entries that looks like an entry",
                    "start an entry with '@' on a line of its own",
                )
            first = not (result.entries or result.strings or result.preambles or result.header or comment)
            if first and isinstance(block, blocks.ImplicitComment):
                loose = text[position : position + 200].split("@", 1)[0].count("\n") > 1
                paragraphs = said.split("\n\n")
                kept = len(paragraphs) if loose else len(paragraphs) - 1
                result.header, said = "\n\n".join(paragraphs[:kept]), "\n\n".join(paragraphs[kept:])
            comment = "\n".join(part for part in (comment, said) if part)
            continue
        if isinstance(block, blocks.DuplicateBlockKeyBlock):
            fault(line, f"key {inner.key!r} twice", f"first on line {seen.get(inner.key.lower(), 1)}")
        elif isinstance(block, blocks.DuplicateFieldKeyBlock):
            fault(line, f"entry {inner.key!r}: field {', '.join(sorted(block.duplicate_keys))} twice")
        elif broken:
            key = re.match(r"\s*@\s*\w+\s*[{(]\s*([^\s,{}()=]+)\s*,", raw)
            result.broken.update(key.groups() if key else ())
            why = getattr(block.error, "abort_reason", "") or str(block.error) or "cannot be read"
            name = f"entry {key[1]!r}" if key else "block"
            fault(
                line,
                f"broken {name}: {' '.join(why.split()).rstrip('. ')}",
                "is a brace, quote or comma missing?",
            )
        elif isinstance(block, blocks.String):
            try:
                result.strings[block.key], _ = evaluate(block.value, values)
                values[block.key.lower()] = result.strings[block.key]
            except ValueError as error:
                fault(line, f"@string {block.key}: {error}")
        elif isinstance(block, blocks.Preamble):
            result.preambles.append(raw)
        elif isinstance(block, blocks.Entry):
            entry = block
            if entry.key.lower() in seen:
                fault(line, f"key {entry.key!r} twice", f"first on line {seen[entry.key.lower()]}")
                continue
            reference = _reference(entry, line, values, comment, fault)
            comment = ""
            seen[entry.key.lower()] = line
            if reference is None:
                result.broken.add(entry.key)
            else:
                result.entries[entry.key] = reference
            continue
        if isinstance(inner, blocks.Entry):
            result.broken.add(inner.key)
            seen.setdefault(inner.key.lower(), line)
    result.footer = comment
    result.faults.sort()
    return result


def _reference(entry: blocks.Entry, line: int, values, comment: str, fault) -> Reference | None:
    """An entry with its values read; None, and faults, where one cannot be."""
    fields: dict[str, str] = {}
    expressions: dict[str, str] = {}
    good = True
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_:.+/-]*", entry.key):
        fault(line, f"{entry.key!r} is no key", "letters, digits and _ : . + / -, first a letter")
        good = False
    raw, cursor = entry.raw or "", 0
    for item in entry.fields:
        name = item.key.lower()
        found = re.compile(rf"(?<![\w-]){re.escape(item.key)}\s*=").search(raw, cursor)
        at = line
        if found:
            cursor = found.end()
            at = line + raw.count("\n", 0, found.start())
            cursor += len(item.value)
        if name in fields:
            fault(at, f"entry {entry.key!r}: field {name} twice")
            good = False
            continue
        if not re.fullmatch(r"[a-z][a-z0-9_:.+/-]*", name):
            fault(
                at,
                f"entry {entry.key!r}: {item.key[:40]!r} is no field name",
                "is a comma or brace missing above?",
            )
            good = False
            continue
        try:
            fields[name], plain = evaluate(item.value, values)
            if not plain:
                expressions[name] = " # ".join(" ".join(piece.split()) for piece in pieces(item.value))
        except ValueError as error:
            fault(at, f"entry {entry.key!r}, field {name}: {error}")
            good = False
    return (
        Reference(entry.entry_type.lower(), entry.key, fields, line, comment, expressions) if good else None
    )


def _tidy(comment: str) -> str:
    lines = [line.rstrip() for line in comment.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
