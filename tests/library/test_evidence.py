"""Evidence is read and written whole and tells when it is stale; collecting loses nothing measured."""

from __future__ import annotations

import json

import pytest
from statement_samples import ACCURACIES, notebook, put, put_all, result, run, source

from unrolled.base import keys, records
from unrolled.base.errors import UnrolledError, UsageError
from unrolled.library import evidence as files
from unrolled.library import staleness
from unrolled.library.archiving import archive
from unrolled.library.chapters import executed_chapter
from unrolled.library.collecting import collect, curve, with_chapter
from unrolled.library.entries import load_entry
from unrolled.library.faults import Faulty
from unrolled.library.judged import load_evidence
from unrolled.library.measurements import Archived, CarriedOver, Evidence, Run
from unrolled.library.measuring import measure
from unrolled.library.statements import Outcome, Scale


@pytest.fixture
def store(project):
    """The project's run store."""
    return project / "runs"


@pytest.fixture
def chapter(project):
    """Write an executed chapter of these values."""

    def write(key="notebook", **values):
        (project / "notebooks").mkdir(exist_ok=True)
        (project / "notebooks" / "bn_lstm.ipynb").write_text(json.dumps(notebook(key, **values)))

    return write


def entry():
    return load_entry("bn_lstm")


def test_collecting_measures_statements_and_findings_from_runs_and_the_chapter(store, chapter):
    put_all(store)
    chapter(parameters=44900.0)
    outcome = collect(entry())
    assert outcome.measured == ["gain", "accuracy", "cells", "baseline"]
    files.save(outcome.evidence)
    found = load_evidence("bn_lstm")
    gain = found.statement("gain")
    assert (gain.outcome, gain.scale, gain.reproduced) == (Outcome.HOLDS, Scale.PAPER, True)
    assert (gain.ours, gain.against, gain.difference) == pytest.approx((95.2, 90.0, 5.2))
    assert (gain.n, gain.part.agree) == (3, (3, 3))
    assert gain.per_seed == {"0": 95.1, "1": 95.3, "2": 95.2}
    accuracy = found.statement("accuracy")
    assert (accuracy.outcome, accuracy.paper, accuracy.spread) == (Outcome.HOLDS, 95.4, pytest.approx(0.1))
    assert found.statement("cells").outcome == Outcome.HOLDS
    assert (found.statement("ptb").outcome, "licence" in found.statement("ptb").note) == (
        Outcome.NOT_ATTEMPTED,
        True,
    )
    baseline = found.finding("baseline")
    assert (baseline.outcome, baseline.ours) == (None, pytest.approx(90.0))
    assert [item.id for item in found.statements()] == ["gain", "accuracy", "cells", "ptb"]
    assert collect(entry()).measured == []
    with pytest.raises(UsageError, match="did you mean gain"):
        found.statement("gian")


def test_each_run_stands_in_the_evidence_once_with_all_that_it_says(store):
    put_all(store)
    evidence = collect(entry()).evidence
    assert len(evidence.runs) == 6
    kept = next(run for run in evidence.runs.values() if (run.preset, run.seed) == ("bn_lstm", 1))
    said = result("bn_lstm", 1, ACCURACIES["bn_lstm"][1])
    for name in set(Run.model_fields) - {"curve", "weights", "carried_over", "selection"}:
        assert getattr(kept, name) == said[name], name
    assert kept.curve["valid_error"] == (0.05, 0.06)
    assert kept.commit == "abc"


def test_evidence_reads_as_it_was_written_and_writes_the_same_bytes(store):
    put_all(store)
    path = files.save(collect(entry()).evidence)
    text = path.read_text(encoding="utf-8")
    assert '"update": [50.0, 100.0]' in text
    files.save(files.load("bn_lstm"))
    assert path.read_text(encoding="utf-8") == text
    assert files.load("none") is None


