"""What the chapter draws: stored runs over time and by size, copies, and heads at work.

No panel is wider than a telephone can show with its letters in their size.
A stored run is one of the evidence: it has a ``config``, ``metrics`` and a ``curve``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.data import algorithmic_tasks as tasks
from unrolled.data.algorithmic_tasks import Episodes
from unrolled.papers.ntm.experiment import Config, spread_sizes, wrong_bits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 4.9
"""Inches of a panel, so that its letters keep their size on a telephone."""

GREY, INK = "#7F7F7F", "#757575"

LOOKS: tuple[dict[str, Any], ...] = (
    {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    {"color": GREY, "linestyle": (0, (6, 1.5)), "marker": "s"},
    {"color": "#D55E00", "linestyle": "-.", "marker": "^"},
)
"""The paper's method, its baseline, and a third."""

Groups = Mapping[str, Sequence[Any]]
"""Stored runs by the name that the figure gives them; an empty group only keeps its look free."""


def cost(run: Any, size: str = "") -> float:
    """Bits a sequence: at a size beyond training, or over the sizes of training."""
    return run.metrics[f"test_bits_{size}" if size else "test_bits"]


def share_wrong(run: Any, size: str = "") -> float:
    """Wrong bits of copies, in per cent: at a length beyond training, or over the lengths of training."""
    config = Config.of(run.config)
    lengths = [length for length, _ in spread_sizes(config, config.tested // config.batch_size)]
    length = float(size or sum(lengths) / len(lengths))
    return 100 * run.metrics[f"test_wrong_{size}" if size else "test_wrong"] / (config.bits * length)


def by_size(
    groups: Groups,
    value: Callable[..., float],
    low: int,
    xlabel: str,
    ylabel: str,
    guess: float | None = None,
) -> None:
    """A value over the size of the sequence, a line for each run; what training saw is shaded.

    The sizes of training, from ``low`` on, were measured together: they are a level stretch.
    """
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(WIDTH, 2.9))
    for look, (name, runs) in zip(LOOKS, groups.items(), strict=False):
        for count, run in enumerate(runs):
            longest, beyond = run.config["longest"], run.config["beyond"].split()
            within = value(run)
            y = [within, within, *(value(run, size) for size in beyond)]
            x = [low, longest, *map(int, beyond)]
            line = dict(look, linewidth=1.2, markersize=4, alpha=0.8)
            ax.plot(x, y, label="_" if count else name, markevery=slice(2, None), **line)
    ax.axvspan(low, longest, color=INK, alpha=0.12, linewidth=0)
    ax.annotate("training", (low, 1.02), xycoords=("data", "axes fraction"), color=INK)
    if guess is not None:
        ax.axhline(guess, color=INK, linestyle=":", linewidth=1.2)
        ax.annotate("guessing", (1, guess), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, None), ylim=(0, None))
    ax.legend()


def curves(groups: Groups, metric: str = "valid_bits", *, top: float | None = None) -> None:
    """The cost while learning, over sequences seen, a line for each run (as in Figures 3, 7 and 10)."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(WIDTH, 2.9))
    for look, (name, runs) in zip(LOOKS, groups.items(), strict=False):
        for count, run in enumerate(runs):
            seen = [update * run.config["batch_size"] / 1000 for update in run.curve["update"]]
            line = dict(look, linewidth=1.2, marker="", alpha=0.8)
            ax.plot(seen, run.curve[metric], label="_" if count else name, **line)
    ax.set(xlabel="sequences, thousands", ylabel="cost per sequence, bits", xlim=(0, None), ylim=(0, top))
    ax.legend()


def live(run: Any, wrong: Sequence[float], longest: int) -> None:
    """The chapter's own run: its cost while learning, and wrong bits by length afterwards."""
    from matplotlib import pyplot

    _, (left, right) = pyplot.subplots(1, 2, figsize=(7.2, 2.9))
    left.plot(*run.curve("valid_bits"), **dict(LOOKS[0], marker=""))
    left.set(xlabel="updates", ylabel="cost per sequence, bits", title="While learning", ylim=(0, None))
    right.plot(range(1, len(wrong) + 1), wrong, **dict(LOOKS[0], markersize=4))
    right.axvspan(1, longest, color=INK, alpha=0.12, linewidth=0)
    right.xaxis.get_major_locator().set_params(integer=True)
    right.set(xlabel="length of the copy", ylabel="wrong bits, %", title="Afterwards", ylim=(-1, 52))


def wrong_by_length(machine: nn.Module, lengths: Sequence[int], bits: int, n: int = 32) -> list[float]:
    """Wrong bits of a machine's copies at each length, in per cent."""
    found = []
    for length in lengths:
        generator = torch.Generator().manual_seed(1000 + length)
        episodes = tasks.copy(n, length, bits=bits, generator=generator)
        with torch.no_grad():
            wrong = wrong_bits(machine(episodes.inputs), episodes)
        found.append(100 * wrong.float().mean().item() / (bits * length))
    return found


