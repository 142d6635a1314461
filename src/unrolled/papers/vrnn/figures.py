"""What the chapter draws: four graphs, two modes, switches, continuations, and digits row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from unrolled.execution.figures import role

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FAINT = "#757575", "#BBBBBB"

PLACES = {"h": (0.0, 0.0), "h'": (1.0, 0.0), "z": (0.75, 0.8), "x": (0.75, -0.8)}
NAMES = {"h": "$h_{t-1}$", "h'": "$h_t$", "z": "$z_t$", "x": "$x_t$"}
GRAPHS = {
    "a: prior (5)": ("hz",),
    "b: generation (6)": ("hx", "zx"),
    "c: recurrence (7)": ("hH", "xH", "zH"),
    "d: inference (9)": ("hz", "xz"),
}
"""What the paper's Figure 1 draws: the arrows of each operation; H stands for the new state."""


def four_graphs() -> None:
    """The operations of one step, a panel each, in the layout of Figure 1."""
    from matplotlib import pyplot

    _, axes = pyplot.subplots(1, 4, figsize=(7.6, 2.2))
    for ax, (title, arrows) in zip(axes, GRAPHS.items(), strict=True):
        used = {"h'" if end == "H" else end for arrow in arrows for end in arrow}
        for name, (x, y) in PLACES.items():
            ink = INK if name in used else FAINT
            look = {"boxstyle": "circle,pad=0.25", "facecolor": "none", "edgecolor": ink}
            ax.text(x, y, NAMES[name], ha="center", va="center", color=ink, fontsize=11, bbox=look)
        for start, end in arrows:
            arrow = {"arrowstyle": "->", "color": role("method")["color"], "linewidth": 1.6}
            arrow |= {"shrinkA": 14, "shrinkB": 14}
            if start + end == "zx":
                arrow["connectionstyle"] = "arc3,rad=0.35"
            if start + end == "xz":
                arrow["connectionstyle"] = "arc3,rad=-0.35"
            ax.annotate("", PLACES["h'" if end == "H" else end], PLACES[start], arrowprops=arrow)
        ax.set(title=title, xlim=(-0.35, 1.35), ylim=(-1.2, 1.2))
        ax.axis("off")


def two_modes(run: Any, limits: Any, drawn: Tensor, truth: Tensor, steps: int) -> None:
    """The bound against what a single Gaussian can reach, and values drawn late in a sequence."""
    from matplotlib import pyplot

    _, axes = pyplot.subplots(1, 2, figsize=(7.2, 3.2))
    axes[0].plot(*run.curve("valid_bound"), **role("method"), label="VRNN-Gauss")
    for limit, name in ((limits.gaussian, "best single Gaussian"), (limits.truth, "the true density")):
        axes[0].axhline(limit, **role("chance"))
        where = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "top"}
        axes[0].annotate(name, (0.98, limit - 0.04), **where)
    axes[0].set(xlabel="updates", ylabel="nats per step, validation", title="The bound")
    for name, x, look in (
        ("VRNN-Gauss", drawn, {"histtype": "step", "color": role("method")["color"]}),
        ("data", truth, {"alpha": 0.45, "color": "grey"}),
    ):
        late = x[:, steps // 2 :].flatten().clamp(-3, 3).numpy()
        axes[1].hist(late, bins=60, density=True, label=name, **look)
    axes[1].set(xlabel="x", ylabel="density", title="Values drawn from the model", ylim=(0, 0.8))
    inks = [role(look)["color"] for look in ("method", "baseline")]
    axes[1].legend(loc="upper right", labelcolor=inks)


def surprise(x: Tensor, kl: Tensor, switches: Tensor) -> None:
    """A wave ``[time]``, and below it the divergence; dotted where a regime begins (Figure 2)."""
    from matplotlib import pyplot

    _, axes = pyplot.subplots(2, 1, figsize=(7.2, 3.6), sharex=True)
    axes[0].plot(x, **(role("baseline") | {"marker": "."}))
    axes[1].plot(kl, **role("method"))
    for ax in axes:
        for t in switches.nonzero().flatten():
            ax.axvline(t, **role("chance"))
    axes[0].set(ylabel="x", title="A wave that changes its regime")
    axes[1].set(
        xlabel="step (dotted: a new regime begins)",
        ylabel="nats",
        title="Divergence of posterior from prior",
        ylim=(0, None),
    )


def around_switches(steps: Sequence[int], divergence: Sequence[float]) -> None:
    """The mean divergence by distance from a switch."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(4.9, 3.0))
    ax.plot(steps, divergence, **role("method"))
    ax.axvline(0, **role("chance"))
    ax.set(xlabel="steps after a switch", ylabel="nats", title="Divergence around a switch", ylim=(0, None))


def continuations(beginning: Tensor, paths: Tensor) -> Axes:
    """One beginning ``[time]`` and several ways on, ``[paths, time]``."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(4.9, 3.0))
    start = len(beginning)
    ax.plot(range(start), beginning, **role("baseline"), label="the beginning")
    for number, path in enumerate(paths):
        ax.plot(
            range(start - 1, start + len(path)),
            torch.cat((beginning[-1:], path)),
            "-",
            color=role("method")["color"],
            linewidth=0.9,
            alpha=0.7,
            label="continuations" if not number else "_",
        )
    ax.legend(loc="upper left")
    ax.set(xlabel="step", ylabel="x", title="One beginning, six continuations", ylim=(-1.6, 2.5))
    return ax


def digits_by_row(drawn: Tensor, real: Tensor, finished: Tensor) -> None:
    """Twenty drawn pictures, ten real ones, and the lower halves ``[10, 4, 8]`` that the model gave these."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(4, 10, figsize=(4.7, 2.3))
    tinted = torch.cat((real[:, :4], finished + 0.15 * (1 - finished)), 1)
    for ax, picture in zip(axes.flat, (*drawn, *real, *tinted), strict=True):
        ax.imshow(picture, cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    for ax, label in zip(axes[:, 0], ("drawn", "drawn", "real", "finished"), strict=True):
        ax.set_ylabel(label)
    figure.suptitle("Digits row by row")
