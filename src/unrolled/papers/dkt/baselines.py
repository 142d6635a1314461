"""Predictions that need no training, or counting only: what a trained network has to beat.

Each takes students, and gives a score for every one of their answers, ``[answers]`` float64 in the students'
order, from what came before it. A student's first answer has a score too; leave it out (``Students.first``)
where a network is compared that predicts from the second step on. Scores are for ranking: only means and
moving averages are probabilities.
"""

from __future__ import annotations

import numpy as np

from unrolled.base.errors import UsageError
from unrolled.data.assistments import Students
from unrolled.papers.dkt.sequences import pack


def tag_means(train: Students) -> np.ndarray:
    """The share of right answers of every tag, ``[tags]``; of all answers, for a tag without any.

    >>> import torch
    >>> right = torch.tensor([1, 0, 1])
    >>> tag_means(Students(torch.tensor([0, 0, 2]), right, torch.tensor([0, 3]), 3)).round(2).tolist()
    [0.5, 0.67, 1.0]
    """
    tags = train.questions.numpy()
    counts = np.bincount(tags, minlength=train.questions_known)
    right = np.bincount(tags, weights=train.answers.numpy(), minlength=train.questions_known)
    overall = float(train.answers.double().mean()) if len(tags) else 0.5
    return np.where(counts > 0, right / np.maximum(counts, 1), overall)


def marginal(train: Students, students: Students) -> np.ndarray:
    """The training mean of the tag that is asked.

    *Paper*: piech2015deep, Table 1, column "marginal".

    Raises:
        UsageError: if the two have different tags.
    """
    if train.questions_known != students.questions_known:
        raise UsageError(f"{train.questions_known} tags in training, {students.questions_known} in the test")
    return tag_means(train)[students.questions.numpy()]


def last_answer(students: Students, ties: np.ndarray | None = None) -> np.ndarray:
    """The student's last answer, whatever its tag; 0.5 before the first.

    Args:
        students: whose answers are predicted.
        ties: scores between 0 and 1 that rank answers of the same prediction, as `marginal` gives them.

    >>> import torch
    >>> students = Students(torch.zeros(4).long(), torch.tensor([1, 0, 1, 1]), torch.tensor([0, 3, 4]), 1)
    >>> last_answer(students).tolist()
    [0.5, 1.0, 0.0, 0.5]
    """
    answers = students.answers.numpy().astype(np.float64)
    before = np.concatenate([np.full(min(1, len(answers)), 0.5), answers[:-1]])
    before[students.first.numpy()] = 0.5
    return before if ties is None else before + ties / 4  # too little to change the order of 0, 1/2 and 1


def moving_average(students: Students, rate: float, start: np.ndarray, by_tag: bool = False) -> np.ndarray:
    """The moving average of each student's earlier answers, of all or of those with the tag that is asked.

    Every answer a moves the average m to m + rate (a - m).

    Args:
        students: whose answers are predicted.
        rate: the weight of the newest answer.
        start: the average before any answer, ``[answers]``; only a sequence's first counts.
        by_tag: an average of its own for each tag of a student.

    >>> import torch
    >>> students = Students(torch.tensor([0, 1, 0]), torch.tensor([1, 0, 1]), torch.tensor([0, 3]), 2)
    >>> start = np.full(3, 0.5)
    >>> moving_average(students, 0.5, start).tolist(), moving_average(students, 0.5, start, True).tolist()
    ([0.5, 0.75, 0.375], [0.5, 0.5, 0.75])
    """
    packed = pack(students, by_tag)
    answers, before = students.answers.numpy()[packed.order].astype(np.float64), np.empty(len(packed.order))
    average = np.asarray(start, np.float64)[packed.order][: packed.sizes[0] if len(packed.sizes) else 0]
    for step in packed.slices():
        average = average[: step.stop - step.start]
        before[step] = average
        average = average + rate * (answers[step] - average)
    unpacked = np.empty_like(before)
    unpacked[packed.order] = before
    return unpacked


def moving_averages(train: Students, students: Students, rate: float = 0.3) -> np.ndarray:
    """The mean of three: the tag's training mean, and the student's moving averages over all answers and over
    those with the tag. The averages begin at the mean of all training answers and at the tag's mean."""
    means = marginal(train, students)
    overall = np.full(len(means), float(train.answers.double().mean()))
    of_student = moving_average(students, rate, overall)
    of_tag = moving_average(students, rate, means, by_tag=True)
    return (means + of_student + of_tag) / 3
