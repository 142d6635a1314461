"""``unrolled check`` tells every broken link of the chain, with its file and line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from comparison_samples import comparison

from unrolled.library import evidence as files
from unrolled.library.chapters import read_page, same_latex
from unrolled.library.check import check
from unrolled.library.models import Evidence, Measurement

ROOT = Path(__file__).resolve().parents[2]
ENTRY = "bib/entries/bn_lstm.yaml"


@pytest.fixture
def whole(project, edit):
    """The project with sources and oracles, the entry as a draft, and a chapter with all its equations."""
    shutil.copytree(
        ROOT / "src" / "unrolled", project / "src" / "unrolled", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(
        ROOT / "tests" / "oracles",
        project / "tests" / "oracles",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    edit(ENTRY, "status: verified", "status: draft")
    from unrolled.library.entries import load_entry

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
    assert any("claim pmnist-gain has no evidence" in fault.problem for fault in lacking)
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
        (ENTRY, "year: 2017", "year: 2016", "cooijmans2017recurrent says 2017"),
        (ENTRY, "label: bn-lstm-7", "label: bn-lstm-7b", "equation bn-lstm-7b is not in the chapter"),
        (ENTRY, "phi(W_h", "psi(W_h", "equation bn-lstm-1 differs"),
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
            "{claim}`bn_lstm/no-such`",
            "no claim 'no-such' of bn_lstm",
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


def test_evidence_for_no_claim_and_stale_evidence_are_faults(whole):
    known = {
        "n": 1,
        "profile": "book",
        "device": "cpu",
        "seconds": 1,
        "command": "x",
        "collected": "2026-01-01",
    }
    items = [Measurement(claim=name, value=5, key="k", **known) for name in ("bn-beats-lstm", "no-such")]
    files.save(Evidence(slug="bn_lstm", measurements=items))
    assert [text.partition(" ")[2] for text in faults()] == [
        "evidence for an unknown claim 'no-such' (remove it)"
    ]
    told = faults(notebook_keys={"bn_lstm": "other"})
    assert any("evidence for bn-beats-lstm is stale" in text for text in told)
    files.evidence_file("bn_lstm").rename(files.evidence_file("nobody"))
    assert any("without an entry 'nobody'" in text for text in faults())


def test_a_comparison_whose_runs_were_replaced_is_a_fault(whole):
    known = {
        "n": 1,
        "profile": "paper",
        "device": "cpu",
        "seconds": 1,
        "command": "x",
        "collected": "2026-01-01",
    }
    item = Measurement(claim="pmnist-lstm", value=90, key="x", runs={"lstm-s0-k": "k"}, **known)
    files.save(Evidence(slug="bn_lstm", measurements=[item], comparisons=[comparison()]))
    assert not any("comparison" in text for text in faults())
    item = item.model_copy(update={"runs": {"lstm-s0-new": "new"}})
    path = files.save(Evidence(slug="bn_lstm", measurements=[item], comparisons=[comparison()]))
    told = [fault for fault in check() if "comparison" in fault.problem]
    assert [(fault.line, fault.hint) for fault in told] == [
        (line_of(path, '"comparisons"'), "unrolled evidence compare")
    ]
    assert "rests on another run of lstm since" in told[0].problem


def test_an_entry_that_says_verified_and_lacks_something_is_a_fault(whole, edit):
    edit(ENTRY, "status: draft", "status: verified")
    assert any("claim pmnist-gain has no evidence (or set status to draft)" in text for text in faults())


def test_a_claim_that_says_it_was_not_attempted_and_has_evidence_is_a_fault(whole, edit):
    known = {
        "n": 1,
        "profile": "paper",
        "device": "cpu",
        "seconds": 1,
        "command": "x",
        "collected": "2026-01-01",
    }
    files.save(
        Evidence(slug="bn_lstm", measurements=[Measurement(claim="ptb-bpc", value=1.4, key="k", **known)])
    )
    assert any("claim ptb-bpc is said not to be attempted" in text for text in faults())


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
