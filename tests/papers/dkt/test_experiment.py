"""The experiment: its data, its metrics, its three profiles."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.data.registry import dataset, locate
from unrolled.papers.dkt.experiment import (
    EXPERIMENT,
    RELEASED,
    UPDATES,
    Config,
    predicted,
    simulated,
    simulation,
)
from unrolled.papers.dkt.metrics import auc
from unrolled.training.experiment import PROFILES, Experiment
from unrolled.training.fit import fit


@pytest.fixture
def tiny():
    return EXPERIMENT.variants("smoke")["lstm_5"]


def test_it_is_an_experiment():
    assert isinstance(EXPERIMENT, Experiment)


@pytest.mark.parametrize("profile", PROFILES)
def test_no_two_variants_are_the_same_run(profile):
    runs = EXPERIMENT.variants(profile)
    assert len(set(runs.values())) == len(runs)


def test_unknown_profile_is_told():
    with pytest.raises(UsageError, match="did you mean paper"):
        EXPERIMENT.variants("papers")


def test_small_profiles_need_no_download():
    for profile in ("smoke", "book"):
        assert all(EXPERIMENT.datasets(config) == () for config in EXPERIMENT.variants(profile).values())


def test_paper_profile_names_its_data():
    runs = EXPERIMENT.variants("paper")
    assert EXPERIMENT.datasets(runs["lstm_raw"]) == ("dkt-assistments",)
    assert EXPERIMENT.datasets(runs["lstm_merged"]) == ("assist2009-xiong",)
    assert RELEASED in EXPERIMENT.checksums(runs["lstm_released"])["dkt-assistments"]
    assert {config.hidden for config in runs.values()} == {200}
    assert {config.data for config in runs.values()} == set(UPDATES)


def test_students_are_simulated_by_the_runs_seed(tiny):
    first, again, second = (EXPERIMENT.data(tiny.for_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first.test[1], again.test[1])
    assert not torch.equal(first.test[1], second.test[1])
    assert tiny.for_seed(4).for_seed(5).data_seed == 4
    assert [len(split[0]) for split in first] == [54, 6, 200]


def test_simulated_students_come_out_of_the_windows_whole():
    config = replace(Config.smoke(), students=5, test_students=2)
    found = simulation(config)
    exercises, answers, lengths = EXPERIMENT.data(config).test
    assert torch.equal(exercises, found.questions[5:])
    assert torch.equal(answers, found.answers[5:])
    assert lengths.tolist() == [50, 50]
    assert simulated(found.questions, found.answers).count == 7


def test_shuffled_students_have_orders_of_their_own():
    exercises, _, _ = EXPERIMENT.data(EXPERIMENT.variants("smoke")["shuffled_5"]).test
    assert not torch.equal(exercises[0], exercises[1])
    assert torch.equal(exercises.sort(1).values, torch.arange(50).expand_as(exercises))


def test_every_answer_but_the_first_is_predicted_from_what_came_before(tiny):
    model, arrays = EXPERIMENT.model(tiny).eval(), EXPERIMENT.data(tiny).test
    exercises, answers, _ = arrays
    with torch.no_grad():
        logits, right, asked = predicted(model, arrays)
        y = model.predict(model(exercises, answers).h)
    assert len(right) == answers.numel() - len(answers)
    expected = y[:, :-1].gather(2, exercises[:, 1:, None]).flatten()
    torch.testing.assert_close(torch.sigmoid(logits), expected)
    assert torch.equal(right, answers[:, 1:].flatten())
    assert torch.equal(asked, exercises[:, 1:].flatten())


def test_metrics_are_those_counted_by_hand(tiny):
    model, arrays = EXPERIMENT.model(tiny).eval(), EXPERIMENT.data(tiny).test
    with torch.no_grad():
        metrics = EXPERIMENT.evaluate(model, arrays)
        logits, answers, _ = predicted(model, arrays)
        loss = EXPERIMENT.loss(model, arrays).item()
    scores, right = logits.numpy(), answers.numpy()
    assert metrics["auc"] == pytest.approx(auc(scores, right))
    assert metrics["accuracy"] == np.mean((scores > 0) == (right == 1))
    assert metrics["loss"] == pytest.approx(loss, rel=1e-5)


def test_it_learns_what_one_concept_tells(tiny):
    config = replace(tiny, concepts=1, students=400, updates=40, batch_size=40, evaluate_every=40)
    assert fit(EXPERIMENT, config, seed=0, profile="smoke").metrics["test_auc"] > 0.7


@pytest.mark.parametrize("name", ["lstm_5", "rnn_5"])
def test_smoke_runs_train_to_their_end(name):
    run = fit(EXPERIMENT, EXPERIMENT.variants("smoke")[name], seed=0, profile="smoke")
    assert run.complete
    assert {"valid_auc", "test_auc", "test_auc_by_exercise", "test_accuracy"} <= set(run.metrics)


def test_the_authors_simulated_students_are_halved():
    if locate("dkt-assistments", dataset("dkt-assistments").files[RELEASED]) is None:
        pytest.skip(
            "no real data: the released simulated students are neither in the mirror nor in the cache"
        )
    splits = EXPERIMENT.data(EXPERIMENT.variants("paper")["lstm_released"])
    assert [tuple(split[0].shape) for split in splits] == [(1800, 50), (200, 50), (2000, 50)]
