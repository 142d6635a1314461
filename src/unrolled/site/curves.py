"""Learning curves of an entry's evidence, drawn at build time: never older than the numbers beside them.

Runs that are compared share a panel: variants whose names begin alike, as ``jsb_rnn`` and ``jsb_vrnn`` do. A
variant has one colour and one name, and a line for each seed.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup

from unrolled.site.html import Place, element, join
from unrolled.site.numbers import number
from unrolled.site.shelf import Shelf
from unrolled.site.tables import nothing

WIDTH, HEIGHT = 330, 250
LEFT, TOP, BOTTOM = 54, 26, 42
LETTER = 6.6
"""The width of a letter of a name, in the picture's units; names in full make the picture's right margin."""

FEW = 3
"""So many variants share one panel whatever their names."""

COLOURS = 6
"""How many lines of a panel differ in colour; the style sheet has them."""

CURVES_BEGIN = 0.05
"""The share of the updates that may leave the picture: the first ones of a bound are far below all others."""

Curves = Mapping[str, Mapping[str, Sequence[float]]]
Points = list[tuple[float, float]]
At = Callable[[float, float], tuple[float, float]]


class Metric(NamedTuple):
    """What a panel shows of a run."""

    name: str
    title: str
    label: str
    scale: float = 1.0
    from_zero: bool = False


LOSS = Metric("loss", "Training loss", "loss, nats", from_zero=True)
VALIDATION = (
    Metric("valid_error", "Validation error", "error, %", 100.0, from_zero=True),
    Metric("valid_bound", "Validation bound", "bound, nats"),
    Metric("valid_auc", "Validation AUC", "AUC"),
    Metric("valid_accuracy", "Validation accuracy", "accuracy, %", 100.0),
    Metric("valid_loss", "Validation loss", "loss, nats", from_zero=True),
)
"""In the order in which they are looked for: the first that any run has is drawn."""


def curves(shelf: Shelf, slug: str, place: Place) -> Markup:
    """Training and validation over updates: a panel for each group of variants, a line for each run."""
    evidence = shelf.evidence.get(slug)
    runs = {} if evidence is None else {n: c for n, c in evidence.curves.items() if _long(c)}
    if not runs:
        return nothing("No run at the paper's scale is in the evidence yet.")
    valid = next((m for m in VALIDATION if any(m.name in curve for curve in runs.values())), None)
    groups = grouped(runs)
    metrics = [LOSS, valid] if len(groups) == 1 or valid is None else [valid]
    panels = [panel(slug, of, metric, group) for group, of in groups.items() for metric in metrics if metric]
    caption = element("figcaption", "Runs at the paper's scale: a colour a variant, a line a seed.")
    return element("figure", *(p for p in panels if p), caption, class_="unrolled-curves")


def grouped(runs: Curves) -> dict[str, Curves]:
    """The runs by the first word of their variant, unless they are few; those that are alone come last.

    >>> list(grouped({f"{data}_{model}-s0": {} for data in ("a", "b") for model in ("x", "y")}))
    ['a', 'b']
    """
    variants = list(dict.fromkeys(_variant(name) for name in runs))
    shared = Counter(variant.partition("_")[0] for variant in variants)
    words = [word for word, count in shared.items() if count > 1]
    if len(variants) <= FEW or not words:
        return {"": runs}
    found: dict[str, dict] = {word: {} for word in [*words, ""]}
    for name, curve in runs.items():
        word = _variant(name).partition("_")[0]
        found[word if word in words else ""][name] = curve
    return {word: of for word, of in found.items() if of}


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers that cover a range.

    >>> ticks(0, 930)
    [0, 250, 500, 750, 1000]
    >>> ticks(-8.9, -7.2)
    [-9, -8.5, -8, -7.5, -7]
    """
    step = (high - low) / wanted or 1.0
    size = 10 ** math.floor(math.log10(step))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= step * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [_plain(k * step) for k in range(first, max(last, first + 1) + 1)]


