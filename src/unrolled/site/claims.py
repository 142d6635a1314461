"""Claims: the table of a chapter, the ledger of the whole book, and the values that prose may cite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from unrolled.library.models import Claim, Entry, Rule, Verdict
from unrolled.site.html import Place, element, join, link
from unrolled.site.numbers import aligned, number, stated, with_spread
from unrolled.site.shelf import ORDER, PARTS, Finding, Shelf
from unrolled.site.tables import Row, entry_link, nothing, sure, table
from unrolled.site.verdicts import badge, legend

ARROWS = {"higher": ("↑", "higher is better"), "lower": ("↓", "lower is better")}
SIGNS = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}


def rule_text(rule: Rule) -> str:
    """A claim's rule in words.

    >>> rule_text(Rule(comparator=">=", bound=2)), rule_text(Rule(comparator="within", tolerance=0.5))
    ('at least 2', "within 0.5 of the paper's")
    """
    if rule.comparator == "within":
        return f"within {number(rule.tolerance or 0)} of the paper's"
    if rule.comparator == "between":
        return f"{number(rule.bound or 0)} to {number(rule.upper or 0)}"
    words = {">=": "at least", ">": "above", "<=": "at most", "<": "below"}
    return f"{words[rule.comparator]} {number(rule.bound or 0)}"


def statement(finding: Finding) -> Markup:
    """What the paper says, where, what is measured and when it counts as met."""
    claim = finding.claim
    unit = f" ({claim.unit})" if claim.unit and claim.unit not in claim.metric.split() else ""
    arrow = ARROWS.get(claim.direction)
    mark = (
        element("span", arrow[0], class_="direction", title=arrow[1], role="img", aria_label=arrow[1])
        if arrow
        else None
    )
    measured = join((element("span", f"{claim.metric}{unit}", class_="metric"), mark), " ")
    return join(
        (
            element(
                "span", f"{finding.number}", class_="claim-number", aria_label=f"Claim {finding.number}: "
            ),
            element(
                "span", claim.statement, " ", element("span", str(claim.locus), class_="locus"), class_="says"
            ),
            element("span", measured, "; wanted: ", rule_text(claim.rule), class_="wanted"),
        )
    )


def scale(finding: Finding, stale: str | None = None) -> Markup | None:
    """At what scale it was measured, or why it was not."""
    claim, m = finding.claim, finding.measurement
    if m is None:
        reason = claim.not_attempted or (
            "Checked whenever the chapter runs; no run has been collected yet."
            if claim.kind == "quick"
            else "No finished run has been collected yet."
        )
        return element("span", reason, class_="reason")
    profile = {"book": "book profile", "paper": "paper profile", "smoke": "smoke profile"}[m.profile]
    parts = [profile, m.scale or None, None if m.complete else "not run to its end", m.device]
    notes = [element("span", "carried over", class_="carried")] if m.carried_over else []
    if stale:
        notes.append(element("span", stale, class_="reason"))
    return join([*(p for p in parts if p), *notes], ", ")


def ours(finding: Finding) -> str | None:
    """Our number with spread and number of seeds; a count of seeds says of how many."""
    m = finding.measurement
    if m is None:
        return None
    if finding.claim.unit == "seeds" and m.n > 1:
        return f"{number(m.value)} of {m.n}"
    return with_spread(m.value, m.spread, m.n if m.n > 1 else None)


def carried_over(findings: Sequence[Finding]) -> Markup | None:
    """Below a table: why results of older code still stand, each reason once."""
    reasons = dict.fromkeys(f.measurement.carried_over for f in findings if f.measurement)
    words = "; ".join(reason for reason in reasons if reason)
    return element("p", f"Carried over: {words}.", class_="unrolled-carried") if words else None


def paper_figure(claim: Claim) -> str | None:
    """The paper's number, or None where it prints none."""
    return None if claim.paper_value is None else stated(claim.paper_value, claim.rule.tolerance)


def rows(shelf: Shelf, findings: Sequence[Finding], anchor: str) -> list[Row]:
    """One row a claim: statement, the paper's figure, ours, scale and verdict."""
    papers = aligned([paper_figure(f.claim) for f in findings])
    mine = aligned([ours(f) for f in findings])
    result = []
    for finding, paper, own in zip(findings, papers, mine, strict=True):
        mark = sure(finding.claim.paper_value_source.value) if paper is not None else None
        result.append(
            Row(
                (
                    statement(finding),
                    join((paper, mark), " ") if paper is not None else None,
                    own,
                    scale(finding, shelf.stale.get((finding.entry.slug, finding.claim.id))),
                    badge(finding.verdict),
                ),
                anchor=f"{anchor}{finding.claim.id}",
            )
        )
    return result


HEADS = ("What the paper says", "Paper", "Ours ± spread", "Scale", "Verdict")


def claims_table(shelf: Shelf, slug: str) -> Markup:
    """The chapter's table of claims, each row to be read as a sentence."""
    entry = shelf.entries[slug]
    if not entry.claims:
        return nothing("No claim is recorded for this entry yet.")
    findings = shelf.findings(entry)
    made = table(
        HEADS,
        rows(shelf, findings, "claim-"),
        class_="claims",
        caption=f"Claims of {entry.short}, and what we measured",
    )
    return wide(join((made, carried_over(findings))))


