"""Each row that the gatekeeper holds, broken on purpose."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from sample_project import copy_code

from unrolled.library.check import check

ROOT = Path(__file__).resolve().parents[2]
ENTRY = "bib/entries/bn_lstm.yaml"
ORACLE = "tests/oracles/test_bn_lstm.py"


@pytest.fixture
def chain(project, edit):
    """The project with its sources, oracles and outlines, the entry as a draft."""
    copy_code(project, "src/unrolled/base", "src/unrolled/nn", "src/unrolled/papers/bn_lstm")
    shutil.copy(ROOT / "bib" / "outlines.yaml", project / "bib")
    edit(ENTRY, "status: verified", "status: draft")
    return project


def faults() -> list[str]:
    said = "is not in the chapter", "no code"
    found = [fault for fault in check() if fault.level == "fault"]
    return [f"{f.place}:{f.line}: {f.problem}" for f in found if not any(part in f.problem for part in said)]


def line_of(path: Path, text: str) -> int:
    return path.read_text(encoding="utf-8").partition(text)[0].count("\n") + 1


def emptied(path: Path, test: str, body: str) -> None:
    """Put another body into one test."""
    text = path.read_text(encoding="utf-8")
    pattern = rf"(def {test}\([^)]*\):\n)(?:    .*\n|\n(?=    ))+"
    assert re.search(pattern, text)
    path.write_text(re.sub(pattern, lambda match: match[1] + body, text), encoding="utf-8")


def test_a_chain_that_holds(chain):
    assert faults() == []


@pytest.mark.parametrize("other", ["bn_preactivations", "batch_norm", "BNLSTM.forward"])
def test_an_implementation_that_the_oracle_does_not_call(chain, edit, other):
    old = "model:bn_lstm_step"
    path = edit(ENTRY, old, f"model:{other}")
    line = line_of(path, "test_equation_7_bn_cell")
    assert faults() == [
        f"{ENTRY}:{line}: equation bn-lstm-7: test_equation_7_bn_cell does not call "
        f"unrolled.papers.bn_lstm.model:{other}"
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    pass\n", "asserts nothing"),
        ("    assert True\n", "asserts nothing"),
        ("    bn_step(*bn_lstm[0])\n    oracle.equation_7\n", "asserts nothing"),
        ("    assert bn_step(*bn_lstm[0]) is not None\n", "does not call the transcription"),
        (
            "    assert oracle.equation_7(*bn_lstm)\n",
            "does not call unrolled.papers.bn_lstm.model:bn_lstm_step",
        ),
        ("    pytest.skip('later')\n    assert bn_step(1) == oracle.equation_7(1)\n", "is skipped"),
    ],
)
def test_an_oracle_that_compares_nothing(chain, body, said):
    emptied(chain / ORACLE, "test_equation_7_bn_cell", body)
    (fault,) = faults()
    assert f"equation bn-lstm-7: test_equation_7_bn_cell {said}" in fault


def test_an_oracle_that_is_expected_to_fail(chain, edit):
    edit(ORACLE, "def test_equation_7_bn_cell", "@pytest.mark.xfail\ndef test_equation_7_bn_cell")
    assert any("is skipped or expected to fail" in fault for fault in faults())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'locus: {section: "5", equation: "5"',
            'locus: {section: "9", equation: "5"',
            "section '9' is not in the",
        ),
        ('{section: "5.1"}', '{section: "5.9"}', "section '5.9' is not in the paper"),
        ('{section: "5.1"}', '{section: "five"}', "section 'five' has no form of a section"),
        ('{section: "5.1"}', '{section: "0.1"}', "section '0.1' is no number of a section"),
        ('section: "Appendix B"', 'section: "Appendix K"', "section 'Appendix K' is beyond the last one, D"),
        ('table: "1"}', 'table: "17"}', "table '17' is beyond the last one, 5"),
        ('table: "1"}', 'table: "one"}', "table 'one' has no form of a table"),
        ('figure: "1a"', 'figure: "11a"', "figure '11a' is beyond the last one, 6"),
        ('equation: "5"', 'equation: "12"', "equation '12' is beyond the last one, 8"),
        ('evidence: "Section 2.2 and', 'evidence: "Section 8.2 and', "section '8.2' is not in the paper"),
    ],
)
def test_a_place_that_the_paper_does_not_have(chain, edit, old, new, said):
    edit(ENTRY, old, new)
    (fault,) = faults()
    assert said in fault


def test_without_an_outline_an_equation_s_place_is_one_of_the_entry_s(chain, edit):
    (chain / "bib" / "outlines.yaml").unlink()
    edit(ENTRY, 'equation: "5"', 'equation: "12"')
    (fault,) = faults()
    assert "equation '12' is no equation of this entry" in fault


def test_a_notation_identifier_that_is_nowhere(chain, edit):
    path = edit(ENTRY, 'identifier: "gamma_h, gamma_x"', 'identifier: "gamma_h, gamma_y"')
    line = line_of(path, "gamma_y")
    assert faults() == [f"{ENTRY}:{line}: notation: 'gamma_y' is no name in the code"]


def small(slug: str, extra: str) -> str:
    return (
        f"slug: {slug}\nkind: paper\ntitle: A title\nshort: T\nkey: hochreiter1997long\npart: cells\n"
        f"year: 1997\nstatus: planned\nsummary: Says little.\n{extra}"
    )


@pytest.mark.parametrize(
    ("arrows", "said"),
    [
        (
            {"a": "extends, target: b", "b": "combines, target: c", "c": "evaluates, target: a"},
            "relations to earlier work go in a circle: a -> b -> c -> a",
        ),
        (
            {
                "b": "special-case-of, target: c",
                "c": "special-case-of, target: d",
                "d": "special-case-of, target: b",
            },
            "special-case-of go in a circle: b -> c -> d -> b",
        ),
    ],
)
def test_relations_that_go_in_a_circle(chain, arrows, said):
    folder = chain / "bib" / "entries"
    for slug, arrow in arrows.items():
        text = small(slug, f"relations:\n  - {{type: {arrow}, evidence: Section 1}}\n")
        (folder / f"{slug}.yaml").write_text(text, encoding="utf-8")
    first = min(arrows)
    assert faults() == [f"bib/entries/{first}.yaml:11: {said}"]
    text = small(first, "relations:\n  - {type: contradicts, target: bn_lstm, evidence: Section 1}\n")
    (folder / f"{first}.yaml").write_text(text, encoding="utf-8")
    assert faults() == []


def test_code_that_builds_on_itself_through_another(chain):
    for slug, other in (("one", "two"), ("two", "one")):
        text = small(slug, f"builds_on: [{other}]\n")
        (chain / "bib" / "entries" / f"{slug}.yaml").write_text(text, encoding="utf-8")
    assert "bib/entries/one.yaml:10: builds_on go in a circle: one -> two -> one" in faults()


def test_a_chapter_dropped_from_the_contents_and_a_page_that_is_not_there(chain):
    (chain / "notebooks").mkdir()
    (chain / "notebooks" / "bn_lstm.ipynb").write_text('{"cells": []}', encoding="utf-8")
    (chain / "book").mkdir()
    (chain / "book" / "index.md").write_text("# The book\n", encoding="utf-8")
    contents = "root: book/index\nparts:\n  - chapters:\n      - file: notebooks/bn_lstm\n"
    (chain / "_toc.yml").write_text(contents, encoding="utf-8")
    assert faults() == []
    (chain / "_toc.yml").write_text(contents.replace("bn_lstm", "bn_lsmt"), encoding="utf-8")
    assert faults() == [
        "_toc.yml:1: the chapter bn_lstm is not in the contents",
        "_toc.yml:4: no page notebooks/bn_lsmt",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("year          = {1997}", "url = {javascript:alert(1)}, year = {1997}", "the address in url"),
        ("year          = {1997}", "pdf = {data:text/html,x}, year = {1997}", "the address in pdf"),
        ("year          = {1997}", r"note = {\href{vbscript:x}{here}}, year = {1997}", "the address in note"),
    ],
)
def test_an_address_in_the_bibliography_that_runs_code(chain, edit, old, new, said):
    edit("bib/references.bib", old, new)
    assert any(f"'hochreiter1997long': {said} is not plain http(s)" in fault for fault in faults())
