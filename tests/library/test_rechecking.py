"""No measured value can be edited by hand: the check recomputes what it can, a digest holds the rest."""

from __future__ import annotations

import json

import pytest
from comparison_samples import comparison
from sample_project import make_project
from statement_samples import notebook, put_all

from unrolled.library import evidence as files
from unrolled.library.collecting import collect
from unrolled.library.entries import load_entry
from unrolled.library.measurements import Archived, Evidence
from unrolled.library.rechecking import problems

CHAPTER = "notebooks/bn_lstm.ipynb"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with runs and a chapter, which the tests of this module share."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        root = make_project(tmp_path_factory.mktemp("rechecking") / "project", monkeypatch)
        put_all(root / "runs")
        (root / "notebooks").mkdir()
        (root / CHAPTER).write_text(json.dumps(notebook(parameters=44900.0, other=7.0)))
        yield root


@pytest.fixture(scope="module")
def collected(project) -> str:
    """Collected evidence with everything that a file can hold."""
    evidence = collect(load_entry("bn_lstm")).evidence
    old = Archived(claim="old", statement="gain", value=5.0, n=1, commit="abc")
    path = files.save(evidence.model_copy(update={"archived": (old,), "comparisons": (comparison(),)}))
    return path.read_text(encoding="utf-8")


@pytest.fixture
def record(collected) -> dict:
    """The same as data, to be edited."""
    return json.loads(collected)


def told(record: dict, *, sealed: bool = False) -> list[str]:
    """What the check says of a record; ``sealed`` gives it the digest of what it says now."""
    evidence = Evidence.model_validate_json(json.dumps(record))
    if sealed:
        evidence = evidence.model_copy(update={"digest": files.digest(evidence)})
    return [problem for _, problem, _ in problems(load_entry("bn_lstm"), evidence)]


def measured(record: dict, name: str = "gain") -> dict:
    return next(item for item in record["statements"] if item["id"] == name)


def run(record: dict, preset: str = "bn_lstm") -> dict:
    return next(run for name, run in record["runs"].items() if name.startswith(f"{preset}-s0"))


def renamed(record: dict) -> None:
    name, found = next(iter(record["runs"].items()))
    record["runs"] = {f"{name[:-1]}x": found} | {n: r for n, r in record["runs"].items() if n != name}


def chapter_value(record: dict) -> None:
    record["chapter"]["values"]["parameters"] = 44901.0


def edited_rule(record: dict) -> None:
    measured(record)["rule"] = "0" * 16


# What is changed by hand, and, if it can be recomputed, what is said even of a record that is sealed again.
EDITS = {
    "value": (lambda r: measured(r)["parts"][0].update(mean=9.9), "gain: parts is not what its runs give"),
    "a seed's value": (
        lambda r: measured(r)["parts"][0]["ours"]["per_seed"].update({"0": 99.0}),
        "gain: parts is not what its runs give",
    ),
    "n": (lambda r: measured(r)["parts"][0]["ours"].update(n=30), "gain: parts is not what its runs give"),
    "interval": (lambda r: measured(r)["parts"][0].update(interval=[5.1, 5.3]), "gain: parts is not"),
    "outcome": (lambda r: measured(r, "accuracy").update(outcome="better"), "accuracy: outcome is not what"),
    "scale": (lambda r: measured(r).update(scale="toy"), "gain: scale is not what its runs give"),
    "complete": (lambda r: run(r).update(complete=False), "gain: scale is not what its runs give"),
    "a run's metric": (lambda r: run(r)["metrics"].update(test_accuracy=0.99), "gain: parts is not what"),
    "the best metric": (
        lambda r: run(r)["metrics"].update(valid_error=0.04),
        "valid_error is 0.04, and 0.05",
    ),
    "the last metric": (
        lambda r: run(r)["metrics"].update(last_valid_error=0.01),
        "last_valid_error is 0.01",
    ),
    "curve": (lambda r: run(r)["curve"].update(valid_error=[0.05, 0.01]), "has a better valid_error, 0.01"),
    "device": (lambda r: run(r).update(device="a GPU"), None),
    "seconds": (lambda r: run(r).update(seconds=1.0), None),
    "commit": (lambda r: run(r).update(commit="def"), None),
    "fingerprint": (lambda r: run(r)["fingerprint"].update(losses=[1.0]), None),
    "configuration": (
        lambda r: run(r)["config"].update(hidden=200),
        "does not follow from its configuration",
    ),
    "seed": (lambda r: run(r).update(seed=1), "make the name"),
    "run key": (lambda r: run(r).update(key="0" * 64), "the key does not follow from its parts"),
    "key parts": (lambda r: run(r)["key_parts"].update(source="x"), "the key does not follow from its parts"),
    "run name": (renamed, "make the name"),
    "a run left out": (lambda r: r["runs"].pop(next(iter(r["runs"]))), "is not in the file"),
    "updates": (lambda r: run(r).update(updates=200), "200 updates of 100"),
    "comparison": (lambda r: r["comparisons"][0]["differences"][0].update(p=0.001), None),
    "rule": (edited_rule, "evidence for gain is stale: the statement changed"),
    "archived value": (lambda r: r["archived"][0].update(value=9.0), None),
    "archived statement": (lambda r: r["archived"][0].update(statement="gian"), "unknown statement 'gian'"),
    "chapter's value": (chapter_value, "value parameters is not the one that the notebook stores"),
    "chapter's seconds": (lambda r: r["chapter"].update(seconds=1.0), "seconds of the chapter is not what"),
    "chapter's key": (lambda r: r["chapter"].update(key="x"), "executed again since its values"),
    "a finding": (
        lambda r: r["findings"][0]["parts"][0].update(mean=50.0),
        "baseline: parts is not what its runs give",
    ),
    "a statement twice": (lambda r: r["statements"].append(measured(r)), "evidence for gain twice"),
    "digest removed": (lambda r: r.pop("digest"), None),
}


def test_collected_evidence_has_no_problem(record):
    assert told(record) == []


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_by_hand_is_caught(record, name):
    change, _ = EDITS[name]
    change(record)
    said = "has no digest" if name == "digest removed" else "the evidence was edited"
    assert any(said in line for line in told(record))


@pytest.mark.parametrize("name", [name for name, (_, said) in EDITS.items() if said])
def test_what_can_be_recomputed_is_caught_in_a_sealed_record_too(record, name):
    change, said = EDITS[name]
    change(record)
    found = told(record, sealed=True)
    assert any(said in line for line in found), found
    assert not any("was edited" in line for line in found)


def test_a_notebook_whose_stored_value_was_edited_is_told(record, project):
    path = project / CHAPTER
    before = path.read_text()
    try:
        path.write_text(json.dumps(notebook(parameters=44900.0, other=8.0)))
        assert told(record) == ["value other is not the one that the notebook stores"]
        path.unlink()
        assert told(record) == ["values of a chapter that is not there"]
    finally:
        path.write_text(before)


def test_weights_that_are_others_or_missing_are_told(record, project):
    from unrolled.base.files import sha256

    weights = project / "bib" / "weights" / "bn_lstm" / "bn_lstm.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    name = "bib/weights/bn_lstm/bn_lstm.safetensors"
    run(record)["weights"] = {"file": name, "sha256": sha256(weights), "bytes": 7}
    assert told(record, sealed=True) == []
    weights.write_bytes(b"WEIGHTS")
    assert "are others" in told(record, sealed=True)[0]
    weights.unlink()
    assert "are missing" in told(record, sealed=True)[0]
