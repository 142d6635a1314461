"""Binary pictures: MNIST in Larochelle's fixed binarisation, and the embedded digits, one or more a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import digits
from unrolled.data.packed import BROKEN
from unrolled.data.registry import fetch
from unrolled.data.sequences import permutation

DATASET = "binarized-mnist"
PIXELS = 784


def read_amat(path: str | Path) -> np.ndarray:
    """The 0/1 rows ``[n, 784]`` uint8 of one file (MATLAB v5, in spite of its name).

    Raises:
        UnrolledError: if the file is no such file, or holds anything but rows of 784 zeros and ones.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    path = Path(path)
    try:
        content = loadmat(path, appendmat=False, variable_names=["X"])
    except (MatReadError, *BROKEN) as error:  # what scipy raises for broken files
        raise UnrolledError(f"not a MATLAB v5 file: {error}", file=path, hint="fetch it again") from error
    if "X" not in content:
        raise UnrolledError("the MATLAB file has no variable X", file=path, hint="fetch it again")
    rows = content["X"]
    if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != PIXELS or rows.max(initial=0) > 1:
        largest = rows.max() if rows.dtype == np.uint8 and rows.size else "nothing"
        raise UnrolledError(
            f"X is {rows.dtype} {rows.shape} up to {largest}; expected rows of 784 zeros and ones",
            file=path,
            hint="fetch it again",
        )
    return rows


def mnist() -> dict[str, Tensor]:
    """The splits ``train``, ``valid`` and ``test`` of fixed binarised MNIST, ``[n, 784]`` uint8.

    50,000, 10,000 and 10,000 rows, each drawn once from its grey picture (the binarisation of Salakhutdinov
    and Murray, in Larochelle's files). There are no labels, and the order is not that of MNIST.

    Raises:
        UnrolledError: if a file cannot be had or is malformed.
    """
    files = fetch(DATASET)
    return {
        split: torch.from_numpy(read_amat(files[f"binarized_mnist_{split}.amat"]))
        for split in ("train", "valid", "test")
    }


def pages(images: Tensor, labels: Tensor, *, canvas: int, copies: int, seed: int) -> tuple[Tensor, Tensor]:
    """Grey pictures, thresholded at one half, on square pages that hold as many of them as fit in rows.

    Each picture comes ``copies`` times, in random company; those that do not fill a page are left out. Where
    the page is larger than its pictures, their block lies at a random place.

    Returns the pages ``[n, canvas * canvas]`` uint8 and the labels of their pictures, row by row, ``[n, k]``.

    Raises:
        UsageError: if the page is smaller than a picture.
    """
    side = images.shape[-1]
    if canvas < side:
        raise UsageError(f"a page of {canvas} pixels does not hold pictures of {side}")
    generator = torch.Generator().manual_seed(seed)
    order = torch.cat([torch.randperm(len(images), generator=generator) for _ in range(copies)])
    across = canvas // side
    chosen = order[: len(order) - len(order) % across**2].view(-1, across, across)
    binary = (images >= 0.5).to(torch.uint8)
    blocks = binary[chosen].transpose(2, 3).reshape(-1, across * side, across * side)
    within = torch.arange(across * side)
    places = torch.randint(0, canvas - across * side + 1, (2, len(blocks), 1), generator=generator) + within
    cells = places[0][:, :, None] * canvas + places[1][:, None, :]
    sheets = torch.zeros(len(blocks), canvas * canvas, dtype=torch.uint8)
    sheets.scatter_(1, cells.flatten(1), blocks.flatten(1))
    return sheets, labels[chosen].flatten(1)


def digit_pages(*, canvas: int = 8, copies: int = 1, split: int = 0) -> dict[str, tuple[Tensor, Tensor]]:
    """scikit-learn's digits, binary, on pages: 1,297 digits to train and 500 to validate, ``copies`` each.

    A digit lies in one split with all its copies. With the default canvas a page is one digit.

    >>> images, labels = digit_pages(canvas=16, copies=4)["train"]
    >>> tuple(images.shape), tuple(labels.shape)
    ((1297, 256), (1297, 4))
    """
    images, labels = digits.load()
    shuffled = permutation(len(images), split)
    halves = {"train": shuffled[: digits.TRAIN], "valid": shuffled[digits.TRAIN :]}
    return {
        half: pages(images[rows], labels[rows], canvas=canvas, copies=copies, seed=1_000 * split + index)
        for index, (half, rows) in enumerate(halves.items())
    }