def copies(machines: Mapping[str, nn.Module], rows: Mapping[str, Sequence[Episodes]]) -> None:
    """Copies by several machines, below their targets: the paper's Figures 4 and 5.

    ``rows`` are episodes of one sequence each, side by side, with the title of the row.
    """
    from matplotlib import pyplot

    names = ["targets", *machines]
    size = (WIDTH, 0.6 * len(rows) * len(names))
    _, axes = pyplot.subplots(len(rows) * len(names), figsize=size, squeeze=False)
    for count, (title, episodes) in enumerate(rows.items()):
        lengths = [int(one.counts.sum()) for one in episodes]
        with torch.no_grad():
            answers = [[torch.sigmoid(m(one.inputs)) for one in episodes] for m in machines.values()]
        shown = [[one.targets for one in episodes], *answers]
        block = axes[count * len(names) : (count + 1) * len(names), 0]
        for ax, name, found in zip(block, names, shown, strict=True):
            due = [part[0, -n:].T for part, n in zip(found, lengths, strict=True)]
            _picture(ax, side_by_side(due), name, vmin=0, vmax=1)
        starts = [sum(lengths[:i]) + i * GAP for i in range(len(lengths))]
        middles = [start + (n - 1) / 2 for start, n in zip(starts, lengths, strict=True)]
        block[-1].set_xticks(*((middles, lengths) if len(lengths) > 1 else ([],)))
        block[-1].set_xlabel(title)
        block[-1].tick_params(labelbottom=True)


GAP = 3


def side_by_side(pictures: Sequence[Float[Tensor, "rows _"]]) -> Float[Tensor, "rows wide"]:
    """Pictures in a row; the gaps between them are NaN, which is drawn as nothing.

    >>> side_by_side([torch.ones(1, 1), torch.zeros(1, 2)])
    tensor([[1., nan, nan, nan, 0., 0.]])
    """
    gap = torch.full((len(pictures[0]), GAP), torch.nan)
    parts = [part for picture in pictures for part in (picture, gap)]
    return torch.cat(parts[:-1], 1)


def around_start(
    weightings: Float[Tensor, "heads time rows"], seen: float = 0.1
) -> tuple[Float[Tensor, "heads near time"], int]:
    """The rows of the ring that any head looks at, and the number of the first of them.

    They are cut from the ring where most rows in succession lie unused; rows before row 0 count from -1 down.

    >>> picture, first = around_start(torch.eye(8)[[0, 7, 6]].unsqueeze(0))
    >>> picture.shape, first
    (torch.Size([1, 3, 3]), -2)
    """
    rows = weightings.shape[-1]
    used = (weightings.amax((0, 1)) > seen).nonzero().flatten().tolist()
    gaps = [(after - before) % rows or rows for before, after in zip(used, [*used[1:], used[0]], strict=True)]
    widest = max(range(len(used)), key=gaps.__getitem__)
    first, length = used[(widest + 1) % len(used)], rows - gaps[widest] + 1
    near = weightings.roll(-first, -1)[..., :length].transpose(1, 2)
    return near, first - rows if first > rows // 2 else first


def heads(
    shown: Mapping[str, Float[Tensor, "channels time"]],
    weightings: Mapping[str, Float[Tensor, "time rows"]],
    delimiter: int,
) -> None:
    """What goes in and out, and where the heads look, over time: the paper's Figure 6, left above right.

    Rows are counted from the one that the heads start at.
    """
    from matplotlib import pyplot

    places, first = around_start(torch.stack(list(weightings.values())))
    count = len(shown) + len(weightings)
    heights = [1.0] * len(shown) + [2.2] * len(weightings)
    size = (WIDTH, 0.62 * sum(heights))
    _, axes = pyplot.subplots(count, figsize=size, height_ratios=heights, sharex=True)
    for ax, (name, values) in zip(axes, shown.items(), strict=False):
        signed = bool((values < 0).any())
        _picture(ax, values, name, cmap="RdBu_r" if signed else "viridis", vmin=-1 if signed else 0, vmax=1)
    time = places.shape[-1]
    for ax, (name, values) in zip(axes[len(shown) :], zip(weightings, places, strict=True), strict=True):
        extent = (-0.5, time - 0.5, first + len(values) - 0.5, first - 0.5)
        _picture(ax, values, name, vmin=0, vmax=1, extent=extent)
        ax.tick_params(left=True, labelleft=True)
    for ax in axes:
        ax.axvline(delimiter, color="white", linestyle=":", linewidth=1.2)
    axes[-1].tick_params(bottom=True, labelbottom=True)
    axes[-1].set(xlabel="time")


def _picture(ax: Axes, values: Tensor, title: str, **options: Any) -> None:
    ax.imshow(values.numpy(), aspect="auto", **options)
    ax.grid(False)
    ax.set_title(title, fontsize=10, loc="left", pad=2)
    ax.tick_params(bottom=False, labelbottom=False, left=False, labelleft=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
