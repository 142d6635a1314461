"""MNIST and sets of its format: the idx reader, the customary splits, and the one-pixel-a-step views."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from unrolled.base.errors import UnrolledError
from unrolled.data.packed import BROKEN, gunzip
from unrolled.data.registry import fetch
from unrolled.data.sequences import permutation, pixels

VALIDATION = 10_000
"""How many of the training examples, the last ones, are the validation set by custom."""


def read_idx(path: str | Path) -> np.ndarray:
    """The array of unsigned bytes in an idx file, plain or gzip.

    The format: two zero bytes, the type (8 for unsigned bytes), the number of axes, each axis as a big-endian
    32-bit integer, and the bytes.

    Raises:
        UnrolledError: if the file is no such file, or is longer or shorter than its header says.
    """
    path = Path(path)
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gunzip(path)
        except BROKEN as error:
            raise UnrolledError(f"broken gzip: {error}", file=path, hint="fetch it again") from error
    if len(content) < 4 or content[:3] != b"\x00\x00\x08" or content[3] == 0:
        raise UnrolledError(
            f"not an idx file of unsigned bytes: it begins with {content[:4].hex() or 'nothing'}",
            file=path,
            hint="fetch it again",
        )
    axes, start = content[3], 4 + 4 * content[3]
    if len(content) < start:
        raise UnrolledError("the idx header is cut off", file=path, hint="fetch it again")
    shape = [int(n) for n in np.frombuffer(content, ">u4", count=axes, offset=4)]
    if len(content) - start != math.prod(shape):
        raise UnrolledError(
            f"the idx header says {' x '.join(map(str, shape))} bytes; the file holds {len(content) - start}",
            file=path,
            hint="fetch it again",
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def load(name: str = "mnist") -> dict[str, tuple[Tensor, Tensor]]:
    """The splits ``train``, ``valid`` and ``test``: images ``[n, 28, 28]`` uint8 and labels ``[n]`` int64.

    50,000, 10,000 and 10,000 examples for MNIST; validation is the last 10,000 of the training files.

    Raises:
        UnrolledError: if a file cannot be had, is malformed, or images and labels differ in number.
    """
    files = fetch(name)
    halves = {}
    for half in ("train", "t10k"):
        images = read_idx(files[f"{half}-images-idx3-ubyte.gz"])
        labels = read_idx(files[f"{half}-labels-idx1-ubyte.gz"])
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise UnrolledError(
                f"{name}: images {images.shape} and labels {labels.shape} do not belong together"
            )
        halves[half] = torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(np.int64))
    images, labels = halves["train"]
    return {
        "train": (images[:-VALIDATION], labels[:-VALIDATION]),
        "valid": (images[-VALIDATION:], labels[-VALIDATION:]),
        "test": halves["t10k"],
    }


def sequential(
    name: str = "mnist", *, permuted: int | None = None, pool: int = 1
) -> dict[str, tuple[Tensor, Tensor]]:
    """MNIST as sequences of 784 pixels in ``[0, 1]``, ``[n, 784, 1]``, with the label of each.

    Args:
        name: a data set of MNIST's format.
        permuted: the seed of the one order in which all pictures are read; row by row without it.
        pool: average squares of so many pixels a side first: 2 gives 14x14 pictures, 196 steps.

    *Departure* (correction): the released code of Cooijmans et al. draws the order with replacement, so that
    about 37 % of the pixels are never seen. This is a true permutation.
    """
    order = None if permuted is None else permutation((28 // pool) ** 2, permuted)
    return {
        split: (pixels(avg_pool2d(images.to(torch.float32).div_(255.0), pool), order), labels)
        for split, (images, labels) in load(name).items()
    }