def wide(content: Markup) -> Markup:
    """A part that may use the margin on wide screens."""
    return element("div", content, class_="unrolled-wide")


def ledger(shelf: Shelf, place: Place) -> Markup:
    """Every claim of every entry: the paper's number against ours, and the reason where there is none."""
    entries = [e for e in shelf.ordered() if e.claims]
    counts = Counter(f.verdict for e in entries for f in shelf.findings(e))
    total = sum(counts.values())
    tally = element(
        "ul",
        *(element("li", badge(verdict, counts[verdict])) for verdict in ORDER if counts[verdict]),
        class_="unrolled-tally",
        aria_label="Verdicts of all claims",
    )
    parts: list[Markup] = [
        element(
            "p",
            f"{total} claims of {len(entries)} {'entry' if len(entries) == 1 else 'entries'}:",
            class_="unrolled-rubric",
        ),
        tally,
        element("details", element("summary", "What the verdicts mean"), legend(), class_="unrolled-fold"),
    ]
    parts.append(element("h2", "By entry", id="by-entry"))
    parts.append(overview(shelf, entries))
    part = None
    for entry in entries:
        if entry.part != part:
            part = entry.part
            parts.append(element("h2", PARTS[part], id=f"part-{part}"))
        heading = element(
            "h3", entry_link(shelf, entry.slug, place), " ", element("span", entry.year, class_="year")
        )
        parts.append(element("div", heading, id=f"ledger-{entry.slug}", class_="ledger-entry"))
        parts += accounts(shelf, entry)
    return join(parts)


def overview(shelf: Shelf, entries: Sequence[Entry]) -> Markup:
    """One line an entry: how many claims, and how many have which verdict."""
    lines = []
    for entry in entries:
        counted = dict(shelf.verdicts(entry))
        open_ = counted.pop(Verdict.NOT_ATTEMPTED, 0)
        verdicts = element(
            "ul", *(element("li", badge(v, n)) for v, n in counted.items()), class_="plain-list"
        )
        name = element("a", entry.short, href=f"#ledger-{entry.slug}", class_="reference internal")
        cells = (
            join((name, element("span", PARTS[entry.part], class_="locus")), " "),
            str(len(entry.claims)),
            verdicts if counted else None,
            str(open_) if open_ else None,
        )
        lines.append(Row(cells))
    heads = ("Entry", "Claims", "Measured", "Not attempted")
    return table(heads, lines, class_="overview", caption="Claims of each entry, and what came of them")


def accounts(shelf: Shelf, entry: Entry) -> list[Markup]:
    """What was measured, in a table; what was not, folded away, with the reasons."""
    findings = shelf.findings(entry)
    measured = [f for f in findings if f.measurement is not None]
    rest = [f for f in findings if f.measurement is None]
    parts = []
    if measured:
        caption = f"Claims of {entry.short}, measured"
        made = rows(shelf, measured, f"{entry.slug}-")
        parts.append(
            wide(join((table(HEADS, made, class_="claims", caption=caption), carried_over(measured))))
        )
    if rest:
        heads = ("What the paper says", "Paper", "Why it was not attempted")
        papers = aligned([paper_figure(f.claim) for f in rest])
        made = [
            Row(
                (
                    statement(f),
                    join((paper, sure(f.claim.paper_value_source.value)), " ") if paper is not None else None,
                    scale(f),
                ),
                anchor=f"{entry.slug}-{f.claim.id}",
            )
            for f, paper in zip(rest, papers, strict=True)
        ]
        caption = f"Claims of {entry.short}, not attempted"
        count = "1 claim" if len(rest) == 1 else f"{len(rest)} claims"
        parts.append(
            element(
                "details",
                element("summary", f"{count} not attempted, with the reasons"),
                wide(table(heads, made, class_="claims unattempted", caption=caption)),
                class_="unrolled-fold",
            )
        )
    return parts


def claim_words(finding: Finding, part: str) -> str:
    """What the role ``{claim}`` prints: the value with its spread and unit, or one part of it."""
    claim, m = finding.claim, finding.measurement
    if part == "verdict":
        return finding.verdict.value
    if part == "paper":
        figure = paper_figure(claim)
        return "no figure" if figure is None else _united(figure, claim)
    if m is None:
        return Verdict.NOT_ATTEMPTED.value if claim.not_attempted else "not measured yet"
    if part == "n":
        return str(m.n)
    if part == "scale":
        return m.scale or f"{m.profile} profile"
    if part == "value":
        return _united(number(m.value, m.spread), claim)
    return _united(with_spread(m.value, m.spread), claim)


def _united(text: str, claim: Claim) -> str:
    return f"{text} {claim.unit}" if claim.unit else text


PARTS_OF_A_CLAIM: Iterable[str] = ("", "value", "verdict", "n", "scale", "paper")


def claim_link(finding: Finding, part: str, shelf: Shelf, place: Place) -> Markup:
    """The words of a claim, linked to its row."""
    slug = finding.entry.slug
    if slug in shelf.chapters:
        address = place.to(f"notebooks/{slug}", f"claim-{finding.claim.id}")
    else:
        address = place.to("book/ledger", f"{slug}-{finding.claim.id}")
    return link(claim_words(finding, part), address, class_="unrolled-value", title=finding.claim.metric)
