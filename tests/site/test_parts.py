"""The generated parts say what the entry and the evidence say, and nothing in them can break a page."""

from __future__ import annotations

import re
from html import unescape
from itertools import pairwise

import pytest
from site_samples import evidence_with, shelf_with

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.library.comparisons import Comparison, Difference, System
from unrolled.library.models import Verdict
from unrolled.site import claims, curves, equations, lineage, lists
from unrolled.site.citebox import cite_box
from unrolled.site.html import Place
from unrolled.site.markers import BOOK_PARTS, ENTRY_PARTS, render
from unrolled.site.roles import claim_html
from unrolled.site.shelf import Shelf, file_of
from unrolled.site.sources import SourceText, listing, symbols
from unrolled.site.verdicts import MEANINGS, SHAPES, badge
from unrolled.site.works import from_csl

PAGE = "notebooks/bn_lstm"
NASTY = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;"


@pytest.mark.parametrize("chapter", [True, False])
@pytest.mark.parametrize(
    "name", ["card", *(n for n in ENTRY_PARTS if n not in ("cite", "curves")), *BOOK_PARTS, "part"]
)
def test_markup_in_any_field_is_shown_as_text(name: str, chapter: bool) -> None:
    shelf = shelf_with(NASTY, chapter=chapter)
    html = render(shelf, name, {"part": "cells"}.get(name, None if name in BOOK_PARTS else "bn_lstm"), PAGE)
    assert "<script" not in html
    assert "<img" not in html
    if name not in ("status", "verdicts", "curves"):
        assert "&lt;script&gt;" in html


def test_markup_in_chips_cite_box_role_and_listing_is_shown_as_text() -> None:
    shelf = shelf_with(NASTY, number=NASTY)
    entry = shelf.entries["bn_lstm"]
    made = [
        equations.chips(shelf, entry, entry.equations[0], Place(PAGE)),
        cite_box("bn_lstm", {"bibtex": NASTY}),
        claim_html(shelf, "bn_lstm/gain", PAGE),
        claim_html(shelf, "bn_lstm/gain/scale", PAGE),
        lineage.concept_link(shelf, "lstm", Place(PAGE)),
        lineage.citing_pages(shelf, entry.key, {"book/x": NASTY}, Place(PAGE)),
        listing(SourceText("src/unrolled/x.py", f"'''{NASTY}'''\n", {})),
    ]
    for html in made:
        assert "<script" not in html
        assert "<img" not in html


def test_the_card_names_what_a_reader_needs() -> None:
    html = render(shelf_with(), "card", None, PAGE)
    for said in (
        "Title words",
        "words",
        "2017",
        "Label words",
        "1 reproduced",
        "1 not attempted",
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
    assert "Title words" not in render(shelf_with(), "card", None, PAGE, "Title words")


def test_chips_lead_to_source_test_and_claim() -> None:
    shelf = shelf_with()
    entry = shelf.entries["bn_lstm"]
    html = equations.chips(shelf, entry, entry.equations[0], Place(PAGE))
    assert 'href="../source/unrolled/papers/bn_lstm/model.html#bn_lstm_step"' in html
    assert 'href="../source/tests/oracles/test_bn_lstm.html#test_equation_6_bn_preactivations"' in html
    assert 'href="#claim-gain"' in html
    assert ">claim 1<" in html
    assert equations.missing(shelf, entry.equations[0]) == []


def test_a_renamed_function_is_missed() -> None:
    shelf = shelf_with()
    entry = shelf.entries["bn_lstm"]
    gone = entry.equations[0].model_copy(
        update={"implementation": "unrolled.papers.bn_lstm.model:no_such_step"}
    )
    assert equations.missing(shelf, gone) == ["unrolled.papers.bn_lstm.model:no_such_step"]
    assert "no_such_step" in equations.chips(shelf, entry, gone, Place(PAGE))


def test_a_row_of_the_claims_table_reads_as_a_sentence() -> None:
    html = claims.claims_table(shelf_with(), "bn_lstm")
    row = html.split('id="claim-gain"')[1].split("</tr>")[0]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row))
    for said in (
        "Statement words",
        "Table words",
        "5.2",
        "5 .21 ± 0.31 (n = 5)",
        "paper profile",
        "reproduced",
        "at least 2",
    ):
        assert said.replace(" .", ".") in text.replace(" .", "."), said
    assert "higher is better" in row
    assert "unverified" in row


def test_why_results_of_older_code_stand_is_said_once_below_the_table() -> None:
    html = claims.claims_table(
        shelf_with(evidence=evidence_with("words", carried_over="losses equal")), "bn_lstm"
    )
    assert html.count("losses equal") == 1
    assert html.index("</table>") < html.index("losses equal")
    assert "arried over" not in claims.claims_table(
        shelf_with(evidence=evidence_with("words", carried_over=None)), "bn_lstm"
    )


def test_a_claim_that_was_not_attempted_says_why() -> None:
    assert "Reason words" in claims.claims_table(shelf_with(), "bn_lstm")
    assert "Reason words" in claims.ledger(shelf_with(), Place("book/ledger"))


