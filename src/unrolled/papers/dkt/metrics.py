"""The area under the ROC curve: pooled over all answers, or averaged over exercises."""

from __future__ import annotations

import numpy as np

from unrolled.base.errors import UsageError


def auc(scores: np.ndarray, answers: np.ndarray) -> float:
    """The probability that a right answer has a higher score than a wrong one; ties count half.

    Args:
        scores: any numbers, higher where a right answer is likelier.
        answers: 0 or 1 for each.

    Raises:
        UsageError: where scores and answers differ in number, or all answers are the same.

    >>> auc(np.array([0.9, 0.4, 0.4, 0.1]), np.array([1, 1, 0, 0]))
    0.875
    """
    scores, right = np.asarray(scores), np.asarray(answers).astype(bool)
    if scores.shape != right.shape or scores.ndim != 1:
        raise UsageError(f"scores {scores.shape} and answers {right.shape} must be of one length")
    above, below = scores[right], np.sort(scores[~right])
    if not len(above) or not len(below):
        raise UsageError("an AUC needs right and wrong answers; all are the same")
    wins = np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")
    return float(wins.sum() / (2 * len(above) * len(below)))


def auc_by_exercise(scores: np.ndarray, answers: np.ndarray, exercises: np.ndarray) -> float:
    """The mean over exercises of each one's own `auc`; exercises with equal answers only are left out.

    Raises:
        UsageError: where no exercise has both right and wrong answers.

    >>> scores, answers = np.array([0.9, 0.8, 0.2, 0.1]), np.array([1, 0, 1, 0])
    >>> auc(scores, answers), auc_by_exercise(scores, answers, np.array([0, 0, 1, 1]))
    (0.75, 1.0)
    """
    exercises = np.asarray(exercises)
    order = np.argsort(exercises, kind="stable")
    scores, answers = np.asarray(scores)[order], np.asarray(answers)[order]
    starts = np.flatnonzero(np.diff(exercises[order], prepend=-1))
    parts = zip(np.split(scores, starts[1:]), np.split(answers, starts[1:]), strict=True)
    areas = [auc(part, right) for part, right in parts if 0 < right.sum() < len(right)]
    if not areas:
        raise UsageError("no exercise has both right and wrong answers")
    return float(np.mean(areas))
