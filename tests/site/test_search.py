"""Pages are cut into the places that a reader looks for, and nothing in them can break the index."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from lxml import html as parser
from site_samples import knowledge_with

from unrolled.site import finish, formulas, search
from unrolled.site.finish import Finish
from unrolled.site.sections import Section, formula_words, sections
from unrolled.site.sheets import Sheets

CHAPTER = """<article><section id="top"><h1>RAM: glimpses<a class="headerlink" href="#top">#</a></h1>
<!-- a comment --><p>A network that <em>looks</em>.</p>
<section id="the-model"><h2>The <code>step</code></h2>
<p>The weight <span class="math">\\(\\alpha_{tj}\\)</span> and <code>batch_<wbr>norm</code>.<a>x</a>y</p>
<div class="math"><span class="eqno">(6)<a class="headerlink" href="#e">#</a></span>\\[\\gamma^{0.1}\\]</div>
<pre>torch.manual_seed(0)</pre><script>hidden()</script>
<table class="unrolled-table"><tbody><tr id="statement-gain"><td>It gains.</td></tr></tbody></table>
</section><p>Outside.</p></section></article>"""

GLOSSARY = """<article><section id="c"><h1>Concepts</h1><dl class="unrolled-glossary">
<dt id="concept-a">additive attention</dt><dd>A score. <span class="locus">Used in X.</span></dd>
<dt id="concept-b">beam search</dt><dd>Keeps some.</dd></dl></section></article>"""


def cut(page: str, text: str, keywords: dict[str, str] | None = None) -> list[Section]:
    return list(sections(page, parser.fragment_fromstring(text), keywords or {}))


def test_a_page_is_cut_at_its_headings_and_code_weighs_less_than_prose() -> None:
    first, second = cut("notebooks/ram", CHAPTER, {"notebooks/ram#statement-gain": "copy_lstm"})
    assert (first.address, first.title) == ("notebooks/ram.html", "RAM: glimpses")
    assert (second.address, second.title) == ("notebooks/ram.html#the-model", "The step")
    text = " ".join("".join(second.text).split())
    assert (
        text == "The weight alpha_tj and batch_norm.xy"
    )  # a word that may break at a line's end stays whole
    assert "".join(second.quiet).split() == ["torch.manual_seed(0)", "It", "gains."]
    assert second.formulas == [" gamma 0.1 "]
    assert first.strong == ["looks"]
    assert "Outside." in "".join(first.text)
    assert (first.keywords, second.keywords) == ([], ["copy_lstm"])


def test_each_term_is_a_place_with_its_own_explanation() -> None:
    _, one, two = cut("book/concepts", GLOSSARY)
    assert (one.address, one.title) == ("book/concepts.html#concept-a", "additive attention")
    assert "".join(one.text).split() == ["A", "score."]
    assert "".join(two.text).split() == ["Keeps", "some."]
    assert cut("source/index", GLOSSARY) == []


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        (r"\alpha_{ij}", "alpha_ij"),
        (r"\mathbf{W}_{hc}", "W_hc"),
        (r"\varepsilon \sim \mathcal{N}(0, 1)", "epsilon N(0, 1)"),
        (r"\frac{\exp e_{ij}}{\sum_k \exp e_{ik}}", "exp e_ij _k exp e_ik"),
        (r"h_t W_a", "h_t W_a"),
    ],
)
def test_formulas_can_be_typed(latex: str, words: str) -> None:
    assert formula_words(latex) == words


def test_symbols_are_listed_with_their_letters() -> None:
    assert Section("x", "alpha_tj, Delta", "Symbols", "Symbol", 1).shown == "α_tj, Δ"
    assert Section("x", "alphabet", "Symbols", "Symbol", 1).shown == "alphabet"


def test_a_record_holds_any_text_as_text_and_no_weight_beyond_ten() -> None:
    nasty = "<script>alert(1)</script>\"'><b>"
    made = search.record(
        Section("a.html#b", nasty, nasty, "Chapter", 1.0, [nasty], [nasty], [nasty]), [nasty]
    )

    class Tags(HTMLParser):
        found: list[str] = []  # noqa: RUF012

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.found.append(tag)

    Tags().feed(made)
    assert set(Tags.found) == {"html", "body", "h1", "p", "i"}
    assert max(float(w) for w in re.findall(r'weight="([\d.]+)"', made)) <= 10


def test_a_paper_is_found_by_what_it_introduces_and_a_row_by_its_runs() -> None:
    found = search.keywords(knowledge_with())
    assert "LSTM words" in found["notebooks/bn_lstm"]
    assert found["notebooks/bn_lstm#statement-gain"] == "bn_lstm, lstm"


def test_the_commonest_words_come_first_in_the_vocabulary() -> None:
    made = [Section("a", "Gates", "Page", "Book", 1, ["gates the gates and memory x_t 1234"])]
    assert search.vocabulary(made) == ["gates", "memory"]


def test_the_plain_search_stays_on_its_own_page_only(tmp_path) -> None:
    head = (
        '<head><script src="../_static/searchtools.js?v=1"></script>'
        '<script src="../searchindex.js"></script></head>'
    )
    made = Finish(Sheets(tmp_path), search=True).page(head, "notebooks/ram")
    assert "searchtools" not in made
    assert "searchindex" not in made
    assert '<script defer src="../_static/search.js"></script>' in made
    assert "searchtools" in Finish(Sheets(tmp_path)).page(head, "search")
    assert "_static/search.js" not in Finish(Sheets(tmp_path)).page(head, "search")


def test_without_pagefind_and_node_the_book_is_built_and_says_so(tmp_path, monkeypatch) -> None:
    (tmp_path / "a.html").write_text("<head></head>", encoding="utf-8")
    monkeypatch.setattr(search, "available", lambda: False)
    monkeypatch.setattr(formulas, "node", lambda: None)
    monkeypatch.setattr(finish, "load_knowledge_base", lambda root, chapters: knowledge_with())
    monkeypatch.setattr(finish.redirects, "write", lambda kb, folder: None)
    notes = finish.finish(tmp_path, tmp_path)
    assert len(notes) == 2
    assert "pagefind[bin]" in notes[0]
    assert "Node" in notes[1]
    assert not (tmp_path / "pagefind").exists()
