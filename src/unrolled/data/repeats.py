"""Answers that only repeat the row before: how sets of students give the next answer away, in two ways.

*Skills.* A row of ASSISTments is not an answer to a problem, but to a skill: a problem with two skills has
two rows, one after the other, with the same answer. Who sees the first one knows the second. The files do not
say which rows belong to one problem, but pairs of tags do: two tags that follow each other often, and then
with the same answer nearly always, are the skills of one problem.

*Runs.* The released files of Piech et al. hold runs of hundreds of equal answers to one tag by one student;
the same year without duplicated records has hardly any so long.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.base.errors import UsageError
from unrolled.data.assistments import Students, select

AGREEMENT, OFTEN = 0.97, 20
"""A pair of tags tells if it was seen at least so often, with the same answer in at least this share."""

LONG = 100
"""Equal answers to one tag, one after the other, that make a long run."""


def follows(students: Students) -> Tensor:
    """True where an answer of the same student comes right before, with another tag, ``[answers]``."""
    changed = torch.ones_like(students.first)
    changed[1:] = students.questions.diff() != 0
    return changed & ~students.first


def _pairs(students: Students, where: Tensor) -> Tensor:
    tags = students.questions
    return (tags.roll(1) * students.questions_known + tags)[where]


def telling_pairs(*splits: Students, agreement: float = AGREEMENT, often: int = OFTEN) -> Tensor:
    """Which tag, right after which other, comes with the same answer: ``[before, after]``, bool.

    Args:
        splits: students, of one set of tags.
        agreement: the least share of equal answers.
        often: how many times a pair must have been seen.

    Raises:
        UsageError: if there are no students, or their tags differ.
    """
    if len({split.questions_known for split in splits}) != 1:
        raise UsageError("pairs of tags are counted over students of one set of tags")
    tags = splits[0].questions_known
    seen, same = torch.zeros(2, tags * tags, dtype=torch.int64)
    for split in splits:
        where = follows(split)
        pairs, equal = _pairs(split, where), (split.answers == split.answers.roll(1))[where]
        seen += torch.bincount(pairs, minlength=tags * tags)
        same += torch.bincount(pairs[equal], minlength=tags * tags)
    return ((seen >= often) & (same >= agreement * seen)).reshape(tags, tags)


def repeated(students: Students, pairs: Tensor) -> Tensor:
    """Which answers repeat the row before, as `telling_pairs` says, ``[answers]``, bool.

    A row of which this holds, but whose answer differs after all, counts as well: what can be foreseen is
    that the answers agree.
    """
    where = follows(students)
    result = torch.zeros_like(where)
    result[where] = pairs.flatten()[_pairs(students, where)]
    return result


def without(students: Students, rows: Tensor) -> Students:
    """The students without some of their answers; who has none left is left out.

    >>> students = Students(torch.arange(4), torch.ones(4).long(), torch.tensor([0, 3, 4]), 4)
    >>> rest = without(students, torch.tensor([False, True, False, True]))
    >>> rest.questions.tolist(), rest.starts.tolist()
    ([0, 2], [0, 2])
    """
    owner = torch.repeat_interleave(torch.arange(students.count), students.lengths)[~rows]
    lengths = torch.bincount(owner, minlength=students.count)
    starts = torch.cat([lengths.new_zeros(1), lengths[lengths > 0].cumsum(0)])
    return students._replace(
        questions=students.questions[~rows], answers=students.answers[~rows], starts=starts
    )


def runs(students: Students) -> Tensor:
    """How long the run is that each answer stands in, ``[answers]``: equal answers of a student to one tag.

    >>> students = Students(torch.zeros(5).long(), torch.tensor([1, 1, 0, 0, 0]), torch.tensor([0, 4, 5]), 1)
    >>> runs(students).tolist()
    [2, 2, 2, 2, 1]
    """
    begins = students.first
    begins[1:] |= (students.questions.diff() != 0) | (students.answers.diff() != 0)
    number = begins.cumsum(0) - 1
    return torch.bincount(number, minlength=1)[number] if len(number) else number


def without_runs(students: Students, longest: int = LONG) -> Students:
    """The students who have no run of ``longest`` answers or more.

    >>> students = Students(torch.zeros(5).long(), torch.tensor([1, 1, 0, 0, 0]), torch.tensor([0, 4, 5]), 1)
    >>> without_runs(students, 2).lengths.tolist()
    [1]
    """
    owner = torch.repeat_interleave(torch.arange(students.count), students.lengths)
    keep = torch.ones(students.count, dtype=torch.bool)
    keep[owner[runs(students) >= longest]] = False
    return select(students, keep.nonzero()[:, 0])


def by_tag(students: Students) -> Students:
    """The same answers, each student's sorted by tag, and as before within a tag.

    The files that Piech et al. released have this order. It is not the order in which the students worked.

    >>> tags, answers = torch.tensor([2, 0, 2, 1]), torch.tensor([1, 0, 0, 1])
    >>> students = Students(tags, answers, torch.tensor([0, 3, 4]), 3)
    >>> by_tag(students).questions.tolist(), by_tag(students).answers.tolist()
    ([0, 2, 2, 1], [0, 1, 0, 1])
    """
    owner = torch.repeat_interleave(torch.arange(students.count), students.lengths)
    order = torch.argsort(owner * students.questions_known + students.questions, stable=True)
    return students._replace(questions=students.questions[order], answers=students.answers[order])


def sorted_share(students: Students) -> float:
    """The share of students whose tags never fall.

    >>> students = Students(torch.tensor([0, 2, 1, 3]), torch.ones(4).long(), torch.tensor([0, 2, 4]), 4)
    >>> sorted_share(students), sorted_share(students._replace(starts=torch.tensor([0, 4])))
    (1.0, 0.0)
    """
    falls = torch.zeros_like(students.first)
    falls[1:] = students.questions.diff() < 0
    falls &= ~students.first
    owner = torch.repeat_interleave(torch.arange(students.count), students.lengths)
    return 1.0 - len(owner[falls].unique()) / students.count
