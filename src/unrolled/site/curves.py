"""Learning curves of an entry's evidence, drawn at build time: never older than the numbers beside them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from unrolled.site.html import Place, element, join
from unrolled.site.numbers import number
from unrolled.site.shelf import Shelf
from unrolled.site.tables import nothing

WIDTH, HEIGHT = 330, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 78, 26, 42

Curves = Mapping[str, Mapping[str, Sequence[float]]]


def curves(shelf: Shelf, slug: str, place: Place) -> Markup:
    """Training loss and validation error over updates, one line a run, named at its end."""
    evidence = shelf.evidence.get(slug)
    if evidence is None or not evidence.curves:
        return nothing("No run at the paper's scale is in the evidence yet.")
    panels = [
        panel(slug, evidence.curves, "loss", "Training loss", "loss, nats", 1.0),
        panel(slug, evidence.curves, "valid_error", "Validation error", "error, %", 100.0),
    ]
    names = ", ".join(sorted({_variant(name) for name in evidence.curves}))
    caption = element("figcaption", f"Runs at the paper's scale, one line a run ({names}).")
    return element("figure", *(p for p in panels if p), caption, class_="unrolled-curves")


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers that cover a range.

    >>> ticks(0, 930)
    [0, 250, 500, 750, 1000]
    """
    step = (high - low) / wanted or 1.0
    size = 10 ** math.floor(math.log10(step))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= step * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step - 1e-9)
    return [_plain(k * step) for k in range(first, last + 1)]


def panel(slug: str, curves: Curves, metric: str, title: str, label: str, scale: float) -> Markup | None:
    """One metric of all runs as an SVG picture, or None where no run has it."""
    lines = {name: _points(curve, metric, scale) for name, curve in curves.items()}
    lines = {name: points for name, points in lines.items() if points}
    if not lines:
        return None
    across = ticks(0, max(x for points in lines.values() for x, _ in points))
    up = ticks(0, max(y for points in lines.values() for _, y in points))
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        return (LEFT + width * x / across[-1], TOP + height * (1 - y / up[-1]))

    parts = [element("text", title, x=LEFT, y=14, class_="curve-title")]
    for y in up:
        line = f"M{LEFT} {at(0, y)[1]:.1f}h{width}"
        parts += [element("path", d=line, class_="curve-grid")]
        parts += [
            element(
                "text",
                number(y),
                x=LEFT - 6,
                y=f"{at(0, y)[1] + 4:.1f}",
                class_="curve-tick",
                text_anchor="end",
            )
        ]
    for x in across:
        text = f"{x:,.0f}".replace(",", " ")
        parts.append(
            element(
                "text",
                text,
                x=f"{at(x, 0)[0]:.1f}",
                y=HEIGHT - BOTTOM + 16,
                class_="curve-tick",
                text_anchor="middle",
            )
        )
    parts.append(
        element(
            "text", "updates", x=LEFT + width / 2, y=HEIGHT - 6, class_="curve-tick", text_anchor="middle"
        )
    )
    middle = TOP + height / 2
    turned = f"rotate(-90 12 {middle})"
    parts.append(
        element("text", label, x=12, y=middle, transform=turned, class_="curve-tick", text_anchor="middle")
    )
    labelled: list[float] = []
    for name, points in sorted(lines.items(), key=lambda item: -item[1][-1][1]):
        kind = "method" if _variant(name).startswith(slug) else "baseline"
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (at(*point) for point in points))
        parts.append(element("path", d=path, class_=f"curve-line curve-{kind}"))
        x, y = at(*points[-1])
        y = max(y, labelled[-1] + 13) if labelled else y
        labelled.append(y)
        seed = name.rpartition("-s")[2]
        parts.append(
            element(
                "text",
                f"{_variant(name)}, {seed}",
                x=f"{x + 5:.1f}",
                y=f"{y + 4:.1f}",
                class_=f"curve-name curve-{kind}",
            )
        )
    ends = "; ".join(f"{name} ends at {number(round(points[-1][1], 2))}" for name, points in lines.items())
    return element(
        "svg",
        element("title", f"{title}: {ends}"),
        join(parts),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        class_="unrolled-curve",
    )


def _variant(name: str) -> str:
    return re.sub(r"-s\d+$", "", name)


def _points(curve: Mapping[str, Sequence[float]], metric: str, scale: float) -> list[tuple[float, float]]:
    values = curve.get(metric)
    if not values:
        return []
    updates = curve.get(f"{metric}_update") or curve.get("update", ())
    return [(x, y * scale) for x, y in zip(updates, values, strict=True)]


def _plain(value: float) -> float:
    return int(value) if value == int(value) else round(value, 10)
