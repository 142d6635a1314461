"""What the chapter draws: quality over length and over updates, maps of alignment, and words that need none.

Panels stand beside one another, each as wide as a phone's screen, so that a page can put one below the other.
Stored runs are the evidence's, with ``metrics`` and ``curve``; groups of them carry the name that the figure
prints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from unrolled.tasks.figures import alignment_map, by_length
from unrolled.tasks.translation import CAPTIONS, SHORTER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 3.6
"""Inches of one of two panels: 346 pixels."""

ALONE = 4.9
"""Inches of a panel that has no other beside it."""

METHOD, BASELINE, OTHER, INK = "#0072B2", "#7F7F7F", "#D55E00", "#757575"

LOOKS: tuple[dict[str, Any], ...] = (
    {"color": METHOD, "linestyle": "-", "marker": "o"},
    {"color": BASELINE, "linestyle": (0, (6, 1.5)), "marker": "s"},
)
"""The paper's method, then its baseline."""

Groups = Mapping[str, Sequence[Any]]
Curve = tuple[Sequence[Any], Sequence[Any]]


def canvas(panels: int, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of some panels."""
    from matplotlib import pyplot

    size = (ALONE if panels == 1 else WIDTH * panels, height)
    figure, axes = pyplot.subplots(1, panels, figsize=size, layout="constrained", squeeze=False)
    return figure, list(axes[0])


def every_seed(ax: Axes, curves: Sequence[Curve], look: Mapping[str, Any], label: str) -> None:
    """A thin line for each seed, and their mean with markers and the name."""
    for curve in curves if len(curves) > 1 else ():
        ax.plot(*curve, "-", color=look["color"], linewidth=0.7, alpha=0.45)
    mean = [sum(values) / len(values) for values in zip(*(y for _, y in curves), strict=True)]
    ax.plot(curves[0][0], mean, label=label, markersize=4, **look)


def numbers(groups: Groups) -> Figure:
    """Spelled numbers: what is right by length at the end of training, and for long ones on the way there."""
    figure, (left, right) = canvas(2, 3.2)
    for look, (name, runs) in zip(LOOKS, groups.items(), strict=True):
        every_seed(left, [by_length(run.metrics) for run in runs], look, name)
        long = [_over_updates(run, ("valid_exact_long",)) for run in runs]
        every_seed(right, long, look | {"marker": ""}, f"{name}, long")
    short = tuple(f"valid_exact_{a}_{b}" for a, b in SHORTER if b <= 8)
    look = {"color": OTHER, "linestyle": ":", "marker": ""}
    every_seed(right, [_over_updates(run, short) for run in runs], look, f"{name}, short")
    left.set(xlabel="English words in the number", xticks=range(2, 18, 2), ylim=(84, 101))
    right.set(xlabel="updates", ylim=(-4, 104))
    for ax, title in ((left, "After training"), (right, "On the way there")):
        ax.set(ylabel="right word for word, %", title=title)
    left.legend(loc="lower left")
    right.legend(loc="lower right")
    return figure


def _over_updates(run: Any, metrics: Sequence[str]) -> Curve:
    """The mean of several shares over a stored run's updates, in per cent."""
    parts = zip(*(run.curve[name] for name in metrics), strict=True)
    return run.curve["update"], [100 * sum(values) / len(values) for values in parts]


def stays_above(runs: Sequence[Any], percent: int) -> int:
    """The update from which on the mean share of right long numbers stays at so many per cent or above."""
    updates = runs[0].curve["update"]
    shares = [sum(of) / len(of) for of in zip(*(run.curve["valid_exact_long"] for run in runs), strict=True)]
    below = [n for n, share in enumerate(shares) if 100 * share < percent]
    return int(updates[below[-1] + 1 if below else 0])


def training(losses: Sequence[float], width: int = 10) -> Figure:
    """A live run's training loss, each update and the mean of the last ``width``."""
    figure, (ax,) = canvas(1, 2.6)
    updates = range(1, len(losses) + 1)
    mean = [sum(losses[max(0, n - width) : n]) / min(n, width) for n in updates]
    ax.plot(updates, losses, "-", color=METHOD, linewidth=0.7, alpha=0.5)
    ax.plot(updates, mean, "-", color=METHOD)
    ax.set(xlabel="updates", ylabel="training loss, nats per word", ylim=(0, None))
    return figure


def bleu_over_length(groups: Groups) -> Figure:
    """The paper's Figure 2 on captions: BLEU of the beam in groups of the source's length."""
    figure, (ax,) = canvas(1, 3.2)
    middles = [(a + b) / 2 for a, b in CAPTIONS[1:-1]]
    middles = [6.5, *middles, 22.0]
    for look, (name, runs) in zip(LOOKS, groups.items(), strict=True):
        curves = [[run.metrics[f"test_bleu_beam_{a}_{b}"] for a, b in CAPTIONS] for run in runs]
        every_seed(ax, [(middles, curve) for curve in curves], look, name)
    names = [f"≤{CAPTIONS[0][1]}", *(f"{a}–{b}" for a, b in CAPTIONS[1:-1]), f"≥{CAPTIONS[-1][0]}"]
    ax.set_xticks(middles, names)
    ax.set(xlabel="English words in the caption", ylabel="BLEU, beam of 5", ylim=(0, None))
    ax.legend(loc="lower left")
    return figure


def looking(shares: Mapping[str, tuple[float, float]]) -> Figure:
    """For each word, how often its largest weight is in a right place, and how often it is still right where
    its context says nothing about places. In per cent."""
    figure, (ax,) = canvas(1, 0.27 * len(shares) + 1.0)
    ordered = sorted(shares.items(), key=lambda item: item[1][0] - item[1][1])
    for row, (_, (place, blind)) in enumerate(ordered):
        ax.plot([place, blind], [row, row], "-", color=INK, linewidth=0.8, alpha=0.6)
    places, blinds = zip(*(pair for _, pair in ordered), strict=True)
    rows = range(len(ordered))
    ax.plot(places, rows, "o", color=METHOD, label="weight in a right place")
    ax.plot(blinds, rows, "D", color=OTHER, label="right without looking")
    ax.set_yticks(rows, [word for word, _ in ordered])
    ax.set(xlim=(-4, 104), xlabel="% of its places")
    figure.legend(loc="outside upper center", ncols=2, handletextpad=0.2, columnspacing=1.0)
    return figure


def maps(panels: Mapping[str, tuple[Any, Any, Any, int]]) -> Figure:
    """Alignment of spelled numbers as in the paper's Figure 3: for each panel the experiment, the model, the
    pairs and which of them."""
    figure, axes = canvas(len(panels), 4.0)
    for ax, (title, of) in zip(axes, panels.items(), strict=True):
        image = alignment_map(ax, *of)
        ax.set_title(title)
        figure.colorbar(image, ax=ax, label="weight", shrink=0.7, pad=0.02)
    return figure


def caption_maps(captions: Sequence[Mapping[str, Any]]) -> Figure:
    """The same of kept captions (`unrolled.papers.bahdanau_attention.traces`), a panel for each."""
    figure, axes = canvas(len(captions), 4.0)
    for ax, of in zip(axes, captions, strict=True):
        image = ax.imshow(of["alpha"], cmap="viridis", vmin=0, vmax=1, aspect="auto")
        ax.set_xticks(range(len(of["source"])), of["source"], rotation=60, ha="right")
        ax.set_yticks(range(len(of["target"])), of["target"])
        ax.grid(False)
        figure.colorbar(image, ax=ax, label="weight", shrink=0.7, pad=0.02)
    return figure
