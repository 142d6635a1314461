"""The area under the ROC curve: pooled over all answers, or averaged over exercises."""

import numpy as np

from unrolled.base.errors import UsageError


def auc(scores: np.ndarray, answers: np.ndarray) -> float:
    """The probability that a right answer (1) has a higher score than a wrong one (0); ties count half.

    *Raises*: `UsageError` where scores and answers differ in number, or all answers are the same.

    >>> auc(np.array([0.9, 0.4, 0.4, 0.1]), np.array([1, 1, 0, 0]))
    0.875
    """
    from sklearn.metrics import roc_auc_score  # here, because importing it takes a second

    if scores.shape != answers.shape or scores.ndim != 1:
        raise UsageError(f"scores {scores.shape} and answers {answers.shape} must be of one length")
    if len(np.unique(answers)) < 2:
        raise UsageError("an AUC needs right and wrong answers; all are the same")
    return float(roc_auc_score(answers, scores))


def auc_by_exercise(scores: np.ndarray, answers: np.ndarray, exercises: np.ndarray) -> float:
    """The mean over exercises of each one's own `auc`; exercises with equal answers only are left out.

    *Raises*: `UsageError` where no exercise has both right and wrong answers.

    >>> scores, answers = np.array([0.9, 0.8, 0.2, 0.1]), np.array([1, 0, 1, 0])
    >>> auc(scores, answers), auc_by_exercise(scores, answers, np.array([0, 0, 1, 1]))
    (0.75, 1.0)
    """
    parts = [exercises == exercise for exercise in np.unique(exercises)]
    areas = [auc(scores[part], answers[part]) for part in parts if len(np.unique(answers[part])) == 2]
    if not areas:
        raise UsageError("no exercise has both right and wrong answers")
    return float(np.mean(areas))
