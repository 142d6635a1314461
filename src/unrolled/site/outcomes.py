"""Outcomes as word, shape and colour, so that none of the three carries the meaning alone; their counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from itertools import product

from markupsafe import Markup

from unrolled.library.judged import Judged
from unrolled.library.statements import Outcome, Scale
from unrolled.site.html import Place, element, link, render
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.tables import Row, table

OUTER = '<circle class="out" cx="8" cy="8" r="6.2"/>'
SQUARE = '<path d="M1.5 1.5h13v13h-13z"/>'

SHAPES: dict[Outcome, str] = {
    Outcome.HOLDS: '<circle cx="8" cy="8" r="7"/><path class="in" d="M4.5 8.3l2.4 2.4 4.6-5"/>',
    Outcome.BETTER: '<path d="M8 1l7 13H1z"/><path class="in" d="M8 11.5V6.2M6 8l2-2 2 2"/>',
    Outcome.UNDECIDED: f'{OUTER}<path d="M8 1.8a6.2 6.2 0 010 12.4z"/>',
    Outcome.OPPOSITE: '<path d="M8 15L1 2h14z"/><path class="in" d="M8 4.5v5.3M6 8l2 2 2-2"/>',
    Outcome.DIFFERS: f'{SQUARE}<path class="in" d="M4 6.2h8M4 9.8h8M10 4l-4 8"/>',
    Outcome.FAILS: f'{SQUARE}<path class="in" d="M5 5l6 6M11 5l-6 6"/>',
    Outcome.ONE_RUN: f'{OUTER}<circle cx="8" cy="8" r="1.8"/>',
    Outcome.TWO_RUNS: f'{OUTER}<circle cx="5.6" cy="8" r="1.7"/><circle cx="10.4" cy="8" r="1.7"/>',
    Outcome.COMPARED: f'{OUTER}<path class="out" d="M5 6.4h6M5 9.6h6"/>',
    Outcome.STALE: f'{OUTER}<path class="out" d="M8 4.5V8l2.5 1.5"/>',
    Outcome.ARCHIVED: '<path class="out" d="M2 3h12v3H2zM3 6v8h10V6M6 9h4"/>',
    Outcome.NOT_ATTEMPTED: OUTER,
}
"""Drawings in a square of 16 by 16."""

MEANINGS: dict[Outcome, str] = {
    Outcome.HOLDS: "our runs show what the paper says, by the rule for its kind",
    Outcome.BETTER: "our value is beyond the paper's, on the good side, by more than its uncertainty",
    Outcome.UNDECIDED: "the interval allows both answers, or declared seeds are missing",
    Outcome.OPPOSITE: "the whole interval is on the other side",
    Outcome.DIFFERS: "our value or difference is outside what the paper's uncertainty, or δ, allows",
    Outcome.FAILS: "fewer seeds meet the criterion than were required",
    Outcome.ONE_RUN: "a single run; fewer than three never hold",
    Outcome.TWO_RUNS: "two runs; fewer than three never hold",
    Outcome.COMPARED: "our number is beside the paper's, but it cannot be judged; the row says why",
    Outcome.STALE: "the code, data or rule behind the number has changed since it was measured",
    Outcome.ARCHIVED: "measured by version 0.1, whose code is gone; counted nowhere",
    Outcome.NOT_ATTEMPTED: "there is no measurement; the row says why, and what it would cost",
}

SCALES: tuple[Scale | None, ...] = (*Scale, None)
"""The columns of a count; what has no scale is exact."""


def badge(outcome: Outcome, words: object = None) -> Markup:
    """One outcome; with ``words``, these in place of its name."""
    shape = element(
        "svg",
        Markup(SHAPES[outcome]),
        class_="shape-mark",
        viewBox="0 0 16 16",
        width=14,
        height=14,
        aria_hidden="true",
    )
    name = outcome.value.replace(" ", "-")
    return element("span", shape, element("span", words or outcome.value), class_=f"outcome {name}")


def legend() -> Markup:
    """What each outcome means."""
    return render("legend", badge=badge, meanings=MEANINGS)


def counted(items: Iterable[Judged]) -> Counter[tuple[Outcome, Scale | None]]:
    """How many have which outcome at which scale. What is archived, stale or not attempted counts nowhere."""
    open_ = (Outcome.ARCHIVED, Outcome.STALE, Outcome.NOT_ATTEMPTED)
    return Counter((item.outcome, item.scale) for item in items if item.outcome not in open_)


def tally(items: Iterable[Judged], caption: str) -> Markup:
    """The counts as a table: a row for each outcome, a column for each scale."""
    counts = counted(items)
    scales = [scale for scale in SCALES if any(at == scale for _, at in counts)]
    heads = ("Outcome", *(f"{scale} scale" if scale else "exact" for scale in scales))
    rows = [
        Row((badge(outcome), *(str(counts[outcome, scale] or "–") for scale in scales)))
        for outcome in Outcome
        if any(counts[outcome, scale] for scale in scales)
    ]
    return table(heads, rows, class_="tally", caption=caption) if rows else Markup("")


def status(kb: KnowledgeBase, place: Place) -> Markup:
    """How far the book is, counted from the knowledge base: chapters, and the headlines by outcome."""
    papers = [entry for entry in kb.ordered() if entry.kind != "reading"]
    headlines = [item for entry in papers for item in kb.headlines(entry.slug)]
    counts = counted(headlines)
    return render(
        "status",
        entries=len(kb.entries),
        chapters=sum(entry.slug in kb.chapters for entry in papers),
        papers=len(papers),
        headlines=len(headlines),
        measured=sum(counts.values()),
        reproduced=sum(item.reproduced for item in headlines),
        ledger=link("The ledger", place.to("book/ledger")),
        rules=link("how we judge", place.to("book/how-we-judge")),
        tally=tally(headlines, "Measured headlines"),
    )


def power(kb: KnowledgeBase, place: Place) -> Markup:
    """What three, five and ten seeds can show: half the interval, and what is found four times in five."""
    from scipy.special import stdtrit

    rows = []
    for paired, seeds in product((True, False), (3, 5, 10)):
        freedom = seeds - 1 if paired else 2 * (seeds - 1)
        half = float(stdtrit(freedom, 0.975)) / math.sqrt(seeds if paired else seeds / 2)
        design = "paired: same data and batches" if paired else "not paired (Welch)"
        rows.append(Row((f"{seeds} seeds", design, f"± {half:.2f}", f"{detectable(seeds, paired):.2f}")))
    heads = ("Seeds of each side", "Comparison", "95 % interval", "Found in 80 % of repetitions")
    return table(
        heads, rows, class_="power", caption="In standard deviations over seeds (paired: of the difference)"
    )


def detectable(seeds: int, paired: bool, power: float = 0.8) -> float:
    """The true difference, in standard deviations, that a 95 % t-interval tells from nought this often.

    >>> round(detectable(5, paired=True), 2), round(detectable(3, paired=False), 2)
    (1.68, 3.07)
    """
    from scipy.optimize import brentq
    from scipy.stats import nct, t

    freedom = seeds - 1 if paired else 2 * (seeds - 1)
    size = math.sqrt(seeds if paired else seeds / 2)
    bound = t.ppf(0.975, freedom)
    return float(brentq(lambda d: nct.sf(bound, freedom, d * size) - power, 0.01, 20.0))
