"""Faults of the knowledge base: where, what and how to fix it. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from unrolled.base.errors import UnrolledError
from unrolled.base.paths import project


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong (``fault``), or that an entry still lacks to be verified (``lacks``).

    ``line`` counts from 1.
    """

    file: Path
    line: int
    problem: str
    hint: str | None = None
    level: Literal["fault", "lacks"] = "fault"
    slug: str | None = None

    @property
    def place(self) -> str:
        """The file, relative to the project where it lies inside it."""
        try:
            return str(self.file.resolve().relative_to(project().resolve()))
        except (ValueError, UnrolledError):
            return str(self.file)

    def order(self) -> tuple[str, int, str]:
        """By file, line and problem."""
        return (str(self.file), self.line, self.problem)

    def __str__(self) -> str:
        return f"{self.place}:{self.line}: {self.problem}" + (f" ({self.hint})" if self.hint else "")

    def as_json(self) -> dict[str, object]:
        """The fault as a record that fits JSON."""
        return asdict(self) | {"file": self.place}


class Faulty(UnrolledError):
    """Files that cannot be used, with all their faults at once; its text has one line a fault."""

    def __init__(self, faults: Iterable[Fault]):
        self.faults = sorted(faults, key=Fault.order)
        first = self.faults[0]
        super().__init__(first.problem, file=first.place, line=first.line, hint=first.hint)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def read_text(path: Path, limit: int = 8_000_000) -> tuple[str, list[Fault]]:
    """A file's text with ``\\n`` line ends and no byte order mark, and what is wrong with its encoding.

    Bytes that are no UTF-8 become U+FFFD and a fault that names their line, so that the rest still loads.

    Raises:
        UnrolledError: if the file cannot be read, or is larger than ``limit`` bytes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnrolledError(f"cannot read: {error.strerror or error}", file=path) from error
    if len(data) > limit:
        raise UnrolledError(f"larger than {limit // 1_000_000} MB", file=path, hint="is it the right file?")
    faults: list[Fault] = []
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        faults.append(
            Fault(path, line, f"not UTF-8: byte 0x{data[error.start]:02x}", "save the file as UTF-8")
        )
        text = data.decode("utf-8", errors="replace")
    return text, faults
