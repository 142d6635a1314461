"""The experiment: its presets, its data, its metrics, and runs that end."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from unrolled.data.registry import dataset, locate
from unrolled.papers.dkt.experiment import RELEASED, DKTExperiment, predicted, simulated
from unrolled.papers.dkt.metrics import auc
from unrolled.training.fit import fit
from unrolled.training.presets import presets
from unrolled.training.trainer import place

PRESETS = {name: preset.config for name, preset in presets(DKTExperiment).items()}
SMOKE = PRESETS["smoke"]


def test_presets_name_their_data():
    assert DKTExperiment(PRESETS["live"]).datasets() == ()
    assert DKTExperiment(PRESETS["lstm_raw"]).datasets() == ("dkt-assistments",)
    assert DKTExperiment(PRESETS["lstm_merged"]).datasets() == ("assist2009-xiong",)
    assert DKTExperiment(PRESETS["lstm_released"]).datasets() == ("dkt-assistments",)


def test_presets_of_tables_and_figures_have_the_papers_units():
    assert {config.hidden for name, config in PRESETS.items() if not name.startswith(("smoke", "live"))} == {
        200
    }


def test_students_are_simulated_by_the_runs_seed():
    first, again, second = (DKTExperiment(SMOKE, seed).data() for seed in (0, 0, 1))
    assert torch.equal(first.test[1], again.test[1])
    assert not torch.equal(first.test[1], second.test[1])
    assert [len(split[0]) for split in first] == [54, 6, 200]


def test_simulated_students_come_out_of_the_windows_whole():
    experiment = DKTExperiment(replace(SMOKE, students=5, test_students=2))
    found = experiment.simulation()
    exercises, answers, lengths = experiment.data().test
    assert torch.equal(exercises, found.questions[5:])
    assert torch.equal(answers, found.answers[5:])
    assert lengths.tolist() == [50, 50]
    assert simulated(found.questions, found.answers).count == 7


def test_shuffled_students_have_orders_of_their_own():
    exercises, _, _ = DKTExperiment(replace(SMOKE, shuffled=True)).data().test
    assert not torch.equal(exercises[0], exercises[1])
    assert torch.equal(exercises.sort(1).values, torch.arange(50).expand_as(exercises))


def test_every_answer_but_the_first_is_predicted_from_what_came_before():
    experiment = DKTExperiment(SMOKE)
    model, arrays = experiment.model().eval(), experiment.data().test
    exercises, answers, _ = arrays
    with torch.no_grad():
        logits, right, asked = predicted(model, arrays)
        y = model.predict(model(exercises, answers).h)
    assert len(right) == answers.numel() - len(answers)
    expected = y[:, :-1].gather(2, exercises[:, 1:, None]).flatten()
    torch.testing.assert_close(torch.sigmoid(logits), expected)
    assert torch.equal(right, answers[:, 1:].flatten())
    assert torch.equal(asked, exercises[:, 1:].flatten())


def test_metrics_are_those_counted_by_hand():
    experiment = DKTExperiment(SMOKE)
    model, arrays = experiment.model().eval(), experiment.data().test
    with torch.no_grad():
        metrics = experiment.evaluate(model, arrays)
        logits, answers, _ = predicted(model, arrays)
        loss = experiment.loss(model, arrays, place(0, 0)).item()
    scores, right = logits.numpy(), answers.numpy()
    assert metrics["auc"] == pytest.approx(auc(scores, right))
    assert metrics["accuracy"] == np.mean((scores > 0) == (right == 1))
    assert metrics["loss"] == pytest.approx(loss, rel=1e-5)


def test_it_learns_what_one_concept_tells():
    config = replace(SMOKE, concepts=1, students=400, updates=40, batch_size=40, evaluate_every=40)
    assert fit(DKTExperiment(config)).metrics["test_auc"] > 0.7


@pytest.mark.parametrize("cell", ["lstm", "rnn", "appendix"])
def test_smoke_runs_train_to_their_end(cell):
    run = fit(DKTExperiment(replace(SMOKE, cell=cell)))
    assert run.complete
    assert {"valid_auc", "test_auc", "test_auc_by_exercise", "test_accuracy"} <= set(run.metrics)


def test_the_authors_simulated_students_are_halved():
    if locate("dkt-assistments", dataset("dkt-assistments").files[RELEASED]) is None:
        pytest.skip(
            "no real data: the released simulated students are neither in the mirror nor in the cache"
        )
    splits = DKTExperiment(PRESETS["lstm_released"]).data()
    assert [tuple(split[0].shape) for split in splits] == [(1800, 50), (200, 50), (2000, 50)]
