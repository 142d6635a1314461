"""What a network is compared with, measured on the students that the network is tested on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from unrolled.data import repeats
from unrolled.data.assistments import Students
from unrolled.papers.dkt import baselines, bkt
from unrolled.papers.dkt.metrics import auc, auc_by_exercise


def one_tag(students: Students) -> Students:
    """The students as if all exercises had one tag: what is left to who has no expert's tags."""
    return students._replace(questions=students.questions * 0, questions_known=1)


PREDICTORS = (
    "marginal",
    "last_answer",
    "last_answer_alone",
    "moving_averages",
    "bkt",
    "forgetful_bkt",
    "bkt_one_tag",
)
"""The tag's training mean; the student's last answer, with the tag's mean among equals, and without; three
moving averages; Bayesian knowledge tracing, the same with forgetting, and with one skill for everything."""

COUNTS = (
    "students",
    "answers",
    "tags",
    "repeated_share",
    "long_runs_share",
    "long_runs_students",
    "sorted_share",
)
"""What `counts` counts."""
AREAS = ("auc", "auc_by_exercise", "auc_not_repeated", "auc_without_runs")
"""What `areas` measures."""
METRICS = (*COUNTS, *(f"{name}_{area}" for name in PREDICTORS for area in AREAS))
"""What `references` gives, in this order."""


def predictors(train: Students, test: Students) -> dict[str, np.ndarray]:
    """A score for every test answer ``[answers]``, by each of ``PREDICTORS``."""
    means = baselines.marginal(train, test)
    single, asked = one_tag(train), one_tag(test)
    scores = (
        means,
        baselines.last_answer(test, means),
        baselines.last_answer(test),
        baselines.moving_averages(train, test),
        bkt.predict(bkt.fit(train).parameters, test),
        bkt.predict(bkt.fit(train, forgetting=True).parameters, test),
        bkt.predict(bkt.fit(single).parameters, asked),
    )
    return dict(zip(PREDICTORS, scores, strict=True))


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
    values = (
        auc(scores, answers),
        auc_by_exercise(scores, answers, tags),
        auc(scores[~left_out.repeated], answers[~left_out.repeated]),
        auc(scores[~left_out.stuck], answers[~left_out.stuck]),
    )
    return dict(zip(AREAS, values, strict=True))


def counts(train: Students, test: Students) -> dict[str, float]:
    """What the files hold: ``students``, ``answers`` and ``tags`` of both; the ``repeated_share`` and the
    ``long_runs_share`` of the test's answers; and the shares of the test's students who have a long run,
    ``long_runs_students``, and whose tags never fall, ``sorted_share``."""
    marked = marks(train, test)
    values = (
        train.count + test.count,
        len(train.answers) + len(test.answers),
        test.questions_known,
        marked.repeated.mean(),
        (repeats.runs(test) >= repeats.LONG).double().mean(),
        marked.stuck[test.first.numpy()].mean(),
        repeats.sorted_share(test),
    )
    return {name: float(value) for name, value in zip(COUNTS, values, strict=True)}


def references(train: Students, test: Students) -> dict[str, float]:
    """`counts`, and the `areas` of every predictor, ``<name>_auc`` and so on, over all test answers but each
    student's first: those that a network predicts."""
    counted = ~test.first.numpy()
    answers, tags = test.answers.numpy()[counted], test.questions.numpy()[counted]
    left_out = Marks(*(mark[counted] for mark in marks(train, test)))
    found = counts(train, test)
    for name, scores in predictors(train, test).items():
        measured = areas(scores[counted], answers, tags, left_out)
        found |= {f"{name}_{metric}": value for metric, value in measured.items()}
    return found
