"""The experiment: its variants, its data, and that a run goes through `fit`."""

from dataclasses import replace

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.data import babi
from unrolled.papers.memn2n.experiment import EXPERIMENT, Config
from unrolled.papers.memn2n.training import Trainee
from unrolled.training.experiment import Experiment
from unrolled.training.fit import fit


def test_it_is_an_experiment_with_variants_for_every_profile():
    assert isinstance(EXPERIMENT, Experiment)
    for profile in ("smoke", "book", "paper"):
        assert EXPERIMENT.variants(profile)
    with pytest.raises(UsageError, match="no profile"):
        EXPERIMENT.variants("large")


def test_paper_variants_cover_every_task_jointly_and_alone():
    variants = EXPERIMENT.variants("paper")
    assert {f"task_{task}" for task in babi.TASKS} <= set(variants)
    joint = variants["joint"]
    assert (joint.restarts, joint.embedding, joint.updates, joint.linear_updates) == (10, 50, 50_580, 16_860)
    assert all(
        config.linear_updates < config.updates for config in variants.values() if config.source != "brown"
    )
    assert EXPERIMENT.datasets(joint) == ("babi",)
    assert EXPERIMENT.datasets(Config.book()) == ()
    assert "brown" in EXPERIMENT.checksums(variants["words_6_hops"])


def test_validation_questions_are_a_tenth_of_the_training_questions():
    splits = EXPERIMENT.data(Config.smoke())
    assert [len(part[0]) for part in splits] == [72, 8, 80]


def test_a_run_reports_the_best_restart_and_all(tmp_path):
    result = fit(EXPERIMENT, Config.smoke(), seed=0, profile="smoke")
    for name in ("error", "error_median", "task_1", "restart_0", "restart_1", "failed"):
        assert f"last_test_{name}" in result.metrics
    assert result.metrics["test_error"] in (
        result.metrics["test_restart_0"],
        result.metrics["test_restart_1"],
    )


def test_the_schedule_is_kept_with_the_weights():
    model = EXPERIMENT.model(Config.smoke())
    assert isinstance(model, Trainee)
    batch = tuple(field[:16] for field in EXPERIMENT.data(Config.smoke()).train)
    for _ in range(5):
        EXPERIMENT.loss(model, batch)
    other = EXPERIMENT.model(Config.smoke())
    other.load_state_dict(model.state_dict())
    assert other.updates == 5
    assert torch.equal(other.running, model.running)
    assert not bool(other.network.linear)


def test_an_unknown_task_is_refused():
    with pytest.raises(UsageError, match="no bAbI task '21'"):
        EXPERIMENT.data(replace(Config.smoke(), task=21))
