"""The commands on the knowledge base and on evidence: output for people and programs, and exit codes."""

from __future__ import annotations

import json

import pytest
from comparison_samples import comparison

from unrolled.cli import main
from unrolled.library import evidence as files
from unrolled.library.models import Verdict


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


def test_show_tells_equations_claims_and_verdicts(unrolled, project):
    code, out, _ = unrolled("show", "bn_lstm")
    assert code == 0
    assert "unrolled.papers.bn_lstm.model:bn_lstm_step" in out
    assert "pmnist-gain\tnot attempted" in out
    assert json.loads(unrolled("show", "bn_lstm", "--json")[1])["verdicts"]["pmnist-gain"] == "not attempted"


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


def test_schema_prints_the_json_schema(unrolled):
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
    assert "unrolled train bn_lstm --profile paper" in err


@pytest.fixture
def trained(project, edit):
    """A project in which a claim was measured from a real, tiny run."""
    from dataclasses import replace

    fitting = pytest.importorskip("unrolled.training.fit")
    from unrolled.papers.bn_lstm.experiment import EXPERIMENT, Config
    from unrolled.training.store import RunStore

    measure = "measure: {metric: test_accuracy, of: {task: pmnist, model: bn_lstm}, scale: 100"
    edit(
        "bib/entries/bn_lstm.yaml",
        measure,
        "measure: {metric: valid_accuracy, of: {task: digits}, scale: 100",
    )
    config = replace(Config.smoke(), evaluate_every=3)
    fitting.fit(EXPERIMENT, config, seed=0, profile="paper", store=RunStore(), progress=False)
    return project


def test_evidence_is_collected_goes_stale_and_is_carried_over_where_losses_are_equal(unrolled, trained):
    code, out, err = unrolled("evidence", "collect", "bn_lstm")
    assert code == 0, err
    assert "1 claim measured" in err
    assert "6 updates, 1 seed" in out
    assert unrolled("evidence", "verify", "bn_lstm")[1] == "no evidence from runs is stale\n"

    def change(**fields) -> None:
        item = files.load("bn_lstm")
        parts = item.measurements[0].key_parts.model_copy(update={"source": "before"})
        prints = (item.fingerprints[0].model_copy(update=fields),)
        measurements = (item.measurements[0].model_copy(update={"key_parts": parts}),)
        files.save(item.model_copy(update={"measurements": measurements, "fingerprints": prints}))

    files.save(files.load("bn_lstm").model_copy(update={"comparisons": (comparison(),)}))
    change()
    name = files.load("bn_lstm").measurements[0].claim
    from unrolled.library.entries import load_entry

    assert files.verdicts(load_entry("bn_lstm"), files.load("bn_lstm"))[name] == Verdict.STALE
    code, out, _ = unrolled("evidence", "verify", "bn_lstm")
    assert (code, out) == (0, f"{name}: equal, carried over\n")
    assert "equal losses" in files.load("bn_lstm").measurements[0].carried_over
    assert files.verdicts(load_entry("bn_lstm"), files.load("bn_lstm"))[name] != Verdict.STALE
    assert files.load("bn_lstm").comparisons == (comparison(),)

    change(losses=tuple(loss * 1.001 for loss in files.load("bn_lstm").fingerprints[0].losses))
    code, _, err = unrolled("evidence", "verify", "bn_lstm")
    assert code == 1
    assert "losses differ by 0.001" in err
    assert "stay stale" in err
    assert files.verdicts(load_entry("bn_lstm"), files.load("bn_lstm"))[name] == Verdict.STALE


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