def test_the_ledger_holds_every_claim() -> None:
    html = claims.ledger(shelf_with(), Place("book/ledger"))
    assert 'id="bn_lstm-gain"' in html
    assert 'id="bn_lstm-untried"' in html
    assert "2 claims of 1 entry" in html


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("bn_lstm/gain", "5.21 ± 0.31 points"),
        ("bn_lstm/gain/value", "5.21 points"),
        ("bn_lstm/gain/n", "5"),
        ("bn_lstm/gain/scale", "all updates words"),
        ("bn_lstm/gain/verdict", "reproduced"),
        ("bn_lstm/gain/paper", "5.2 points"),
        ("bn_lstm/untried", "not attempted"),
        ("bn_lstm:steps", "64"),
    ],
)
def test_the_claim_role_prints_the_measured_value(asked: str, said: str) -> None:
    text = re.sub(r"<[^>]+>", "", claim_html(shelf_with(), asked, PAGE))
    assert text.replace(" points words", " points") == said


@pytest.mark.parametrize(
    "asked", ["bn_lsmt/gain", "bn_lstm/gian", "bn_lstm/gain/spraed", "bn_lstm:stpes", "bn_lstm", ""]
)
def test_the_claim_role_refuses_what_it_does_not_know(asked: str) -> None:
    with pytest.raises(UsageError):
        claim_html(shelf_with(), asked, PAGE)


def test_the_claim_role_refuses_a_claim_that_lost_its_evidence() -> None:
    shelf = shelf_with(evidence=evidence_with("x").model_copy(update={"measurements": ()}))
    with pytest.raises(UnrolledError, match="has no evidence"):
        claim_html(shelf, "bn_lstm/gain", PAGE)
    assert "not attempted" in claim_html(shelf, "bn_lstm/gain/verdict", PAGE)


def test_a_stale_claim_is_shown_as_stale_with_its_reason() -> None:
    fresh = shelf_with()
    shelf = Shelf(**(vars(fresh) | {"stale": {("bn_lstm", "gain"): "the code has changed since"}}))
    html = claims.claims_table(shelf, "bn_lstm")
    assert "verdict stale" in html
    assert "the code has changed since" in html


def test_unknown_markers_and_entries_are_told_with_near_names() -> None:
    with pytest.raises(UsageError, match="did you mean claims"):
        render(shelf_with(), "clams", None, PAGE)
    with pytest.raises(UsageError, match="did you mean bn_lstm"):
        render(shelf_with(), "card", "bn_lsmt", "book/index")
    with pytest.raises(UnrolledError, match="needs the slug"):
        render(shelf_with(), "card", None, "book/index")
    with pytest.raises(UsageError, match="part of the book"):
        render(shelf_with(), "part", "cell", "book/parts/cells")


def test_every_verdict_has_word_shape_and_meaning() -> None:
    assert set(SHAPES) == set(MEANINGS) == set(Verdict)
    assert len(set(SHAPES.values())) == len(Verdict)
    for verdict in Verdict:
        assert verdict.value in badge(verdict)
        assert "<svg" in badge(verdict)


def test_the_cite_box_holds_the_text_to_the_letter() -> None:
    text = "@article{x,\n  title = {A & B <C>},\n}\n"
    html = cite_box("bn_lstm", {"bibtex": text, "ris": "TY  - JOUR\n"})
    stored = html.split("<pre")[1].split(">", 1)[1].split("</pre>")[0]
    assert unescape(str(stored)) == "\n" + text


def test_an_entry_without_a_chapter_is_at_home_on_its_own_page() -> None:
    shelf = shelf_with(chapter=False)
    assert shelf.home("bn_lstm") == ("entries/bn_lstm", "")
    assert "To read meanwhile" in lists.part(shelf, "cells", Place("book/parts/cells"))
    assert 'id="entry-bn_lstm"' in lists.reading_list(shelf, Place("book/reading-list"))


def test_curves_are_drawn_from_the_evidence_and_named() -> None:
    curve = {"update": (1, 10), "loss": (2.0, 0.5), "valid_error": (0.9, 0.1)}
    runs = {"lstm-s0": curve, f"{NASTY}-s0": curve}
    shelf = shelf_with(evidence=evidence_with("x").model_copy(update={"curves": runs}))
    html = render(shelf, "curves", "bn_lstm", PAGE)
    assert "<svg" in html
    assert "lstm" in html
    assert "<script" not in html
    assert "<img" not in html
    without = evidence_with("x").model_copy(update={"curves": {}})
    assert "<svg" not in render(shelf_with(evidence=without), "curves", "bn_lstm", PAGE)


