"""What the chapter draws: the derivative of tanh, gradients, learning, and population statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from unrolled.execution.figures import role
from unrolled.papers.bn_lstm.statistics import Moments
from unrolled.papers.bn_lstm.studies import Carried


def derivative_of_tanh(seed: int, samples: int = 20_000) -> None:
    """The derivative of tanh against the width of its Gaussian input: mean and middle half (Figure 1b)."""
    from matplotlib import pyplot

    deviations = torch.linspace(0, 1, 101)
    torch.manual_seed(seed)
    derivative = 1 - torch.tanh(torch.randn(samples, 1) * deviations).square()
    low, high = derivative.quantile(0.25, dim=0), derivative.quantile(0.75, dim=0)
    look = role("method")
    _, ax = pyplot.subplots()
    ax.fill_between(deviations, low, high, alpha=0.25, color=look["color"], linewidth=0)
    ax.plot(deviations, derivative.mean(0), **look)
    ax.set(
        xlabel="standard deviation of the input",
        ylabel="derivative of tanh",
        xlim=(0, 1),
        ylim=(0, 1.02),
        title="Derivative through tanh",
    )
    ax.annotate("mean", (0.72, derivative[:, 72].mean() - 0.05), ha="right", color=look["color"])
    ax.annotate("middle half of the samples", (0.98, 0.94), ha="right", color=look["color"])


def gradients(panels: Mapping[str, Mapping[float, Carried]]) -> None:
    """Gradient norms over time relative to the last, a panel for each setting and a line for each scale."""
    from matplotlib import pyplot

    _, axes = pyplot.subplots(1, len(panels), figsize=(7.2, 3.2), sharey=True)
    for ax, (title, runs) in zip(axes, panels.items(), strict=True):
        shades = pyplot.colormaps["viridis"](torch.linspace(0.1, 0.85, len(runs)).numpy())
        for (gamma, carried), shade in zip(runs.items(), shades, strict=True):
            ax.semilogy(carried.norms / carried.norms[-1], color=shade, label=f"γ = {gamma:g}")
        ax.set(xlabel="time step t", title=title, ylim=(1e-36, 1e12), xlim=(0, 200))
    axes[0].set_ylabel("gradient norm, relative to the last step")
    axes[-1].legend(loc="lower right")


def errors(runs: Mapping[str, tuple[Any, str]]) -> None:
    """Validation error over updates, a run and its role for each name."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(4.9, 3.2))
    for label, (run, look) in runs.items():
        updates, wrong = run.curve("valid_error")
        ax.plot(updates, [100 * error for error in wrong], **role(look), label=label)
    ax.axhline(90, **role("chance"))
    ax.annotate("chance", (0.98, 91), xycoords=("axes fraction", "data"), ha="right")
    ax.set(
        xlabel="updates",
        ylabel="validation error, %",
        title="One run each, at equal updates",
        ylim=(0, 100),
    )
    ax.legend(loc="lower left")


def population(statistics: Moments, units: Sequence[int]) -> None:
    """Mean and variance of some units of a product at every step, ``[time, 1, units]`` (Figure 5)."""
    from matplotlib import pyplot

    steps = range(1, len(statistics.mean) + 1)
    _, axes = pyplot.subplots(1, 2, figsize=(7.2, 3.0))
    for ax, values, title in (
        (axes[0], statistics.mean, "Population mean"),
        (axes[1], statistics.variance, "Population variance"),
    ):
        look = {"linewidth": 0.9, "color": role("method")["color"], "alpha": 0.7}
        ax.plot(steps, values[:, 0, units], "-", **look)
        ax.set(xlabel="time step", title=title, xlim=(1, len(steps)))
    axes[0].set_ylabel("recurrent product, by unit")
    axes[1].set_yscale("log")