def test_the_old_file_stays_where_the_new_one_is_too_large(store, monkeypatch):
    put_all(store)
    evidence = collect(entry()).evidence
    path = files.save(Evidence(slug="bn_lstm"))
    before = path.read_bytes()
    monkeypatch.setattr(files, "LARGEST", 1000)
    with pytest.raises(UnrolledError, match=r"MB of evidence; 0 MB are kept at most .*nothing was written"):
        files.save(evidence)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", r"bn_lstm\.json:1: "),
        (
            '{"slug": "bn_lstm",\n "archived": [\n  {\n   "claim": "x", "value": "high"}]}',
            r"json:4: archived",
        ),
        ('{\n "slug": "other"}', r"json:2: evidence of 'other'"),
        ('{\n "slug": "bn_lstm",\n "surprise": 1}', r"json:3: surprise"),
        ('{\n "slug": "bn_lstm"}', r"json:1: the evidence has no digest"),
        ('{\n "slug": "bn_lstm",\n "digest": "x"}', r"json:3: the evidence was edited"),
        ('{\n "format": 1, "slug": "bn_lstm"}', r"json:2: format"),
    ],
)
def test_a_damaged_or_edited_file_is_told_with_its_line(project, text, place):
    files.evidence_file("bn_lstm").parent.mkdir()
    files.evidence_file("bn_lstm").write_text(text)
    with pytest.raises(Faulty, match=place):
        files.load("bn_lstm")


def test_an_edited_file_is_never_sealed_again(store):
    put_all(store)
    path = files.save(collect(entry()).evidence)
    path.write_text(path.read_text().replace('"seconds": 10.0', '"seconds": 1.0', 1))
    with pytest.raises(Faulty, match="edited"):
        collect(entry())


def test_seeds_that_nobody_declared_are_refused(store):
    put_all(store)
    put(store, result("bn_lstm", 3, 0.99))
    with pytest.raises(UnrolledError, match=r"seed 3 is beyond the declared 3 .*declare one increase"):
        collect(entry())


def test_a_statement_takes_its_own_seeds_where_another_declares_more(store):
    put_all(store)
    put(store, result("lstm", 3, 0.5))
    more = (
        entry()
        .findings[0]
        .model_copy(update={"seeds": entry().findings[0].seeds.model_copy(update={"declared": 4})})
    )
    evidence = collect(entry().model_copy(update={"findings": (more,)})).evidence
    assert evidence.measured("baseline").parts[0].ours.n == 4
    assert evidence.measured("gain").parts[0].against.n == 3


def test_an_arm_that_no_seed_changes_is_measured_by_seed_0(store):
    put_all(store)
    gain = entry().statements[0]
    fixed = gain.against[0].model_copy(update={"deterministic": True})
    changed = entry().model_copy(
        update={"statements": (gain.model_copy(update={"against": (fixed,)}), *entry().statements[1:])}
    )
    evidence = collect(changed).evidence
    part, other = evidence.measured("gain").parts[0], evidence.measured("baseline").parts[0]
    assert (part.ours.n, part.against.n, other.ours.n) == (3, 1, 3)
    assert part.against.mean == other.ours.per_seed["0"]


def test_of_several_states_of_the_code_the_present_one_counts_and_never_the_best(store):
    for seed in range(3):
        put(store, result("bn_lstm", seed, 0.99, key_parts={"source": "older"}, finished="2026-02-01"))
        put(store, result("bn_lstm", seed, 0.97, config={"hidden": 200}, finished="2026-01-01"))
        put(store, result("bn_lstm", seed, 0.90, finished="2026-01-05"))
        put(
            store,
            result("bn_lstm", seed, 0.98, config={"hidden": 300}, complete=False, finished="2026-01-09"),
        )
    evidence = collect(entry()).evidence
    assert evidence.measured("accuracy").parts[0].mean == pytest.approx(90.0)
    assert "gain" not in {item.id for item in evidence.statements}  # without its other side


def test_smaller_or_stopped_runs_do_not_replace_evidence_unless_told_to(store):
    folders = put_all(store)
    files.save(collect(entry()).evidence)
    for folder in folders:
        (folder / "result.json").unlink()
    assert collect(entry()).measured == []  # the runs are in the evidence
    for seed in range(3):
        put(store, result("lstm", seed, 0.5, config={"hidden": 101}, finished="2027-01-01"))
    put(store, result("bn_lstm", 0, 0.5, config={"hidden": 101}, finished="2027-01-01"))
    outcome = collect(entry())
    assert outcome.kept["accuracy"] == "measured from 3 runs; there are 1 new ones"
    assert outcome.measured == ["baseline"]
    forced = collect(entry(), replace=True)
    assert forced.evidence.measured("accuracy").outcome == Outcome.ONE_RUN


