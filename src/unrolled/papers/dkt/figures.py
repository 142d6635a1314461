"""What the chapter draws: the audit of the released files, influences, one student, and curricula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from unrolled.execution.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, heat, role
from unrolled.papers.dkt.studies import Lesson

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE)
"""One for each hidden concept."""

AUDITED = (
    ("DKT (LSTM)", "assistments-auc", "without-runs", "clean-auc"),
    ("BKT with forgetting", "forgetting-raw", "forgetting-without-runs", "forgetting-clean"),
    (
        "three moving averages",
        "moving-averages-come-close",
        "moving-averages-without-runs",
        "moving-averages-clean",
    ),
    ("BKT", "bkt-pooled", "bkt-without-runs", "bkt-clean"),
    ("last answer", "last-answer-raw", "last-answer-without-runs", "last-answer-clean"),
    ("mean of the tag", "marginal-auc", "marginal-without-runs", "marginal-clean"),
)
"""A predictor, and the archived claims that hold its AUC on the released file, without long runs, merged."""

FILES = (
    ("o", VERMILLION, "released files"),
    ("s", ORANGE, "the same, no long runs"),
    ("D", BLUE, "merged skills"),
)

PUBLISHED = (
    (5, 0.86, "Piech 0.86", "center"),
    (5, 0.74, "Xiong 0.73–0.75", "right"),
    (4, 0.83, "Khajah 0.83", "center"),
    (2, 0.67, "Piech 0.67", "right"),
    (2, 0.73, "Khajah 0.73", "left"),
    (0, 0.62, "Piech 0.62", "center"),
)
"""Row, AUC, name, and where the name stands."""


def audit_table(measured: Mapping[str, float]) -> str:
    """The rows of `audit` as text, with two decimals."""
    lines = [f"{'AUC, pooled':24}released  no long runs  merged"]
    for name, *claims in AUDITED:
        numbers = [f"{measured[c]:.2f}" if c in measured else "-" for c in claims]
        lines.append(f"{name:24}{numbers[0]:>8}  {numbers[1]:>12}  {numbers[2]:>6}")
    return "\n".join(lines)


def audit(measured: Mapping[str, float]) -> None:
    """AUC of six predictors on three versions of the released files, with published numbers."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(6.6, 3.9))
    for row, (_, *claims) in enumerate(reversed(AUDITED)):
        values = [measured[c] for c in claims]
        ax.plot((min(values), max(values)), (row, row), "-", color=GREY, linewidth=1)
        for value, (marker, colour, _) in zip(values, FILES, strict=True):
            ax.plot(value, row, marker, markersize=7, color=colour)
    over = {"center": 0, "right": 0.012, "left": -0.012}
    for row, value, text, side in PUBLISHED:
        ax.plot((value, value), (row - 0.2, row + 0.2), "--", color=GREY, linewidth=1.2)
        ax.annotate(text, (value + over[side], row + 0.36), ha=side, va="center")
    for marker, colour, label in FILES:
        ax.plot([], [], marker, color=colour, label=label)
    ax.set(
        yticks=range(len(AUDITED)),
        yticklabels=[name for name, *_ in reversed(AUDITED)],
        xlabel="AUC, pooled over test answers",
        xlim=(0.56, 0.89),
        ylim=(-0.5, 5.8),
        title="What the released data are worth",
    )
    ax.legend(loc="lower right")


def influence_map(J: Tensor, concepts: np.ndarray) -> None:
    """Influences, in per cent, of exercises sorted by hidden concept; the diagonal is left out."""
    from matplotlib import pyplot

    order = np.argsort(concepts, kind="stable")
    picture = 100 * J.numpy()[np.ix_(order, order)].copy()
    np.fill_diagonal(picture, np.nan)
    figure, ax = pyplot.subplots(figsize=(4.6, 3.8))
    image = ax.imshow(picture, cmap="viridis", vmin=1.6, vmax=2.6)
    ax.grid(False)
    for border in np.flatnonzero(np.diff(concepts[order])) + 0.5:
        ax.axhline(border, color="white", linewidth=0.5)
        ax.axvline(border, color="white", linewidth=0.5)
    ax.set(xlabel="influenced exercise j", ylabel="right answer to i", xticks=[], yticks=[])
    figure.colorbar(image, ax=ax, label="influence, %")


def strongest_arrows(strongest: np.ndarray, concepts: np.ndarray) -> None:
    """An arrow to each exercise from the one that influences it most, in the manner of Figure 4."""
    from matplotlib import pyplot

    place = np.empty(len(concepts), int)
    place[np.argsort(concepts, kind="stable")] = np.arange(len(concepts))
    angle = 2 * np.pi * place / len(concepts)
    x, y = np.cos(angle), np.sin(angle)
    _, ax = pyplot.subplots(figsize=(4.6, 4.4))
    for j, i in enumerate(strongest):
        arrow = {
            "arrowstyle": "->",
            "color": COLOURS[concepts[i]],
            "alpha": 0.7,
            "linewidth": 0.9,
            "shrinkA": 5,
            "shrinkB": 5,
            "connectionstyle": "arc3,rad=0.25",
        }
        ax.annotate("", (x[j], y[j]), (x[i], y[i]), arrowprops=arrow)
    for k, colour in enumerate(COLOURS):
        mine = concepts == k
        ax.scatter(x[mine], y[mine], s=55, color=colour, zorder=3)
        middle = angle[mine].mean()
        at = (1.12 * np.cos(middle), 1.12 * np.sin(middle))
        side = "left" if np.cos(middle) > 0 else "right"
        ax.annotate(f"concept {k + 1}", at, color=colour, ha=side, va="center")
    ax.set(xlim=(-1.6, 1.6), ylim=(-1.2, 1.2), aspect="equal", title="Strongest influences")
    ax.axis("off")


def one_student(known: Tensor, asked: Tensor, answers: Tensor, concepts: np.ndarray) -> None:
    """Predictions ``[time, exercises]`` for one student, averaged over each concept, and what was asked."""
    from matplotlib import pyplot

    rows = np.stack([known.numpy()[:, concepts == k].mean(1) for k in range(len(COLOURS))])
    _, ax = pyplot.subplots(figsize=(7.4, 2.7))
    heat(ax, rows, "p(right)")
    which, right = concepts[asked.numpy()], answers.numpy() == 1
    faces = ["white" if r else "none" for r in right]
    ax.scatter(np.arange(len(which)), which, s=26, edgecolor="white", linewidth=1.0, facecolor=faces)
    ax.set(
        xlabel="answers given",
        ylabel="hidden concept",
        yticks=range(len(COLOURS)),
        yticklabels=range(1, len(COLOURS) + 1),
        title="What one student knows",
    )


def curricula(lessons: Mapping[str, Lesson]) -> Axes:
    """The knowledge that the network expects over a lesson, a line for each curriculum (Figure 3c)."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(4.9, 3.3))
    looks = ("method", "other", "contrast", "baseline")
    for (label, lesson), look in zip(lessons.items(), looks, strict=True):
        ax.plot(100 * lesson.knowledge.mean(0), label=label, **role(look))
    ax.set(xlabel="exercises of the lesson", ylabel="expected knowledge, %", title="Four curricula")
    ax.legend(loc="lower right")
    return ax
