"""The ledger: the headlines of every paper first, then every statement of every entry."""

from __future__ import annotations

from collections import Counter

from markupsafe import Markup

from unrolled.library.judged import Judged
from unrolled.library.models import Entry
from unrolled.library.statements import Outcome
from unrolled.site.html import Place, element, join, link, render
from unrolled.site.knowledge import PARTS, KnowledgeBase
from unrolled.site.numbers import aligned
from unrolled.site.outcomes import badge, counted, tally
from unrolled.site.statements import (
    ours_words,
    paper_words,
    reason,
    scale,
    statement_place,
    statements_table,
    unsure,
)
from unrolled.site.tables import Row, entry_link, table


def summed(kb: KnowledgeBase, slug: str) -> str:
    """How many statements of an entry have which outcome, in words."""
    counts = Counter(item.outcome for item in kb.statements[slug])
    return " · ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])


def ledger(kb: KnowledgeBase, place: Place) -> Markup:
    """The headlines of every paper first, then every statement of every entry."""
    entries = [entry for entry in kb.ordered() if entry.statements]
    headlines = [(entry, item) for entry in entries for item in kb.headlines(entry.slug)]
    every = [item for entry in entries for item in kb.statements[entry.slug]]
    tried = [pair for pair in headlines if pair[1].outcome is not Outcome.NOT_ATTEMPTED]
    untried = [pair for pair in headlines if pair not in tried]
    by_part = {part: [entry for entry in entries if entry.part == part] for part in PARTS}
    return render(
        "ledger",
        headlines=listed(kb, tried, place, "with a number of ours") if tried else None,
        untried=listed(kb, untried, place, "not attempted") if untried else None,
        count=len(untried),
        tally=tally(every, "Measured statements, headlines included"),
        total=len(every),
        measured=sum(counted(every).values()),
        parts=[(part, PARTS[part], members) for part, members in by_part.items() if members],
        named=lambda entry: entry_link(kb, entry.slug, place, entry.title),
        counts=lambda entry: summed(kb, entry.slug),
        body=lambda entry: statements_table(kb, entry.slug, place, f"{entry.slug}-"),
    )


def listed(kb: KnowledgeBase, headlines: list[tuple[Entry, Judged]], place: Place, said: str) -> Markup:
    """A table of headlines, each linked to its row."""
    papers = aligned([paper_words(item) for _, item in headlines])
    mine = aligned([ours_words(item) for _, item in headlines])
    lines = []
    for (entry, item), paper, own in zip(headlines, papers, mine, strict=True):
        named = link(item.of.says, place.to(*statement_place(kb, entry.slug, item.id)))
        says = join((named, element("span", item.of.locus, class_="locus"), reason(item)), " ")
        number = join((paper, unsure(item))) if paper else None
        grey = "archived" if item.outcome is Outcome.ARCHIVED else None
        cells = (entry_link(kb, entry.slug, place), says, number, own, scale(item), badge(item.outcome))
        lines.append(Row(cells, class_=grey))
    heads = ("Paper", "Headline", "Paper's number", "Ours ± spread (n)", "Scale", "Outcome")
    papers_said = f"{len({entry.slug for entry, _ in headlines})} papers"
    caption = f"{len(headlines)} headlines of {papers_said}, {said}"
    return table(heads, lines, class_="statements headlines", caption=caption)
