"""Statements and findings as rows: what the paper says, its number, ours, scale and outcome."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from unrolled.library.judged import Judged
from unrolled.library.measurements import Part
from unrolled.library.statements import Arm, Figure, Outcome, Statement
from unrolled.site.html import Place, element, join, render
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.numbers import aligned, number, printed, with_spread
from unrolled.site.outcomes import badge
from unrolled.site.tables import Row, nothing, sure, table

ARROWS = {"higher": "↑", "lower": "↓"}
SIGNS = {">=": "at least", ">": "above", "<=": "at most", "<": "below"}
UNMEASURED = (Outcome.NOT_ATTEMPTED, Outcome.ARCHIVED, Outcome.STALE)
HEADS = ("What the paper says", "Paper", "Ours ± spread (n)", "Scale", "Outcome")


def arm_of(item: Judged, name: str) -> Arm | None:
    """The side of a comparison, or the row of a table, that has this name."""
    return next((arm for arm in (*item.of.runs, *item.of.against) if arm.label == name), None)


def figures(item: Judged, part: Part | None = None) -> tuple[Figure | None, Figure | None]:
    """What the paper prints for our side, and for the other."""
    part = part or item.part
    own = arm_of(item, part.ours.name) if part else next(iter(item.of.runs), None)
    other = (
        next(iter(item.of.against), None) if not part else part.against and arm_of(item, part.against.name)
    )
    return (own.paper if own else None) or getattr(item.of, "paper", None), other.paper if other else None


def paper_words(item: Judged, part: Part | None = None) -> str | None:
    """The paper's number, or its two; None where it prints none."""
    said = [printed(figure.value, figure.precision) for figure in figures(item, part) if figure]
    return " against ".join(said) or None


def unsure(item: Judged) -> Markup | None:
    """The mark for how sure the paper's number, or the statement itself, is."""
    sources = (getattr(item.of, "source", None), *(figure and figure.source for figure in figures(item)))
    return next((mark for source in sources if source and (mark := sure(source.value))), None)


def bounds(item: Judged, part: Part) -> list[float]:
    """What a rounded mean must not cross: the criterion, the paper's number, and its uncertainty."""
    figure = figures(item, part)[0]
    found = [item.of.rule.bound] if isinstance(item.of, Statement) and item.of.rule else []
    if figure:
        found.append(figure.value)
        if tolerance := figure.tolerance(item.of.unit):
            found += [figure.value - tolerance, figure.value + tolerance]
    return found


def ours_words(item: Judged, part: Part | None = None) -> str | None:
    """Our number with spread and seeds, or two of them; extremes carry no spread."""
    part = part or item.part
    if part is None:
        old = item.archived
        return with_spread(old.value, old.spread, old.n) if old else None
    if getattr(item.of, "best_of", None):
        return f"{number(part.mean, *bounds(item, part))} (best of {part.ours.n})"
    log = item.of.metric_scale == "log"
    found = bounds(item, part)
    sides = [part.ours, part.against] if part.against else [part.ours]
    means = [side.mean for side in sides]
    return " against ".join(
        with_spread(side.mean, side.spread, side.n, [*found, *(m for m in means if m != side.mean)], log)
        for side in sides
    )


def interval_words(item: Judged, part: Part | None = None) -> str | None:
    """The interval of the value or the difference, and how many seeds agree."""
    part = part or item.part
    if part is None or part.interval is None:
        return None
    log, compared = item.of.metric_scale == "log", part.against is not None
    delta = getattr(item.of, "delta", 0.0)
    marks = [1.0 if log else 0.0, delta, -delta] if compared else bounds(item, part)
    quarter = (part.interval[1] - part.interval[0]) / 4  # no end is rounded by as much
    low, high = (number(x, *marks, *((x - quarter, x + quarter) if quarter else ())) for x in part.interval)
    said = f"{part.level:.0%} interval {low} to {high}".replace("%", " %")
    if compared:
        said = f"{'ratio' if log else 'difference'} {number(part.mean, *marks)}, {said}"
    ordered = part.agree and getattr(item.of, "kind", "") == "ordering"
    return said + (f"; {part.agree[0]} of {part.agree[1]} agree" if ordered else "")


def says(item: Judged, position: int) -> Markup:
    """What the paper says and where, what is measured, and by which rule it is judged."""
    of = item.of
    rule, wanted = getattr(of, "rule", None), []
    if rule:
        wanted.append(f"wanted: {SIGNS[rule.comparator]} {printed(rule.bound)} for {rule.needed} seeds")
    if getattr(of, "delta", 0.0):
        wanted.append(f"smaller differences than {printed(of.delta)} do not matter")
    direction = getattr(of, "direction", "none")
    return render(
        "says",
        item=item,
        position=position,
        arrow=ARROWS.get(direction),
        direction=direction,
        wanted=wanted,
        reason=reason(item),
        rows=[
            (part.ours.name, paper_words(item, part), ours_words(item, part), part.outcome)
            for part in (item.parts if len(item.parts) > 1 else ())
        ],
        badge=badge,
    )


