"""``unrolled check`` tells every broken link of the chain, with its file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from comparison_samples import comparison
from sample_project import copy_code
from statement_samples import BLOCK, notebook, put_all, run

from unrolled.library import evidence as files
from unrolled.library.chapters import read_page, same_latex
from unrolled.library.check import check
from unrolled.library.collecting import collect
from unrolled.library.entries import load_entry
from unrolled.library.measurements import Evidence, Measured

ENTRY = "bib/entries/bn_lstm.yaml"


@pytest.fixture
def whole(project, edit):
    """The project with sources and oracles, the entry as a draft, and a chapter with all its equations."""
    copy_code(project, "src/unrolled")
    edit(ENTRY, "status: verified", "status: draft")
    cells = [
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": [
                f"Equation {e.number}, of {{cite}}`ioffe2015batch`.\n",
                "\n",
                "```{math}\n",
                f":label: {e.label}\n",
                f"{e.latex}\n",
                "```\n",
            ],
        }
        for e in load_entry("bn_lstm").equations
    ]
    (project / "notebooks").mkdir()
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (project / "notebooks" / "bn_lstm.ipynb").write_text(json.dumps(notebook, indent=1))
    return project


def faults(**arguments) -> list[str]:
    return [str(fault) for fault in check(**arguments) if fault.level == "fault"]


def line_of(path: Path, text: str) -> int:
    before = path.read_text(encoding="utf-8").partition(text)[0]
    return before.count("\n") + 1


def test_a_whole_chain_has_no_fault_and_tells_what_is_lacking(whole):
    assert faults() == []
    lacking = [fault for fault in check() if fault.level == "lacks"]
    assert any("gain has no evidence" in fault.problem for fault in lacking)
    assert {fault.slug for fault in lacking} == {"bn_lstm"}


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            ENTRY,
            "key: cooijmans2017recurrent",
            "key: cooijmans2017recurent",
            "'cooijmans2017recurent' is not in the bibliography",
        ),
        (
            ENTRY,
            "also_cite: [hochreiter1997long, ",
            "also_cite: [hochreiter1997lng, ",
            "'hochreiter1997lng' is not in the bib",
        ),
        (ENTRY, "model:batch_norm", "model:batch_nrm", "did you mean batch_norm"),
        (ENTRY, "::test_equation_6_bn_preactivations", "::test_equation_6", "oracle not found"),
        (ENTRY, "concepts: [lstm, ", "concepts: [lsm, ", "unknown concept 'lsm'"),
        (ENTRY, "target: le2015simple", "target: le2015simpel", "which is no entry and no key"),
        (ENTRY, "builds_on: []", "builds_on: [bn_lstm]", "imports nothing of it"),
        (ENTRY, "builds_on: []", "read_first: [nobody]", "read_first: no other entry 'nobody'"),
        (ENTRY, "builds_on: []", "read_next: [bn_lstm]", "read_next: no other entry 'bn_lstm'"),
        (ENTRY, "year: 2017", "year: 2016", "cooijmans2017recurrent says 2017"),
        (ENTRY, "label: bn-lstm-7", "label: bn-lstm-7b", "equation bn-lstm-7b is not in the chapter"),
        (ENTRY, "phi(W_h", "psi(W_h", "equation bn-lstm-1 differs"),
        (ENTRY, '::test_equation_6_bn_preactivations"]', '::test_6"]', "check equal: test not found"),
        (ENTRY, BLOCK.partition("statements:")[0], "", "'paper' has no setting to tell their scale by"),
        (ENTRY, "    headline: true\n", "", "no statement is a headline"),
        (ENTRY, "    not_attempted: The data have a licence that forbids it.\n", "", "ptb can neither be"),
        ("bib/concepts.yaml", "entry: bn_lstm", "entry: bn_lsm", "no entry 'bn_lsm'"),
        ("bib/references.bib", "@misc{le2015simple,", "@misc{le2015simpel,", "cited by no entry and no page"),
        ("bib/references.bib", "title         = {Long Short-Term Memory},\n", "", "has no title"),
        (
            "bib/references.bib",
            "{Long Short-Term Memory}",
            "{Long Short-Term Memory",
            "broken entry 'hochreiter1997long'",
        ),
        (
            "notebooks/bn_lstm.ipynb",
            "{cite}`ioffe2015batch`",
            "{cite}`ioffe2016batch`",
            "cites 'ioffe2016batch'",
        ),
        (
            "notebooks/bn_lstm.ipynb",
            "{cite}`ioffe2015batch`",
            "{statement}`bn_lstm/no-such`",
            "no statement or finding 'no-such' of bn_lstm",
        ),
        (
            "notebooks/bn_lstm.ipynb",
            ":label: bn-lstm-8",
            ":label: bn-lstm-9",
            "equation bn-lstm-9 is not in bn_lstm.yaml",
        ),
        ("notebooks/bn_lstm.ipynb", '"cells"', '"sells"', "not a notebook"),
        (
            "src/unrolled/papers/bn_lstm/model.py",
            "def batch_norm(",
            "def batch_normal(",
            "implementation not found",
        ),
    ],
)
def test_a_link_broken_on_purpose_is_told_with_file_and_line(whole, edit, file, old, new, said):
    edit(file, old, new)
    found = [fault for fault in check() if fault.level == "fault"]
    assert any(said in str(fault) for fault in found), found
    for fault in found:
        assert fault.file.is_file()
        assert 1 <= fault.line <= fault.file.read_text(encoding="utf-8").count("\n") + 1


def test_the_line_is_the_one_that_is_wrong(whole, edit):
    path = edit(ENTRY, "model:batch_norm", "model:batch_nrm")
    assert [fault.line for fault in check() if fault.level == "fault"] == [line_of(path, "model:batch_nrm")]
    path = edit(ENTRY, "model:batch_nrm", "model:batch_norm")
    path = edit("notebooks/bn_lstm.ipynb", "{cite}`ioffe2015batch`", "{cite}`nobody2000none`")
    assert [fault.line for fault in check() if fault.level == "fault"] == [
        line_of(path, "{cite}`nobody2000none`")
    ]


def test_an_import_of_another_paper_must_be_in_builds_on(whole, edit):
    (whole / "src" / "unrolled" / "papers" / "srnn").mkdir()
    (whole / "src" / "unrolled" / "papers" / "srnn" / "__init__.py").write_text("")
    path = edit(
        "src/unrolled/papers/bn_lstm/model.py",
        "\nimport torch\n",
        "\nimport torch\nfrom unrolled.papers import srnn\n",
    )
    found = [fault for fault in check() if fault.level == "fault"]
    assert [(fault.file, "imports srnn" in fault.problem) for fault in found] == [(path, True)]


def test_evidence_for_no_statement_and_stale_evidence_are_faults(whole):
    put_all(whole / "runs")
    path = files.save(collect(load_entry("bn_lstm")).evidence)
    assert faults() == []
    evidence = files.load("bn_lstm")
    strange = evidence.statements[0].model_copy(update={"id": "no-such"})
    path = files.save(evidence.model_copy(update={"statements": (*evidence.statements, strange)}))
    told = [fault for fault in check() if fault.level == "fault"]
    assert [(fault.problem, fault.line) for fault in told] == [
        ("evidence for an unknown statement 'no-such'", line_of(path, '"no-such"'))
    ]
    files.save(evidence)
    source = whole / "src" / "unrolled" / "papers" / "bn_lstm" / "experiment.py"
    source.write_text(source.read_text(encoding="utf-8") + "\n\nMORE = 1\n", encoding="utf-8")
    told = faults()
    assert sum("is stale: the code changed since" in text for text in told) == len(told) == 3
    files.evidence_file("bn_lstm").rename(files.evidence_file("nobody"))
    assert any("without an entry 'nobody'" in text for text in faults())


def test_an_edit_of_evidence_is_a_fault_with_its_line(whole):
    put_all(whole / "runs")
    path = files.save(collect(load_entry("bn_lstm")).evidence)
    path.write_text(path.read_text().replace('"test_accuracy": 0.953', '"test_accuracy": 0.963'))
    told = [fault for fault in check() if fault.level == "fault"]
    assert {fault.problem for fault in told} == {
        "the evidence was edited: it differs from its digest",
        "statement accuracy: parts is not what its runs give",
        "statement gain: parts is not what its runs give",
    }
    assert {fault.line for fault in told} == {
        line_of(path, '"digest"'),
        line_of(path, '"gain"'),
        line_of(path, '"accuracy"'),
    }


def test_a_value_of_the_chapter_that_its_notebook_does_not_hold_is_a_fault(whole):
    path = whole / "notebooks" / "bn_lstm.ipynb"
    chapter = json.loads(path.read_text())
    executed = notebook(parameters=44900.0)
    chapter["cells"] += executed["cells"]
    path.write_text(json.dumps(chapter | {"metadata": executed["metadata"]}, indent=1))
    files.save(collect(load_entry("bn_lstm")).evidence)
    assert faults() == []
    path.write_text(path.read_text().replace("44900.0", "44901.0"))
    assert any("value parameters is not the one that the notebook stores" in text for text in faults())
    assert any("evidence for cells is stale" in text for text in faults(notebook_keys={"bn_lstm": "other"}))


def test_a_preset_that_is_not_in_the_paper_s_runs_is_a_fault(whole):
    path = whole / "src" / "unrolled" / "papers" / "bn_lstm" / "runs.toml"
    assert faults() == []
    path.write_text("[lstm]\nupdates = 1\n")
    told = faults()
    assert len(told) == 2
    assert all("names preset 'bn_lstm', which is not in the paper's runs.toml" in text for text in told)


def test_a_comparison_whose_runs_were_replaced_is_a_fault(whole):
    def saved(key: str):
        lstm = run("lstm").model_copy(update={"key": key})
        return files.save(Evidence(slug="bn_lstm", runs={lstm.name: lstm}, comparisons=[comparison()]))

    saved("k")
    assert not any("comparison" in text for text in faults())
    path = saved("new")
    told = [fault for fault in check() if "comparison" in fault.problem]
    assert [(fault.line, fault.hint) for fault in told] == [
        (line_of(path, '"comparisons"'), "unrolled evidence compare")
    ]
    assert "rests on another run of lstm since" in told[0].problem


def test_an_entry_that_says_verified_and_lacks_something_is_a_fault(whole, edit):
    edit(ENTRY, "status: draft", "status: verified")
    assert any("gain has no evidence (or set status to draft)" in text for text in faults())


def test_a_statement_that_says_it_was_not_attempted_and_was_measured_is_a_fault(whole):
    put_all(whole / "runs")
    evidence = collect(load_entry("bn_lstm")).evidence
    measured: Measured = evidence.measured("accuracy").model_copy(update={"id": "ptb"})
    files.save(evidence.model_copy(update={"statements": (*evidence.statements, measured)}))
    assert any("ptb is said not to be attempted" in text for text in faults())


def test_only_one_entry_s_faults_are_told_when_asked_for(whole, edit):
    edit("bib/references.bib", "@misc{le2015simple,", "@misc{le2015simpel,")
    assert all("bn_lstm" in text for text in faults(slug="bn_lstm"))


def test_formulas_agree_but_for_white_space():
    assert same_latex("h_t = \\phi( x ,\n y)", "h_t=\\phi(x, y)")
    assert not same_latex("\\phi x", "\\phix")
    assert not same_latex("h_t", "h_s")


def test_a_page_s_equations_are_read_in_every_form(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "text\n\n:::{math}\n:label: one-1\nx\n:::\n\n$$\ny\n$$ (one-2)\n\n```{math}\nz\n```\n",
        encoding="utf-8",
    )
    assert [(e.label, e.latex, e.line) for e in read_page(page).equations] == [
        ("one-1", "x", 3),
        ("one-2", "y", 8),
    ]
