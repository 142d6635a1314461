"""The references on simulated students, and the numbers of the real files."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from unrolled.data import assistments, learners
from unrolled.data.assistments import Students
from unrolled.papers.dkt import baselines
from unrolled.papers.dkt.experiment import EXPERIMENT
from unrolled.papers.dkt.metrics import auc
from unrolled.training.presets import preset


def students_of(answers, questions):
    """Every row a student."""
    count, steps = answers.shape
    known = int(questions.max()) + 1
    return Students(questions.reshape(-1), answers.reshape(-1), torch.arange(count + 1) * steps, known)


def test_references_of_simulated_students_are_in_order():
    made = learners.simulate(600, concepts=1, exercises=20, seed=3)
    train, test = (
        students_of(made.answers[part], made.questions[part]) for part in (slice(0, 300), slice(300, 600))
    )
    found = baselines.references(train, test)
    assert (found["students"], found["answers"], found["tags"]) == (600, 12_000, 20)
    assert found["repeated_share"] == found["long_runs_share"] == 0
    # No exercise comes twice, so that knowledge tracing by tag knows no more than the mean of the tag.
    assert found["bkt_auc"] == pytest.approx(found["marginal_auc"], abs=0.01)
    assert found["bkt_one_tag_auc"] > found["bkt_auc"] + 0.05
    assert found["marginal_auc_by_exercise"] == 0.5
    assert found["moving_averages_auc"] == found["moving_averages_auc_not_repeated"]
    assert all(np.isfinite(value) for value in found.values())


def test_who_is_not_told_the_concepts_lies_between_the_mean_and_the_oracle():
    made = learners.simulate(600, concepts=3, exercises=20, seed=3, shuffled=True)
    train, test = (
        students_of(made.answers[part], made.questions[part]) for part in (slice(0, 300), slice(300, 600))
    )
    found = baselines.untold(train, test, made.probabilities[300:].flatten().double().numpy())
    counted = ~test.first.numpy()
    mean = auc(baselines.marginal(train, test)[counted], test.answers.numpy()[counted])
    assert mean < found["logistic_auc"] < found["oracle_auc"]
    assert found["bkt_auc"] < found["oracle_auc"]
    assert set(baselines.untold(train, test)) == set(found) - {"oracle_auc", "oracle_accuracy"}


def test_logistic_regression_sees_no_answer_before_it_is_given():
    made = learners.simulate(80, concepts=2, exercises=6, seed=0)
    train = students_of(made.answers, made.questions)
    scores = baselines.logistic_regression(train, train).reshape(80, 6)
    changed = made.answers.clone()
    changed[:, 4] = 1 - changed[:, 4]
    again = students_of(changed, made.questions)
    model_again = baselines.logistic_regression(train, again).reshape(80, 6)
    np.testing.assert_allclose(model_again[:, :5], scores[:, :5])
    assert not np.allclose(model_again[:, 5], scores[:, 5])


def test_students_with_long_runs_are_left_out():
    answers = torch.randint(0, 2, (41, 120), generator=torch.Generator().manual_seed(0))
    answers[-1] = 1
    questions = torch.zeros_like(answers)
    train, test = students_of(answers[:20], questions[:20]), students_of(answers[20:], questions[20:])
    found = baselines.references(train, test)
    assert found["long_runs_students"] == pytest.approx(1 / 21)
    assert found["long_runs_share"] == pytest.approx(1 / 21)
    assert found["moving_averages_auc_without_runs"] != found["moving_averages_auc"]


class TestRealFiles:
    @pytest.fixture(scope="class")
    @classmethod
    def raw(cls):
        """The released files, read once."""
        beside = Path(__file__).resolve().parents[4] / "shared" / "data"
        folder = Path(os.environ.get("UNROLLED_DATA_MIRROR") or beside)
        if not (folder / "dkt-assistments").is_dir():
            pytest.skip("no real data: neither UNROLLED_DATA_MIRROR nor ../shared/data holds them")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("UNROLLED_DATA_MIRROR", str(folder))
            both = assistments.load("raw")
        counted = ~both["test"].first.numpy()
        return both["train"], both["test"], counted, both["test"].answers.numpy()

    def test_means_of_tags_agree_with_the_papers_marginal(self, raw):
        train, test, counted, answers = raw
        assert auc(baselines.marginal(train, test)[counted], answers[counted]) == pytest.approx(
            0.617, abs=5e-4
        )

    def test_last_answer_needs_the_tag_for_its_number(self, raw):
        train, test, counted, answers = raw
        ties = baselines.marginal(train, test)
        alone, tied = baselines.last_answer(test), baselines.last_answer(test, ties)
        assert auc(alone[counted], answers[counted]) == pytest.approx(0.711, abs=1e-3)
        assert auc(tied[counted], answers[counted]) == pytest.approx(0.761, abs=5e-4)

    def test_moving_averages_come_close_to_the_paper(self, raw):
        train, test, counted, answers = raw
        scores = baselines.moving_averages(train, test)
        assert auc(scores[counted], answers[counted]) == pytest.approx(0.831, abs=5e-4)


def test_a_run_of_references_carries_their_numbers(monkeypatch):
    made = learners.simulate(60, concepts=1, exercises=20, seed=3)
    both = (
        students_of(made.answers[:30], made.questions[:30]),
        students_of(made.answers[30:], made.questions[30:]),
    )
    monkeypatch.setattr(EXPERIMENT, "students", lambda self: both)
    config = replace(preset(EXPERIMENT, "lstm_raw").config, hidden=4, input_size=4, window=7)
    bound = EXPERIMENT(config, 0)
    model, splits = bound.model().eval(), bound.data()
    with torch.no_grad():
        metrics = bound.test(model, splits.test)
        plain = bound.evaluate(model, splits.test)
    for name, value in baselines.references(*both).items():
        assert metrics[name] == pytest.approx(value, abs=1e-12)
    assert metrics["auc_not_repeated"] == metrics["auc_without_runs"] == metrics["auc"]
    assert metrics["auc"] == pytest.approx(plain["auc"], abs=1e-12)
