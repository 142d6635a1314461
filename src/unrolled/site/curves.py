"""Learning curves of an entry's evidence, drawn at build time: never older than the numbers beside them.

Runs that are compared share a panel: presets whose names begin alike, as ``jsb_rnn`` and ``jsb_vrnn`` do. A
preset has one colour and one name, and a line for each seed. Colours are the style sheet's, light and dark.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup, escape

from unrolled.library.measurements import Run
from unrolled.site.html import Place, element
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.numbers import number
from unrolled.site.tables import nothing

WIDTH, HEIGHT = 330, 250

FEW = 3
"""So many presets share one panel whatever their names."""

CURVES_BEGIN = 0.05
"""The share of the updates that may leave the picture: the first ones of a bound are far below all others."""

COLOURS = ("accent", "quiet", "bad", "good", "warn", "fifth", "ink", "line")
"""Of the style sheet. In a drawing the n-th is #00000n, since matplotlib knows no variables."""

DASHES = ("-", (0, (6, 2)), "-", "-", (0, (2, 2)), "-", (0, (8, 2, 2, 2)))

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "unrolled",
    "text.parse_math": False,
    "font.size": 12,
    "axes.titlesize": 13,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    **dict.fromkeys(("axes.edgecolor", "grid.color"), "#000008"),
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), "#000002"),
}


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


def curves(kb: KnowledgeBase, slug: str, place: Place) -> Markup:
    """Training and validation over updates: a panel for each group of presets, a line for each run."""
    evidence = kb.evidence.get(slug)
    runs = [run for run in (evidence.runs.values() if evidence else ()) if long(run)]
    if not runs:
        return nothing("No stored run of this entry has a curve yet.")
    valid = next((m for m in VALIDATION if any(m.name in run.curve for run in runs)), None)
    groups = grouped(runs)
    metrics = [LOSS, valid] if len(groups) == 1 or valid is None else [valid]
    panels = [panel(slug, of, metric, group) for group, of in groups.items() for metric in metrics if metric]
    caption = element("figcaption", "Stored runs: one colour for each preset, one line for each seed.")
    return element("figure", *panels, caption, class_="unrolled-curves")


def long(run: Run) -> bool:
    """Whether a run has a curve at all: some only measure."""
    return any(len(values) > 1 for name, values in run.curve.items() if not name.endswith("update"))


def grouped(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs by the first word of their preset, unless they are few; those that are alone come last."""
    presets = dict.fromkeys(run.preset for run in runs)
    if len(presets) <= FEW:
        return {"": list(runs)}
    counts = Counter(preset.partition("_")[0] for preset in presets)
    found: dict[str, list[Run]] = {}
    for run in runs:
        head = run.preset.partition("_")[0]
        found.setdefault(head if counts[head] > 1 else "", []).append(run)
    return dict(sorted(found.items(), key=lambda item: not item[0]))


def points(run: Run, metric: Metric) -> list[tuple[float, float]]:
    """The curve of a metric: updates and values."""
    values = run.curve.get(metric.name, ())
    updates = run.curve.get(f"{metric.name}_update") or run.curve.get("update", ())
    return [(x, y * metric.scale) for x, y in zip(updates, values, strict=True)] if values else []


def panel(slug: str, runs: Iterable[Run], metric: Metric, group: str = "") -> Markup | None:
    """One picture; None where no run has the metric."""
    import matplotlib
    from matplotlib.figure import Figure

    lines = [(run, found) for run in runs if len(found := points(run, metric)) > 1]
    if not lines:
        return None
    presets = list(dict.fromkeys(run.preset for run, _ in lines))
    title = f"{metric.title}: {group}" if group else metric.title
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), layout="constrained")
        axes = figure.add_subplot(xlabel="updates", ylabel=metric.label, title=title)
        for run, found in lines:
            style = kind(slug, run.preset, presets)
            axes.plot(
                *zip(*found, strict=True), color=f"#00000{style + 1}", linestyle=DASHES[style], linewidth=1.5
            )
        end = max(x for _, found in lines for x, _ in found)
        shown = [y for _, found in lines for x, y in found if x >= CURVES_BEGIN * end]
        pad = 0.05 * (max(shown) - min(shown) or 1.0)
        axes.set_ylim(0.0 if metric.from_zero and min(shown) >= 0 else min(shown) - pad, max(shown) + pad)
        ends = {p: [found[-1][1] for run, found in lines if run.preset == p] for p in presets}
        heights = {p: sum(values) / len(values) for p, values in ends.items()}
        low, high = axes.get_ylim()
        for preset, at in spread(
            {p: (y - low) / (high - low) for p, y in heights.items()}, 15 / HEIGHT
        ).items():
            style = kind(slug, preset, presets)
            axes.text(
                1.02,
                at,
                name(preset, group),
                transform=axes.transAxes,
                va="center",
                color=f"#00000{style + 1}",
            )
        drawing = io.StringIO()
        figure.savefig(drawing, format="svg", metadata={"Date": None, "Creator": None})
    said = "; ".join(
        f"{name(run.preset, group)}, seed {run.seed}, ends at {number(y[-1][1])}" for run, y in lines
    )
    return in_page(drawing.getvalue(), f"{title}: {said}")


def in_page(svg: str, said: str) -> Markup:
    """A drawing of matplotlib as part of a page: its colours the style sheet's, its name told."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' id="(?!m?[0-9a-f]{10}|p[0-9a-f]{10})[\w.]+"', "", svg)  # those that nothing refers to
    svg = re.sub(r"#00000([1-8])", lambda m: f"var(--unrolled-{COLOURS[int(m[1]) - 1]})", svg)
    head = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" class="unrolled-curve"><title>{escape(said)}</title>'
    )
    return Markup(re.sub(r"<svg[^>]*>", lambda m: head, svg, count=1).replace("xlink:href", "href"))


def kind(slug: str, preset: str, presets: Sequence[str]) -> int:
    """The colour of a preset: the paper's method in the accent, the others by their place."""
    if preset.startswith(slug) or preset.endswith(slug):
        return 0
    return presets.index(preset) % (len(DASHES) - 1) + 1


def spread(places: dict[str, float], gap: float) -> dict[str, float]:
    """Heights between 0 and 1, moved apart as far as names need, and not above the picture."""
    found = dict(sorted(places.items(), key=lambda item: item[1]))
    names = list(found)
    for below, here in pairwise(names):
        found[here] = max(found[here], found[below] + gap)
    found[names[-1]] = min(found[names[-1]], 1.0)
    for here, above in reversed(list(pairwise(names))):
        found[here] = min(found[here], found[above] - gap)
    return found


def name(preset: str, group: str) -> str:
    """A preset's name within its group."""
    return preset.removeprefix(group).lstrip("_").replace("_", " ") or preset
