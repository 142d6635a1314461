"""The generated parts say what the entry and the evidence say, and nothing in them can break a page."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import stdtrit
from site_samples import entry_with, evidence_with, knowledge_with, part_with, run_with, sample

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.library.comparisons import Comparison, Difference, System
from unrolled.library.models import Entry
from unrolled.library.statements import Outcome
from unrolled.site import curves, equations, ledger, lineage, lists, outcomes, statements
from unrolled.site.citebox import cite_box
from unrolled.site.html import Place
from unrolled.site.knowledge import KnowledgeBase, file_of
from unrolled.site.markers import BOOK_PARTS, ENTRY_PARTS, render
from unrolled.site.outcomes import MEANINGS, SHAPES, badge
from unrolled.site.roles import statement_link, value
from unrolled.site.sources import SourceText, listing, symbols
from unrolled.site.works import from_csl

PAGE = "notebooks/bn_lstm"
NASTY = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;"


@pytest.mark.parametrize("chapter", [True, False])
@pytest.mark.parametrize("name", ["card", *(n for n in ENTRY_PARTS if n != "cite"), *BOOK_PARTS, "part"])
def test_markup_in_any_field_is_shown_as_text(name: str, chapter: bool) -> None:
    kb = knowledge_with(NASTY, chapter=chapter)
    html = render(kb, name, {"part": "cells"}.get(name, None if name in BOOK_PARTS else "bn_lstm"), PAGE)
    assert "<script" not in html
    assert "<img" not in html
    if name not in ("status", "outcomes", "power"):
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
        'Says words: <span class="words">holds at reduced scale, 5 seeds</span>',
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


def row_of(html: str, anchor: str) -> str:
    """The text of one row of a table."""
    row = html.split(f'id="{anchor}"')[1].split("</tr>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", row).replace("\n", " "))


def test_a_row_of_the_statements_reads_as_a_sentence() -> None:
    html = str(statements.statements_table(knowledge_with(), "bn_lstm", Place(PAGE)))
    text = row_of(html, "statement-gain")
    for said in (
        "Says words.",
        "Table words",
        "metric words, points words",
        "smaller differences than 0.5 do not matter",
        "95.4against 90.2°",
        "95.2 ± 0.31 (5)against 90.0 ± 1.0 (5)",
        "reduced: smaller words",
        "holds",
        "difference 5.21, 95 % interval 4.10 to 6.30; 5 of 5 agree",
        "Note words",
    ):
        assert said in text, said
    assert 'title="higher is better"' in html
    assert 'title="from memory, not verified in the paper"' in html
    assert html.index("statement-gain") < html.index("statement-untried")  # headlines come first


def test_findings_are_marked_as_ours_and_have_no_outcome() -> None:
    html = str(statements.statements_table(knowledge_with(), "bn_lstm", Place(PAGE)))
    findings = html.split("Our findings")[1].split("</table>")[0]
    assert "Found words." in findings
    assert 'class="outcome' not in findings


def test_checks_and_omitted_rows_are_folded_lines_with_links_and_reasons() -> None:
    html = str(statements.statements_table(knowledge_with(), "bn_lstm", Place(PAGE)))
    assert "1 property of the code, held by 1 test<" in html
    assert "../source/tests/oracles/test_bn_lstm.html#test_equation_6_bn_preactivations" in html
    assert "1 further result of the paper left out" in html
    assert "Why words" in html


def test_archived_values_are_grey_and_name_their_version() -> None:
    html = str(statements.statements_table(knowledge_with(), "bn_lstm", Place(PAGE)))
    assert '<tr id="statement-old" class="archived">' in html
    text = row_of(html, "statement-old")
    assert "91.3 ± 0.40 (3)" in text
    assert "version 0.1" in text


def test_what_was_not_attempted_says_why() -> None:
    for html in (
        statements.statements_table(knowledge_with(), "bn_lstm", Place(PAGE)),
        ledger.ledger(knowledge_with(), Place("book/ledger")),
    ):
        assert "Reason words" in html


def test_stale_evidence_is_shown_as_stale_with_its_reason() -> None:
    html = statements.statements_table(
        knowledge_with(evidence=evidence_with("words", rule="older")), "bn_lstm", Place(PAGE)
    )
    assert "outcome stale" in html
    assert "The statement changed since it was measured" in html


def test_a_statement_of_several_rows_folds_them_and_shows_the_one_that_decides() -> None:
    parts = (part_with("words"), part_with("words", ours=sample("other", 80.0), outcome="undecided"))
    html = str(
        statements.statements_table(
            knowledge_with(evidence=evidence_with("words", parts=parts, outcome="undecided")),
            "bn_lstm",
            Place(PAGE),
        )
    )
    text = row_of(html, "statement-gain")
    assert "2 rows; the one shown decides" in text
    assert "ours words: 95.2 ± 0.31 (5) against 90.0 ± 1.0 (5), paper 95.4 against 90.2" in text
    assert text.count("80.0 ± 0.31 (5)") == 2


def test_the_best_of_several_runs_carries_no_spread() -> None:
    kb = knowledge_with()
    item = kb.statements["bn_lstm"][0]
    changed = {"best_of": {"metric": "valid_error", "goal": "min"}}
    best = replace(item, of=item.of.model_copy(update=changed))
    assert statements.ours_words(best, part_with("words", against=None, mean=95.7)) == "95.7 (best of 5)"


def test_a_log_scale_prints_factors_and_ratios() -> None:
    item = knowledge_with().statements["bn_lstm"][0]
    log = replace(item, of=item.of.model_copy(update={"metric_scale": "log", "delta": 0.0}))
    assert statements.ours_words(log).startswith("95.2 ×/÷ 0.31 (5) against")
    assert statements.interval_words(log).startswith("ratio 5.21, 95 % interval")


def test_an_interval_shows_its_width_and_seeds_agree_with_orderings_only() -> None:
    item = knowledge_with().statements["bn_lstm"][0]
    narrow = part_with("words", interval=(5.21011234567, 5.21031234567))
    assert "interval 5.2101 to 5.2103; 5 of 5 agree" in statements.interval_words(item, narrow)
    point = part_with("words", interval=(5.21011234567, 5.21011234567))
    assert "interval 5.21 to 5.21;" in statements.interval_words(item, point)
    equal = replace(item, of=item.of.model_copy(update={"kind": "no difference"}))
    assert "agree" not in statements.interval_words(equal, narrow)


def test_the_ledger_holds_the_headlines_first_and_every_statement() -> None:
    html = str(ledger.ledger(knowledge_with(), Place("book/ledger")))
    assert (
        html.index("1 headlines of 1 papers")
        < html.index('id="bn_lstm-gain"')
        < html.index('id="bn_lstm-old"')
    )
    assert 'href="../notebooks/bn_lstm.html#statement-gain"' in html


def test_counts_hold_what_was_measured_by_outcome_and_scale_and_nothing_else() -> None:
    kb = knowledge_with()
    assert outcomes.counted(kb.statements["bn_lstm"]) == {(Outcome.HOLDS, "reduced"): 1}
    paper = Entry.model_validate(entry_with("words").model_dump() | {"kind": "paper"})
    text = re.sub(
        r"<[^>]+>", " ", str(outcomes.status(replace(kb, entries={"bn_lstm": paper}), Place("book/index")))
    )
    assert "1 headline statements" in text
    assert "measured 1 of them so far" in text
    assert "none are reproduced" in text
    assert re.search(r"reduced scale\s+holds\s+1", text)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("bn_lstm/gain", "5.21 points words"),
        ("bn_lstm/gain/value", "5.21 points words"),
        ("bn_lstm/gain/ours", "95.2 ± 0.31 points words"),
        ("bn_lstm/gain/against", "90.0 ± 1.0 points words"),
        ("bn_lstm/gain/n", "5"),
        ("bn_lstm/gain/scale", "reduced"),
        ("bn_lstm/gain/outcome", "holds"),
        ("bn_lstm/gain/interval", "difference 5.21, 95 % interval 4.10 to 6.30; 5 of 5 agree"),
        ("bn_lstm/gain/paper", "95.4 against 90.2 points words"),
        ("bn_lstm/untried", "not attempted"),
        ("bn_lstm/old", "91.3 ± 0.400.1"),  # the mark of version 0.1
        ("bn_lstm/old/outcome", "archived"),
        ("bn_lstm/found", "90.0 ± 0.31 %"),
    ],
)
def test_the_role_prints_what_was_measured(asked: str, said: str) -> None:
    html = str(statement_link(knowledge_with(), asked, Place(PAGE)))
    assert re.sub(r"<[^>]+>", "", html) == said
    assert ('title="measured by version 0.1"' in html) == ("0.1" in said)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("bn_lsmt/gain", "did you mean bn_lstm"),
        ("bn_lstm/gian", "did you mean gain"),
        ("bn_lstm/gain/spraed", "no part of a statement"),
        ("bn_lstm/older", "it is 'old' now"),
        ("bn_lstm", "no statement or finding"),
        ("", "no entry"),
    ],
)
def test_the_role_refuses_what_it_does_not_know(asked: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        statement_link(knowledge_with(), asked, Place(PAGE))


def test_the_role_refuses_a_statement_that_lost_its_evidence_and_a_number_that_is_not_there() -> None:
    kb = knowledge_with(evidence=evidence_with("x").model_copy(update={"statements": ()}))
    with pytest.raises(UnrolledError, match="has no evidence"):
        statement_link(kb, "bn_lstm/gain", Place(PAGE))
    assert "not attempted" in statement_link(kb, "bn_lstm/gain/outcome", Place(PAGE))
    with pytest.raises(UnrolledError, match="has no 'against'"):
        statement_link(knowledge_with(), "bn_lstm/found/against", Place(PAGE))


def test_the_role_prints_one_row_of_several() -> None:
    parts = (part_with("words"), part_with("words", ours=sample("task 7", 80.0), outcome="undecided"))
    kb = knowledge_with(evidence=evidence_with("words", parts=parts, outcome="undecided"))
    for row, said in (
        ("ours/task 7", "80.0 ± 0.31"),
        ("outcome/ours words", "holds"),
        ("outcome", "undecided"),
    ):
        assert said in statement_link(kb, f"bn_lstm/gain/{row}", Place(PAGE))
    with pytest.raises(UsageError, match="did you mean task 7"):
        statement_link(kb, "bn_lstm/gain/ours/task 8", Place(PAGE))


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


def test_every_outcome_has_word_shape_and_meaning() -> None:
    assert set(SHAPES) == set(MEANINGS) == set(Outcome)
    assert len(set(SHAPES.values())) == len(Outcome)
    for outcome in Outcome:
        assert outcome.value in badge(outcome)
        assert "<svg" in badge(outcome)


def test_power_is_that_of_the_t_test() -> None:
    rng = np.random.default_rng(0)
    for seeds in (3, 5):
        drawn = rng.normal(outcomes.detectable(seeds, paired=True), 1.0, (4000, seeds))
        half = stdtrit(seeds - 1, 0.975) * drawn.std(1, ddof=1) / seeds**0.5
        assert abs((drawn.mean(1) > half).mean() - 0.8) < 0.025


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


def with_runs(*runs) -> KnowledgeBase:
    return knowledge_with(evidence=evidence_with("x", runs=runs))


def test_runs_are_listed_by_preset_with_what_the_entry_reports() -> None:
    runs = [
        run_with(p, s, metrics={"test_bound": b + s, "other": 1.0})
        for p, b in (("a_b", -9), ("c", -8))
        for s in (0, 1)
    ]
    text = re.sub(r"<[^>]+>", " ", str(render(with_runs(*runs), "runs", "bn_lstm", PAGE)))
    assert re.search(r"a b\s+−8\s*\.50 ± 0\.71 \(2\)\s+c\s+−7\s*\.50", text)
    without = evidence_with("x").model_copy(update={"runs": {}})
    assert "No stored run" in render(knowledge_with(evidence=without), "runs", "bn_lstm", PAGE)


def test_runs_are_counted_as_a_reader_counts() -> None:
    runs = [run_with(f"task_{number}") for number in (10, 2, 1)]
    text = str(render(with_runs(*runs), "runs", "bn_lstm", PAGE))
    assert text.index("task 1<") < text.index("task 2<") < text.index("task 10<")


def test_comparisons_say_who_is_ahead_and_who_is_not_told_apart() -> None:
    names = {"a_b": 33.8, "c": 31.1, NASTY: 31.0}
    systems = [
        System(slug="bn_lstm", preset=name, run=f"{name}-s0-key", key="key", score=score)
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
    html = str(render(knowledge_with(evidence=evidence), "runs", "bn_lstm", PAGE))
    assert NASTY not in html
    text = re.sub(r"<[^>]+>", "", html)
    assert "(a b) is ahead of" in text
    assert "by 2.70 BLEU: 33.80 and 31.10 (paired bootstrap, 1,000 resamples, p = 0.001)" in text
    assert "(c) is not told apart from" in text
    assert "31.10 and 31.00 (paired bootstrap, 1,000 resamples, p = 0.42)" in text
    assert "Stale" not in text
    evidence = evidence.model_copy(update={"runs": {"c": run_with("c", key="other")}})
    assert "another run of c since" in render(knowledge_with(evidence=evidence), "runs", "bn_lstm", PAGE)


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


CURVE = {"update": (1, 10), "loss": (2.0, 0.5), "valid_error": (0.9, 0.41)}


def test_curves_are_drawn_from_the_evidence_and_named() -> None:
    runs = [run_with("lstm", curve=CURVE), run_with(NASTY, curve=CURVE), run_with("$x_1$", curve=CURVE)]
    html = str(render(with_runs(*runs), "curves", "bn_lstm", PAGE))
    assert html.count("<svg") == 2
    assert "<script" not in html
    assert "<img" not in html
    assert "lstm, seed 0, ends at 41" in html
    assert ">$x 1$</text>" in html
    assert "var(--unrolled-" in html
    assert "#00000" not in html.replace("#000000", "")
    assert html == str(render(with_runs(*runs), "curves", "bn_lstm", PAGE))  # the same bytes each time
    without = evidence_with("x").model_copy(update={"runs": {}})
    assert "<svg" not in render(knowledge_with(evidence=without), "curves", "bn_lstm", PAGE)


def test_what_a_drawing_refers_to_is_in_it_and_ids_do_not_repeat() -> None:
    html = str(render(with_runs(run_with("lstm", curve=CURVE)), "curves", "bn_lstm", PAGE))
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', html)) <= set(ids)
    assert not [name for name in ids if re.match(r"figure|axes|patch|text|xtick", name)]


def test_runs_that_are_compared_share_a_panel_and_every_preset_is_named_once() -> None:
    bound = {"update": (50, 100), "valid_bound": (-9.0, -8.0)}
    runs = [
        run_with(f"{d}_{m}", s, curve=bound)
        for d in ("jsb", "piano")
        for m in ("rnn", "vrnn")
        for s in range(3)
    ]
    html = str(render(with_runs(*runs), "curves", "bn_lstm", PAGE))
    assert html.count("<svg") == 2
    assert "Validation bound: jsb" in html
    assert html.count(">rnn</text>") == html.count(">vrnn</text>") == 2
    assert curves.panel("bn_lstm", runs, curves.LOSS) is None


def test_names_of_lines_that_end_together_do_not_overlap_or_leave_the_picture() -> None:
    found = curves.spread({f"v{i}": 0.9 + i / 1000 for i in range(8)}, 0.06)
    heights = sorted(found.values())
    assert list(found) == [f"v{i}" for i in range(8)]
    assert min(b - a for a, b in pairwise(heights)) >= 0.0599
    assert 0 < heights[0] < heights[-1] <= 1.0
