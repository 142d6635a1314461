"""The lineage of the entries as a picture whose nodes are links, and as a table of the same relations.

Columns are years and rows are parts of the book, so that the place of a node says something. An arrow leads
from a work to the one that it refers to; older works stand to the left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from unrolled.library.models import Entry, Relation
from unrolled.site.html import Place, render
from unrolled.site.knowledge import PARTS, KnowledgeBase
from unrolled.site.lineage import target_link
from unrolled.site.tables import Row, entry_link, nothing, table

MANNERS: dict[str, tuple[str, str]] = {
    "extends": ("builds", "builds on it"),
    "generalises": ("builds", ""),
    "replaces-component": ("builds", ""),
    "special-case-of": ("builds", ""),
    "combines": ("builds", ""),
    "baseline-of": ("compares", "compares with it"),
    "evaluates": ("compares", ""),
    "contradicts": ("compares", ""),
    "surveys": ("surveys", "surveys it"),
}
"""How an arrow of each type is drawn."""

LETTER, ROW, HEIGHT, GAP, HEAD, LANE = 7.25, 36, 26, 46, 34, 20


@dataclass(frozen=True)
class Node:
    """One box of the picture."""

    name: str  # slug, or key of a work outside the book
    label: str
    said: str  # for those who hear it
    href: str
    column: int
    lane: int
    own: bool
    ready: bool = False  # whether it has a chapter


@dataclass(frozen=True)
class Box:
    """Where a node stands."""

    x: float
    y: float
    width: float


def edges(kb: KnowledgeBase) -> Iterator[tuple[Entry, Relation, str]]:
    """Every relation with the name of the node that it leads to."""
    by_key = {entry.key: slug for slug, entry in kb.entries.items()}
    for entry in kb.ordered():
        for relation in entry.relations:
            target = relation.target
            yield entry, relation, target if target in kb.entries else by_key.get(target, target)


def nodes(kb: KnowledgeBase, place: Place) -> tuple[list[Node], list[str]]:
    """The boxes, and the names of the columns; an older work outside needs two entries."""
    lines = [(entry, target) for entry, _, target in edges(kb)]
    touched = {name for entry, target in lines for name in (entry.slug, target)}
    own = [e for e in kb.ordered() if e.kind != "reading" or e.slug in touched]
    own = [e for e in own if e.part != "reading"]
    if not own:
        return [], []
    counts = Counter(target for _, target in dict.fromkeys((e.slug, t) for e, t in lines))
    years = sorted({e.year for e in own})
    first = years[0]
    outside = [(kb.works[t], n) for t, n in counts.items() if t not in kb.entries and n > 1 and t in kb.works]
    before = [work for work, _ in outside if work.year.isdigit() and int(work.year) < first]
    columns = ([f"before {first}"] if before else []) + [str(year) for year in years]
    lanes = list(PARTS)
    found = []
    for entry in own:
        said = f"{entry.short}: {entry.title}, {entry.year}, {PARTS[entry.part]}"
        column = columns.index(str(entry.year))
        href = place.to(*kb.home(entry.slug))
        label, lane = entry.short.split(" (")[0], lanes.index(entry.part)
        ready = entry.slug in kb.chapters
        found.append(Node(entry.slug, label, said, href, column, lane, own=True, ready=ready))
    for work in sorted(before, key=lambda w: (w.year, w.key)):
        family = work.authors[0][0] if work.authors else work.title[:20]
        followers = Counter(e.part for e, t in lines if t == work.key)
        lane = lanes.index(max(followers, key=lambda part: (followers[part], -lanes.index(part))))
        href = place.to("book/bibliography", f"key-{work.key}")
        said = f"{work.short}: {work.title}, a work outside the book"
        found.append(Node(work.key, f"{family} {work.year}", said, href, 0, lane, own=False))
    return found, columns


def layout(
    found: list[Node], columns: list[str], gap: float = GAP
) -> tuple[dict[str, Box], dict[int, float], list[float]]:
    """Boxes by name, the top of each lane, and the left edges of the columns with the whole width at last."""
    widths = [
        max((len(n.label) for n in found if n.column == c), default=4) * LETTER + 18
        for c in range(len(columns))
    ]
    lefts = [10.0]
    for width in widths:
        lefts.append(lefts[-1] + width + gap)
    lefts[-1] -= gap / 2
    boxes: dict[str, Box] = {}
    tops: dict[int, float] = {}
    y = float(HEAD)
    for lane in sorted({n.lane for n in found}):
        tops[lane] = y
        stacks: Counter[int] = Counter()
        for node in (n for n in found if n.lane == lane):
            top = y + LANE + stacks[node.column] * ROW
            boxes[node.name] = Box(lefts[node.column], top, widths[node.column])
            stacks[node.column] += 1
        y += LANE + max(stacks.values()) * ROW + 8
    tops[-1] = y
    return boxes, tops, lefts


def path(source: Box, target: Box) -> str:
    """A curve from a box to another: to the left for an older work, around the right side within a column."""
    y1, y2 = source.y + HEIGHT / 2, target.y + HEIGHT / 2
    if target.x < source.x:
        x1, x2 = source.x, target.x + target.width
        bend = (x1 - x2) / 2
        return f"M{x1:.0f} {y1:.0f}C{x1 - bend:.0f} {y1:.0f} {x2 + bend:.0f} {y2:.0f} {x2 + 5:.0f} {y2:.0f}"
    x1, x2 = source.x + source.width, target.x + target.width
    if target.x > source.x:  # to a younger work: rare, and drawn from left to right
        bend = (target.x - x1) / 2
        return (
            f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {target.x - bend:.0f} {y2:.0f} "
            f"{target.x - 5:.0f} {y2:.0f}"
        )
    out = max(x1, x2) + 14 + min(28, abs(y2 - y1) / 7)
    return f"M{x1:.0f} {y1:.0f}C{out:.0f} {y1:.0f} {out:.0f} {y2:.0f} {x2 + 5:.0f} {y2:.0f}"


def picture(kb: KnowledgeBase, place: Place) -> Markup:
    """The whole picture: every relation, and the older works outside the book."""
    found, columns = nodes(kb, place)
    if not found:
        return nothing("No lineage is recorded yet.")
    lines = [(entry.slug, target, MANNERS[relation.type][0]) for entry, relation, target in edges(kb)]
    said = "Lineage of the papers; the table below holds the same relations"
    return drawn(found, columns, lines, said)


def drawn(
    found: list[Node], columns: list[str], lines: list[tuple[str, str, str]], said: str, gap: float = GAP
) -> Markup:
    """Nodes in their columns and lanes, with the lines (from, to, manner) between those that are there."""
    boxes, tops, lefts = layout(found, columns, gap)
    paths = [
        (path(boxes[source], boxes[target]), manner, source, target)
        for source, target, manner in lines
        if source in boxes and target in boxes and target != source
    ]
    return render(
        "graph",
        width=lefts[-1],
        height=tops[-1] + 6,
        lanes=[(list(PARTS.values())[lane], top) for lane, top in tops.items() if lane >= 0],
        columns=list(zip(columns, lefts, strict=False)),
        lines=paths,
        said=said,
        nodes=[(node, boxes[node.name]) for node in found],
        box_height=HEIGHT,
    )


def lineage(kb: KnowledgeBase, place: Place) -> Markup:
    """The picture in its own box, what its lines mean, and the table of all relations."""
    rows = [
        Row(
            (
                entry_link(kb, entry.slug, place),
                relation.type.replace("-", " "),
                target_link(kb, target, place),
                relation.evidence,
            )
        )
        for entry, relation, target in edges(kb)
    ]
    heads = ("Entry", "Relation", "To", "Where it is said")
    listing = table(heads, rows, class_="relations", caption=f"{len(rows)} relations")
    return render(
        "lineage",
        picture=picture(kb, place),
        manners=MANNERS,
        table=listing if rows else nothing("No relation is recorded yet."),
    )
