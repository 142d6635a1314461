"""What a network is compared with, measured on the students that the network is tested on."""

from __future__ import annotations

import numpy as np

from unrolled.data import repeats
from unrolled.data.assistments import Students
from unrolled.papers.dkt import baselines, bkt
from unrolled.papers.dkt.metrics import auc, auc_by_exercise


def one_tag(students: Students) -> Students:
    """The students as if all exercises had one tag: what is left to who has no expert's tags."""
    return students._replace(questions=students.questions * 0, questions_known=1)


def predictors(train: Students, test: Students) -> dict[str, np.ndarray]:
    """A score for every test answer, by each predictor without a network.

    ``marginal``: the tag's training mean. ``last_answer``: the student's last one, alone;
    ``last_answer_and_tag``: ties broken by the tag's mean. ``moving_averages``: three of them.
    ``bkt`` and ``bkt_forgetting``: Bayesian knowledge tracing for every tag; ``bkt_one_tag``: with one skill
    for everything.
    """
    means = baselines.marginal(train, test)
    scores = {
        "marginal": means,
        "last_answer": baselines.last_answer(test),
        "last_answer_and_tag": baselines.last_answer(test, means),
        "moving_averages": baselines.moving_averages(train, test),
    }
    for name, forgetting in (("bkt", False), ("bkt_forgetting", True)):
        scores[name] = bkt.predict(bkt.fit(train, forgetting=forgetting).parameters, test)
    scores["bkt_one_tag"] = bkt.predict(bkt.fit(one_tag(train)).parameters, one_tag(test))
    return scores


def references(train: Students, test: Students) -> dict[str, float]:
    """The AUC of every predictor, and what the files hold.

    For each of `predictors`: ``<name>_auc`` pooled over all test answers but each student's first,
    ``<name>_auc_by_exercise`` averaged over tags, ``<name>_auc_not_repeated`` over the answers that do not
    repeat the row before (`repeats.repeated`), and ``<name>_auc_without_runs`` over the students without a
    long run of equal answers. Counts: ``students``, ``answers`` and ``tags`` of both files; the
    ``repeated_share`` of their answers; the ``long_runs_share`` of the test's answers; and of the test's
    students, ``long_runs_students``, who have a long run, and ``sorted_share``, whose tags never fall.
    """
    pairs = repeats.telling_pairs(train, test)
    again = repeats.repeated(test, pairs).numpy()
    total = len(train.answers) + len(test.answers)
    again_in_training = int(repeats.repeated(train, pairs).sum())
    long_runs = (repeats.runs(test) >= repeats.LONG).numpy()
    owner = np.repeat(np.arange(test.count), test.lengths.numpy())
    of_long_runs = np.bincount(owner, weights=long_runs, minlength=test.count) > 0
    found = {
        "students": float(train.count + test.count),
        "answers": float(total),
        "tags": float(test.questions_known),
        "repeated_share": (again_in_training + int(again.sum())) / total,
        "long_runs_share": float(long_runs.mean()),
        "long_runs_students": float(of_long_runs.mean()),
        "sorted_share": repeats.sorted_share(test),
    }
    counted = ~test.first.numpy()
    answers, tags = test.answers.numpy(), test.questions.numpy()
    for name, scores in predictors(train, test).items():
        found |= {
            f"{name}_auc": auc(scores[counted], answers[counted]),
            f"{name}_auc_by_exercise": auc_by_exercise(scores[counted], answers[counted], tags[counted]),
        }
        for what, rest in (("not_repeated", ~again), ("without_runs", ~of_long_runs[owner])):
            found[f"{name}_auc_{what}"] = auc(scores[counted & rest], answers[counted & rest])
    return found