def test_runs_are_listed_by_variant_with_what_the_entry_reports() -> None:
    finals = {
        f"{v}-s{s}": {"test_bound": b + s, "other": 1.0} for v, b in (("a_b", -9), ("c", -8)) for s in (0, 1)
    }
    shelf = shelf_with(evidence=evidence_with("x").model_copy(update={"finals": finals}))
    text = re.sub(r"<[^>]+>", " ", str(render(shelf, "runs", "bn_lstm", PAGE)))
    assert re.search(r"a b\s+−8\s*\.50 ± 0\.71 \(n = 2\)\s+c\s+−7\s*\.50", text)
    without = evidence_with("x").model_copy(update={"finals": {}})
    assert "No run" in render(shelf_with(evidence=without), "runs", "bn_lstm", PAGE)


def test_runs_are_counted_as_a_reader_counts() -> None:
    finals = {f"task_{number}-s0": {"test_bound": float(number)} for number in (10, 2, 1)}
    shelf = shelf_with(evidence=evidence_with("x").model_copy(update={"finals": finals}))
    text = str(render(shelf, "runs", "bn_lstm", PAGE))
    assert text.index("task 1<") < text.index("task 2<") < text.index("task 10<")


def test_comparisons_say_who_is_ahead_and_who_is_not_told_apart() -> None:
    names = {"a_b": 33.8, "c": 31.1, NASTY: 31.0}
    systems = [
        System(slug="bn_lstm", variant=name, run=f"{name}-s0-key", key="key", score=score)
        for name, score in names.items()
    ]
    pairs = [("a_b", "c", 2.7, 0.000999), ("c", NASTY, 0.1, 0.42)]
    comparison = Comparison(
        metric="test_bound",
        unit="BLEU",
        test="paired bootstrap",
        sentences=200,
        resamples=1000,
        systems=systems,
        differences=[
            Difference(ahead=f"bn_lstm:{ahead}", behind=f"bn_lstm:{behind}", difference=difference, p=p)
            for ahead, behind, difference, p in pairs
        ],
        signature="nrefs:1",
        device="cpu",
        seconds=1,
        command="unrolled evidence compare",
        collected="2026-11-22",
    )
    evidence = evidence_with("x").model_copy(update={"comparisons": (comparison,)})
    html = str(render(shelf_with(evidence=evidence), "runs", "bn_lstm", PAGE))
    assert NASTY not in html
    text = re.sub(r"<[^>]+>", "", html)
    assert "(a b) is ahead of" in text
    assert "by 2.70 BLEU: 33.80 and 31.10 (paired bootstrap, 1,000 resamples, p = 0.001)" in text
    assert "(c) is not told apart from" in text
    assert "31.10 and 31.00 (paired bootstrap, 1,000 resamples, p = 0.42)" in text
    assert "Stale" not in text
    newer = evidence.measurements[0].model_copy(update={"runs": {"c-s0-other": "other"}})
    evidence = evidence.model_copy(update={"measurements": (newer,)})
    assert "another run of c since" in render(shelf_with(evidence=evidence), "runs", "bn_lstm", PAGE)


def test_an_empty_part_says_what_is_to_come() -> None:
    assert "still to come" in lists.part(shelf_with(), "memory", Place("book/parts/memory"))


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


def test_curves_end_where_the_run_ended_and_axes_cover_them() -> None:
    lines = {"lstm-s0": {"update": (500, 930), "valid_error": (0.5, 0.41)}}
    picture = curves.panel("bn_lstm", lines, curves.VALIDATION[0])
    assert "lstm-s0 ends at 41" in picture
    assert [float(text) for text in re.findall(r'text-anchor="end">(\d+)<', picture)] == [0, 20, 40, 60]
    assert curves.ticks(0, 930)[-1] >= 930
    assert curves.panel("bn_lstm", lines, curves.LOSS) is None


def test_runs_that_are_compared_share_a_panel_and_every_variant_is_named_once() -> None:
    bound = {"update": (50, 100), "valid_bound": (-9.0, -8.0)}
    runs = {f"{d}_{m}-s{s}": bound for d in ("jsb", "piano") for m in ("rnn", "vrnn") for s in range(3)}
    shelf = shelf_with(evidence=evidence_with("x").model_copy(update={"curves": runs}))
    html = render(shelf, "curves", "bn_lstm", PAGE)
    assert html.count("<svg") == 2
    assert "Validation bound: jsb" in html
    assert re.findall(r'class="curve-name[^>]*>(\w+)<', html) == ["rnn", "vrnn"] * 2
    assert html.count('<path d="M') - html.count("curve-grid") == 12


def test_names_of_lines_that_end_together_do_not_overlap_or_leave_the_picture() -> None:
    same = {"update": (1, 10), "loss": (2.0, 0.5)}
    picture = curves.panel("bn_lstm", {f"v{i}-s0": same for i in range(8)}, curves.LOSS)
    heights = [float(y) for y in re.findall(r'curve-name[^>]* y="([\d.]+)"', picture)]
    assert len(heights) == 8
    assert min(b - a for a, b in pairwise(sorted(heights))) >= 12.9
    assert 0 < min(heights) < max(heights) <= curves.HEIGHT - curves.BOTTOM + 5