def panel(slug: str, curves: Curves, metric: Metric, group: str = "") -> Markup | None:
    """One metric of some runs as an SVG picture, or None where no run has it."""
    lines = {name: _points(curves[name], metric) for name in sorted(curves)}
    lines = {name: points for name, points in lines.items() if len(points) > 1}
    if not lines:
        return None
    names = {variant: _name(variant, group) for variant in dict.fromkeys(map(_variant, lines))}
    across = ticks(0, max(x for points in lines.values() for x, _ in points))
    up = _heights(lines, across[-1], metric.from_zero)
    right = 12 + LETTER * max(len(name) for name in names.values())
    width, height = WIDTH - LEFT - right, HEIGHT - TOP - BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        return (LEFT + width * x / across[-1], TOP + height * (up[-1] - y) / (up[-1] - up[0]))

    title = f"{metric.title}: {group}" if group else metric.title
    parts = _axes(title, metric.label, across, up, at, width)
    kinds = {variant: _kind(slug, variant, count) for count, variant in enumerate(names)}
    inside = re.sub(r"\W", "-", f"curves-{slug}-{metric.name}-{group}")
    drawn = [
        element(
            "path",
            d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (at(*point) for point in points)),
            class_=f"curve-line {kinds[_variant(name)]}",
        )
        for name, points in lines.items()
    ]
    box = element("rect", x=LEFT, y=TOP - 2, width=f"{width + 2:.1f}", height=height + 4)
    parts += [element("clipPath", box, id=inside), element("g", *drawn, clip_path=f"url(#{inside})")]
    for variant, x, y in _ends(lines, at):
        where = {"x": f"{x + 5:.1f}", "y": f"{y + 4:.1f}"}
        parts.append(element("text", names[variant], class_=f"curve-name {kinds[variant]}", **where))
    ends = "; ".join(f"{name} ends at {number(round(points[-1][1], 2))}" for name, points in lines.items())
    return element(
        "svg",
        element("title", f"{title}: {ends}"),
        join(parts),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        class_="unrolled-curve",
    )


def _axes(
    title: str, label: str, across: Sequence[float], up: Sequence[float], at: object, width: float
) -> list:
    """Title, grid, ticks and names of both axes."""
    parts = [element("text", title, x=LEFT, y=14, class_="curve-title")]
    for y in up:
        height = at(0, y)[1]
        parts.append(element("path", d=f"M{LEFT} {height:.1f}h{width:.1f}", class_="curve-grid"))
        parts.append(_tick(number(y), LEFT - 6, f"{height + 4:.1f}", "end"))
    for x in across:
        text = f"{x / 1000:g}k" if across[-1] >= 10_000 and x else f"{x:,.0f}".replace(",", " ")
        parts.append(_tick(text, f"{at(x, 0)[0]:.1f}", HEIGHT - BOTTOM + 16, "middle"))
    parts.append(_tick("updates", f"{LEFT + width / 2:.1f}", HEIGHT - 6, "middle"))
    middle = TOP + (HEIGHT - TOP - BOTTOM) / 2
    return [*parts, _tick(label, 12, middle, "middle", transform=f"rotate(-90 12 {middle})")]


def _tick(text: str, x: object, y: object, anchor: str, **more: object) -> Markup:
    return element("text", text, x=x, y=y, class_="curve-tick", text_anchor=anchor, **more)


def _heights(lines: Mapping[str, Points], end: float, from_zero: bool) -> list[float]:
    """Ticks upwards: from zero or the lowest value; the first updates' peaks stay out."""
    values = [y for points in lines.values() for x, y in points if x >= CURVES_BEGIN * end]
    values = values or [y for points in lines.values() for _, y in points]
    low, high = min(values), max(values)
    return ticks(min(low, 0) if from_zero else low, high)


def _ends(lines: Mapping[str, Points], at: At) -> list[tuple[str, float, float]]:
    """Where each variant's name goes: beside the end of its lines, 13 units apart, inside the picture."""
    ends: dict[str, list[tuple[float, float]]] = {}
    for name, points in lines.items():
        ends.setdefault(_variant(name), []).append(at(*points[-1]))
    places = sorted(
        ((v, max(x for x, _ in found), sum(y for _, y in found) / len(found)) for v, found in ends.items()),
        key=lambda item: item[2],
    )
    heights = [min(max(y, TOP), HEIGHT - BOTTOM) for _, _, y in places]
    for before, here in pairwise(range(len(heights))):
        heights[here] = max(heights[here], heights[before] + 13)
    heights[-1] = min(heights[-1], HEIGHT - BOTTOM)
    for here, after in reversed(list(pairwise(range(len(heights))))):
        heights[here] = min(heights[here], heights[after] - 13)
    return [(v, x, y) for (v, x, _), y in zip(places, heights, strict=True)]


def _kind(slug: str, variant: str, count: int) -> str:
    """The paper's method in the accent; the others by their place."""
    return (
        "curve-method"
        if variant.startswith(slug) or variant.endswith(slug)
        else f"curve-{count % COLOURS + 1}"
    )


def _name(variant: str, group: str) -> str:
    """A variant's name within its group."""
    return variant.removeprefix(group).lstrip("_").replace("_", " ") or variant


def _variant(name: str) -> str:
    return re.sub(r"-s\d+$", "", name)


def _long(curve: Mapping[str, Sequence[float]]) -> bool:
    """Whether a run has a curve at all: some only measure, with one update for form's sake."""
    return any(len(values) > 1 for name, values in curve.items() if name != "update")


def _points(curve: Mapping[str, Sequence[float]], metric: Metric) -> Points:
    values = curve.get(metric.name)
    if not values:
        return []
    updates = curve.get(f"{metric.name}_update") or curve.get("update", ())
    return [(x, y * metric.scale) for x, y in zip(updates, values, strict=True)]


def _plain(value: float) -> float:
    return int(value) if value == int(value) else round(value, 10)
