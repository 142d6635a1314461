"""What the chapter draws: lengths solved, strings right over their size, and stacks at work.

A stored run is one of the evidence: it has a ``config``, ``metrics`` and a ``curve``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unrolled.papers.stack_rnn.experiment import SHOWN
from unrolled.papers.stack_rnn.traces import SIZE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 4.9
"""Inches of a panel, so that its letters keep their size on a telephone."""

INK = "#757575"
LOOKS: Mapping[str, Mapping[str, Any]] = {
    "Stack RNN, rounded": {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    "Stack RNN, soft": {"color": "#D55E00", "linestyle": "-.", "marker": "^"},
    "LSTM": {"color": "#7F7F7F", "linestyle": (0, (6, 1.5)), "marker": "s"},
    "RNN": {"color": "#009E73", "linestyle": ":", "marker": "D"},
}
"""The paper's method with whole and with soft actions, and its baselines."""

PAPER = {
    "Stack RNN, rounded": (100, 100, 100, 100, 100),
    "Stack RNN, soft": (100, 100, 100, 100, 43.3),
    "LSTM": (100, 100, 68.3, 75, 100),
    "RNN": (25, 23.3, 13.3, 23.3, 33.3),
}
"""The paper's Table 2: lengths solved by the run that it chose, in per cent, in the order of `TITLES`."""

TITLES = {
    "anbn": "$a^nb^n$",
    "anbncn": "$a^nb^nc^n$",
    "anbncndn": "$a^nb^nc^nd^n$",
    "anb2n": "$a^nb^{2n}$",
    "anbmcnm": "$a^nb^mc^{n+m}$",
}


def shares(run: Any, rounded: bool = False) -> list[float]:
    """The share of strings that a run gets right, in per cent, at each size of `SHOWN`."""
    return [100 * run.metrics[f"test_right_{n}{'_rounded' if rounded else ''}"] for n in SHOWN]


def over_size(panels: Mapping[str, Mapping[str, Sequence[Any]]], longest: int = 19) -> None:
    """Strings right over their size, a panel for each title, a line for each run; training is shaded.

    ``panels`` names its groups of stored runs as `LOOKS` does.
    """
    from matplotlib import pyplot

    _, axes = pyplot.subplots(1, len(panels), figsize=(3.6 * len(panels) + 1.3, 2.9), squeeze=False)
    for ax, (title, groups) in zip(axes[0], panels.items(), strict=True):
        for name, runs in groups.items():
            for count, run in enumerate(runs):
                line = dict(LOOKS[name], linewidth=1.2, markersize=4, alpha=0.7)
                if len(runs) > 5:  # markers of many lines hide them, and make the picture heavy
                    line["marker"] = ""
                label = "_" if count else name
                ax.plot(SHOWN, shares(run, name.endswith("rounded")), label=label, **line)
        ax.axvspan(2, longest, color=INK, alpha=0.12, linewidth=0)
        ax.annotate("training", (2, 1.02), xycoords=("data", "axes fraction"), color=INK)
        ax.set(xlabel="n", ylabel="strings right, %", xlim=(0, 61), ylim=(-3, 103))
        ax.set_title(title, loc="right")
        _legend_below(ax)


def table_2(groups: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
    """Lengths solved in each language, a dot for each seed; the paper's chosen runs are dashes.

    ``groups`` has, by the names of `LOOKS`, the stored runs by language.
    """
    from matplotlib import pyplot

    _, axes = pyplot.subplots(len(groups), figsize=(WIDTH, 1.25 * len(groups) + 0.4), sharex=True)
    for ax, (name, languages) in zip(axes, groups.items(), strict=True):
        metric = f"test_solved{'_rounded' if name.endswith('rounded') else ''}"
        for place, runs in enumerate(languages.values()):
            values = sorted(100 * run.metrics[metric] for run in runs)
            spread = [place + 0.07 * (i - (len(values) - 1) / 2) for i in range(len(values))]
            ax.plot(spread, values, color=LOOKS[name]["color"], marker=".", markersize=6, linestyle="")
        dash = {"marker": "_", "markersize": 34, "color": INK, "linestyle": "", "markeredgewidth": 1.5}
        ax.plot(range(len(PAPER[name])), PAPER[name], **dash)
        ax.set_title(name, loc="left", fontsize=10, pad=3)
        ax.set(ylim=(-8, 108), yticks=(0, 50, 100))
    axes[-1].set_xticks(range(len(TITLES)), TITLES.values())
    axes[len(axes) // 2].set_ylabel("lengths solved, %")


def heights(push: Sequence[Sequence[float]]) -> Int[Tensor, "time stacks"]:
    """How many cells of every stack are filled after each symbol, from whole actions (1 is a push, 0 a pop).

    >>> heights([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]).tolist()
    [[1, 0], [2, 1], [1, 0]]
    """
    filled, found = torch.zeros(len(push[0]), dtype=torch.long), []
    for row in torch.tensor(push):
        filled = torch.where(row > 0.5, filled + 1, (filled - 1).clamp(min=0))
        found.append(filled)
    return torch.stack(found)


def stacks_at_work(trace: Mapping[str, Any]) -> None:
    """The heights of all stacks over a kept string, those in colour that fill and empty again (Table 3)."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(WIDTH, 2.9))
    filled, text = heights(trace["rounded"]["push"]), trace["text"][: len(trace["rounded"]["push"])]
    counting = (filled.amax(0) == SIZE) & (filled[-1] <= 1)
    looks = iter(
        [("#0072B2", "-", "o"), ("#D55E00", "-.", "^"), ("#009E73", "--", "s"), ("#CC79A7", ":", "D")]
    )
    for place in range(filled.shape[1]):
        if counting[place]:
            color, linestyle, marker = next(looks)
            line = {"color": color, "linestyle": linestyle, "marker": marker, "markersize": 4}
            ax.plot(filled[:, place], label=f"stack {place + 1}", **line)
        else:
            ax.plot(filled[:, place], color=INK, linewidth=0.8, alpha=0.5)
    ax.set_xticks(range(len(text)), list(text))
    ax.set(xlabel="symbol read", ylabel="cells filled", ylim=(-0.5, float(filled[:, counting].max()) + 1.5))
    _legend_below(ax)


def live(run: Any, right: Mapping[str, Float[Tensor, " sizes"]], longest: int) -> None:
    """The chapter's own run: its loss while learning, and strings right over their size afterwards."""
    from matplotlib import pyplot

    _, (before, after) = pyplot.subplots(1, 2, figsize=(8.2, 2.9))
    before.plot(*run.curve("valid_loss"), **dict(LOOKS["Stack RNN, soft"], marker=""))
    before.set(xlabel="updates", ylabel="validation loss, nats a symbol", ylim=(0, None))
    before.set_title("While learning", loc="right")
    for name, values in right.items():
        after.plot(range(2, 2 + len(values)), 100 * values, label=name, **dict(LOOKS[name], marker=""))
    after.axvspan(2, longest, color=INK, alpha=0.12, linewidth=0)
    after.set(xlabel="n", ylabel="strings right, %", ylim=(-3, 103))
    after.set_title("Afterwards", loc="right")
    _legend_below(after)


def _legend_below(ax: Axes) -> None:
    """A legend off the data."""
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, columnspacing=1.2)
