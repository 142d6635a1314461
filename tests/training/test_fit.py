"""Training, stopping, resuming: the same numbers whatever happens in between."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny import Interrupted, InterruptedExperiment, TinyConfig, TinyExperiment

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.training import checkpoints
from unrolled.training.fit import fit
from unrolled.training.store import RunStore, plan
from unrolled.training.trainer import place

CONFIG = TinyConfig()


def train(store, experiment=None, config=CONFIG, **options):
    return fit(experiment or TinyExperiment(config, 1), "plain", store=store, **options)


def same_run(run, reference):
    for which in ("best", "last"):
        weights, expected = run.weights(which), reference.weights(which)
        assert weights.keys() == expected.keys()
        assert all(torch.equal(weights[name], expected[name]) for name in weights)
    assert run.losses == reference.losses
    assert run.curve("valid_error") == reference.curve("valid_error")
    for field in ("metrics", "fingerprint", "best_update", "updates", "complete"):
        assert run.result[field] == reference.result[field]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The uninterrupted run."""
    return train(RunStore(tmp_path_factory.mktemp("reference")))


@pytest.mark.skipif(sys.platform != "linux", reason="counts the pages that Linux has mapped")
def test_freed_tensors_are_used_again_and_not_mapped_anew():
    script = (
        "import resource, torch\n"
        "from unrolled.base.allocator import keep_freed_memory\n"
        "print(keep_freed_memory())\n"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(40): torch.ones(2**20)\n"
        "before = faults()\n"
        "for _ in range(20): torch.ones(2**20)\n"
        "print(faults() - before)\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    listened, faults = found.stdout.split()
    assert listened == "False" or int(faults) < 1024  # 1,024 pages are one such tensor


def test_one_device_in_full_precision_needs_no_fabric():
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tiny import TinyConfig, TinyExperiment\n"
        "from unrolled.training.fit import fit\n"
        "fit(TinyExperiment(TinyConfig(), 1))\n"
        "print('lightning_fabric' in sys.modules)\n"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parent)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def test_another_precision_trains_by_fabric(tmp_path, reference):
    run = train(RunStore(tmp_path), precision="bf16-mixed")
    assert run.complete
    assert run.losses[0] == pytest.approx(reference.losses[0], rel=0.1)
    assert run.losses != reference.losses


def test_training_lowers_the_loss_and_records_every_update(reference):
    assert len(reference.losses) == CONFIG.updates
    assert reference.metrics["train_loss"] < reference.losses[0]
    assert [r["update"] for r in reference.history if "valid_error" in r] == [7, 14, 21, 28, 35, 40]
    assert reference.result["fingerprint"] is None
    assert reference.complete
    assert not reference.loaded


def test_result_holds_what_evidence_needs(reference):
    result = json.loads((reference.folder / "result.json").read_text())
    assert result == reference.result
    assert result["preset"] == "plain"
    assert set(result["key_parts"]) == {"source", "config", "data", "versions"}
    assert {"valid_error", "test_error", "last_valid_error", "last_test_error", "train_loss"} <= set(
        result["metrics"]
    )
    assert result["device"] == "cpu"
    assert result["seconds"] > 0
    assert result["peak_memory_mb"] > 10


def test_best_weights_give_the_best_validation_metric(reference):
    best = min(reference.curve("valid_error")[1])
    assert reference.metrics["valid_error"] == best
    experiment = reference.experiment
    with torch.no_grad():
        measured = experiment.evaluate(reference.model(), experiment.data().valid)
    assert measured["error"] == best


def test_dear_test_measures_the_best_weights_once_at_the_end(store):
    class Dear(TinyExperiment):
        calls = 0

        def test(self, model, arrays):
            self.calls += 1
            return {**self.evaluate(model, arrays), "examples": len(arrays[0])}

    experiment = Dear(CONFIG, 1)
    run = train(store, experiment)
    assert experiment.calls == 1
    assert run.metrics["test_examples"] == 10
    assert "last_test_examples" not in run.metrics
    with torch.no_grad():
        best = experiment.evaluate(run.model(), experiment.data().test)
    assert run.metrics["test_error"] == best["error"]


def test_finished_run_is_loaded_not_trained(store):
    first = train(store)
    second = train(store, InterruptedExperiment(CONFIG, 1, at=1))  # from the same file, hence of the same key
    assert second.loaded
    assert second.result == first.result


@pytest.mark.parametrize("at", [1, 2, 5, 6, 7, 8, 20, 21, 40])
@pytest.mark.parametrize("optimiser", ["rmsprop", "adam", "adagrad", "sgd"])
def test_interrupted_run_resumes_to_the_same_numbers(store, tmp_path, at, optimiser):
    options = (("momentum", 0.5),) if optimiser in ("rmsprop", "sgd") else ()
    config = TinyConfig(optimiser=optimiser, optimiser_options=options)
    expected = train(RunStore(tmp_path / "whole"), config=config)
    with pytest.raises(Interrupted):
        train(store, InterruptedExperiment(config, 1, at))
    resumed = train(store, config=config)
    assert resumed.result["key"] == expected.result["key"]
    same_run(resumed, expected)


