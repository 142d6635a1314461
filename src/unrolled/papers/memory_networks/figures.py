"""What the chapter draws: accuracy while learning, the table of the simulated world, and stories as read.

No panel is wider than a telephone can show with its letters in their size.
A stored run is one of the evidence: it has a ``config``, ``metrics`` and a ``curve``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

BLUE, VERMILLION, GREY, INK = "#0072B2", "#D55E00", "#7F7F7F", "#757575"

WIDTH = 4.9
"""Inches of a panel, so that its letters keep their size on a telephone."""

LOOKS: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "linestyle": "-"},
    {"color": GREY, "linestyle": (0, (6, 1.5))},
    {"color": VERMILLION, "linestyle": "-."},
)
"""The paper's method, its baseline, and a third."""

Groups = Mapping[str, Sequence[Any]]
"""Stored runs by the name that the figure gives them; an empty group only keeps its look free."""


def curves(groups: Groups, metric: str = "valid_accuracy", guess: float | None = None) -> None:
    """Accuracy while learning, over updates, a line for each run."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(WIDTH, 2.9))
    for look, (name, runs) in zip(LOOKS, groups.items(), strict=False):
        for count, run in enumerate(runs):
            accuracy = [100 * value for value in run.curve[metric]]
            ax.plot(
                run.curve["update"], accuracy, label="_" if count else name, linewidth=1.3, alpha=0.85, **look
            )
    if guess is not None:
        ax.axhline(guess, color=INK, linestyle=":", linewidth=1.2)
        place = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "bottom"}
        ax.annotate("guessing a room", (1, guess), **place)
    ax.set(xlabel="updates", ylabel="accuracy, %", xlim=(0, None), ylim=(0, 102))
    ax.legend()


def live(curve: tuple[Sequence[float], Sequence[float]]) -> None:
    """The chapter's own run: accuracy on validation questions while it learns."""
    from matplotlib import pyplot

    updates, accuracy = curve
    _, ax = pyplot.subplots(figsize=(WIDTH, 2.7))
    ax.plot(updates, [100 * value for value in accuracy], **LOOKS[0])
    ax.set(xlabel="updates", ylabel="accuracy, %", xlim=(0, None), ylim=(0, 102))


def table(
    found: Mapping[str, Sequence[Any]], columns: Mapping[str, str], models: Mapping[str, tuple[Any, ...]]
) -> None:
    """The paper's table as a chart: a panel for each column, a line for each model, a dot for each seed.

    Args:
        found: stored runs by preset, ``column_model``.
        columns: their titles.
        models: the name of each, and what the paper has in each column, in per cent; open squares.
    """
    from matplotlib import pyplot

    size = (WIDTH, 0.5 + len(columns) * (0.42 + 0.2 * len(models)))
    _, axes = pyplot.subplots(len(columns), figsize=size, sharex=True)
    for number, (ax, (column, title)) in enumerate(zip(axes, columns.items(), strict=True)):
        for place, (model, (name, *paper)) in enumerate(models.items()):
            colour = BLUE if name.startswith("two") else VERMILLION if name.startswith("one") else GREY
            ours = [100 * run.metrics["test_accuracy"] for run in found.get(f"{column}_{model}", ())]
            dots = ax.scatter(ours, [place] * len(ours), s=26, color=colour, alpha=0.7, zorder=3)
            square = {"marker": "s", "facecolors": "none", "edgecolors": INK, "s": 46, "zorder": 2}
            squares = ax.scatter(paper[number], place, **square)
        ax.set_yticks(range(len(models)), [name for name, *_ in models.values()])
        ax.set(xlim=(0, 104), ylim=(len(models) - 0.4, -0.6))
        ax.set_title(title, loc="left")
    axes[-1].set_xlabel("right answers to test questions, %")
    place = {"loc": "upper left", "bbox_to_anchor": (0, -0.45), "ncols": 2, "handletextpad": 0.1}
    axes[-1].legend([dots, squares], ["ours, each seed", "the paper's (recalled)"], **place)


def stories(read: Sequence[tuple[Any, str, Sequence[int]]]) -> None:
    """Stories from top to bottom, with the memories that the hops picked: questions, answers, and slots."""
    from matplotlib import pyplot

    heights = [len(question.story) + 1.6 for question, *_ in read]
    size = (WIDTH, 0.25 * sum(heights))
    _, axes = pyplot.subplots(len(read), figsize=size, height_ratios=heights, squeeze=False)
    for ax, (question, answer, picked) in zip(axes[:, 0], read, strict=True):
        lines = len(question.story)
        ax.set(xlim=(0, 1), ylim=(lines + 1, -0.6))
        ax.axis("off")
        for place, fact in enumerate(question.story):
            hops = [f"hop {hop}" for hop, slot in enumerate(picked, 1) if slot == place + 1]
            look = {"color": BLUE, "weight": "bold"} if hops else {"color": INK}
            ax.text(0.01, place, fact.text, va="center", **look)
            ax.text(0.99, place, " and ".join(hops), va="center", ha="right", **look)
        ax.plot([0, 1], [lines - 0.4] * 2, color=INK, linewidth=0.8)
        ax.text(0.01, lines + 0.3, question.text, va="center", color=INK)
        ax.text(0.99, lines + 0.3, answer, va="center", ha="right", color=BLUE, weight="bold")
