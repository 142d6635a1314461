"""The generated parts say what the entry and the evidence say, and nothing in them can break a page."""

from __future__ import annotations

import re
from html import unescape

import pytest
from site_samples import knowledge_with

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.site import equations, lineage, lists
from unrolled.site.citebox import cite_box
from unrolled.site.html import Place
from unrolled.site.knowledge import file_of
from unrolled.site.markers import BOOK_PARTS, ENTRY_PARTS, render
from unrolled.site.roles import statement_link, value
from unrolled.site.sources import SourceText, listing, symbols
from unrolled.site.works import from_csl

PAGE = "notebooks/bn_lstm"
NO_TEXT = ("status", "outcomes", "power", "clone", "cite-book", "downloads", "comparisons", "cards", "starts")
"""Parts that print nothing of an entry, or nothing of one that is a further reading, as the sample is."""
NASTY = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;"


@pytest.mark.parametrize("chapter", [True, False])
@pytest.mark.parametrize(
    "name", ["card", *(n for n in ENTRY_PARTS if n not in ("cite", "diagram")), *BOOK_PARTS, "part"]
)
def test_markup_in_any_field_is_shown_as_text(name: str, chapter: bool) -> None:
    kb = knowledge_with(NASTY, chapter=chapter)
    html = render(kb, name, {"part": "cells"}.get(name, None if name in BOOK_PARTS else "bn_lstm"), PAGE)
    assert "<script" not in html
    assert "<img src=x" not in html
    if name not in NO_TEXT:
        assert "&lt;script&gt;" in html


def test_markup_in_chips_cite_box_role_and_listing_is_shown_as_text() -> None:
    kb = knowledge_with(NASTY, number=NASTY)
    entry = kb.entries["bn_lstm"]
    made = [
        equations.chips(kb, entry, entry.equations[0], Place(PAGE)),
        cite_box("bn_lstm", {"bibtex": NASTY}),
        *(
            statement_link(kb, f"bn_lstm/{name}", Place(PAGE))
            for name in ("gain", "old", "old/scale", "found")
        ),
        lineage.concept_link(kb, "lstm", Place(PAGE)),
        lineage.citing_pages(kb, entry.key, {"book/x": NASTY}, Place(PAGE)),
        listing(SourceText("src/unrolled/x.py", f"'''{NASTY}'''\n", {})),
    ]
    for html in made:
        assert "<script" not in html
        assert "<img" not in html


def test_the_card_names_what_a_reader_needs() -> None:
    html = render(knowledge_with(), "card", None, PAGE)
    for said in (
        "Title words",
        "words",
        "2017",
        "Label words",
        'Says words: <span class="words">holds at reduced scale, 5 of 5 seeds</span>',
        "38 s",
        "510 MB",
        "2026-11-22",
    ):
        assert said in html
    assert re.findall(r'class="button"[^>]*>(\w+)<|>(\w+)</a>', html)
    assert 'download="bn_lstm.ipynb"' in html
    assert "../source/unrolled/papers/bn_lstm/model.html" in html
    assert "../source/tests/oracles/test_bn_lstm.html" in html


def test_the_card_does_not_repeat_the_heading_above_it() -> None:
    assert "Title words" not in render(knowledge_with(), "card", None, PAGE, "Title words")


def test_chips_lead_to_source_tests_and_statement() -> None:
    kb = knowledge_with()
    entry = kb.entries["bn_lstm"]
    html = equations.chips(kb, entry, entry.equations[0], Place(PAGE))
    assert 'href="../source/unrolled/papers/bn_lstm/model.html#bn_lstm_step"' in html
    test = 'href="../source/tests/oracles/test_bn_lstm.html#test_equation_6_bn_preactivations"'
    assert html.count(test) == 2  # the oracle, and a check
    assert 'href="#statement-gain"' in html
    assert ">statement 1<" in html
    assert equations.missing(kb, entry.equations[0]) == []