def test_repeated_stops_for_time_end_like_one_run(store, reference):
    calls = 0
    while not (run := train(store, minutes=0.0)).complete:
        calls += 1
        assert run.result["updates"] == calls
        assert run.result["updates_planned"] == CONFIG.updates
        assert "test_error" in run.metrics
    assert calls == CONFIG.updates - 1
    same_run(run, reference)


def stop_after(store, updates):
    for _ in range(updates):
        run = train(store, minutes=0.0)
    return run


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:-9] + b"\xff" + b[-8:]]
)
def test_damaged_checkpoint_falls_back_to_the_one_before(store, reference, caplog, damage):
    run = stop_after(store, 12)
    newest = run.folder / "checkpoint-12.safetensors"
    newest.write_bytes(damage(newest.read_bytes()))
    with caplog.at_level(logging.INFO, logger="unrolled"):
        finished = train(store)
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "checkpoint-12.safetensors: is damaged" in warnings[0].getMessage()
    assert "resumed after update 11" in caplog.text
    same_run(finished, reference)


def test_run_starts_again_when_no_checkpoint_is_whole(store, reference):
    run = stop_after(store, 12)
    for path in run.folder.glob("checkpoint-*"):
        path.write_bytes(b"nothing")
    same_run(train(store), reference)


def test_run_starts_again_when_its_best_weights_are_lost(store, reference):
    run = stop_after(store, 12)
    (run.folder / "best.safetensors").unlink()
    same_run(train(store), reference)


def test_torn_last_line_of_the_history_is_dropped(store, reference):
    run = stop_after(store, 12)
    with open(run.folder / "metrics.jsonl", "a") as file:
        file.write('{"update": 13, "lo')
    same_run(train(store), reference)


def test_damaged_result_counts_as_absent(store, reference, caplog):
    run = train(store)
    (run.folder / "result.json").write_text('{"complete": tr')
    again = train(store)
    assert "result.json: is damaged" in caplog.text
    same_run(again, reference)


def test_at_most_two_checkpoints_are_kept(reference):
    assert sorted(p.name for p in reference.folder.glob("checkpoint-*")) == [
        "checkpoint-35.safetensors",
        "checkpoint-40.safetensors",
    ]


def test_second_process_on_a_run_is_refused(store):
    planned = plan(TinyExperiment(CONFIG, 1), "plain")
    with store.lock(planned), pytest.raises(UnrolledError, match="another process trains this run"):
        train(store)
    assert train(store).complete


def test_callers_generator_and_threads_are_left_alone(store):
    threads = torch.get_num_threads()
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    train(store)
    assert torch.equal(torch.rand(4), expected)
    assert torch.get_num_threads() == threads


def test_loss_that_is_not_finite_stops_the_run_and_names_the_update(store):
    class Diverging(TinyExperiment):
        calls = 0

        def loss(self, model, batch, at):
            self.calls += 1
            return super().loss(model, batch, at) * (float("nan") if self.calls == 9 else 1.0)

    with pytest.raises(UnrolledError, match="the loss is nan at update 9"):
        train(store, Diverging(CONFIG, 1))
    folder = next((store.root / "tiny").iterdir())
    assert checkpoints.latest(folder).update == 5  # nothing of the broken state was kept


def test_run_without_a_store_lives_as_long_as_it_is_held():
    run = train(None)
    folder = run.folder
    assert len(run.losses) == CONFIG.updates
    assert folder.is_dir()
    del run
    assert not folder.exists()


def test_random_numbers_of_an_update_are_a_seeds_own_and_its_lengths_are_shared():
    drawn = {
        (seed, update): torch.rand(3, generator=place(seed, update).generator).tolist()
        for seed in (0, 1, 2)
        for update in (0, 1, 1000)
    }
    assert len({str(numbers) for numbers in drawn.values()}) == len(drawn)
    lengths = [torch.rand(3, generator=place(seed, 7).shared).tolist() for seed in (0, 1)]
    assert lengths[0] == lengths[1]
    assert torch.rand(3, generator=place(1, 1000).generator).tolist() == drawn[1, 1000]


def test_a_seed_of_its_own_gives_other_numbers(store, reference):
    other = fit(TinyExperiment(CONFIG, 2), store=store)
    assert other.losses != reference.losses
    assert other.result["key"] != reference.result["key"]


def test_batch_larger_than_the_data_is_refused(store):
    with pytest.raises(UsageError, match="batch_size is 41; there are 40 training examples"):
        train(store, config=TinyConfig(batch_size=41))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "tpu"}, "no device 'tpu'"),
        ({"device": "cuda:99"}, "no device cuda:99"),
        ({"config": TinyConfig(optimiser_options=(("speed", 1.0),))}, "optimiser rmsprop: .*speed"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line(store, options, message):
    with pytest.raises(UnrolledError, match=message):
        train(store, **options)


def test_selection_must_be_among_the_metrics(store):
    class Misnamed(TinyExperiment):
        selection = ("valid_bits", "min")

    with pytest.raises(
        UnrolledError, match="selection names 'valid_bits'; evaluate gives valid_error, valid_loss"
    ):
        train(store, Misnamed(CONFIG, 1))
