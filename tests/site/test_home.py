"""The ways in: the papers' family, cards, paths of a reader, the code's address, and headings as sections."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from docutils import nodes
from site_samples import knowledge_with
from test_entrypages import NASTY, library

from unrolled.site import home
from unrolled.site.headings import sectioned
from unrolled.site.html import Place, find, letters
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.ledger import summed

PLACE = Place("book/index")


def chain(count: int = 4, ready: int = 3) -> KnowledgeBase:
    """Papers of which each extends the one before; the first ``ready`` have chapters."""
    return replace(library(count), chapters=frozenset(f"paper_{i}" for i in range(ready)))


def test_both_pictures_of_the_family_have_the_same_papers_and_arrows() -> None:
    html = str(home.family(chain(), PLACE))
    wide, narrow = html.split('class="unrolled-graph narrow"')
    for picture in (wide, narrow):
        assert sorted(re.findall(r'data-node="([^"]+)"', picture)) == [f"paper_{i}" for i in range(4)]
        arrows = set(re.findall(r'data-from="([^"]+)" data-to="([^"]+)"', picture))
        assert arrows == {(f"paper_{i}", f"paper_{i - 1}") for i in range(1, 4)}
        assert picture.count("own ready") == 3
    assert 'href="../notebooks/paper_0.html"' in wide
    assert 'href="../entries/paper_3.html"' in narrow


def test_a_card_leads_to_its_chapter_and_says_how_its_headline_came_out() -> None:
    kb = chain()
    html = str(home.cards(kb, PLACE))
    assert html.count("<li>") == 3
    assert 'href="../notebooks/paper_1.html"' in html
    assert "not attempted" in html
    assert "Still to come: " in html
    assert "../entries/paper_3.html" in html


def test_a_measured_headline_is_shown_before_others() -> None:
    kb = knowledge_with()
    assert home.headline(kb, "bn_lstm").id == "gain"


def test_a_path_puts_each_chapter_after_what_it_builds_on() -> None:
    kb = chain(5, 5)
    alone = kb.entries["paper_4"].model_copy(update={"relations": ()})
    paths, single = home.tracks(replace(kb, entries=kb.entries | {"paper_4": alone}))
    assert [[e.slug for e in path] for path in paths] == [[f"paper_{i}" for i in range(4)]]
    assert [e.slug for e in single] == ["paper_4"]


def test_markup_in_titles_is_shown_as_text() -> None:
    kb = replace(library(3, title=NASTY, short=NASTY), chapters=frozenset({"paper_0", "paper_1"}))
    for made in (home.family(kb, PLACE), home.cards(kb, PLACE), home.starts(kb, PLACE)):
        assert "<script" not in made
        assert "<img" not in made
        assert "&lt;script&gt;" in made


def test_the_repository_is_cloned_where_its_address_is_known_and_invented_nowhere(monkeypatch) -> None:
    kb = knowledge_with()
    monkeypatch.delenv("UNROLLED_REPOSITORY", raising=False)
    assert "git clone" not in home.clone(kb, PLACE)
    monkeypatch.setenv("UNROLLED_REPOSITORY", "https://example.org/some/unrolled.git")
    html = home.clone(kb, PLACE)
    assert "git clone https://example.org/some/unrolled.git\ncd unrolled\nmake book" in html
    monkeypatch.setenv("UNROLLED_REPOSITORY", "javascript:alert(1)")
    assert "javascript" not in home.clone(kb, PLACE)


def test_the_book_is_cited_with_its_address_where_that_is_known(monkeypatch) -> None:
    monkeypatch.setenv("UNROLLED_SITE_URL", "https://example.org/book/")
    assert "https://example.org/book" in home.cite_book(knowledge_with(), PLACE)
    assert "unrolled cite --book" in home.cite_book(knowledge_with(), PLACE)


def test_models_are_listed_with_the_weights_that_there_are() -> None:
    html = home.models(replace(chain(), entries={"ntm": chain().entries["paper_0"]}), PLACE)
    assert "unrolled.papers.ntm.model.NTM" in html
    assert "load(&#34;ntm/<wbr>" in html or 'load("ntm/copy")' in re.sub(r"<wbr>", "", html).replace(
        "&#34;", '"'
    )


def test_headings_of_generated_parts_become_sections_and_nested_ones_stay() -> None:
    html = '<p>a</p>\n<h2 id="x">X &amp; Y</h2>\n<p>b</p>\n<h3 id="y">Y</h3>\nc\n'
    html += '<h2 id="z">Z</h2>\n<li><h2 id="n">N</h2></li>'
    first, x, z = sectioned(html)
    assert isinstance(first, nodes.raw)
    assert x["ids"] == ["x"]
    assert x[0].astext() == "X & Y"
    assert [node["ids"] for node in x.findall(nodes.section)] == [["x"], ["y"]]
    assert "<h2" in z.astext()
    assert sectioned('<h2 id="a"><a href="b">linked</a></h2>')[0].astext().startswith("<h2")


def test_letters_without_entries_are_no_links() -> None:
    html = letters(["A", "C"])
    assert html.count("<a ") == 2
    assert html.count("<span") == 24


@pytest.mark.parametrize("nasty", [NASTY])
def test_a_filter_box_escapes_its_words_and_is_hidden_until_a_script_shows_it(nasty: str) -> None:
    html = find("tr[id]", nasty, nasty)
    assert "<script" not in html
    assert re.match(r"<form [^>]*hidden>", html)


def test_a_paper_is_summed_up_by_outcome() -> None:
    assert summed(knowledge_with(), "bn_lstm") == "1 holds · 1 archived · 1 not attempted"
