"""What the chapter draws: gradient estimates, learning, latents in use, drawn pages, and the latent plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from unrolled.execution.figures import label_ends, role
from unrolled.papers.vae.experiment import UNUSED
from unrolled.papers.vae.model import VAE
from unrolled.papers.vae.studies import latent_grid


def gradient_estimates(draws: Mapping[str, tuple[Tensor, str]]) -> None:
    """Histograms of single draws of a gradient whose true value is 2, with the role of each."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(4.9, 3.0))
    edges = torch.linspace(-12, 24, 109).numpy()
    for label, (values, look) in draws.items():
        ax.hist(values.numpy(), bins=edges, density=True, histtype="step", label=label, **role(look))
    ax.axvline(2, **role("chance"))
    ax.annotate("truth", (2.3, 0.40))
    ax.set(
        xlabel="gradient estimate from one draw",
        ylabel="density",
        title="Two unbiased estimates of one gradient",
        xlim=(-8, 20),
        ylim=(0, 0.45),
    )
    ax.legend(loc="upper right")


def estimator_spread(shifts: Tensor, spread: Tensor) -> None:
    """Standard deviations ``[shifts, 2]`` of the first and the second estimator of the bound."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(4.9, 3.2))
    ax.plot(shifts, spread[:, 1], **role("method"), label="second, eq. 7")
    ax.plot(shifts, spread[:, 0], **role("baseline"), label="first, eq. 6")
    ax.set(
        xlabel="shift of q's mean from the exact posterior's",
        ylabel="standard deviation, nats",
        title="How much one sample's bound varies",
        xlim=(0, 1.5),
        ylim=(0, None),
    )
    label_ends(ax)


def learning(run: Any) -> None:
    """The bound of a run on training and validation data, against the training samples evaluated."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(4.9, 3.3))
    size, losses = run.experiment.config.batch_size, torch.tensor(run.losses)
    width = min(25, len(losses))
    smooth = losses.unfold(0, width, width).mean(1)
    at = [size * width * (k + 1) for k in range(len(smooth))]
    ax.plot(at, -smooth, **role("contrast"), label="training")
    updates, bounds = run.curve("valid_bound")
    ax.plot([size * u for u in updates], bounds, **role("method"), label="validation")
    ax.set(
        xlabel="training samples evaluated",
        ylabel="bound, nats per page",
        title="Fifty latents, ten epochs",
    )
    ax.legend(loc="lower right")


def latents_in_use(divergences: Tensor) -> None:
    """The divergence of each latent ``[latent]``, sorted, with the line below which it counts as unused."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(4.9, 3.2))
    kl = divergences.sort(descending=True).values.clamp(min=1e-4)
    ax.plot(range(1, len(kl) + 1), kl, **role("method"))
    ax.axhline(UNUSED, **role("chance"))
    ax.annotate("switched off below 0.01 nat", (2, UNUSED * 0.55))
    ax.set(
        xlabel="latent, by rank",
        ylabel="divergence, nats",
        title="What each of 50 latents carries",
        yscale="log",
        xlim=(1, len(kl)),
    )


def sheet(drawn: Tensor, data: Tensor) -> None:
    """Two rows of pages ``[count, 256]``: drawn ones above, real ones below."""
    from matplotlib import pyplot

    count = len(drawn)
    pages = torch.cat((drawn, data)).view(2, count, 16, 16)
    pages = torch.nn.functional.pad(pages, (1, 1, 1, 1), value=0.5)
    _, ax = pyplot.subplots(figsize=(6.4, 1.9))
    ax.imshow(pages.permute(0, 2, 1, 3).reshape(2 * 18, 18 * count), cmap="gray", vmin=0, vmax=1)
    ax.set_yticks([9, 27], ["drawn", "data"])
    ax.set_xticks([])
    ax.grid(False)
    ax.set_title("Decoded samples of the prior")
    ax.tick_params(length=0)


@torch.no_grad()
def latent_plane(model: VAE, images: Tensor, labels: Tensor, size: int = 12) -> None:
    """The decoded grid over two latents, and where the encoder puts digits, by class (Figure 4)."""
    from matplotlib import pyplot

    decoded = model.decode(latent_grid(size)).mean.view(size, size, 8, 8)
    decoded = torch.nn.functional.pad(decoded, (1, 1, 1, 1), value=0.5)
    found = model.encode(images.float())
    _, axes = pyplot.subplots(1, 2, figsize=(7.6, 3.8))
    axes[0].imshow(decoded.permute(0, 2, 1, 3).reshape(10 * size, 10 * size), cmap="gray", vmin=0, vmax=1)
    axes[0].set(title="Decoded plane", xlabel="second latent", ylabel="first latent", xticks=[], yticks=[])
    shades = pyplot.colormaps["tab10"]
    for digit in range(10):
        chosen = found.mean[labels == digit]
        axes[1].plot(chosen[:, 1], chosen[:, 0], ".", markersize=2.5, color=shades(digit), rasterized=True)
        axes[1].annotate(
            str(digit),
            (chosen[:, 1].median(), chosen[:, 0].median()),
            ha="center",
            va="center",
            fontsize=11,
            fontweight="bold",
            color="white",
            bbox={"boxstyle": "circle,pad=0.15", "color": shades(digit)},
        )
    axes[1].set(
        xlim=(-3, 3),
        ylim=(-3, 3),
        title="Encoded digits",
        xlabel="second latent",
        ylabel="first latent",
        aspect="equal",
    )
