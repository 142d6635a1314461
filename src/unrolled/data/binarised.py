"""Binary pictures: MNIST in Larochelle's fixed binarisation, and the embedded digits, enlarged and moved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import digits
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
    except (MatReadError, ValueError, TypeError, NotImplementedError, OSError) as error:
        raise UnrolledError(f"not a MATLAB v5 file: {error}", file=path, mend="fetch it again") from error
    if "X" not in content:
        raise UnrolledError("the MATLAB file has no variable X", file=path, mend="fetch it again")
    rows = content["X"]
    if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != PIXELS or rows.max(initial=0) > 1:
        largest = rows.max() if rows.dtype == np.uint8 and rows.size else "nothing"
        raise UnrolledError(
            f"X is {rows.dtype} {rows.shape} up to {largest}; expected rows of 784 zeros and ones",
            file=path,
            mend="fetch it again",
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


def canvases(
    images: Tensor, labels: Tensor, *, canvas: int, copies: int, seed: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Grey pictures, thresholded at one half, each pasted at ``copies`` random places of a larger canvas.

    Returns the canvases ``[n * copies, canvas * canvas]`` uint8, the labels ``[n * copies]``, and the row and
    column of each ``[n * copies, 2]``.

    Raises:
        UsageError: if the canvas is smaller than the pictures.
    """
    side = images.shape[-1]
    if canvas < side:
        raise UsageError(f"a canvas of {canvas} pixels does not hold pictures of {side}")
    generator = torch.Generator().manual_seed(seed)
    binary = (images >= 0.5).to(torch.uint8).repeat(copies, 1, 1)
    places = torch.randint(0, canvas - side + 1, (len(binary), 2), generator=generator)
    within = torch.arange(side)
    rows = (places[:, :1] + within)[:, :, None].expand(-1, side, side)
    columns = (places[:, 1:] + within)[:, None, :].expand(-1, side, side)
    moved = torch.zeros(len(binary), canvas * canvas, dtype=torch.uint8)
    moved.scatter_(1, (rows * canvas + columns).flatten(1), binary.flatten(1))
    return moved, labels.repeat(copies), places


def moved_digits(*, canvas: int = 8, copies: int = 1, split: int = 0) -> dict[str, tuple[Tensor, Tensor]]:
    """scikit-learn's digits as binary canvases and labels: 1,297 to train, 500 to validate, ``copies`` each.

    A digit lies in one split with all its copies. With the default canvas nothing is moved.

    >>> images, labels = moved_digits(canvas=12, copies=2)["train"]
    >>> tuple(images.shape), images.dtype
    ((2594, 144), torch.uint8)
    """
    images, labels = digits.load()
    shuffled = permutation(len(images), split)
    halves = {"train": shuffled[: digits.TRAIN], "valid": shuffled[digits.TRAIN :]}
    return {
        half: canvases(images[rows], labels[rows], canvas=canvas, copies=copies, seed=1_000 * split + index)[
            :2
        ]
        for index, (half, rows) in enumerate(halves.items())
    }
