"""Ctrl-C and SIGTERM: the update is finished, a checkpoint written, one line says how to go on."""

import os
import signal

import pytest
import torch
from tiny import TinyConfig, TinyExperiment

from unrolled.training.fit import Interrupted, fit, fit_seeds
from unrolled.training.store import RunStore


class Signalled(TinyExperiment):
    """Sends itself a signal in its thirteenth batch, once."""

    number = signal.SIGINT
    sent = False

    def batch(self, batch, at):
        if at.update == 13 and not type(self).sent:
            type(self).sent = True
            os.kill(os.getpid(), self.number)
        return super().batch(batch, at)


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def signalled(request, monkeypatch):
    monkeypatch.setattr(Signalled, "number", request.param)
    monkeypatch.setattr(Signalled, "sent", False)
    return Signalled


def test_a_signal_saves_a_checkpoint_and_the_next_call_ends_with_the_same_numbers(signalled, tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    store, config = RunStore(tmp_path / "stopped"), TinyConfig()
    with pytest.raises(
        Interrupted, match=r"stopped after 1[34] of 40 updates .*call again to go on"
    ) as caught:
        fit(signalled(config, 0), store=store)
    assert caught.value.exit_code == 128 + signalled.number
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    (folder,) = (tmp_path / "stopped" / "tiny").iterdir()
    assert {int(p.stem.partition("-")[2]) for p in folder.glob("checkpoint-*")} & {13, 14}
    assert not (folder / "result.json").exists()
    whole = fit(signalled(config, 0), store=RunStore(tmp_path / "whole"))
    resumed = fit(signalled(config, 0), store=store)
    assert resumed.losses == whole.losses
    assert resumed.metrics == whole.metrics
    assert all(torch.equal(v, whole.weights()[k]) for k, v in resumed.weights().items())


def test_seeds_that_train_as_one_program_are_saved_too_and_end_alike(signalled, tmp_path):
    store, config = RunStore(tmp_path / "stopped"), TinyConfig(dropout=0.0, counts=False)
    with pytest.raises(Interrupted):
        fit_seeds([signalled(config, seed) for seed in (0, 1)], store=store)
    resumed = fit_seeds([signalled(config, seed) for seed in (0, 1)], store=store)
    whole = fit_seeds([signalled(config, seed) for seed in (0, 1)], store=RunStore(tmp_path / "whole"))
    assert [run.losses for run in resumed] == [run.losses for run in whole]


def test_a_run_that_is_kept_nowhere_is_interrupted_at_once(monkeypatch):
    monkeypatch.setattr(Signalled, "number", signal.SIGINT)
    monkeypatch.setattr(Signalled, "sent", False)
    with pytest.raises(KeyboardInterrupt):
        fit(Signalled(TinyConfig(), 0))
