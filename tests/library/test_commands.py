"""The commands on the knowledge base and on evidence: output for people and programs, and exit codes."""

from __future__ import annotations

import json

import pytest
from statement_samples import ACCURACIES, put, put_all, result, source

from unrolled.cli import main
from unrolled.library import evidence as files
from unrolled.library.judged import load_evidence
from unrolled.library.statements import Outcome


@pytest.fixture
def unrolled(capsys):
    """Run a command; its exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return run


def test_list_prints_a_line_an_entry_and_filters(unrolled, project):
    assert unrolled("list")[1].split("\t")[:2] == ["bn_lstm", "2017"]
    assert unrolled("list", "--part", "memory")[1] == ""
    assert [entry["slug"] for entry in json.loads(unrolled("list", "--json", "--year", "2017")[1])] == [
        "bn_lstm"
    ]


def test_show_tells_equations_statements_findings_and_checks(unrolled, project):
    code, out, _ = unrolled("show", "bn_lstm")
    assert code == 0
    assert "unrolled.papers.bn_lstm.model:bn_lstm_step" in out
    assert "gain\tnot attempted\t–\tBN-LSTM ends higher than the LSTM.\tTable 1" in out
    assert "baseline\tThe LSTM is undertrained." in out
    assert "equal\tCode and equation agree." in out
    assert json.loads(unrolled("show", "bn_lstm", "--json")[1])["outcomes"]["gain"] == "not attempted"


@pytest.mark.parametrize(
    "command",
    [("show", "bn_lsmt"), ("cite", "bn_lsmt"), ("check", "bn_lsmt"), ("evidence", "show", "bn_lsmt")],
)
def test_an_unknown_slug_is_wrong_use_told_in_one_line(unrolled, command):
    code, out, err = unrolled(*command)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "did you mean bn_lstm?" in err


@pytest.mark.parametrize("style", ["bibtex", "ris", "csl-json", "apa", "ieee", "harvard-cite-them-right"])
def test_cite_prints_every_style(unrolled, style):
    code, out, err = unrolled("cite", "bn_lstm", "--style", style)
    assert (code, err) == (0, "")
    assert "Cooijmans" in out


def test_an_invalid_entry_gives_its_lines_and_a_failure(unrolled, edit):
    edit("bib/entries/bn_lstm.yaml", "year: 2017", "year: soon")
    code, out, err = unrolled("list")
    assert (code, out) == (1, "")
    assert err.startswith("unrolled: bib/entries/bn_lstm.yaml:7: year: ")
    assert "Traceback" not in err


def test_check_fails_on_a_fault_and_tells_it_as_json_too(unrolled, edit):
    edit("bib/entries/bn_lstm.yaml", "concepts: [lstm, ", "concepts: [lsm, ")
    code, out, _ = unrolled("check", "--json")
    found = json.loads(out)
    assert code == 1
    assert {"file", "line", "problem", "hint", "level", "slug"} == set(found[0])
    assert any("unknown concept 'lsm'" in fault["problem"] for fault in found)
    assert "bib/entries/bn_lstm.yaml:" in unrolled("check")[1]


def test_schema_prints_the_json_schema(unrolled, project):
    jsonschema = pytest.importorskip("jsonschema")
    import yaml

    from unrolled.base.paths import entries

    schema = json.loads(unrolled("schema")[1])
    jsonschema.Draft202012Validator.check_schema(schema)
    entry = yaml.safe_load((entries() / "bn_lstm.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(entry)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(entry | {"surprise": 1})


def test_fmt_orders_every_file_once(unrolled, project, edit):
    edit("bib/entries/bn_lstm.yaml", "kind: paper\n", "kind:   paper\n")
    edit("bib/references.bib", "  title         = {Long", "  title={Long")
    code, _, err = unrolled("fmt", "--check")
    assert code == 1
    assert "bn_lstm.yaml is not in order" in err
    assert "references.bib is not in order" in err
    assert unrolled("fmt")[0] == 0
    assert unrolled("fmt", "--check")[:2] == (0, "3 files are in order\n")


def test_fmt_refuses_a_file_with_comments_and_orders_the_others(unrolled, project, edit):
    edit("bib/entries/bn_lstm.yaml", "kind: paper\n", "kind: paper  # of course\n")
    edit("bib/references.bib", "  title         = {Long", "  title={Long")
    before = (project / "bib" / "entries" / "bn_lstm.yaml").read_bytes()
    code, _, err = unrolled("fmt")
    assert code == 1
    assert "bib/entries/bn_lstm.yaml:2: a comment would be lost" in err
    assert (project / "bib" / "entries" / "bn_lstm.yaml").read_bytes() == before
    assert "  title         = {Long" in (project / "bib" / "references.bib").read_text(encoding="utf-8")


def test_collecting_without_a_run_says_how_to_make_one(unrolled, project):
    code, _, err = unrolled("evidence", "collect", "bn_lstm")
    assert code == 1
    assert "unrolled train bn_lstm PRESET --seeds 0-4" in err


def test_evidence_is_collected_and_shown_for_people_and_programs(unrolled, project):
    put_all(project / "runs")
    assert "gain\t5.2\tholds\tpaper" in unrolled("evidence", "collect", "bn_lstm", "--dry-run")[1]
    assert not files.evidence_file("bn_lstm").exists()
    code, out, err = unrolled("evidence", "collect", "bn_lstm")
    assert (code, "3 measured; wrote" in err) == (0, True)
    line = next(line for line in out.splitlines() if line.startswith("gain")).split("\t")
    assert line[1:4] == ["ordering", "–", "95.2 ± 0.1 %"]
    assert line[4:9] == ["5.2", "2.83 to 7.57", "3", "paper", "holds"]
    rows = {row["id"]: row for row in json.loads(unrolled("evidence", "show", "bn_lstm", "--json")[1])}
    gain = rows["gain"]
    assert (gain["outcome"], gain["scale"], gain["reproduced"]) == ("holds", "paper", True)
    assert (gain["agree"], gain["n"], gain["headline"]) == ([3, 3], 3, True)
    assert gain["per_seed"] == {"0": 95.1, "1": 95.3, "2": 95.2}
    assert (rows["baseline"]["kind"], rows["baseline"]["outcome"]) == ("finding", None)
    assert "bn_lstm\tptb\tnot attempted\t–" in unrolled("evidence", "list")[1]


def test_runs_whose_fingerprint_agrees_are_carried_over_and_others_stay_stale(unrolled, project, monkeypatch):
    for preset, values in ACCURACIES.items():
        for seed, value in enumerate(values):
            put(project / "runs", result(preset, seed, value, key_parts={"source": "before"}))
    unrolled("evidence", "collect", "bn_lstm")
    found = load_evidence("bn_lstm")
    assert {found.statement(name).outcome for name in ("gain", "accuracy")} == {Outcome.STALE}

    class Config:  # training has tests of its own; here only what is done with what it measures
        of = staticmethod(lambda values: values)

    def kind(config, seed):
        return (config["model"], seed)

    kind.Config = Config
    differing = {("lstm", 1)}
    monkeypatch.setattr("unrolled.training.experiment.experiment", lambda slug: kind, raising=False)
    measure = "unrolled.training.fingerprint.measure"
    monkeypatch.setattr(measure, lambda experiment, weights: experiment, raising=False)

    def compare(old, new):
        assert old["losses"] == [2.3, 2.2]
        return ["losses 1: 2.3 became 2.4"] if new in differing else []

    monkeypatch.setattr("unrolled.training.fingerprint.compare", compare, raising=False)
    code, out, err = unrolled("evidence", "verify", "bn_lstm")
    assert code == 1
    assert (out.count("equal, carried over"), "losses 1: 2.3 became 2.4" in err) == (5, True)
    found = load_evidence("bn_lstm")
    assert found.statement("accuracy").outcome == Outcome.HOLDS
    assert found.statement("gain").outcome == Outcome.STALE
    run = found.evidence.runs[found.statement("accuracy").measured.runs[0]]
    assert (run.carried_over.source, run.key_parts["source"]) == (source(), "before")
    differing.clear()
    assert unrolled("evidence", "verify", "bn_lstm")[0] == 0
    assert load_evidence("bn_lstm").stale == {}
    assert unrolled("evidence", "verify", "bn_lstm")[1] == "no run is stale\n"
    unrolled("evidence", "collect", "bn_lstm")
    assert load_evidence("bn_lstm").stale == {}  # collecting keeps what was carried over


def test_what_version_0_1_measured_is_archived(unrolled, project):
    path = files.evidence_file("bn_lstm")
    path.parent.mkdir()
    old = {"claim": "pmnist-gain", "value": 5.0, "n": 3, "profile": "paper"}
    path.write_text(json.dumps({"slug": "bn_lstm", "measurements": [old]}))
    code, out, _ = unrolled("evidence", "archive", "bn_lstm", "--as", "pmnist-gain=gain")
    assert (code, "1 archived, 1 with a statement or finding" in out) == (0, True)
    assert "gain\tordering\t–\t5 %" in unrolled("evidence", "show", "bn_lstm")[1]
    assert unrolled("evidence", "archive", "bn_lstm", "--as", "pmnist-gain")[0] == 2


def test_cite_all_prints_the_whole_bibliography(unrolled, project):
    from unrolled.library import bibliography

    code, out, err = unrolled("cite", "--all", "--style", "csl-json")
    assert (code, err) == (0, "")
    assert [item["id"] for item in json.loads(out)] == list(bibliography.load().entries)


def test_cite_book_chapter_and_references(unrolled):
    assert unrolled("cite", "--book")[1].startswith("@book{unrolled,")
    assert unrolled("cite", "bn_lstm", "--chapter")[1].startswith("@incollection{unrolled_bn_lstm,")
    assert "@article{hochreiter1997long," in unrolled("cite", "bn_lstm", "--references")[1]


@pytest.mark.parametrize("arguments", [(), ("--all", "bn_lstm"), ("--book", "--all"), ("--chapter",)])
def test_cite_without_a_sensible_choice_is_wrong_use(unrolled, arguments):
    code, out, err = unrolled("cite", *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
