"""Digits on larger canvases: at a random place, alone or among crops of other digits.

Fresh canvases are drawn for every batch, so nothing here loops over a batch or looks at a value.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from unrolled.base.errors import UsageError


def translated(images: Tensor, size: int, generator: Generator | None = None) -> Tensor:
    """Each image at a random whole-pixel place on a black square; every place is equally likely.

    *Paper*: mnih2014recurrent, the data of its experiment on translated digits.

    *Shapes*: images ``[batch, height, width]``; gives ``[batch, size, size]``.

    *Raises*: `UsageError` for images larger than the canvas.

    Args:
        images: what is placed.
        size: width and height of the canvas.
        generator: where the places are drawn from; torch's global generator without it.

    >>> canvas = translated(torch.ones(3, 2, 2), 5)
    >>> tuple(canvas.shape), canvas.sum().item()
    ((3, 5, 5), 12.0)
    """
    _check(images, size)
    canvas = images.new_zeros(len(images), size * size)
    places, pixels = _at_random_places(images, size, generator)
    return canvas.scatter_(1, places, pixels).view(-1, size, size)


def cluttered(
    images: Tensor, size: int, distractors: int, crop: int, generator: Generator | None = None
) -> Tensor:
    """Each image at a random place among small crops of other images of the batch.

    The crops are square, cut at random places out of random other images, and added to the canvas at random
    places; the image is added as well, and what exceeds 1 is cut off, as in the data's public generator.

    *Paper*: mnih2014recurrent, the data of its experiments on cluttered digits (four crops of 8x8 on 60x60).

    *Shapes*: images ``[batch, height, width]``; gives ``[batch, size, size]``.

    *Departures*: data: the generator cuts crops out of the whole training set; here the batch serves.

    *Raises*: `UsageError` for images larger than the canvas, crops larger than the images, one image alone.

    Args:
        images: what is placed; values in [0, 1].
        size: width and height of the canvas.
        distractors: crops a canvas.
        crop: width and height of a crop.
        generator: where everything is drawn from; torch's global generator without it.

    >>> canvas = cluttered(torch.ones(3, 4, 4), 12, distractors=2, crop=2)
    >>> tuple(canvas.shape), canvas.max().item()
    ((3, 12, 12), 1.0)
    """
    _check(images, size)
    batch, height, width = images.shape
    if not 1 <= crop <= min(height, width):
        raise UsageError(f"crops of {crop}x{crop} do not fit into images of {height}x{width}")
    if batch < 2 and distractors:
        raise UsageError("distractors are cut out of other images of the batch; it holds one image")
    canvas = images.new_zeros(batch, size * size)
    if distractors:
        crops = _random_crops(images, distractors, crop, generator)
        places, pixels = _at_random_places(crops.flatten(0, 1), size, generator)
        canvas.scatter_add_(1, places.view(batch, -1), pixels.view(batch, -1))
    places, pixels = _at_random_places(images, size, generator)
    return canvas.scatter_add_(1, places, pixels).clamp_(0.0, 1.0).view(batch, size, size)


def _random_crops(images: Tensor, distractors: int, crop: int, generator: Generator | None) -> Tensor:
    """Squares out of other images, ``[batch, distractors, crop, crop]``."""
    batch, height, width = images.shape
    shape, device = (batch, distractors), images.device
    steps = torch.randint(1, batch, shape, generator=generator, device=device)
    sources = (torch.arange(batch, device=device).unsqueeze(1) + steps) % batch
    tops = torch.randint(0, height - crop + 1, shape, generator=generator, device=device)
    lefts = torch.randint(0, width - crop + 1, shape, generator=generator, device=device)
    corners = (sources * height + tops) * width + lefts
    places = corners.view(*shape, 1, 1) + _square(crop, crop, width, device)
    return images.reshape(-1).take(places)


def _at_random_places(images: Tensor, size: int, generator: Generator | None) -> tuple[Tensor, Tensor]:
    """Where in a flat canvas every pixel comes to lie, and the pixels; both ``[batch, height * width]``."""
    batch, height, width = images.shape
    device = images.device
    tops = torch.randint(0, size - height + 1, (batch, 1), generator=generator, device=device)
    lefts = torch.randint(0, size - width + 1, (batch, 1), generator=generator, device=device)
    places = tops * size + lefts + _square(height, width, size, device).view(1, -1)
    return places, images.flatten(1)


def _square(height: int, width: int, stride: int, device: torch.device) -> Tensor:
    """Offsets ``[height, width]`` of a rectangle's pixels in a flat picture with rows of ``stride``."""
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
    return rows.unsqueeze(1) * stride + columns


def _check(images: Tensor, size: int) -> None:
    if images.ndim != 3:
        raise UsageError(f"images must be [batch, height, width], not {list(images.shape)}")
    if max(images.shape[1:]) > size:
        height, width = images.shape[1:]
        raise UsageError(f"images of {height}x{width} do not fit on a canvas of {size}x{size}")
