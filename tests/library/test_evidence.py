"""Evidence is read and written whole and tells when it is stale; collecting loses nothing measured."""

from __future__ import annotations

import json

import pytest

from unrolled.base import keys
from unrolled.base.errors import UnrolledError
from unrolled.library import evidence as files
from unrolled.library.collecting import collect, curve
from unrolled.library.entries import load_entry
from unrolled.library.faults import Faulty
from unrolled.library.models import Cost, Evidence, KeyParts, Measurement, Reported, Verdict

QUICK = {
    "profile": "book",
    "device": "cpu",
    "seconds": 3.0,
    "command": "unrolled run bn_lstm",
    "collected": "2026-01-01",
}


def quick(name="bn-beats-lstm", value=5.0, key="notebook") -> Measurement:
    return Measurement(claim=name, value=value, n=5, key=key, **QUICK)


@pytest.fixture
def store(project):
    """Write a run's result and history into the project's run store."""

    def put(model="bn_lstm", seed=0, accuracy=0.95, updates=100, complete=True, history=(), **fields):
        key = keys.combine({"model": model, "seed": seed, "updates": updates, **fields})
        folder = project / "runs" / "bn_lstm" / f"{model}-s{seed}-{key[:12]}"
        folder.mkdir(parents=True)
        result = {
            "slug": "bn_lstm",
            "variant": model,
            "profile": "paper",
            "seed": seed,
            "config": {"task": "pmnist", "model": model},
            "key": key,
            "key_parts": {
                "source": files.source_part("bn_lstm"),
                "parameters": key,
                "data": keys.combine({}),
                "versions": "cpu: numpy 1, torch 2",
            },
            "metrics": {"test_accuracy": accuracy},
            "updates": updates,
            "updates_planned": 100,
            "complete": complete,
            "fingerprint": [2.3, 2.2],
            "device": "cpu",
            "seconds": 10.0,
            "peak_memory_mb": 100.0,
            "versions": {"torch": "2"},
            "commit": "abc",
            "command": "unrolled train bn_lstm",
            "finished": "2026-01-02T00:00:00",
        }
        (folder / "result.json").write_text(json.dumps(result | fields))
        (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in history))
        return folder

    return put


def test_evidence_reads_as_it_was_written_and_writes_the_same_bytes(project):
    item = Evidence(
        slug="bn_lstm",
        measurements=(quick("small-gamma-trains-better"), quick()),
        curves={"lstm-s0": {"update": (1.0, 2.0), "loss": (2.3, 1e-7)}},
        values={"gain": 1.5},
    )
    path = files.save(item)
    text = path.read_text(encoding="utf-8")
    assert files.load("bn_lstm").measurements[0].claim == "bn-beats-lstm"
    assert '"update": [1.0, 2.0]' in text
    files.save(files.load("bn_lstm"))
    assert path.read_text(encoding="utf-8") == text
    assert files.load("none") is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", r"bn_lstm\.json:1: "),
        (
            '{"slug": "bn_lstm",\n "measurements": [\n  {\n   "claim": "x", "value": "high"}]}',
            r"json:4: measurements\.0\.value",
        ),
        ('{\n "slug": "other"}', r"json:2: evidence of 'other'"),
        ('{\n "slug": "bn_lstm",\n "surprise": 1}', r"json:3: surprise"),
    ],
)
def test_a_damaged_file_is_told_with_its_line(project, text, place):
    files.evidence_file("bn_lstm").parent.mkdir()
    files.evidence_file("bn_lstm").write_text(text)
    with pytest.raises(Faulty, match=place):
        files.load("bn_lstm")


def test_a_measurement_from_runs_is_stale_when_source_data_or_versions_changed(project):
    def reason(**parts):
        known = {"source": files.source_part("bn_lstm"), "data": {"r": keys.combine({})}} | parts
        return files.stale_reason(
            "bn_lstm", quick().model_copy(update={"key_parts": KeyParts(**known)}), ("mnist",)
        )

    assert reason() is None
    assert "code has changed" in reason(source="other")
    assert "checksums of the data" in reason(data={"r": "other"})
    (project / "constraints").mkdir()
    (project / "constraints" / "cpu.txt").write_text("numpy==1.0\ntorch==2.0+cpu\n")
    assert reason(versions=["cpu: numpy 1.0, torch 2.0"]) is None
    assert reason(versions=["cuda: numpy 9, torch 9"]) is None
    assert "pinned versions" in reason(versions=["cpu: numpy 1.0, torch 1.9"])


def test_the_data_part_is_recomputed_as_runs_compute_it(monkeypatch):
    pytest.importorskip("unrolled.data.registry")
    from unrolled.data.registry import checksums

    assert keys.combine(checksums(["mnist"])) in files.data_parts(("mnist", "digits"))
    assert keys.combine(checksums(["babi"])) in files.data_parts(("babi",))