def test_a_damaged_result_is_left_out_and_told(store):
    folders = put_all(store)
    (folders[0] / "result.json").write_text('{"slug": "bn_lstm"')
    (folders[1] / "result.json").write_text(json.dumps(result("bn_lstm", 1) | {"seed": "one"}))
    outcome = collect(entry())
    assert [str(folder) in line for folder, line in zip(folders, outcome.damaged, strict=False)] == [
        True,
        True,
    ]
    assert outcome.evidence.measured("accuracy").outcome == Outcome.ONE_RUN


def test_a_metric_that_a_run_lacks_is_named(store):
    found = result("bn_lstm", 0)
    del found["metrics"]["test_accuracy"]
    put(store, found)
    with pytest.raises(UnrolledError, match=r"has no metric 'test_accuracy', which accuracy needs"):
        collect(entry())


@pytest.mark.usefixtures("project")
def test_metrics_of_a_run_can_be_added_and_subtracted():
    metrics = {"short": 30.0, "middle": 28.0, "long": 21.5}
    found = run().model_copy(update={"preset": "lstm", "metrics": metrics})
    change = {"result": "short + middle - long", "factor": 2.0}
    quantity = entry().finding("baseline").model_copy(update=change)
    assert measure(entry(), quantity, [found], {}).parts[0].mean == 73.0
    lacking = quantity.model_copy(update={"result": "short - longest"})
    with pytest.raises(UnrolledError, match="has no metric 'longest'"):
        measure(entry(), lacking, [found], {})


def test_evidence_is_stale_when_code_data_or_versions_changed(project):
    def reason(carried=None, **parts):
        made = run(key_parts=parts).model_copy(update={"carried_over": carried})
        return staleness.Present("bn_lstm", ("mnist",)).stale(made)

    assert reason() is None
    assert "the code changed" in reason(source="other")
    now = CarriedOver(source=source(), versions="cpu: numpy 1, torch 2", on="2026-02-01")
    assert reason(now, source="other") is None
    assert "checksums of the data" in reason(data="other")
    (project / "constraints").mkdir()
    (project / "constraints" / "cpu.txt").write_text("numpy==1.0\ntorch==2.0+cpu\n")
    assert reason(versions="cpu: numpy 1.0, torch 2.0") is None
    assert reason(versions="cuda: numpy 9, torch 9") is None
    assert "pinned versions" in reason(versions="cpu: numpy 1.0, torch 1.9")


def test_the_data_part_is_recomputed_as_runs_compute_it():
    assert keys.combine(records.checksums(["mnist"])) in staleness.data_parts(("mnist", "digits"))
    assert keys.combine(records.checksums(["babi"])) in staleness.data_parts(("babi",))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pairing: paired", "pairing: welch"),
        ("direction: higher\n  - id: accuracy", "direction: lower\n  - id: accuracy"),
        ("factor: 100", "factor: 99"),
        ("direction: higher\n  - id: accuracy", "direction: higher\n    delta: 1\n  - id: accuracy"),
        ("    sizes: {hidden: 100}", "    sizes: {hidden: 200}"),
        ("against: [lstm]", "against: [bn_lstm]"),
    ],
)
def test_a_rule_moved_after_the_measurement_makes_it_stale(store, edit, old, new):
    put_all(store)
    files.save(collect(entry()).evidence)
    assert load_evidence("bn_lstm").stale == {}
    edit("bib/entries/bn_lstm.yaml", old, new)
    gain = load_evidence("bn_lstm").statement("gain")
    assert (gain.outcome, gain.note) == (Outcome.STALE, "the statement changed since it was measured")
    assert "gain" in collect(entry()).measured


def test_words_do_not_make_a_measurement_stale(store, edit):
    put_all(store)
    files.save(collect(entry()).evidence)
    edit("bib/entries/bn_lstm.yaml", "says: BN-LSTM ends higher than the LSTM.", "says: It ends higher.")
    assert load_evidence("bn_lstm").stale == {}


def test_a_value_of_the_chapter_is_stale_when_the_chapter_s_key_differs(project, chapter):
    chapter("key", parameters=44900.0)
    files.save(collect(entry()).evidence)
    assert load_evidence("bn_lstm", "key").statement("cells").outcome == Outcome.HOLDS
    assert load_evidence("bn_lstm", "other").statement("cells").outcome == Outcome.STALE