def test_a_renamed_function_is_missed() -> None:
    kb = knowledge_with()
    entry = kb.entries["bn_lstm"]
    gone = entry.equations[0].model_copy(
        update={"implementation": "unrolled.papers.bn_lstm.model:no_such_step"}
    )
    assert equations.missing(kb, gone) == ["unrolled.papers.bn_lstm.model:no_such_step"]
    assert "no_such_step" in equations.chips(kb, entry, gone, Place(PAGE))


def test_a_value_is_the_one_that_the_chapter_left() -> None:
    assert ">64<" in value(knowledge_with(), "bn_lstm:steps", Place(PAGE))
    with pytest.raises(UsageError, match="did you mean bn_lstm:steps"):
        value(knowledge_with(), "bn_lstm:stpes", Place(PAGE))


def test_unknown_markers_and_entries_are_told_with_near_names() -> None:
    with pytest.raises(UsageError, match="did you mean statements"):
        render(knowledge_with(), "statments", None, PAGE)
    with pytest.raises(UsageError, match="did you mean bn_lstm"):
        render(knowledge_with(), "card", "bn_lsmt", "book/index")
    with pytest.raises(UnrolledError, match="needs the slug"):
        render(knowledge_with(), "card", None, "book/index")
    with pytest.raises(UsageError, match="part of the book"):
        render(knowledge_with(), "part", "cell", "book/parts/cells")


def test_the_cite_box_holds_the_text_to_the_letter() -> None:
    text = "@article{x,\n  title = {A & B <C>},\n}\n"
    html = cite_box("bn_lstm", {"bibtex": text, "ris": "TY  - JOUR\n"})
    stored = html.split("<pre")[1].split(">", 1)[1].split("</pre>")[0]
    assert unescape(str(stored)) == "\n" + text


def test_an_entry_without_a_chapter_is_at_home_on_its_own_page() -> None:
    kb = knowledge_with(chapter=False)
    assert kb.home("bn_lstm") == ("entries/bn_lstm", "")
    assert "To read meanwhile" in lists.part(kb, "cells", Place("book/parts/cells"))
    assert 'id="entry-bn_lstm"' in lists.reading_list(kb, Place("book/reading-list"))


def test_an_empty_part_says_what_is_to_come() -> None:
    assert "still to come" in lists.part(knowledge_with(), "memory", Place("book/parts/memory"))


def test_symbols_cover_decorators_and_methods() -> None:
    text = "@f\ndef a():\n    pass\n\nclass B:\n    def c(self):\n        def d(): pass\n"
    assert symbols(text) == {"a": (1, 3), "B": (5, 7), "B.c": (6, 7), "B.c.d": (7, 7)}


def test_a_listing_keeps_every_line_and_anchors_every_symbol() -> None:
    text = "\n\ndef a():\n    '''Two\n    lines.'''\n    return 1 < 2\n"
    html = str(listing(SourceText("src/unrolled/x.py", text, symbols(text))))
    assert html.count('class="linenos"') == text.count("\n")
    assert 'id="a"' in html
    stripped = re.sub(r'<span class="linenos"[^>]*>[^<]*</span>', "", html)
    assert re.sub(r"<[^>]+>", "", stripped).replace("&#39;", "'").replace("&lt;", "<") == text


@pytest.mark.parametrize(
    "name", ["os:path", "unrolled../x:y", "/etc/passwd::x", "tests/../x.py::y", "../x.py::y"]
)
def test_only_files_of_the_project_can_be_named(name: str) -> None:
    assert file_of(name) is None


def test_works_are_read_from_csl_json_with_gaps() -> None:
    work = from_csl(
        {
            "id": "a",
            "title": "T",
            "author": [{"family": "Hochreiter", "given": "Sepp"}, {"literal": "The Group"}],
            "issued": {"date-parts": [[1997]]},
        }
    )
    assert (work.short, work.names) == ("Hochreiter & The Group (1997)", "Sepp Hochreiter and The Group")
    assert from_csl({"id": "b"}).short == ""
