"""A training that is killed again and again ends with the very weights of one that was left alone."""

import multiprocessing
import os
import random
import signal
import sys

import pytest
import torch

KILLS = 10


def newest(root):
    """The update of the newest checkpoint."""
    numbers = [int(path.stem.partition("-")[2]) for path in root.glob("tiny/*/checkpoint-*.safetensors")]
    return max(numbers, default=0)


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(0, marks=pytest.mark.slow),
        *(pytest.param(s, marks=pytest.mark.long) for s in range(1, 11)),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_a_run_that_is_killed_ends_with_the_same_weights(tmp_path, monkeypatch, seed, record_property):
    from nursery import CONFIG, train

    # Older servers preload without the caller's path.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nursery"])
    draw, killed, reached = random.Random(seed), 0, [0]
    for _ in range(KILLS):
        process = context.Process(target=train, args=(tmp_path / "killed",))
        process.start()
        goal = reached[-1] + CONFIG.checkpoint_every * draw.randint(1, 12)
        while process.is_alive() and newest(tmp_path / "killed") < goal:
            process.join(timeout=0.005)
        process.join(timeout=draw.uniform(0.0, 0.02))  # the kill strikes anywhere between two checkpoints
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        reached.append(newest(tmp_path / "killed"))
    record_property("kills", killed)
    assert killed == KILLS
    assert len(set(reached)) == KILLS + 1  # each call went on from where the last was killed
    survivor, undisturbed = train(tmp_path / "killed"), train(tmp_path / "whole")
    assert not survivor.loaded
    for which in ("best", "last"):
        expected = undisturbed.weights(which)
        assert all(torch.equal(value, expected[name]) for name, value in survivor.weights(which).items())
    assert survivor.losses == undisturbed.losses
    assert survivor.metrics == undisturbed.metrics
