"""The reader of bAbI's format, for the real files and for the generated worlds (``unrolled.data.worlds``).

A file is a list of stories. Each line begins with its number in its story; 1 begins the next story. A line is
a fact, or a question with a tab, the answer, a tab and the numbers of the facts that support the answer::

    1 Mary moved to the bathroom.
    2 John went to the hallway.
    3 Where is Mary?<TAB>bathroom<TAB>1
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from unrolled.base.errors import UnrolledError, unknown
from unrolled.data import registry

TASKS = {
    1: "single-supporting-fact",
    2: "two-supporting-facts",
    3: "three-supporting-facts",
    4: "two-arg-relations",
    5: "three-arg-relations",
    6: "yes-no-questions",
    7: "counting",
    8: "lists-sets",
    9: "simple-negation",
    10: "indefinite-knowledge",
    11: "basic-coreference",
    12: "conjunction",
    13: "compound-coreference",
    14: "time-reasoning",
    15: "basic-deduction",
    16: "basic-induction",
    17: "positional-reasoning",
    18: "size-reasoning",
    19: "path-finding",
    20: "agents-motivations",
}
"""The twenty types of question, as the file names call them."""

MISSING = ("en-10k/qa3_three-supporting-facts_train.txt",)
"""Files of the collection that the registry does not list."""


class Fact(NamedTuple):
    """A sentence of a story, and its line's number in the story (which questions count in as well)."""

    number: int
    text: str


class Question(NamedTuple):
    """A question, the facts of its story before it, and what the file says of the answer."""

    story: tuple[Fact, ...]
    text: str
    answer: str
    supporting: tuple[int, ...]
    """Numbers of the supporting facts, as in the file."""
    line: int
    """The question's line in the file, counted from 1."""

    @property
    def positions(self) -> tuple[int, ...]:
        """Where in ``story`` the supporting facts stand, counted from 0."""
        places = {fact.number: place for place, fact in enumerate(self.story)}
        return tuple(places[number] for number in self.supporting)


def words(text: str) -> tuple[str, ...]:
    """The words of a sentence, in small letters, without full stop and question mark.

    >>> words("Where is Mary? ")
    ('where', 'is', 'mary')
    """
    return tuple(re.sub(r"[.?]", " ", text.lower()).split())


def parse(text: str, source: Path | None = None) -> list[Question]:
    r"""The questions of a text in bAbI's format.

    >>> one, = parse("1 Mary moved to the bathroom.\n2 Where is Mary?\tbathroom\t1\n")
    >>> one.answer, one.supporting, one.story[0].text
    ('bathroom', (1,), 'Mary moved to the bathroom.')

    Raises:
        UnrolledError: for the first malformed line; it names the line and what is wrong with it.
    """
    questions, story, previous = [], [], 0
    for line, content in enumerate(text.splitlines(), 1):
        try:
            number, rest = _numbered(content, previous)
            if number == 1:
                story = []
            if "\t" in rest:
                questions.append(_question(rest, story, line))
            elif rest.rstrip().endswith("?"):
                raise _Malformed("a question needs a tab and an answer")
            else:
                story.append(Fact(number, rest.strip()))
        except _Malformed as error:
            where = "" if source else f"line {line}: "
            raise UnrolledError(
                f"{where}{error}", file=source, line=line, hint=f"the line is {content[:60]!r}"
            ) from None
        previous = number
    return questions


class _Malformed(ValueError):
    """What is wrong with a line."""


def _numbered(content: str, previous: int) -> tuple[int, str]:
    head, _, rest = content.partition(" ")
    if not (head.isascii() and head.isdigit()):
        raise _Malformed("it does not begin with a number and a space")
    number = int(head)
    if number not in (1, previous + 1):
        raise _Malformed(f"its number is {number}, after {previous}; expected {previous + 1}, or 1")
    if not rest.strip():
        raise _Malformed("nothing follows its number")
    return number, rest


def _question(rest: str, story: list[Fact], line: int) -> Question:
    parts = rest.split("\t")
    if len(parts) > 3:
        raise _Malformed(f"it has {len(parts) - 1} tabs; a question has one or two")
    text, answer, *facts = (part.strip() for part in parts)
    if not text or not answer:
        raise _Malformed("its question or its answer is empty")
    supporting = []
    known = {fact.number for fact in story}
    for number in (facts or [""])[0].split():
        if not (number.isascii() and number.isdigit()):
            raise _Malformed(f"its supporting facts are {facts[0]!r}; expected numbers")
        if int(number) not in known:
            raise _Malformed(f"its supporting fact {number} is no fact before it in the story")
        supporting.append(int(number))
    return Question(tuple(story), text, answer, tuple(supporting), line)


def text_of(stories: Iterable[Iterable[str | tuple[str, str, Iterable[int]]]]) -> str:
    r"""Stories in bAbI's format: a string is a fact, a triple is question, answer and supporting numbers.

    >>> text_of([["Mary moved to the bathroom.", ("Where is Mary?", "bathroom", [1])]])
    '1 Mary moved to the bathroom.\n2 Where is Mary?\tbathroom\t1\n'
    """
    lines = []
    for story in stories:
        for number, item in enumerate(story, 1):
            if not isinstance(item, str):
                question, answer, supporting = item
                item = f"{question}\t{answer}\t{' '.join(map(str, supporting))}"
            lines.append(f"{number} {item}\n")
    return "".join(lines)


def read(path: str | Path) -> list[Question]:
    """The questions of a file.

    Raises:
        UnrolledError: if it is not UTF-8, holds no question, or a line is malformed (see `parse`).
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnrolledError(f"not UTF-8: {error}", file=path, hint="fetch it again") from error
    questions = parse(text, path)
    if not questions:
        raise UnrolledError("holds no question", file=path, hint="fetch it again")
    return questions


def file_name(task: int, split: str, size: str = "en") -> str:
    """A task's file in the registry's set ``babi``.

    >>> file_name(1, "train")
    'en/qa1_single-supporting-fact_train.txt'

    Raises:
        UsageError: for an unknown task, split or size.
    """
    if task not in TASKS:
        raise unknown("bAbI task", str(task), map(str, TASKS))
    if split not in ("train", "test"):
        raise unknown("split", split, ("train", "test"))
    if size not in ("en", "en-10k"):
        raise unknown("size of bAbI", size, ("en", "en-10k"))
    return f"{size}/qa{task}_{TASKS[task]}_{split}.txt"


def load(task: int, split: str, size: str = "en") -> list[Question]:
    """The real questions of a task: 1,000 in each file, or 10,000 in the training files of ``en-10k``.

    Raises:
        UsageError: for an unknown task, split or size.
        UnrolledError: for the one training file that the registry lacks, or if a file cannot be had.
    """
    name = file_name(task, split, size)
    if name in MISSING:
        raise UnrolledError(f"{name} is not in the registry", hint="take the task's 1,000 questions of 'en'")
    return read(registry.fetch("babi", [name])[name])
