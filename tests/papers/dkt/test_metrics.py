"""The area under the ROC curve, against its definition and scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from unrolled.base.errors import UsageError
from unrolled.papers.dkt.metrics import auc, auc_by_exercise


def test_it_is_scikit_learns_with_ties_too():
    random = np.random.default_rng(0)
    answers = random.integers(0, 2, 500)
    for scores in (random.normal(size=500), random.integers(0, 5, 500) + answers):
        assert auc(scores, answers) == pytest.approx(roc_auc_score(answers, scores), abs=1e-12)


def test_equal_scores_are_a_coin():
    assert auc(np.zeros(4), np.array([0, 1, 1, 0])) == 0.5


def test_exercises_with_equal_answers_are_left_out_of_the_mean():
    exercises = np.array([3, 1, 3, 1, 7])
    scores, answers = np.array([0.1, 0.9, 0.2, 0.8, 0.5]), np.array([1, 1, 0, 0, 1])
    assert auc_by_exercise(scores, answers, exercises) == 0.5  # 0 of exercise 3, 1 of exercise 1


def test_input_without_an_area_is_refused():
    with pytest.raises(UsageError, match="all are the same"):
        auc(np.ones(3), np.ones(3))
    with pytest.raises(UsageError, match="no exercise"):
        auc_by_exercise(np.ones(2), np.array([0, 1]), np.array([0, 1]))
    with pytest.raises(UsageError, match="one length"):
        auc(np.ones(3), np.ones(2))
