"""Learning curves of the runs behind an entry's claims, drawn from the evidence: a line a seed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from unrolled.site.html import element, join
from unrolled.site.numbers import number
from unrolled.site.shelf import Shelf
from unrolled.site.tables import nothing

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 130, 28, 44
DASHES = ("", "7 4", "2 3", "9 3 2 3")
PREFERRED = ("valid_error", "valid_accuracy", "valid_loss", "loss")

Curve = Mapping[str, Sequence[float]]


def curves(shelf: Shelf, slug: str) -> Markup:
    """The validation curves of every variant that has been run, or a line that there is none."""
    evidence = shelf.evidence.get(slug)
    runs = {
        name: curve for name, curve in (evidence.curves if evidence else {}).items() if curve.get("update")
    }
    metric = next((m for m in PREFERRED if any(m in curve for curve in runs.values())), None)
    if metric is None:
        return nothing("No learning curve at the paper's scale has been collected yet.")
    lines = {name: (curve["update"], curve[metric]) for name, curve in runs.items() if metric in curve}
    variants = list(dict.fromkeys(variant_of(name) for name in lines))
    words = metric.replace("valid_", "validation ").replace("_", " ")
    counts = {v: sum(variant_of(name) == v for name in lines) for v in variants}
    seeds = ", ".join(f"{v} (n = {n})" for v, n in counts.items())
    caption = element("figcaption", f"{words.capitalize()} of the paper's runs, a line a seed: {seeds}.")
    return element("figure", chart(lines, variants, words, slug), caption, class_="unrolled-curves")


def variant_of(name: str) -> str:
    """The variant of a run named by variant and seed.

    >>> variant_of("pmnist-bn_lstm-s3")
    'pmnist-bn_lstm'
    """
    return re.sub(r"-s\d+$", "", name)


def chart(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    variants: Sequence[str],
    words: str,
    slug: str,
) -> Markup:
    """The drawing. The paper's own method takes the accent; the others are grey, told apart by dashes."""
    last = max(x for xs, _ in lines.values() for x in xs) or 1.0
    values = [y for _, ys in lines.values() for y in ys]
    low, high = min(values), max(values)
    if high - low < 1e-12:
        low, high = low - 0.5, high + 0.5

    def at(x: float, y: float) -> tuple[float, float]:
        across = LEFT + x / last * (WIDTH - LEFT - RIGHT)
        down = TOP + (high - y) / (high - low) * (HEIGHT - TOP - BOTTOM)
        return across, down

    parts: list[Markup] = [
        element("path", class_="axis", d=f"M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"),
        _text(LEFT - 8, TOP + 4, number(float(f"{high:.3g}")), "end"),
        _text(LEFT - 8, HEIGHT - BOTTOM + 4, number(float(f"{low:.3g}")), "end"),
        _text(WIDTH - RIGHT, HEIGHT - BOTTOM + 18, f"{last:,.0f}", "end"),
        _text(LEFT, HEIGHT - BOTTOM + 18, "0", "middle"),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "updates", "middle"),
        _text(LEFT - 8, TOP - 12, words, "start"),
    ]
    taken: list[float] = []
    for position, variant in enumerate(variants):
        own = variant == slug or variant.endswith((f"-{slug}", f"_{slug}"))
        mine = [lines[name] for name in lines if variant_of(name) == variant]
        for xs, ys in mine:
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in (at(x, y) for x, y in zip(xs, ys, strict=True)))
            dash = DASHES[position % len(DASHES)] if not own else ""
            style = f"line{' paper-method' if own else ''}"
            parts.append(element("polyline", points=points, class_=style, stroke_dasharray=dash or None))
        x, y = max((at(xs[-1], ys[-1]) for xs, ys in mine), key=lambda end: end[0])
        while any(abs(y - other) < 15 for other in taken):
            y += 15
        taken.append(y)
        parts.append(_text(x + 6, y + 4, variant, "start", "paper-method" if own else None))
    label = f"{words} against updates for {', '.join(variants)}"
    return element("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label)


def _text(x: float, y: float, words: str, anchor: str, class_: str | None = None) -> Markup:
    return element("text", join((words,)), x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, class_=class_)
