"""Pages, indexes, the timeline, the graph and the cards say what the entries say, whole and escaped."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from site_samples import entry_with, knowledge_with

from unrolled.library.models import Relation, Source
from unrolled.site import entrypages, filters, graph, hovercards, indexes, lists
from unrolled.site.equations import display
from unrolled.site.html import Place
from unrolled.site.knowledge import KnowledgeBase

NASTY = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;"


def library(count: int = 3, **changes: object) -> KnowledgeBase:
    """A kb with several planned papers, each of which extends the one before."""
    base = knowledge_with(chapter=False)
    entries = {}
    for i in range(count):
        entry = entry_with(f"words {i}", slug=f"paper_{i}")
        target = f"paper_{i - 1}" if i else "hochreiter1997long"
        changed = {
            "kind": "paper",
            "year": 2014 + i % 3,
            "relations": (Relation(type="extends", target=target, evidence="abstract"),),
            "equations": (entry.equations[0].model_copy(update={"label": f"paper-{i}"}),),
            "key": f"key{i}",
        }
        entries[entry.slug] = entry.model_copy(update=changed | changes)
    return replace(base, entries=entries, evidence={})


def test_the_page_of_an_entry_holds_every_part_of_it() -> None:
    kb = knowledge_with(chapter=False)
    html = str(entrypages.body(kb, kb.entries["bn_lstm"], entrypages.prose("cite box")))
    for anchor, name, _ in entrypages.SECTIONS:
        assert f'id="{anchor}"' in html, anchor
        assert f"<h2>{name}</h2>" in html, name
    assert 'id="equation-bn-lstm-6"' in html
    assert 'id="statement-gain"' in html
    assert "cite box" in html
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_an_entry_with_nothing_but_a_summary_has_no_empty_sections() -> None:
    full = entry_with("words")
    bare = {
        name: type(value)() if isinstance(value, tuple) else None
        for name, value in full
        if name in ("problem", "contribution") or isinstance(value, tuple)
    }
    entry = full.model_copy(update=bare | {"kind": "paper", "teaches": None})
    kb = replace(knowledge_with(chapter=False), entries={entry.slug: entry}, evidence={})
    assert [name for _, name, _ in entrypages.sections(kb, entry, Place("entries/bn_lstm"))] == [
        "Related entries"
    ]


@pytest.mark.parametrize("chapter", [True, False])
def test_markup_in_any_field_is_shown_as_text(chapter: bool) -> None:
    kb = knowledge_with(NASTY, chapter=chapter, number=NASTY)
    entry = kb.entries["bn_lstm"]
    data = {NASTY: dict.fromkeys(("title", "description", "citation", "licence", "notes"), NASTY)}
    place = Place("book/x")
    cards = hovercards.known(kb)
    made = [
        entrypages.body(kb, entry),
        entrypages.contents(kb, entry),
        filters.form(kb),
        indexes.datasets(kb, place, data),
        graph.lineage(library(short=NASTY, title=NASTY), place),
        lists.timeline(library(short=NASTY, title=NASTY), place),
        *(card() for card in cards.values()),
    ]
    for html in made:
        assert "<script" not in html
        assert "<img" not in html
        assert "&lt;script&gt;" in html


def test_a_formula_cannot_close_its_own_box() -> None:
    assert "</div><b>" not in display("</div><b>")
    assert r"\begin{split}a \\ b\end{split}" in display(r"a \\ b")
    assert "split" not in display(r"\begin{cases} a \\ b \end{cases}")


def test_a_recalled_formula_carries_a_mark_that_explains_itself() -> None:
    kb = library(1)
    entry = kb.entries["paper_0"]
    recalled = entry.model_copy(
        update={"equations": (entry.equations[0].model_copy(update={"source": Source.RECALLED}),)}
    )
    html = entrypages.body(replace(kb, entries={"paper_0": recalled}), recalled)
    mark = re.search(r'<span class="sure recalled" title="([^"]+)"[^>]*>°</span>', html)
    assert "not verified in the paper" in mark[1]


def test_a_row_of_the_reading_list_carries_what_it_can_be_filtered_by() -> None:
    kb = knowledge_with(chapter=False)
    html = lists.reading_list(kb, Place("book/reading-list"))
    row = html.split('id="entry-bn_lstm"')[1].split(">")[0]
    for attribute in (
        'data-concept="|LSTM words|"',
        'data-task="|words|"',
        'data-year="|2017|"',
        'data-data="|words|"',
        'data-status="|reading|"',
        'data-outcome="|holds|"',
    ):
        assert attribute in row
    form = html.split("<form")[1].split("</form>")[0]
    assert form.count("<select") == len(filters.NAMES)
    assert " hidden" in form.split(">")[0]  # a list without scripts has no choices that do nothing
    for value in ("LSTM words", "words", "2017", "reading", "holds"):
        assert f'value="{value}"' in form


def test_the_indexes_hold_every_equation_symbol_reading_and_data_set() -> None:
    kb = library(5)
    place = Place("book/x")
    assert indexes.equations(kb, place).count('class="math') == 5
    symbols = indexes.symbols(kb, place)
    assert symbols.count('<tr id="symbol-') == 5
    assert "words 4" in symbols
    assert indexes.datasets(kb, place, {}).count('id="data-') == 5
    assert lists.readings(library(4, kind="reading"), place).count('id="reading-') == 4
    assert indexes.history(kb, place).count("<h3") == 5


def test_the_graph_has_a_node_an_entry_an_arrow_a_relation_and_the_same_table() -> None:
    kb = library(6)
    html = str(graph.lineage(kb, Place("book/lineage")))
    nodes = re.findall(r'<a href="([^"]+)" aria-label="([^"]+)"', html)
    assert len(nodes) == 6
    assert all(href == f"../entries/paper_{i}.html" for i, (href, _) in enumerate(sorted(nodes)))
    arrows = set(re.findall(r'data-from="([^"]+)" data-to="([^"]+)"', html))
    assert arrows == {(f"paper_{i}", f"paper_{i - 1}") for i in range(1, 6)}
    assert html.split("<tbody>")[1].count("<tr>") == 6
    assert "6 relations" in html


def test_nodes_of_the_graph_do_not_cover_each_other() -> None:
    found, columns = graph.nodes(library(40), Place("book/lineage"))
    boxes, _, lefts = graph.layout(found, columns)
    placed = list(boxes.values())
    for i, a in enumerate(placed):
        assert a.x >= 0
        assert a.x + a.width <= lefts[-1]
        for b in placed[i + 1 :]:
            apart = a.x + a.width < b.x or b.x + b.width < a.x or abs(a.y - b.y) >= graph.HEIGHT
            assert apart


def test_the_timeline_runs_from_the_oldest_to_the_youngest() -> None:
    html = lists.timeline(library(3), Place("book/timeline"))
    assert re.findall(r'id="year-(\d+)"', html) == ["2014", "2015", "2016"]
    assert html.count('class="own paper"') == 3


def test_a_link_gets_the_card_of_what_it_leads_to() -> None:
    kb = library(2)
    cards = hovercards.known(kb)
    html = (
        '<a class="x" href="../entries/paper_0.html">one</a> <a href="../entries/paper_0.html">two</a>'
        '<a href="../entries/paper_1.html#equation-paper-1">eq</a><a href="https://example.org">out</a>'
        '<a href="../book/concepts.html#concept-lstm">c</a><a href="../entries/none.html">none</a>'
        '<a href="../book/bibliography.html#id3">cited</a>'
    )
    also = {"book/bibliography#id3": "book/bibliography#key-cooijmans2017recurrent"}
    made = hovercards.add(html, "book/x", cards, also)
    assert made.count("data-card=") == 5
    assert made.count("<template") == 4  # two links to one page share a card
    assert "Summary words 0" in made
    assert "Name words 1" in made
    assert "Definition words" in made
    assert hovercards.add("<p>no link</p>", "book/x", cards) == "<p>no link</p>"


def test_a_page_has_no_card_of_itself() -> None:
    cards = hovercards.known(library(1))
    html = '<a href="paper_0.html">self</a>'
    assert hovercards.add(html, "entries/paper_0", cards) == html
