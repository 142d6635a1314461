"""The lineage of the entries as a picture whose nodes are links, and as a table of the same relations.

Columns are years and rows are parts of the book, so that the place of a node says something. An arrow leads
from a work to the one that it refers to; older works stand to the left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from unrolled.library.models import Entry, Relation
from unrolled.site.html import Place, element, render
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
        found.append(
            Node(entry.slug, entry.short.split(" (")[0], said, href, column, lanes.index(entry.part), True)
        )
    for work in sorted(before, key=lambda w: (w.year, w.key)):
        family = work.authors[0][0] if work.authors else work.title[:20]
        followers = Counter(e.part for e, t in lines if t == work.key)
        lane = lanes.index(max(followers, key=lambda part: (followers[part], -lanes.index(part))))
        href = place.to("book/bibliography", f"key-{work.key}")
        said = f"{work.short}: {work.title}, a work outside the book"
        found.append(Node(work.key, f"{family} {work.year}", said, href, 0, lane, False))
    return found, columns


def layout(found: list[Node], columns: list[str]) -> tuple[dict[str, Box], dict[int, float], list[float]]:
    """Boxes by name, the top of each lane, and the left edges of the columns with the whole width at last."""
    widths = [
        max((len(n.label) for n in found if n.column == c), default=4) * LETTER + 18
        for c in range(len(columns))
    ]
    lefts = [10.0]
    for width in widths:
        lefts.append(lefts[-1] + width + GAP)
    lefts[-1] -= GAP / 2
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
    """The picture alone."""
    found, columns = nodes(kb, place)
    if not found:
        return nothing("No lineage is recorded yet.")
    boxes, tops, lefts = layout(found, columns)
    width, height = lefts[-1], tops[-1] + 6
    grounds, lines = [], []
    for lane, top in tops.items():
        if lane < 0:
            continue
        label = PARTS[list(PARTS)[lane]]
        grounds.append(element("line", x1=0, x2=f"{width:.0f}", y1=f"{top:.0f}", y2=f"{top:.0f}"))
        grounds.append(element("text", label, x=10, y=f"{top + 14:.0f}", class_="lane"))
    for name, left in zip(columns, lefts, strict=False):
        grounds.append(element("text", name, x=f"{left:.0f}", y=20, class_="column"))
    for entry, relation, target in edges(kb):
        if entry.slug in boxes and target in boxes and target != entry.slug:
            lines.append(
                element(
                    "path",
                    d=path(boxes[entry.slug], boxes[target]),
                    class_=MANNERS[relation.type][0],
                    data_from=entry.slug,
                    data_to=target,
                    marker_end="url(#unrolled-arrow)",
                )
            )
    return element(
        "svg",
        Markup(
            '<defs><marker id="unrolled-arrow" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="7" '
            'markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z"/>'
            "</marker></defs>"
        ),
        element("g", *grounds, class_="ground", aria_hidden="true"),
        element("g", *lines, class_="edges", aria_hidden="true"),
        element("g", *(_node(node, boxes) for node in found), class_="nodes"),
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        role="group",
        aria_label="Lineage of the papers; the table below holds the same relations",
    )


def _node(node: Node, boxes: Mapping[str, Box]) -> Markup:
    box = boxes[node.name]
    return element(
        "a",
        element("rect", x=f"{box.x:.0f}", y=f"{box.y:.0f}", width=f"{box.width:.0f}", height=HEIGHT, rx=4),
        element("text", node.label, x=f"{box.x + 9:.0f}", y=f"{box.y + 17.5:.0f}"),
        href=node.href,
        aria_label=node.said,
        class_="node own" if node.own else "node",
        data_node=node.name,
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