def test_an_executed_chapter_measures_its_values_anew_and_leaves_the_rest(store, chapter):
    put_all(store)
    chapter("one", parameters=44900.0)
    files.save(collect(entry()).evidence)
    new = with_chapter(entry(), executed_chapter(notebook("two", parameters=1.0)))
    assert new.measured("cells").outcome == Outcome.DIFFERS
    assert new.measured("gain") == files.load("bn_lstm").measured("gain")
    assert with_chapter(entry(), executed_chapter(notebook("two"))).measured("cells") is None


FORMAT_1 = {
    "slug": "bn_lstm",
    "measurements": [
        {"claim": "pmnist-gain", "value": 5.0, "spread": 0.1, "n": 3, "unit": "%", "profile": "paper"}
        | {"scale": "100 updates, 3 seeds", "commit": "abc", "device": "cpu"},
        {"claim": "accuracy", "value": 95.0, "n": 1, "profile": "book"},
        {"claim": "identity", "value": 0.0, "n": 5, "profile": "book"},
    ],
}


def test_what_version_0_1_measured_is_archived_under_its_statement(project):
    path = files.evidence_file("bn_lstm")
    path.parent.mkdir()
    path.write_text(json.dumps(FORMAT_1))
    assert {item.statement for item in archive("bn_lstm", None).archived} == {None}
    files.save(archive("bn_lstm", entry(), {"pmnist-gain": "gain"}))
    found = load_evidence("bn_lstm")
    gain = found.statement("gain")
    assert (gain.outcome, gain.ours, gain.spread, gain.n) == (Outcome.ARCHIVED, 5.0, 0.1, 3)
    assert (gain.scale, gain.reproduced, gain.archived.scale) == (None, False, "100 updates, 3 seeds")
    assert found.statement("accuracy").archived == Archived(
        claim="accuracy", statement="accuracy", value=95.0, n=1, scale="book profile"
    )
    files.save(archive("bn_lstm", entry(), {"identity": "cells"}))
    assert {item.claim: item.statement for item in files.load("bn_lstm").archived} == {
        "pmnist-gain": None,
        "accuracy": "accuracy",
        "identity": "cells",
    }
    with pytest.raises(UsageError, match="no statement or finding of bn_lstm 'gian'"):
        archive("bn_lstm", entry(), {"identity": "gian"})


def test_what_is_measured_anew_goes_before_the_archive(store):
    files.save(Evidence(slug="bn_lstm", archived=(Archived(claim="a", statement="gain", value=1.0, n=1),)))
    put_all(store)
    evidence = collect(entry()).evidence
    files.save(evidence)
    assert len(evidence.archived) == 1
    assert load_evidence("bn_lstm").statement("gain").outcome == Outcome.HOLDS


def test_a_long_curve_is_thinned_with_its_first_best_and_last_point(tmp_path):
    history = []
    for update in range(1, 1001):
        history.append({"update": update, "loss": float(update), "seconds": 1})
        if update % 5 == 0:
            history.append({"update": update, "valid_error": update / 1000, "valid_loss": 1.0})
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in history) + '{"update": 10')
    found = curve(tmp_path, 515)
    assert {len(found[name]) for name in ("update", "valid_error", "valid_loss")} <= {59, 60}
    assert (found["update"][0], found["update"][-1]) == (5, 1000)
    assert 515 in found["update"]
    assert len(found["loss"]) == len(found["loss_update"]) == 59  # stretches of 17 updates
    assert (found["loss"][0], found["loss_update"][0]) == (pytest.approx(9.0), 17)


def test_a_curve_leaves_out_what_is_not_finite_and_names_a_line_that_is_no_json(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"update": 1, "loss": 2.0}\n{"update": 2, "loss": NaN}\n')
    assert curve(tmp_path) == {"loss_update": (1.0,), "loss": (2.0,)}
    path.write_text('{"update": 1, "loss": 2.0}\nbroken\n{"update": 2, "loss": 1.0}\n')
    with pytest.raises(UnrolledError, match=r"metrics\.jsonl:2: no record of an update"):
        curve(tmp_path)
    assert curve(tmp_path / "none") == {}
