"""Weights that the project keeps: exported in half precision, and loaded by name."""

import pytest
import torch
from tiny import TinyConfig, TinyExperiment

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.training import checkpoints, weights
from unrolled.training.fit import fit
from unrolled.training.store import RunStore


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "folder", lambda: tmp_path / "weights")
    monkeypatch.setattr(weights, "experiment", lambda slug: TinyExperiment)
    run = fit(TinyExperiment(TinyConfig(), 3), "plain", store=RunStore(tmp_path / "runs"))
    return run, weights.export(run.folder)


def test_loaded_model_answers_as_the_run_did(kept):
    run, path = kept
    assert path.name == "plain.safetensors"
    x = torch.randn(9, 3)
    with torch.no_grad():
        torch.testing.assert_close(weights.load("tiny/plain")(x), run.model()(x), rtol=1e-2, atol=1e-2)
    assert not weights.load("tiny/plain").training


def test_unknown_name_is_told_with_near_names(kept):
    with pytest.raises(UsageError, match=r"no trained model 'tiny/plane' .did you mean tiny/plain"):
        weights.load("tiny/plane")


def test_damaged_weights_are_told(kept):
    _, path = kept
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(UnrolledError, match="is damaged"):
        weights.load("tiny/plain")


def test_weights_of_another_model_are_told(kept, monkeypatch):
    class Wider(TinyExperiment):
        def model(self):
            return torch.nn.Linear(2, 2)

    monkeypatch.setattr(weights, "experiment", lambda slug: Wider)
    with pytest.raises(UnrolledError, match="another version of the model"):
        weights.load("tiny/plain")


def test_the_median_seed_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "folder", lambda: tmp_path / "weights")
    monkeypatch.setattr(weights, "experiment", lambda slug: TinyExperiment)
    store = RunStore(tmp_path / "runs")
    runs = [fit(TinyExperiment(TinyConfig(), seed), "plain", store=store) for seed in range(3)]
    ranked = sorted(runs, key=lambda run: run.metrics["valid_error"])
    _, facts = checkpoints.read_tensors(weights.keep_median("tiny", "plain", store.root))
    assert facts["seed"] in [
        run.result["seed"] for run in runs if run.metrics["valid_error"] == ranked[1].metrics["valid_error"]
    ]
    with pytest.raises(UnrolledError, match="no finished run of tiny other"):
        weights.keep_median("tiny", "other", store.root)