def reason(item: Judged) -> Markup | None:
    """Why there is no number, or none that counts."""
    said = item.outcome in UNMEASURED and not item.archived
    return element("span", item.note[:1].upper(), item.note[1:], class_="reason") if said else None


def scale(item: Judged) -> Markup | None:
    """At what scale it was measured, and by what that is reduced."""
    if item.archived:
        return element("span", "version 0.1", title=item.note, class_="archived-mark")
    if item.measured is None:
        return None
    reductions = element("span", ", ".join(item.reductions), class_="reason") if item.reductions else None
    return join((str(item.scale or "–"), reductions), ": " if reductions else "")


def outcome(item: Judged) -> Markup | None:
    """The outcome in word, shape and colour, with the interval that it follows from."""
    if item.outcome is None:
        return None
    reasons = [interval_words(item), item.note] if item.outcome not in UNMEASURED else []
    notes = (element("span", text, class_="interval") for text in reasons if text)
    return join((badge(item.outcome), *notes))


def rows(items: Sequence[Judged], anchor: str) -> list[Row]:
    """One row for each statement or finding."""
    papers = aligned([paper_words(item) for item in items])
    mine = aligned([ours_words(item) for item in items])
    made = []
    for position, (item, paper, own) in enumerate(zip(items, papers, mine, strict=True), start=1):
        result = outcome(item) if isinstance(item.of, Statement) else interval_words(item)
        cells = [says(item, position), own, scale(item), result]
        if isinstance(item.of, Statement):
            cells.insert(1, join((paper, unsure(item))) if paper else None)
        grey = "archived" if item.outcome is Outcome.ARCHIVED else None
        made.append(Row(cells, anchor=f"{anchor}{item.id}", class_=grey))
    return made


def statements_table(kb: KnowledgeBase, slug: str, place: Place, anchor: str = "statement-") -> Markup:
    """The statements of an entry, our findings, its checks and the rows that are no statements."""
    entry, items, found = kb.entries[slug], kb.statements[slug], kb.judgements[slug].findings()
    if not (items or found or entry.checks or entry.omitted):
        return nothing("No statement is recorded for this entry yet.")
    parts = []
    if items:
        caption = f"Statements of {entry.short}, and what we measured"
        parts.append(table(HEADS, rows(items, anchor), class_="statements", caption=caption))
    if found:
        heads = ("What we found", *HEADS[2:4], "Interval")
        caption = f"Our findings on {entry.short}, beyond the paper: measured in the same way, not judged"
        parts.append(table(heads, rows(found, anchor), class_="statements findings", caption=caption))
    tests = [(check, [(test, kb.source(test)) for test in check.tests]) for check in entry.checks]
    return render("statements", parts=parts, entry=entry, checks=tests, place=place, anchor=anchor)


def statement_place(kb: KnowledgeBase, slug: str, identifier: str) -> tuple[str, str]:
    """The page and the anchor of a statement or finding: of the chapter, or of the entry's page."""
    return kb.home(slug)[0], f"statement-{identifier}"


def seeds_words(item: Judged) -> str:
    """How many seeds there are, and of how many the statement is true where that is counted by seed."""
    part, of = item.part, item.of
    if part and isinstance(of, Statement) and of.kind == "ability" and of.rule:
        return f"{sum(map(of.rule.met, part.ours.per_seed.values()))} of {item.n} seeds"
    if part and part.agree and part.agree[1] == item.n and getattr(of, "kind", "") == "ordering":
        return f"{part.agree[0]} of {item.n} seeds"
    return f"{item.n} seeds"


def sentence(item: Judged) -> Markup:
    """A headline with its outcome in words, as the card has it: "…: holds at paper scale, 5 seeds"."""
    said = [f"{item.outcome.value} at {item.scale} scale" if item.scale else item.outcome.value]
    if item.n > 1 and item.outcome not in UNMEASURED:
        said.append(seeds_words(item))
    if item.outcome is Outcome.ARCHIVED:
        said.append(f"{ours_words(item)} {item.of.unit}".rstrip() + " by version 0.1")
    outcome = element("span", ", ".join(said), class_="words")
    words = join((item.of.says.rstrip("."), ": ", outcome))
    return badge(item.outcome, words)
