"""The bibliography: ``bib/references.bib``, read and written through bibtexparser.

bibtexparser never raises: a block that it cannot read is set aside. Here each becomes a fault with its
line, and the other blocks still load. Values keep their braces, which protect capitals and accents.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from bibtexparser import model as blocks
from bibtexparser.splitter import Splitter

from unrolled.base.errors import unknown
from unrolled.base.paths import bibliography as bibliography_file
from unrolled.library.biblatex import MONTHS, inherit
from unrolled.library.bibvalues import evaluate, pieces
from unrolled.library.faults import Fault, Faulty, read_text

logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # what it would warn of, we report as faults

_START = re.compile(r"^[ \t]*@[ \t]*\w+[ \t]*[{(]", re.MULTILINE)
_STRING = re.compile(r"^[ \t]*@[ \t]*string[ \t]*[{(]", re.MULTILINE | re.IGNORECASE)
_LOST = re.compile(
    r"@[ \t]*\w+[ \t]*[{(]|^[ \t]*(article|book|inproceedings|misc|phdthesis|techreport)\s*\{", re.M | re.I
)
KEY = re.compile(r"[^\s,{}()\"#%~\\\\=`<>]+")
"""What BibTeX takes as a key: also one that begins with a digit, or has dots, slashes, umlauts."""
_NAMES = {  # what BibTeX's own styles define: journals by their short names
    "acmcs": "ACM Computing Surveys",
    "acta": "Acta Informatica",
    "cacm": "Communications of the ACM",
    "ibmjrd": "IBM Journal of Research and Development",
    "ibmsj": "IBM Systems Journal",
    "ieeese": "IEEE Transactions on Software Engineering",
    "ieeetc": "IEEE Transactions on Computers",
    "ipl": "Information Processing Letters",
    "jacm": "Journal of the ACM",
    "jcss": "Journal of Computer and System Sciences",
    "scp": "Science of Computer Programming",
    "sicomp": "SIAM Journal on Computing",
    "tcs": "Theoretical Computer Science",
    "tog": "ACM Transactions on Graphics",
    "toms": "ACM Transactions on Mathematical Software",
    "toplas": "ACM Transactions on Programming Languages and Systems",
}


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
    inherited: Mapping[str, str] = field(compare=False, default_factory=dict)  # by crossref and xdata

    def __getitem__(self, name: str) -> str:
        return self.fields[name] if name in self.fields else self.inherited[name]

    def get(self, name: str, default: str = "") -> str:
        """The value of a field, or ``default``."""
        return self.fields.get(name, self.inherited.get(name, default))


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
    result.faults = sorted(faults + result.faults, key=Fault.order)
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
    if not some.faults and all(key in some.entries for key in keys):  # a parent elsewhere is a fault here
        return [some.entries[key] for key in keys]
    everything = load(path)
    return [everything.find(key) for key in keys]


def parse(text: str, path: Path = Path("<text>")) -> Bibliography:
    """Read BibTeX text. Every fault has the line (from 1) on which its block starts, or its field stands."""
    return _Reader(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"), path).read()


class _Reader:
    """Turns bibtexparser's blocks into references and faults."""

    def __init__(self, text: str, path: Path):
        self.text = text
        self.result = Bibliography(path)
        self.values = _NAMES | {form: name for name in MONTHS for form in (name[:3].lower(), name.lower())}
        self.values |= {"sept": "September"}  # what names stand for
        self.seen: dict[str, int] = {}  # keys in lower case, as BibTeX compares them, and their lines
        self.comment = ""  # what waits to be put above the next entry
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._position = 0

    def read(self) -> Bibliography:
        for block in Splitter(self.text).split().blocks:
            inner = getattr(block, "ignore_error_block", None) or block
            line = self._place(block, inner)
            if isinstance(block, blocks.ParsingFailedBlock):
                self._broken(block, inner, line)
            elif isinstance(block, blocks.ImplicitComment | blocks.ExplicitComment):
                self._comment(block, line)
            elif isinstance(block, blocks.String):
                self._string(block, line)
            elif isinstance(block, blocks.Preamble):
                self.result.preambles.append(block.raw)
            elif isinstance(block, blocks.Entry):
                self._entry(block, line)
        self.result.footer = self.comment
        self._inherit()
        self.result.faults.sort(key=Fault.order)
        return self.result

    def _fault(self, line: int, problem: str, hint: str | None = None) -> None:
        self.result.faults.append(Fault(self.result.file, line, problem, hint))

    def _inherit(self) -> None:
        """Give each entry what it takes over from others; an entry that is nowhere is a fault."""
        known = {key.lower(): reference for key, reference in self.result.entries.items()}
        for key, reference in self.result.entries.items():
            if reference.fields.keys() & {"crossref", "xdata"}:
                inherited, missing = inherit(reference, known)
                self.result.entries[key] = replace(reference, inherited=inherited)
                for parent in missing:
                    self._fault(reference.line, f"entry {key!r}: no entry {parent!r} for its crossref")

    def _place(self, block: blocks.Block, inner: blocks.Block) -> int:
        """The block's line, looked up in the text: bibtexparser counts no line that ends in a backslash."""
        raw = block.raw or inner.raw or ""
        start = self.text.find(raw, self._position) if raw else -1
        if start < 0:
            return min((block.start_line or 0) + 1, len(self._breaks) + 1)
        self._position = start + (1 if isinstance(block, blocks.ParsingFailedBlock) else len(raw))
        return bisect_right(self._breaks, start - 1) + 1

    def _broken(self, block: blocks.ParsingFailedBlock, inner: blocks.Block, line: int) -> None:
        if isinstance(block, blocks.DuplicateBlockKeyBlock):
            first = self.seen.get(inner.key.lower())
            self._fault(line, f"key {inner.key!r} twice", f"first on line {first}" if first else None)
        elif isinstance(block, blocks.DuplicateFieldKeyBlock):
            twice = ", ".join(sorted(block.duplicate_keys))
            self._fault(line, f"entry {inner.key!r}: field {twice} twice")
        else:
            key = re.match(r"\s*@\s*\w+\s*[{(]\s*([^\s,{}()=]+)\s*,", block.raw or "")
            self.result.broken.update(key.groups() if key else ())
            why = getattr(block.error, "abort_reason", "") or str(block.error) or "cannot be read"
            name = f"entry {key[1]!r}" if key else "block"
            said = " ".join(why.split()).rstrip(". ")
            self._fault(line, f"broken {name}: {said}", "is a brace, quote or comma missing?")
        if isinstance(inner, blocks.Entry):
            self.result.broken.add(inner.key)
            self.seen.setdefault(inner.key.lower(), line)

    def _comment(self, block: blocks.ImplicitComment | blocks.ExplicitComment, line: int) -> None:
        implicit = isinstance(block, blocks.ImplicitComment)
        said = _tidy(block.comment) if implicit else block.raw
        if implicit and (lost := _LOST.search(block.raw)):
            at = line + block.raw.count("\n", 0, lost.start())
            hint = "start an entry with '@' on a line of its own"
            self._fault(at, "text between entries that looks like an entry", hint)
        result = self.result
        begun = result.entries or result.strings or result.preambles or result.header or self.comment
        if implicit and not begun:
            # what is parted from the first entry by an empty line is the file's header
            gap = re.compile(r"[ \t]*\n[ \t]*\n|\s*\Z").match(self.text, self._position)
            paragraphs = said.split("\n\n")
            kept = len(paragraphs) if gap else len(paragraphs) - 1
            result.header, said = "\n\n".join(paragraphs[:kept]), "\n\n".join(paragraphs[kept:])
        self.comment = "\n".join(part for part in (self.comment, said) if part)

    def _string(self, block: blocks.String, line: int) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_:.+/-]*", block.key):
            self._fault(line, f"{block.key!r} is no name for a @string")
            return
        try:
            self.result.strings[block.key], _ = evaluate(block.value, self.values)
        except ValueError as error:
            self._fault(line, f"@string {block.key}: {error}")
        else:
            self.values[block.key.lower()] = self.result.strings[block.key]

    def _entry(self, entry: blocks.Entry, line: int) -> None:
        if entry.key.lower() in self.seen:
            self._fault(line, f"key {entry.key!r} twice", f"first on line {self.seen[entry.key.lower()]}")
            return
        self.seen[entry.key.lower()] = line
        known = len(self.result.faults)
        fields: dict[str, str] = {}
        expressions: dict[str, str] = {}
        if not KEY.fullmatch(entry.key):
            hint = "no blank, comma, brace, quote, backslash or one of # % ~ = ` < >"
            self._fault(line, f"{entry.key!r} is no key", hint)
        for item, at in self._lines(entry, line):
            name = item.key.lower()
            if name in fields:
                self._fault(at, f"entry {entry.key!r}: field {name} twice")
            elif not re.fullmatch(r"[a-z_][\w:.+/-]*", name):
                problem = f"entry {entry.key!r}: {item.key[:40]!r} is no field name"
                self._fault(at, problem, "is a comma or brace missing above?")
            else:
                try:
                    fields[name], plain = evaluate(item.value, self.values)
                    if not plain:
                        joined = (" ".join(piece.split()) for piece in pieces(item.value))
                        expressions[name] = " # ".join(joined)
                except ValueError as error:
                    self._fault(at, f"entry {entry.key!r}, field {name}: {error}")
        if len(self.result.faults) > known:
            self.result.broken.add(entry.key)
            return
        comment, self.comment = self.comment, ""
        kind = entry.entry_type.lower()
        self.result.entries[entry.key] = Reference(kind, entry.key, fields, line, comment, expressions)

    def _lines(self, entry: blocks.Entry, line: int) -> Iterator[tuple[blocks.Field, int]]:
        """Each field with its line in the file."""
        raw, cursor = entry.raw or "", 0
        for item in entry.fields:
            found = re.compile(rf"(?<![\w-]){re.escape(item.key)}\s*=").search(raw, cursor)
            if found:
                cursor = found.end() + len(item.value)
            yield item, line + raw.count("\n", 0, found.start()) if found else line


def _tidy(comment: str) -> str:
    lines = [line.rstrip() for line in comment.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
