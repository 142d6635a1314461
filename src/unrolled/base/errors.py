"""Errors that a reader can act on: each names the file, the place and the hint."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class UnrolledError(Exception):
    """A fault in what the program was given, told in one line.

    Args:
        problem: what is wrong, in a few words.
        file: the file in which it is wrong.
        line: the line in that file, counted from 1.
        hint: what to do about it.
    """

    exit_code = 1

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        hint: str | None = None,
    ) -> None:
        self.problem, self.file, self.line, self.hint = problem, file, line, hint
        super().__init__(str(self))

    def __str__(self) -> str:
        place = "" if self.file is None else f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        return f"{place}{self.problem}" + (f" ({self.hint})" if self.hint else "")


class UsageError(UnrolledError):
    """The call itself is wrong: an unknown slug, profile or option."""

    exit_code = 2


def unknown(kind: str, name: str, known: Iterable[str], *, listing: str | None = None) -> UsageError:
    """An error for a name that does not exist, with the nearest names that do.

    >>> str(unknown("entry", "bn_lsmt", ["bn_lstm", "ntm"]))
    "no entry 'bn_lsmt' (did you mean bn_lstm?)"
    """
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else listing
    return UsageError(f"no {kind} {name!r}", hint=hint)
