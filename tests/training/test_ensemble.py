"""Several seeds as one program train as each would alone."""

import pytest
import torch
from tiny import Interrupted, TinyConfig, TinyExperiment
from torch.nn import functional

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.training import ensemble
from unrolled.training.fit import fit, fit_seeds
from unrolled.training.store import RunStore

ALONE = TinyConfig(counts=False, dropout=0.0)


@pytest.mark.parametrize("optimiser", ["rmsprop", "adam", "adagrad", "sgd"])
@pytest.mark.parametrize("clipping", ["clip_norm", "clip_each", "clip_value", None])
def test_seeds_train_as_if_alone(optimiser, clipping):
    limits = {"clip_norm": None} | ({clipping: 0.05} if clipping else {})
    config = TinyConfig(counts=False, dropout=0.0, optimiser=optimiser, optimiser_options=(), **limits)
    experiments = [TinyExperiment(config, seed) for seed in (0, 3)]
    for run, one in zip(fit_seeds(experiments), experiments, strict=True):
        alone = fit(one)
        torch.testing.assert_close(torch.tensor(run.losses), torch.tensor(alone.losses), rtol=1e-4, atol=1e-6)
        assert run.result["key"] == alone.result["key"]
        assert run.result["best_update"] == alone.result["best_update"]
        for name, value in run.weights("last").items():
            torch.testing.assert_close(value, alone.weights("last")[name], rtol=1e-3, atol=1e-5)
        assert run.result["seeds_as_one_program"] == [0, 3]


def test_interrupted_ensemble_resumes_to_the_same_numbers(tmp_path):
    config = TinyConfig(counts=False)  # with dropout: the generator's state matters
    experiments = [TinyExperiment(config, seed) for seed in (0, 1, 2)]
    expected = fit_seeds(experiments, store=RunStore(tmp_path / "whole"))
    steps = ensemble.Ensemble.step
    calls = 0

    def interrupted(self):
        nonlocal calls
        calls += 1
        if calls == 23:
            raise Interrupted
        steps(self)

    ensemble.Ensemble.step = interrupted
    try:
        with pytest.raises(Interrupted):
            fit_seeds(experiments, store=RunStore(tmp_path / "again"))
    finally:
        ensemble.Ensemble.step = steps
    for run, reference in zip(
        fit_seeds(experiments, store=RunStore(tmp_path / "again")), expected, strict=True
    ):
        assert run.losses == reference.losses
        assert run.metrics == reference.metrics


@pytest.mark.parametrize("named", [False, True])
def test_each_seed_draws_its_own_noise(named):
    class Twins(TinyExperiment):
        def model(self):
            torch.manual_seed(7)
            return super().model()

        def batch(self, batch, at):
            return tuple(part[:1].expand_as(part) * 0 for part in batch)

        def loss(self, model, batch, at):
            generator = at.generator if named else None
            x = batch[0] + torch.randn(batch[0].shape, generator=generator)
            return functional.cross_entropy(model(x), batch[1])

    first, second = fit_seeds([Twins(ALONE, 0), Twins(ALONE, 1)])
    assert first.losses[0] != second.losses[0]


def test_changing_buffers_are_refused():
    counting = TinyConfig(counts=True, dropout=0.0)
    with pytest.raises((UnrolledError, RuntimeError)):
        fit_seeds([TinyExperiment(counting, 0), TinyExperiment(counting, 1)])


def test_different_configurations_are_refused():
    with pytest.raises(UsageError, match="share one configuration"):
        fit_seeds([TinyExperiment(ALONE, 0), TinyExperiment(TinyConfig(), 1)])


def test_no_loss_is_lost_between_two_evaluations_far_apart():
    config = TinyConfig(counts=False, dropout=0.0, updates=150, evaluate_every=150, checkpoint_every=150)
    for run in fit_seeds([TinyExperiment(config, seed) for seed in (0, 1, 2)]):
        assert len(run.losses) == 150
