"""Comparisons answer every question for every model, name equations that exist, and have a page each."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_entrypages import NASTY

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.site import sidebyside
from unrolled.site.html import Place
from unrolled.site.knowledge import KnowledgeBase, load_knowledge_base

ROOT = Path(__file__).resolve().parents[2]
FORM = """- slug: pair
  entries: [vae, vrnn]
  differences:
    - {{ask: "{ask}", vae: "one $z$", vrnn: "{answer}"}}
  equations:
    - {{what: prior, labels: [{label}]}}
"""


@pytest.fixture(scope="module")
def kb() -> KnowledgeBase:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNROLLED_PROJECT", str(ROOT))
        return load_knowledge_base(ROOT, frozenset({"vae"}))


def with_form(kb: KnowledgeBase, root: Path, **words: str) -> KnowledgeBase:
    from dataclasses import replace

    words = {"ask": "How many?", "answer": "many", "label": "vrnn-5"} | words
    (root / "bib").mkdir(exist_ok=True)
    (root / sidebyside.FILE).write_text(FORM.format(**words), encoding="utf-8")
    return replace(kb, root=root)


def test_every_comparison_can_be_made_and_has_a_page_that_asks_for_it(kb: KnowledgeBase) -> None:
    known = sidebyside.comparisons(ROOT)
    assert len(known) >= 4
    for slug, comparison in known.items():
        page = ROOT / "book" / "side-by-side" / f"{slug}.md"
        assert f"<!-- unrolled:side-by-side {slug} -->" in page.read_text(encoding="utf-8")
        html = sidebyside.side_by_side(kb, slug, Place(f"book/side-by-side/{slug}"))
        assert html.count('class="model"') == len(comparison.entries)
        assert html.count('class="formula"') == sum(len(group.labels) for group in comparison.equations)
    pages = {path.stem for path in (ROOT / "book" / "side-by-side").glob("*.md")}
    assert pages == set(known)


def test_answers_are_text_with_mathematics_and_nothing_else(kb: KnowledgeBase, tmp_path: Path) -> None:
    nasty = NASTY.replace('"', "'")
    html = sidebyside.side_by_side(
        with_form(kb, tmp_path, answer=nasty), "pair", Place("book/side-by-side/x")
    )
    assert "<script" not in html
    assert r"one <span class=" in html
    assert r"\(z\)" in html
    assert "has no such equation" in html


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"label": "vrnn-99"}, "vrnn-99"),
        ({"label": "ntm-1"}, "ntm-1 is an equation of ntm"),
        ({"ask": "x", "answer": ""}, "differences"),
    ],
)
def test_faults_are_told(kb: KnowledgeBase, tmp_path: Path, words: dict[str, str], said: str) -> None:
    with pytest.raises(UnrolledError, match=said):
        sidebyside.side_by_side(with_form(kb, tmp_path, **words), "pair", Place("book/x"))


def test_a_question_without_an_answer_and_an_unknown_comparison_are_told(kb, tmp_path: Path) -> None:
    broken = with_form(kb, tmp_path)
    file = tmp_path / sidebyside.FILE
    file.write_text(file.read_text(encoding="utf-8").replace(', vrnn: "many"', ""), encoding="utf-8")
    with pytest.raises(UnrolledError, match="one answer for each"):
        sidebyside.side_by_side(broken, "pair", Place("book/x"))
    with pytest.raises(UsageError, match="did you mean attention"):
        sidebyside.side_by_side(kb, "atention", Place("book/x"))
