"""The glimpse sensor: a fine patch around a location, and coarser ones that see more.

Averages over all squares of 2, 4, ... pixels are taken once an image; a glimpse then only looks numbers up,
for the whole batch and all scales at once.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from unrolled.base.errors import UsageError


def pyramid(images: Float[Tensor, "batch height width"], scales: int) -> tuple[Tensor, ...]:
    """The means of all squares of 1, 2, 4, ... pixels of each image, one tensor a scale.

    *Paper*: mnih2014recurrent, the glimpse sensor.

    A square of scale j has 2^j pixels a side; its upper left corner runs from -2^j to the image's height (and
    width), so that the first and the last lie outside and are zero, as everything outside the image is.

    *Shapes*: as annotated; scale j is ``[batch, height + 2^j + 1, width + 2^j + 1]``.

    >>> pyramid(torch.ones(1, 1, 1), scales=2)[1][0]
    tensor([[0.0000, 0.0000, 0.0000, 0.0000],
            [0.0000, 0.2500, 0.2500, 0.0000],
            [0.0000, 0.2500, 0.2500, 0.0000],
            [0.0000, 0.0000, 0.0000, 0.0000]])
    """
    levels = [functional.pad(images, (1, 1, 1, 1))]
    for j in range(1, scales):
        half = 2 ** (j - 1)
        wide = functional.pad(levels[-1], (half, half, half, half))
        wide = wide[:, :-half] + wide[:, half:]
        levels.append((wide[:, :, :-half] + wide[:, :, half:]).mul_(0.25))
    return tuple(levels)


def fixation(
    location: Float[Tensor, "batch 2"], height: int, width: int, reach: float
) -> Int[Tensor, "batch 2"]:
    """The pixel (row, column) whose upper left corner is in the middle of every patch.

    A location is (down, right): (0, 0) is the centre, (-1, -1) lies ``reach`` pixels above and left of it.

    >>> fixation(torch.tensor([[0.0, 0.0], [-1.0, 0.5]]), 28, 28, reach=13.0)
    tensor([[14, 14],
            [ 1, 21]])
    """
    middle = torch.tensor([height / 2, width / 2], dtype=location.dtype, device=location.device)
    return torch.floor(middle + reach * location + 0.5).long()


def look(
    levels: tuple[Tensor, ...], fixations: Int[Tensor, "batch 2"], glimpse_size: int
) -> Float[Tensor, "batch glimpse"]:
    """The patches of all scales around one pixel of each image, from the images' `pyramid`.

    *Paper*: mnih2014recurrent, the glimpse sensor.

    *Shapes*: as annotated; ``glimpse`` is ``len(levels) * glimpse_size ** 2``.
    """
    steps = torch.arange(glimpse_size, device=fixations.device)
    patches = []
    for j, level in enumerate(levels):
        square, (rows, columns) = 2**j, level.shape[1:]
        corners = fixations.unsqueeze(-1) + (square * steps + square - (glimpse_size * square) // 2)
        down = corners[:, 0].clamp(0, rows - 1) * columns
        across = corners[:, 1].clamp(0, columns - 1)
        places = down.unsqueeze(-1) + across.unsqueeze(-2)
        patches.append(level.flatten(1).gather(1, places.flatten(1)))
    return torch.cat(patches, dim=1)


def retina(
    x: Float[Tensor, "batch height width"],
    location: Float[Tensor, "batch 2"],
    glimpse_size: int,
    scales: int = 1,
    reach: float | None = None,
) -> Float[Tensor, "batch glimpse"]:
    """What the sensor sees around one location of each image: k patches, each twice as wide as the last.

    *Paper*: mnih2014recurrent, the glimpse sensor.

        rho(x, l) = [patch_1(x, l); ...; patch_k(x, l)]

    *Shapes*: as annotated; ``glimpse`` is ``scales * glimpse_size ** 2``.

    *Departures*: unspecified: a coarser patch is averaged (as in the reference port), locations are rounded
    to whole pixels, and a location of 1 lies ``reach`` pixels from the centre, by default on the border.

    *Raises*: `UsageError` for a size or a number of scales below one.

    >>> retina(torch.ones(1, 4, 4), torch.zeros(1, 2), glimpse_size=2, scales=3)
    tensor([[1.0000, 1.0000, 1.0000, 1.0000, 1.0000, 1.0000, 1.0000, 1.0000, 0.2500,
             0.2500, 0.2500, 0.2500]])
    """
    if glimpse_size < 1 or scales < 1:
        raise UsageError(f"glimpse_size is {glimpse_size} and scales {scales}; both must be at least 1")
    height, width = x.shape[1:]
    reach = min(height, width) / 2 if reach is None else reach
    fixations = fixation(location, height, width, reach)
    return look(pyramid(x, scales), fixations, glimpse_size)
