"""What the chapter draws: completions beside their conditions, the appendix's gap, samples of the prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from unrolled.execution.figures import label_ends, role
from unrolled.papers.vae_tutorial.experiment import given_pixels
from unrolled.papers.vae_tutorial.model import CVAE, Regressor
from unrolled.papers.vae_tutorial.studies import appendix, mean_gap

COLUMNS = (
    "0001110000111110000011100000",
    "0000111111110000000111110000",
    "0000000000000001111111000000",
    "0000000011100111001111100000",
    "0000001111100011100000000000",
)
"""Middle columns of MNIST's test pictures 1, 3, 2, 9 and 7, black where the brightness is above one half."""


def assembled(given: Tensor, rest: Tensor, mask: Tensor) -> Tensor:
    """Pictures ``[..., side, side]`` from the given pixels and the others."""
    side = int(len(mask) ** 0.5)
    whole = torch.zeros(*rest.shape[:-1], len(mask))
    whole[..., mask] = given.expand(*rest.shape[:-1], -1)
    whole[..., ~mask] = rest
    return whole.unflatten(-1, (side, side))


def completions(
    pictures: Tensor, regressed: Tensor, answers: Tensor, given: str = "column"
) -> tuple[Tensor, list[str]]:
    """Rows of pictures: what is given, the truth, the regressor's answer, and completions.

    *Shapes*: ``pictures`` ``[n, side * side]``; ``regressed`` ``[n, rest]``; ``answers`` ``[s, n, rest]``.
    """
    side = int(pictures.shape[1] ** 0.5)
    mask = given_pixels(given, side)
    condition, truth = pictures[:, mask], pictures[:, ~mask]
    columns = [torch.full_like(truth, 0.35), truth, regressed, *answers]
    names = ["given", "truth", "regressor", *[f"sample {i + 1}" for i in range(len(answers))]]
    return torch.stack([assembled(condition, column, mask) for column in columns], 1), names


@torch.no_grad()
def filled(
    columns: Sequence[str], model: CVAE, baseline: Regressor, samples: int = 6
) -> tuple[Tensor, list[str]]:
    """Rows of pictures for columns that are written as text of 0 and 1: given, regressor, completions."""
    mask = given_pixels("column", len(columns[0]))
    x = torch.tensor([[float(bit) for bit in column] for column in columns])
    z = torch.randn(samples, len(x), model.latent, generator=torch.Generator().manual_seed(2016))
    regressed, answers = baseline(x).logits.sigmoid(), model(x, z).logits.sigmoid()
    ways = [torch.full_like(regressed, 0.35), regressed, *answers]
    names = ["given", "regressor", *[f"sample {i + 1}" for i in range(samples)]]
    return torch.stack([assembled(x, way, mask) for way in ways], 1), names


def draw_completions(cells: Tensor, names: Sequence[str]) -> None:
    """A row for each condition, a column for each way to fill it, ``[rows, columns, side, side]``."""
    from matplotlib import pyplot

    rows, columns = cells.shape[:2]
    width = 4.9
    size = (width, width / columns * rows + 0.75)
    _, axes = pyplot.subplots(rows, columns, figsize=size, gridspec_kw={"wspace": 0.08, "hspace": 0.08})
    for row, line in zip(axes, cells, strict=True):
        for ax, cell in zip(row, line, strict=True):
            ax.imshow(cell.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            ax.set(xticks=[], yticks=[])
    for ax, name in zip(axes[0], names, strict=True):
        ax.set_title(name.removeprefix("sample "), fontsize=10, rotation=0 if name[-1].isdigit() else 40)


def draw_appendix(deviations: Sequence[float]) -> None:
    """The mean gap of the appendix's example over the output's deviation, and where the gap is."""
    from matplotlib import pyplot

    _, (left, right) = pyplot.subplots(1, 2, figsize=(8.6, 3.0), width_ratios=(1, 1))
    left.loglog(deviations, [mean_gap(deviation) for deviation in deviations], marker="o", **role("method"))
    left.set(xlabel=r"deviation of the output, $\sigma$", ylabel="mean gap, nats", title="The gap vanishes")
    left.set_xticks((0.03, 0.1, 0.3), ("0.03", "0.1", "0.3"))
    left.set_xticks((), minor=True)
    for deviation, look in ((0.3, "baseline"), (0.1, "method")):
        found = appendix(deviation)
        right.plot(found.x, found.gap, label=f"$\\sigma = {deviation}$", **role(look))
    right.set(xlabel="$X$", ylabel="gap, nats", title="It is largest in the tails", ylim=(0, None))
    label_ends(right)


def draw_samples(found: Mapping[str, Tensor], evidence: float) -> None:
    """How likely one picture is under each of many samples: of the prior, and of the encoder."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(4.9, 2.9))
    for (name, values), look in zip(found.items(), ("baseline", "method"), strict=True):
        edges = torch.linspace(-50, -20, 61).numpy()
        weights = torch.full_like(values, 100 / len(values)).numpy()
        ax.hist(values.numpy(), edges, weights=weights, histtype="step", label=name, **role(look))
    ax.axvline(evidence, **role("chance"))
    place = {"xycoords": ("data", "axes fraction"), "ha": "right", "va": "top"}
    ax.annotate("log P(X)", (evidence, 0.97), rotation=90, **place)
    ax.set(xlabel="log P(X | z), nats", ylabel="samples, %", xlim=(-50, -20))
    ax.legend(loc="upper left")


def draw_curves(groups: Mapping[str, Sequence]) -> None:
    """The validation bound of stored runs over the updates, a line for each seed."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(4.9, 2.9))
    for (name, runs), look in zip(groups.items(), ("method", "baseline"), strict=True):
        for count, run in enumerate(runs):
            line = {**role(look), "linewidth": 1.2}
            ax.plot(run.curve["update"], run.curve["valid_bound"], label="_" if count else name, **line)
    ax.set(xlabel="updates", ylabel="validation bound, nats")
    ax.legend(loc="lower right")
