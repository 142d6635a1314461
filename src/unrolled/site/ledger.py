"""The ledger: the headlines of every paper first, then every statement of every entry."""

from __future__ import annotations

from markupsafe import Markup

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


def ledger(kb: KnowledgeBase, place: Place) -> Markup:
    """The headlines of every paper first, then every statement of every entry."""
    entries = [entry for entry in kb.ordered() if entry.statements]
    headlines = [(entry, item) for entry in entries for item in kb.headlines(entry.slug)]
    every = [item for entry in entries for item in kb.statements[entry.slug]]
    papers = aligned([paper_words(item) for _, item in headlines])
    mine = aligned([ours_words(item) for _, item in headlines])
    lines = []
    for (entry, item), paper, own in zip(headlines, papers, mine, strict=True):
        address = place.to(*statement_place(kb, entry.slug, item.id))
        lines.append(
            Row(
                (
                    entry_link(kb, entry.slug, place),
                    join(
                        (
                            link(item.of.says, address),
                            element("span", item.of.locus, class_="locus"),
                            reason(item),
                        ),
                        " ",
                    ),
                    join((paper, unsure(item))) if paper else None,
                    own,
                    scale(item),
                    badge(item.outcome),
                ),
                class_="archived" if item.outcome is Outcome.ARCHIVED else None,
            )
        )
    heads = ("Paper", "Headline", "Paper's number", "Ours ± spread (n)", "Scale", "Outcome")
    caption = f"{len(headlines)} headlines of {len({entry.slug for entry, _ in headlines})} papers"
    by_part = {part: [entry for entry in entries if entry.part == part] for part in PARTS}
    return render(
        "ledger",
        headlines=table(heads, lines, class_="statements headlines", caption=caption),
        tally=tally(every, "Measured statements, headlines included"),
        total=len(every),
        measured=sum(counted(every).values()),
        parts=[(part, PARTS[part], members) for part, members in by_part.items() if members],
        named=lambda entry: entry_link(kb, entry.slug, place),
        body=lambda entry: statements_table(kb, entry.slug, place, f"{entry.slug}-"),
    )