def test_a_measurement_from_a_notebook_is_stale_when_the_chapter_s_key_differs():
    item = Evidence(slug="bn_lstm", measurements=(quick(),))
    assert files.stale_claims(item) == {}
    assert files.stale_claims(item, (), "notebook") == {}
    assert list(files.stale_claims(item, (), "changed")) == ["bn-beats-lstm"]
    found = files.verdicts(load_entry("bn_lstm"), item, "changed")
    assert found["bn-beats-lstm"] == Verdict.STALE
    assert found["pmnist-gain"] == Verdict.NOT_ATTEMPTED


def test_collecting_measures_claims_and_keeps_what_notebooks_measured(store):
    cost = Cost(profile="book", seconds=30, device="cpu", executed="2026-01-01")
    files.save(Evidence(slug="bn_lstm", measurements=(quick(),), values={"kept": 1.0}, costs=(cost,)))
    for seed in range(3):
        history = [{"update": u, "loss": 2.0 / u} for u in range(1, 101)] + [
            {"update": 100, "valid_error": 0.1}
        ]
        store("bn_lstm", seed, 0.95, history=history)
        store("lstm", seed, 0.90)
    accuracy = Reported(metric="test_accuracy", name="test accuracy")
    outcome = collect(load_entry("bn_lstm").model_copy(update={"reported": (accuracy,)}))
    found = {item.claim: item for item in outcome.evidence.measurements}
    assert set(outcome.measured) == {"pmnist-gain", "pmnist-bn-lstm", "pmnist-lstm"}
    assert found["pmnist-gain"].value == pytest.approx(5.0)
    assert found["bn-beats-lstm"] == quick()
    assert outcome.evidence.values == {"kept": 1.0}
    assert [(c.profile, c.seconds) for c in outcome.evidence.costs] == [("book", 30), ("paper", 60.0)]
    assert len(outcome.evidence.fingerprints) == 6
    assert outcome.evidence.curves["bn_lstm-s0"]["valid_error"] == (0.1,)
    assert "lstm-s0" not in outcome.evidence.curves  # its history is empty
    assert outcome.evidence.finals["bn_lstm-s0"] == {"test_accuracy": 0.95}
    files.save(outcome.evidence)
    assert collect(load_entry("bn_lstm")).measured == []


def test_smaller_or_stopped_runs_do_not_replace_evidence_unless_told_to(store, project):
    for seed in range(3):
        store("lstm", seed, 0.90)
    files.save(collect(load_entry("bn_lstm")).evidence)
    for folder in (project / "runs" / "bn_lstm").iterdir():
        (folder / "result.json").unlink()
    store("lstm", 0, 0.5, updates=50, complete=False)
    outcome = collect(load_entry("bn_lstm"))
    assert "stopped" in outcome.kept["pmnist-lstm"]
    assert outcome.evidence.measurements[0].value == pytest.approx(90.0)
    forced = collect(load_entry("bn_lstm"), replace=True)
    assert forced.evidence.measurements[0].value == pytest.approx(50.0)
    old = files.load("bn_lstm")
    parts = old.measurements[0].key_parts.model_copy(update={"source": "old"})
    stale = old.measurements[0].model_copy(update={"key_parts": parts})
    files.save(old.model_copy(update={"measurements": (stale,)}))
    assert collect(load_entry("bn_lstm")).measured == ["pmnist-lstm"]


def test_a_damaged_result_is_left_out_and_told(store):
    folder = store("lstm", 0)
    (folder / "result.json").write_text('{"slug": "bn_lstm"')
    store("lstm", 1)
    outcome = collect(load_entry("bn_lstm"))
    assert [str(folder) in line for line in outcome.damaged] == [True]
    assert outcome.evidence.measurements[0].n == 1


def test_a_long_curve_is_thinned_with_its_first_and_last_point(tmp_path):
    records = []
    for update in range(1, 1001):
        records.append({"update": update, "loss": float(update), "seconds": 1})
        if update % 5 == 0:
            records.append({"update": update, "valid_error": update / 1000, "valid_loss": 1.0})
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records) + '{"update": 10')
    found = curve(tmp_path)
    assert {len(found[name]) for name in ("update", "valid_error", "valid_loss")} == {60}
    assert (found["update"][0], found["update"][-1]) == (5, 1000)
    assert len(found["loss"]) == len(found["loss_update"]) == 59  # stretches of 17 updates
    assert (found["loss"][0], found["loss_update"][0]) == (pytest.approx(9.0), 17)
    assert found["loss_update"][-1] == 1000
    assert found["valid_error"][-1] == 1.0


def test_a_curve_leaves_out_what_is_not_finite_and_names_a_line_that_is_no_json(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"update": 1, "loss": 2.0}\n{"update": 2, "loss": NaN}\n')
    assert curve(tmp_path) == {"loss_update": (1.0,), "loss": (2.0,)}
    path.write_text('{"update": 1, "loss": 2.0}\nbroken\n{"update": 2, "loss": 1.0}\n')
    with pytest.raises(UnrolledError, match=r"metrics\.jsonl:2: no JSON"):
        curve(tmp_path)
    assert curve(tmp_path / "none") == {}
