"""The experiment: its presets, data, schedule and loss, and that a run goes through `fit`."""

import dataclasses

import pytest
import torch
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.data import babi
from unrolled.papers.memn2n.experiment import EXPERIMENT, Config
from unrolled.training.fit import fit, fit_seeds
from unrolled.training.presets import preset, presets
from unrolled.training.trainer import place


def bound(name="smoke", seed=0, **changes):
    return EXPERIMENT(dataclasses.replace(preset(EXPERIMENT, name).config, **changes), seed)


def batch_of(experiment, update=0):
    at = place(experiment.seed, update)
    return experiment.batch((torch.arange(1),), at), at


def test_presets_cover_every_task_jointly_and_alone():
    found = presets(EXPERIMENT)
    assert {f"task_{task}" for task in babi.TASKS} <= set(found)
    joint = found["joint"].config
    assert (joint.embedding, joint.updates, joint.linear_updates) == (50, 50_580, 16_860)
    assert (joint.clip_each, joint.attend_empty, joint.encoding) == (40.0, True, "code")
    assert all(p.config.linear_updates < p.config.updates for p in found.values())
    assert [bound(name).datasets() for name in ("joint", "live", "words_6_hops")] == [
        ("babi",),
        (),
        ("brown",),
    ]


def test_validation_questions_are_a_tenth_of_the_training_questions():
    assert [len(part[0]) for part in bound().data()] == [72, 8, 80]


def test_a_batch_holds_each_sentence_once_and_loses_nothing():
    experiment = bound(noise=0.0)
    (sentences, story, query, when, answer), _ = batch_of(experiment)
    assert len(sentences.unique(dim=0)) == len(sentences)
    assert not sentences[0].any()
    train, table = experiment.data().train, experiment.prepared.sentences
    known = {
        (tuple(table[s].flatten().tolist()), tuple(table[q].tolist()), a.item())
        for s, q, a, _ in zip(*train, strict=True)
    }
    for s, q, a in zip(story, query, answer, strict=True):
        assert (tuple(sentences[s].flatten().tolist()), tuple(sentences[q].tolist()), a.item()) in known
    assert torch.equal(when < story.shape[1], story != 0)


def test_seeds_share_their_questions_and_differ_in_noise():
    first, second = (batch_of(bound(seed=seed), update=3)[0] for seed in (0, 1))
    for ours, theirs in zip(first[:3] + first[4:], second[:3] + second[4:], strict=True):
        assert torch.equal(ours, theirs)
    assert not torch.equal(first[3], second[3])
    assert not torch.equal(first[2], batch_of(bound(), update=4)[0][2])


def test_the_loss_is_a_sum_over_the_batch():
    experiment = bound(linear_updates=0)
    model = experiment.model()
    batch, at = batch_of(experiment)
    *inputs, answer = batch
    expected = functional.cross_entropy(model(*inputs).answer, answer, reduction="sum")
    assert torch.allclose(experiment.loss(model, batch, at), expected)


def test_the_linear_start_ends():
    experiment = bound(linear_updates=4)
    model, (batch, _) = experiment.model(), batch_of(experiment)
    losses = [experiment.loss(model, batch, place(0, update)).item() for update in range(6)]
    assert len(set(losses[:4])) == len(set(losses[4:])) == 1
    assert losses[3] != losses[4]


def test_the_halving_begins_anew_after_the_linear_start():
    experiment = bound(linear_updates=4, halve_every=3, learning_rate=1.0)
    assert [experiment.learning_rate(update) for update in range(9)] == [1, 1, 1, 0.5, 1, 1, 1, 0.5, 0.5]


def test_errors_are_counted_by_task():
    experiment = bound()
    model = experiment.model().eval()
    story, query, _, _ = experiment.data().valid
    said = experiment.predict(model, story, query).argmax(-1)
    task = torch.tensor([3] * 6 + [8] * 2)
    wrong = said.clone()
    wrong[0] = (wrong[0] + 1) % 10
    found = experiment.evaluate(model, (story, query, wrong, task))
    assert (found["task_3"], found["task_8"]) == (pytest.approx(1 / 6), 0.0)
    assert (found["error"], found["failed"]) == (pytest.approx(1 / 12), 1.0)


def test_training_error_is_that_of_the_training_questions():
    experiment = bound()
    model = experiment.model().eval()
    splits = experiment.data()
    found = experiment.evaluate(model, splits.valid)
    of_training = experiment.evaluate(model, splits.train)
    assert found["training_error"] == pytest.approx(of_training["error"])
    assert found["training_loss"] == pytest.approx(of_training["loss"], rel=1e-5)


def test_restarts_as_one_program_are_the_restarts_one_by_one():
    experiments = [bound(seed=seed, updates=8) for seed in (0, 1)]
    for run, one in zip(fit_seeds(experiments), experiments, strict=True):
        alone = fit(one)
        torch.testing.assert_close(torch.tensor(run.losses), torch.tensor(alone.losses), rtol=1e-4, atol=1e-5)
        assert {"last_valid_training_loss", "last_test_error", "test_task_1"} <= set(run.metrics)


def test_some_epochs_on_the_first_task_learn():
    learns = {"updates": 200, "halve_every": 200, "linear_updates": 20, "learning_rate": 0.01}
    experiment = bound(questions=200, embedding=20, evaluate_every=200, **learns)
    assert fit(experiment).metrics["last_valid_training_error"] < 0.6  # of six places


def test_the_language_model_reads_the_words_before(monkeypatch):
    words = torch.arange(100) % 7
    places = {"train": torch.arange(60), "valid": torch.arange(60, 80), "test": torch.arange(80, 100)}
    monkeypatch.setattr("unrolled.papers.memn2n.experiment.corpus", lambda vocabulary: (words, places))
    experiment = bound("words_2_hops", memory=4, embedding=6, vocabulary=7)
    splits = experiment.data()
    assert [int(part[0][0]) for part in splits] == [4, 64, 84]
    before, target = experiment.batch((torch.tensor([10, 64]),), place(0, 0))
    assert before.tolist() == [[2, 1, 0, 6], [0, 6, 5, 4]]
    assert target.tolist() == [3, 1]
    metrics = experiment.evaluate(experiment.model(), splits.valid)
    assert metrics["perplexity"] == pytest.approx(torch.tensor(metrics["error"]).exp().item(), rel=1e-5)
    assert 5 < metrics["perplexity"] < 9


def test_wrong_settings_are_refused():
    smoke = preset(EXPERIMENT, "smoke").config
    with pytest.raises(UsageError, match="no bAbI task '21'"):
        dataclasses.replace(smoke, task=21)
    with pytest.raises(UsageError, match="halve_every is 0"):
        Config.of(smoke.plain() | {"halve_every": 0})
