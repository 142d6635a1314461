"""What a run's key depends on, and what the store tells of its runs."""

import json

import pytest
from tiny import EXPERIMENT, TinyConfig, TinyExperiment

from unrolled.base.errors import UnrolledError
from unrolled.training import store as store_module
from unrolled.training.fingerprint import verify_fingerprint
from unrolled.training.fit import fit
from unrolled.training.store import plan

SHORT = TinyConfig(updates=22)


def key(config=SHORT, experiment=EXPERIMENT, **options):
    return plan(experiment, config, **{"seed": 0, "profile": "smoke", **options}).key


@pytest.mark.parametrize(
    "options",
    [
        {"config": TinyConfig(updates=23)},
        {"seed": 1},
        {"profile": "book"},
        {"device_kind": "cuda"},
        {"variant": "other"},
        {"precision": "bf16-mixed"},
    ],
)
def test_everything_that_changes_numbers_changes_the_key(options):
    assert key(**options) != key()


def test_key_is_stable():
    assert key() == key(TinyConfig(updates=22))


def test_key_depends_on_the_checksums_of_its_data():
    class OnFiles(TinyExperiment):
        sums = "a"

        def datasets(self, config):
            return ("set",)

        def checksums(self, config):
            return {"set": {"file": self.sums}}

    first, second = OnFiles(), OnFiles()
    second.sums = "b"
    assert len({key(experiment=first), key(experiment=second), key()}) == 3


def test_build_of_torch_is_no_part_of_the_key(monkeypatch):
    import torch

    monkeypatch.setattr(torch, "__version__", "2.99.0+cpu")
    first = key()
    monkeypatch.setattr(torch, "__version__", "2.99.0+other")
    assert key() == first
    monkeypatch.setattr(torch, "__version__", "2.99.1+cpu")
    assert key() != first


def test_variant_is_named_by_its_configuration():
    assert plan(EXPERIMENT, TinyConfig(), seed=0, profile="smoke").variant == "plain"
    assert plan(EXPERIMENT, SHORT, seed=0, profile="smoke").variant == "custom"


def test_results_tell_every_run_in_order(store):
    for seed in (1, 0):
        fit(EXPERIMENT, SHORT, seed=seed, profile="smoke", store=store)
    results = store.results("tiny")
    assert [r["seed"] for r in results] == [0, 1]
    assert store.results("nothing") == []


def test_folder_of_another_key_is_not_overwritten(store):
    run = fit(EXPERIMENT, SHORT, seed=0, profile="smoke", store=store)
    path = run.folder / "result.json"
    path.write_text(json.dumps({**run.result, "key": "0" * 64}))
    with pytest.raises(UnrolledError, match="another key"):
        fit(EXPERIMENT, SHORT, seed=0, profile="smoke", store=store)


def test_fingerprint_of_unchanged_code_is_equal(store):
    run = fit(EXPERIMENT, SHORT, seed=4, profile="smoke", store=store)
    comparison = verify_fingerprint(EXPERIMENT, SHORT, 4, "cpu", run.result["fingerprint"])
    assert comparison.equal
    assert comparison.difference == 0.0
    assert len(comparison.losses) == 20


def test_fingerprint_of_changed_code_differs(store):
    class Changed(TinyExperiment):
        def loss(self, model, batch):
            return super().loss(model, batch) * 1.0001

    run = fit(EXPERIMENT, SHORT, seed=4, profile="smoke", store=store)
    comparison = verify_fingerprint(Changed(), SHORT, 4, "cpu", run.result["fingerprint"])
    assert not comparison.equal
    assert comparison.difference > 1e-5


def test_store_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("UNROLLED_RUNS", str(tmp_path / "elsewhere"))
    assert store_module.RunStore().root == tmp_path / "elsewhere"
