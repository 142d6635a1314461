"""Learning curves of an entry's evidence, drawn at build time: never older than the numbers beside them.

Runs that are compared share a panel: presets whose names begin alike, as ``jsb_rnn`` and ``jsb_vrnn`` do. A
preset has one colour and one name, a thin line for each seed, and their median. The style is the house's.
"""

from __future__ import annotations

import io
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from unrolled.base import paths
from unrolled.library.measurements import Run
from unrolled.site.html import Place
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.numbers import number
from unrolled.site.pictures import picture
from unrolled.site.tables import nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE = "execution/unrolled.mplstyle"

CAPTION = "Learning curves of the stored runs: a thin line for each seed, a thick one for their median."

WIDTH, HEIGHT = 3.9, 2.8

FEW = 3
"""So many presets share one panel whatever their names."""

CURVES_BEGIN = 0.05
"""The share of the updates that may leave the picture: the first ones of a bound are far below all others."""

DECADES = 30.0
"""A positive quantity whose largest value is so many times the smallest is drawn on a logarithmic axis."""

THOUSANDS = 10_000
"""From so many updates on they are counted in thousands."""

COLOURS = ("#0072b2", "#7f7f7f", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""The paper's method in the first, its baseline in the second."""

DASHES = ("-", (0, (6, 2)), "-.", (0, (3, 1, 1, 1)), (0, (2, 2)), "-", (0, (8, 2, 2, 2)))


class Metric(NamedTuple):
    """What a panel shows of a run."""

    name: str
    title: str
    label: str
    scale: float = 1.0
    from_zero: bool = False


LOSS = Metric("loss", "Training loss", "loss, nats", from_zero=True)
VALIDATION = (
    Metric("valid_bits", "Validation cost", "bits per sequence", from_zero=True),
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
    drawn = [one for one in panels if one]
    said = "Learning curves. " + " ".join(one.said for one in drawn)
    return picture([one.svg for one in drawn], said, place, kb.images)


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


class Panel(NamedTuple):
    """One picture, and what it shows in words."""

    svg: str
    said: str


def panel(slug: str, runs: Iterable[Run], metric: Metric, group: str = "") -> Panel | None:
    """One picture; None where no run has the metric."""
    import matplotlib.style
    from matplotlib.figure import Figure

    lines: dict[str, list[list[tuple[float, float]]]] = {}  # by preset
    for run in runs:
        if len(found := points(run, metric)) > 1:
            lines.setdefault(run.preset, []).append(found)
    if not lines:
        return None
    title = f"{metric.title}: {group}" if group else metric.title
    buffer = io.StringIO()
    with matplotlib.style.context(["default", paths.sources() / STYLE, {"text.parse_math": False}]):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot(ylabel=metric.label)
        axes.set_title(title, loc="left")
        for preset, seeds in lines.items():
            _draw(axes, seeds, kind(slug, preset, list(lines)))
        _scale(axes, [point for seeds in lines.values() for line in seeds for point in line], metric)
        if len(lines) > 1:
            _name(axes, slug, lines, group)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    said = "; ".join(_ends(name(preset, group), seeds) for preset, seeds in lines.items())
    return Panel(buffer.getvalue(), f"{title} ({metric.label}): {said}.")


def _draw(axes: Axes, seeds: Sequence[Sequence[tuple[float, float]]], style: int) -> None:
    """A thin line for each seed, and their median where they were looked at alike."""
    colour, dash = COLOURS[style], DASHES[style]
    alike = len({tuple(x for x, _ in line) for line in seeds}) == 1
    for line in seeds:
        alone = len(seeds) == 1 or not alike
        look = (
            {"linewidth": 1.8, "linestyle": dash}
            if alone
            else {"linewidth": 0.8, "alpha": 0.5, "linestyle": "-"}
        )
        axes.plot(*zip(*line, strict=True), color=colour, **look)
    if alike and len(seeds) > 1:
        middle = [
            statistics.median(values)
            for values in zip(*([y for _, y in line] for line in seeds), strict=True)
        ]
        axes.plot([x for x, _ in seeds[0]], middle, color=colour, linewidth=1.8, linestyle=dash)


def _scale(axes: Axes, found: Sequence[tuple[float, float]], metric: Metric) -> None:
    """Limits and numbers of both axes."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    end = max(x for x, _ in found)
    many = end >= THOUSANDS
    axes.set_xlabel("updates, thousands" if many else "updates")
    axes.set_xlim(0, end)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x / (1000 if many else 1):,.6g}"))
    shown = [y for x, y in found if x >= CURVES_BEGIN * end]
    if min(shown) > 0 and max(shown) > DECADES * min(shown):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}" if 1e-4 <= y < 1e5 else number(y)))
        return
    pad = 0.05 * (max(shown) - min(shown) or 1.0)
    axes.set_ylim(0.0 if metric.from_zero and min(shown) >= 0 else min(shown) - pad, max(shown) + pad)


def _name(
    axes: Axes, slug: str, lines: Mapping[str, Sequence[Sequence[tuple[float, float]]]], group: str
) -> None:
    """Write each preset's name at the end of its lines, in their colour."""
    inside = axes.transData + axes.transAxes.inverted()
    ends = {
        preset: min(1.0, max(0.0, statistics.fmean(inside.transform(line[-1])[1] for line in seeds)))
        for preset, seeds in lines.items()
    }
    for preset, at in spread(ends, 14 / (72 * HEIGHT * 0.75)).items():
        colour = COLOURS[kind(slug, preset, list(lines))]
        axes.text(1.02, at, name(preset, group), transform=axes.transAxes, va="center", color=colour)


def _ends(preset: str, seeds: Sequence[Sequence[tuple[float, float]]]) -> str:
    """Where the lines of a preset end, in words."""
    ends = sorted(line[-1][1] for line in seeds)
    if len(ends) == 1:
        return f"{preset} ends at {number(ends[0])}"
    return f"{preset} ends between {number(ends[0])} and {number(ends[-1])}, {len(ends)} seeds"


def kind(slug: str, preset: str, presets: Sequence[str]) -> int:
    """The colour of a preset: the paper's method in the accent, the others by their place."""
    if len(presets) == 1 or preset.startswith(slug) or preset.endswith(slug):
        return 0
    return presets.index(preset) % (len(COLOURS) - 1) + 1


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
