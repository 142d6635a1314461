"""Answers of real students: the ASSISTments sets of knowledge tracing, and windows of them to train on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError, UsageError, unknown
from unrolled.data.registry import fetch


class Students(NamedTuple):
    """The answers of many students, one student after the other.

    ``questions`` and ``answers`` ``[answers]`` int64: tag of the exercise, counted from 0, and 1 for a right
    answer. ``starts`` ``[students + 1]`` int64: student i has the answers from ``starts[i]`` up to
    ``starts[i + 1]``. ``questions_known``: how many tags there are.
    """

    questions: Tensor
    answers: Tensor
    starts: Tensor
    questions_known: int

    @property
    def count(self) -> int:
        """The number of students."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> Tensor:
        """The number of answers of each student, ``[students]``."""
        return self.starts.diff()

    @property
    def first(self) -> Tensor:
        """True where a student begins, ``[answers]``: the one answer of each that nothing comes before."""
        first = torch.zeros(len(self.answers), dtype=torch.bool)
        first[self.starts[:-1]] = True
        return first


class Source(NamedTuple):
    """One set: its name in the registry, its two files, the number of its first tag and how many it has."""

    dataset: str
    train: str
    test: str
    first_tag: int
    tags: int


SOURCES = {
    "raw": Source("dkt-assistments", "builder_train.csv", "builder_test.csv", 0, 124),
    "corrected": Source(
        "assist2009-updated", "assist2009_updated_train.csv", "assist2009_updated_test.csv", 1, 110
    ),
    "no_duplicates": Source("assist2009-xiong", "0910_a_train.csv", "0910_a_test.csv", 0, 124),
    "no_scaffolding": Source("assist2009-xiong", "0910_b_train.csv", "0910_b_test.csv", 0, 124),
    "merged": Source("assist2009-xiong", "0910_c_train.csv", "0910_c_test.csv", 0, 146),
    "2015": Source("assist2015", "assist2015_train.csv", "assist2015_test.csv", 1, 100),
}
"""The sets by name. ``raw``: the files that Piech et al. released, ASSISTments 2009-2010 with the duplicated
records that Xiong et al. found, *each student's answers sorted by tag*. ``corrected``: the same year without
them, in order of time, as Zhang et al. packed it. ``no_duplicates``, ``no_scaffolding``, ``merged``: the sets
a, b and c of Xiong et al.: without the duplicates; without the sub-problems too; and with the several skills
of a problem made one tag. ``2015``: another year, 100 tags."""


def _numbers(text: str, path: Path, line: int) -> list[int]:
    fields = text.strip().removesuffix(",").split(",")
    try:
        return [int(field) for field in fields]
    except ValueError:
        wrong = next(field for field in fields if not field.strip().lstrip("-").isdigit())
        raise UnrolledError(f"{wrong!r} is no whole number", file=path, line=line) from None


