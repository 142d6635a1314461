"""The 8x8 digits that scikit-learn ships: an embedded set, so that reading and testing need no download."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError
from unrolled.data.sequences import permutation, pixels

TRAIN = 1297
"""How many of the 1,797 digits are for training; the other 500 are for validation."""


def load() -> tuple[Tensor, Tensor]:
    """All 1,797 digits: images ``[1797, 8, 8]`` float32 in ``[0, 1]``, labels ``[1797]`` int64.

    Raises:
        UnrolledError: where scikit-learn is not installed, or has moved its table.

    >>> images, labels = load()
    >>> tuple(images.shape), float(images.max())
    ((1797, 8, 8), 1.0)
    """
    table = np.loadtxt(_file(), delimiter=",", dtype=np.float32)
    images = torch.from_numpy(table[:, :-1] / 16).unflatten(1, (8, 8))
    return images, torch.from_numpy(table[:, -1].astype(np.int64))


def _file() -> Path:
    """The table of the digits, found without importing scikit-learn, which takes seconds."""
    found = find_spec("sklearn")
    path = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz" if found else None
    if path is None or not path.is_file():
        raise UnrolledError("the 8x8 digits are not there", hint="install scikit-learn, which ships them")
    return path


def pictures(*, split: int = 0) -> dict[str, tuple[Tensor, Tensor]]:
    """The digits as pictures, ``[n, 8, 8]`` in ``[0, 1]``, split into 1,297 to train and 500 to validate.

    Args:
        split: the seed of the split; the same seed splits `sequential` alike.

    >>> {name: tuple(images.shape) for name, (images, _) in pictures().items()}
    {'train': (1297, 8, 8), 'valid': (500, 8, 8)}
    """
    images, labels = load()
    shuffled = permutation(len(images), split)
    parts = {"train": shuffled[:TRAIN], "valid": shuffled[TRAIN:]}
    return {name: (images[part], labels[part]) for name, part in parts.items()}


def sequential(*, split: int = 0, permuted: int | None = None) -> dict[str, tuple[Tensor, Tensor]]:
    """The digits as sequences of 64 pixels, ``[n, 64, 1]``, split into 1,297 to train and 500 to validate.

    Args:
        split: the seed of the split.
        permuted: the seed of the one order in which all pictures are read; row by row without it.
    """
    order = None if permuted is None else permutation(64, permuted)
    return {name: (pixels(images, order), labels) for name, (images, labels) in pictures(split=split).items()}


def rows(*, split: int = 0) -> dict[str, tuple[Tensor, Tensor]]:
    """The digits in black and white, row by row: eight steps of eight pixels, ``[n, 8, 8]`` of 0.0 and 1.0.

    A pixel is 1 where it is brighter than half. Split as in `sequential`, with the labels ``[n]`` int64.

    Args:
        split: the seed of the split.

    >>> x, labels = rows()["train"]
    >>> tuple(x.shape), x.unique().tolist()
    ((1297, 8, 8), [0.0, 1.0])
    """
    return {
        name: ((images > 0.5).to(torch.float32), labels)
        for name, (images, labels) in pictures(split=split).items()
    }
