"""Predictions without a network, and what they reach on the students that a network is tested on.

Each predictor gives a score for every answer of some students, ``[answers]`` float64 in their order, from
what came before it. Scores are for ranking: only means and moving averages are probabilities.
"""

from typing import NamedTuple

import numpy as np

from unrolled.base.errors import UsageError
from unrolled.data import repeats
from unrolled.data.assistments import Students
from unrolled.papers.dkt import bkt
from unrolled.papers.dkt.metrics import auc, auc_by_exercise


def tag_means(train: Students) -> np.ndarray:
    """The share of right answers of every tag, ``[tags]``; of all answers, for a tag without any."""
    tags, right = train.questions.numpy(), train.answers.numpy()
    counts = np.bincount(tags, minlength=train.questions_known)
    sums = np.bincount(tags, weights=right, minlength=train.questions_known)
    return np.where(counts > 0, sums / np.maximum(counts, 1), right.mean())


def marginal(train: Students, students: Students) -> np.ndarray:
    """The training mean of the tag that is asked.

    *Paper*: piech2015deep, Table 1, column "marginal".

    *Raises*: `UsageError` if the two have different tags.
    """
    if train.questions_known != students.questions_known:
        raise UsageError(f"{train.questions_known} tags in training, {students.questions_known} in the test")
    return tag_means(train)[students.questions.numpy()]


def last_answer(students: Students, ties: np.ndarray | None = None) -> np.ndarray:
    """The student's last answer, whatever its tag; 0.5 before the first. ``ties`` are scores between 0 and 1
    that rank answers of the same prediction, as `marginal` gives them.

    >>> import torch
    >>> students = Students(torch.zeros(4).long(), torch.tensor([1, 0, 1, 1]), torch.tensor([0, 3, 4]), 1)
    >>> last_answer(students).tolist()
    [0.5, 1.0, 0.0, 0.5]
    """
    before = np.roll(students.answers.numpy().astype(np.float64), 1)
    before[students.first.numpy()] = 0.5
    return before if ties is None else before + ties / 4  # too little to change the order of 0, 1/2 and 1


def moving_average(students: Students, rate: float, start: np.ndarray, by_tag: bool = False) -> np.ndarray:
    """The moving average of each student's earlier answers, of all or of those with the tag that is asked.

    Every answer a moves the average m to m + ``rate`` (a - m). Before any answer it is ``start``,
    ``[answers]``, of which only a sequence's first counts.

    >>> import torch
    >>> students = Students(torch.tensor([0, 1, 0]), torch.tensor([1, 0, 1]), torch.tensor([0, 3]), 2)
    >>> start = np.full(3, 0.5)
    >>> moving_average(students, 0.5, start).tolist(), moving_average(students, 0.5, start, True).tolist()
    ([0.5, 0.75, 0.375], [0.5, 0.5, 0.75])
    """
    packed = bkt.pack(students, by_tag)
    answers, averages = students.answers.numpy(), np.empty(len(packed.order))
    average = start[packed.order]
    for step in packed.steps:
        places = packed.order[step]
        averages[places] = average = average[: len(places)]
        average = average + rate * (answers[places] - average)
    return averages


def moving_averages(train: Students, students: Students, rate: float = 0.3) -> np.ndarray:
    """The mean of three: the tag's training mean, and the student's moving averages over all answers and over
    those with the tag. The averages begin at the mean of all training answers and at the tag's mean."""
    means = marginal(train, students)
    overall = np.full(len(means), float(train.answers.double().mean()))
    of_student = moving_average(students, rate, overall)
    of_tag = moving_average(students, rate, means, by_tag=True)
    return (means + of_student + of_tag) / 3


def logistic_regression(train: Students, students: Students) -> np.ndarray:
    """The probability of a right answer from the exercise and the student's earlier right and wrong answers.

    *Paper*: none; what wilson2016back and gervet2020when set beside the network, in its smallest form: a
    weight for each exercise, one for the count of right answers so far, one for that of wrong ones.

    *Raises*: `UsageError` if the two have different tags.
    """
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression

    if train.questions_known != students.questions_known:
        raise UsageError(f"{train.questions_known} tags in training, {students.questions_known} in the test")

    def features(given: Students) -> csr_matrix:
        right, steps = given.answers.numpy().astype(np.float64), np.arange(len(given.answers))
        begins = np.repeat(given.starts[:-1].numpy(), given.lengths.numpy())
        before = np.cumsum(right) - right
        earlier = before - before[begins]
        counts = np.stack([earlier, steps - begins - earlier], -1) / 10
        rows = (np.ones(len(right)), (steps, given.questions.numpy()))
        return hstack(
            [csr_matrix(rows, shape=(len(right), given.questions_known)), csr_matrix(counts)]
        ).tocsr()

    model = LogisticRegression(max_iter=200).fit(features(train), train.answers.numpy())
    return model.predict_proba(features(students))[:, 1]