def read(path: str | Path, *, first_tag: int = 0, tags: int | None = None) -> Students:
    """The students of a file with three lines each: how many answers, their tags, and 0 or 1 for each.

    A comma at the end of a line may be there or not.

    Args:
        path: the file.
        first_tag: the smallest number of a tag in the file; it becomes 0.
        tags: how many tags there are; without it, as many as the largest of the file says.

    Raises:
        UnrolledError: if a record is cut off, a count disagrees, or a value is out of range; with its line.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError as error:
        raise UnrolledError(f"not a file of numbers: {error}", file=path) from error
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise UnrolledError("holds no student", file=path)
    if len(lines) % 3:
        raise UnrolledError(
            f"a record has three lines; the last one has {len(lines) % 3}", file=path, line=len(lines)
        )
    questions: list[int] = []
    answers: list[int] = []
    starts = [0]
    last_tag = None if tags is None else first_tag + tags - 1
    for line in range(1, len(lines), 3):
        (count, *more), asked, given = (
            _numbers(text, path, line + i) for i, text in enumerate(lines[line - 1 : line + 2])
        )
        if more or count < 1:
            raise UnrolledError("not a count of answers of at least 1", file=path, line=line)
        for i, what, found in ((1, "tags", asked), (2, "answers", given)):
            if len(found) != count:
                raise UnrolledError(
                    f"{len(found)} {what} where line {line} says {count}", file=path, line=line + i
                )
        if min(asked) < first_tag or (last_tag is not None and max(asked) > last_tag):
            wrong = next(tag for tag in asked if tag < first_tag or (last_tag is not None and tag > last_tag))
            upper = "" if last_tag is None else f" to {last_tag}"
            raise UnrolledError(f"tag {wrong} is not in {first_tag}{upper}", file=path, line=line + 1)
        if not {*given} <= {0, 1}:
            wrong = next(answer for answer in given if answer not in (0, 1))
            raise UnrolledError(f"answer {wrong} is neither 0 nor 1", file=path, line=line + 2)
        questions += asked
        answers += given
        starts.append(len(answers))
    numbered = torch.from_numpy(np.asarray(questions, np.int64) - first_tag)
    return Students(
        numbered,
        torch.from_numpy(np.asarray(answers, np.int64)),
        torch.from_numpy(np.asarray(starts, np.int64)),
        int(numbered.max()) + 1 if tags is None else tags,
    )


def load(name: str = "raw") -> dict[str, Students]:
    """The students of a set, ``{"train": …, "test": …}``, as its files split them: by student.

    Args:
        name: ``"raw"``, ``"corrected"`` or ``"2015"`` (see ``SOURCES``).

    Raises:
        UsageError: for an unknown name.
        UnrolledError: if a file cannot be had or is malformed.
    """
    if name not in SOURCES:
        raise unknown("set of students", name, SOURCES, listing=f"there are {', '.join(SOURCES)}")
    source = SOURCES[name]
    files = fetch(source.dataset, only=(source.train, source.test))
    return {
        split: read(files[file], first_tag=source.first_tag, tags=source.tags)
        for split, file in (("train", source.train), ("test", source.test))
    }


def windows(students: Students, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """The students cut into windows: questions and answers ``[windows, length]``, lengths ``[windows]``.

    A window begins with the last step of the one before. A model predicts from the second step of a window
    on, so that without this overlap the answers on the cuts would never be predicted; with it every answer
    but a student's first is predicted exactly once. What lies before a window is forgotten. Students with one
    answer have nothing to predict and no window. Shorter windows are filled with zeros.

    >>> students = Students(torch.arange(5), torch.ones(5, dtype=torch.int64), torch.tensor([0, 4, 5]), 5)
    >>> questions, answers, lengths = windows(students, 3)
    >>> questions.tolist(), lengths.tolist()
    ([[0, 1, 2], [2, 3, 0]], [3, 2])

    Raises:
        UsageError: if the length is less than 2.
    """
    if length < 2:
        raise UsageError(f"windows of {length} steps predict nothing", hint="take at least 2")
    predictions = students.lengths - 1
    pieces = torch.div(predictions + length - 2, length - 1, rounding_mode="floor")
    owner = torch.repeat_interleave(torch.arange(students.count), pieces)
    piece = torch.arange(len(owner)) - (pieces.cumsum(0) - pieces)[owner]
    offset = piece * (length - 1)
    lengths = (students.lengths[owner] - offset).clamp(max=length)
    steps = torch.arange(length)
    real = steps < lengths[:, None]
    place = torch.where(real, (students.starts[owner] + offset)[:, None] + steps, 0)
    return students.questions[place] * real, students.answers[place] * real, lengths


def select(students: Students, chosen: Tensor | Iterable[int]) -> Students:
    """Some students, by number, in the order given: for folds and validation sets.

    >>> students = Students(torch.arange(5), torch.ones(5, dtype=torch.int64), torch.tensor([0, 4, 5]), 5)
    >>> select(students, [1, 0]).questions.tolist()
    [4, 0, 1, 2, 3]
    """
    chosen = torch.as_tensor(chosen if isinstance(chosen, Tensor) else list(chosen), dtype=torch.int64)
    lengths = students.lengths[chosen]
    starts = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    shift = students.starts[chosen] - starts[:-1]
    place = torch.arange(int(starts[-1])) + torch.repeat_interleave(shift, lengths)
    return Students(students.questions[place], students.answers[place], starts, students.questions_known)
