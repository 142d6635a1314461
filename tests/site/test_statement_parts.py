"""Rows of statements, the ledger, the counts and the role say what entry and evidence say."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import stdtrit
from site_samples import entry_with, evidence_with, knowledge_with, part_with, sample

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.library.models import Entry
from unrolled.library.statements import Outcome
from unrolled.site import ledger, outcomes, statements
from unrolled.site.html import Place
from unrolled.site.outcomes import MEANINGS, SHAPES, badge
from unrolled.site.roles import statement_link

PAGE = "notebooks/bn_lstm"


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
    assert "measured 1 of them" in text
    assert "1 entries: 1 papers and projects, and 0 posts" in text
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