def untold(train: Students, students: Students, oracle: np.ndarray | None = None) -> dict[str, float]:
    """``<name>_auc`` and ``<name>_accuracy`` on simulated students, each student's first answer left out, of
    knowledge tracing with one skill for all exercises, of logistic regression, and of the ``oracle``, the
    probabilities ``[answers]`` of the simulation, where they are known. Nobody is told the concepts."""
    single, asked = (
        part._replace(questions=part.questions * 0, questions_known=1) for part in (train, students)
    )
    scores = {
        "bkt": bkt.predict(bkt.fit(single, updates=20).parameters, asked),
        "logistic": logistic_regression(train, students),
    }
    if oracle is not None:
        scores["oracle"] = oracle
    counted, found = ~students.first.numpy(), {}
    right = students.answers.numpy()[counted]
    for name, score in scores.items():
        found[f"{name}_auc"] = auc(score[counted], right)
        found[f"{name}_accuracy"] = float(((score[counted] > 0.5) == right).mean())
    return found


def predictors(train: Students, test: Students) -> dict[str, np.ndarray]:
    """A score for every test answer, by each predictor: means, last answers (with the tag's mean among
    equals, and ``alone``), moving averages, and knowledge tracing (as it was, with forgetting, and with one
    skill for everything: what is left to who has no expert's tags)."""
    means = marginal(train, test)
    single, asked = (part._replace(questions=part.questions * 0, questions_known=1) for part in (train, test))
    return {
        "marginal": means,
        "last_answer": last_answer(test, means),
        "last_answer_alone": last_answer(test),
        "moving_averages": moving_averages(train, test),
        "bkt": bkt.predict(bkt.fit(train).parameters, test),
        "forgetful_bkt": bkt.predict(bkt.fit(train, forgetting=True).parameters, test),
        "bkt_one_tag": bkt.predict(bkt.fit(single).parameters, asked),
    }


class Marks(NamedTuple):
    """Answers that are left out to see what a number rests on, each ``[answers]``, bool."""

    repeated: np.ndarray  # a row that repeats the one before under another tag of the same problem
    stuck: np.ndarray  # all answers of a student who has a long run of equal ones


def marks(train: Students, test: Students) -> Marks:
    """Which test answers are which; pairs of tags are judged by the answers of both."""
    owner = np.repeat(np.arange(test.count), test.lengths.numpy())
    stuck = np.bincount(owner, weights=repeats.runs(test).numpy() >= repeats.LONG, minlength=test.count) > 0
    return Marks(repeats.repeated(test, repeats.telling_pairs(train, test)).numpy(), stuck[owner])


def areas(scores: np.ndarray, answers: np.ndarray, tags: np.ndarray, left_out: Marks) -> dict[str, float]:
    """``auc`` pooled over all answers, ``auc_by_exercise`` averaged over tags, ``auc_not_repeated`` and
    ``auc_without_runs`` pooled over what is left without either mark. All arrays are ``[answers]``."""
    return {
        "auc": auc(scores, answers),
        "auc_by_exercise": auc_by_exercise(scores, answers, tags),
        "auc_not_repeated": auc(scores[~left_out.repeated], answers[~left_out.repeated]),
        "auc_without_runs": auc(scores[~left_out.stuck], answers[~left_out.stuck]),
    }


def references(train: Students, test: Students) -> dict[str, float]:
    """What the files hold, and the `areas` of every predictor, ``<name>_auc`` and so on, over all test
    answers but each student's first: those that a network predicts.

    ``students``, ``answers`` and ``tags`` count both; ``repeated_share`` and ``long_runs_share`` are of the
    test's answers, ``long_runs_students`` and ``sorted_share`` (tags never fall) of its students.
    """
    marked, counted = marks(train, test), ~test.first.numpy()
    found = {
        "students": float(train.count + test.count),
        "answers": float(len(train.answers) + len(test.answers)),
        "tags": float(test.questions_known),
        "repeated_share": float(marked.repeated.mean()),
        "long_runs_share": float((repeats.runs(test) >= repeats.LONG).double().mean()),
        "long_runs_students": float(marked.stuck[~counted].mean()),
        "sorted_share": float(repeats.sorted_share(test)),
    }
    answers, tags = test.answers.numpy()[counted], test.questions.numpy()[counted]
    left_out = Marks(*(mark[counted] for mark in marked))
    for name, scores in predictors(train, test).items():
        measured = areas(scores[counted], answers, tags, left_out)
        found |= {f"{name}_{metric}": value for metric, value in measured.items()}
    return found
