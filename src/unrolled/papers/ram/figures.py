"""Scan paths over pictures, with the glimpse pyramids below.

Locations are (down, right), as the model gives them; matplotlib is imported where something is drawn.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from unrolled.execution.figures import chance, role
from unrolled.papers.ram.retina import fixation, retina

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREEN = "#009E73"


def pyramids(
    image: Float[Tensor, "height width"],
    path: Float[Tensor, "time 2"],
    glimpse_size: int,
    scales: int,
    reach: float,
) -> Float[Tensor, "tall wide"]:
    """What the retina saw along a path, as one picture: a column a glimpse, the finest patch on top.

    Patches are a pixel apart; the gaps are NaN, which is drawn as nothing.

    >>> pyramids(torch.ones(4, 4), torch.zeros(2, 2), glimpse_size=1, scales=2, reach=2.0)
    tensor([[1., nan, 1.],
            [nan, nan, nan],
            [1., nan, 1.]])
    """
    seen = retina(image.expand(len(path), *image.shape), path, glimpse_size, scales, reach)
    framed = torch.full((scales, glimpse_size + 1, len(path), glimpse_size + 1), torch.nan)
    patches = seen.view(len(path), scales, glimpse_size, glimpse_size).permute(1, 2, 0, 3)
    framed[:, :-1, :, :-1] = patches
    return framed.reshape(scales * (glimpse_size + 1), -1)[:-1, :-1]


def scan_path(
    ax: "Axes",
    image: Float[Tensor, "height width"],
    path: Float[Tensor, "time 2"],
    glimpse_size: int,
    reach: float,
    *,
    color: str = GREEN,
) -> None:
    """A picture, the squares of full resolution on it, and the way of the gaze from the ring to the dot."""
    from matplotlib.patches import Rectangle

    places = fixation(path, *image.shape, reach)
    ax.imshow(image.numpy(), cmap="gray", vmin=0, vmax=1)
    for place in places.tolist():
        corner = [value - glimpse_size // 2 - 0.5 for value in reversed(place)]
        ax.add_patch(
            Rectangle(corner, glimpse_size, glimpse_size, fill=False, color=color, linewidth=0.8, alpha=0.7)
        )
    down, right = (places - 0.5).numpy().T
    ax.plot(right, down, "-", color=color, linewidth=1.6)
    ax.plot(right[:1], down[:1], "o", color=color, markerfacecolor="none", markersize=7)
    ax.plot(right[-1:], down[-1:], "o", color=color, markersize=5)
    height, width = image.shape
    ax.set(xticks=[], yticks=[], xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def scan_paths(
    images: Float[Tensor, "batch height width"],
    paths: Float[Tensor, "time batch 2"],
    glimpse_size: int,
    scales: int,
    reach: float,
    titles: Sequence[str] = (),
    *,
    color: str = GREEN,
) -> "Figure":
    """Pictures with the way of the gaze over them and, below, what the retina saw at each stop.

    *Paper*: mnih2014recurrent, its figures of learned scan paths.

    *Shapes*: as annotated; ``paths`` are a `Rollout`'s locations. ``titles`` stand above the pictures.
    """
    from matplotlib import pyplot

    tall = scales / len(paths)  # a pyramid's height, of its width
    figure, axes = pyplot.subplots(
        2,
        len(images),
        figsize=(1.2 * len(images), 1.4 + 1.2 * tall),
        height_ratios=(1, max(tall, 0.2)),
        squeeze=False,
    )
    for column, (image, path) in enumerate(zip(images, paths.unbind(1), strict=True)):
        above, below = axes[:, column]
        scan_path(above, image, path, glimpse_size, reach, color=color)
        if column < len(titles):
            above.set_title(titles[column], fontsize=10)
        below.imshow(pyramids(image, path, glimpse_size, scales, reach).numpy(), cmap="gray", vmin=0, vmax=1)
        below.set_axis_off()
    return figure


def learning_and_looking(run: Any, wrong: Sequence[float]) -> None:
    """Validation error over the updates of a run, and, in per cent, read off after each glimpse."""
    from matplotlib import pyplot

    updates, errors = run.curve("valid_error")
    _, axes = pyplot.subplots(1, 2, figsize=(7.2, 3.2), sharey=True)
    axes[0].plot(updates, [100 * error for error in errors], **role("method"))
    axes[1].plot(range(1, len(wrong) + 1), wrong, **role("method"))
    axes[0].set(xlabel="updates", ylabel="validation error, %", title="While learning", ylim=(0, 100))
    axes[1].set(xlabel="glimpses so far", ylabel="validation error, %", title="While looking")
    chance(axes[1], 90, "chance")
