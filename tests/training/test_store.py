"""What a run's key depends on, and what the store tells of its runs."""

import json

import pytest
import torch
from tiny import TinyConfig, TinyExperiment

from unrolled.base import records
from unrolled.base.errors import UnrolledError
from unrolled.training import store as store_module
from unrolled.training.fit import fit
from unrolled.training.store import plan

SHORT = TinyConfig(updates=22)


def key(config=SHORT, seed=0, kind=TinyExperiment, **options):
    return plan(kind(config, seed), **options).key


@pytest.mark.parametrize(
    "options",
    [
        {"config": TinyConfig(updates=23)},
        {"seed": 1},
        {"device_kind": "cuda"},
        {"precision": "bf16-mixed"},
    ],
)
def test_everything_that_changes_numbers_changes_the_key(options):
    assert key(**options) != key()


def test_key_is_stable_and_knows_no_name():
    assert key() == key(TinyConfig(updates=22)) == key(preset="another name")


def test_key_depends_on_the_checksums_of_its_data(monkeypatch):
    class OnFiles(TinyExperiment):
        def datasets(self):
            return ("names",)

    before = key(kind=OnFiles)
    monkeypatch.setattr(
        records, "checksums", lambda names: {"names": {"names.txt": "0" * 64}} if names else {}
    )
    assert len({before, key(kind=OnFiles), key()}) == 3


def test_build_of_torch_is_no_part_of_the_key(monkeypatch):
    def with_torch(version):
        monkeypatch.setattr(records, "installed", lambda: {"torch": version, "numpy": "2.0"})
        return key()

    assert with_torch("2.99.0+cpu") == with_torch("2.99.0+other") != with_torch("2.99.1+cpu")


def test_folder_of_another_key_is_not_overwritten(store):
    run = fit(TinyExperiment(SHORT), store=store)
    path = run.folder / "result.json"
    other = {**run.result, "key": "0" * 64}
    path.write_text(json.dumps(other | {"digest": records.digest(other)}))
    with pytest.raises(UnrolledError, match="another key"):
        fit(TinyExperiment(SHORT), store=store)


def test_results_are_read_and_what_is_damaged_is_told(store):
    runs = [fit(TinyExperiment(SHORT, seed), "plain", store=store) for seed in (0, 1)]
    (runs[0].folder / "result.json").write_text("[1]")
    found, damaged = records.results("tiny", store.root)
    assert [result["seed"] for result in found.values()] == [1]
    assert "result.json: is damaged" in str(damaged[0])


def test_store_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("UNROLLED_RUNS", str(tmp_path / "elsewhere"))
    assert store_module.RunStore().root == tmp_path / "elsewhere"


def test_trained_model_is_in_evaluation_mode_and_has_the_best_weights(store):
    run = fit(TinyExperiment(SHORT, 4), store=store)
    model = run.model()
    assert not model.training
    assert all(torch.equal(v, run.weights()[n]) for n, v in model.state_dict().items())
