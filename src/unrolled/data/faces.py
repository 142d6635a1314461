"""Frey Face, 1,965 frames of one face: a pickle of Python 2, read without giving it anything to run."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError
from unrolled.data.pickled import read_array
from unrolled.data.registry import fetch
from unrolled.data.sequences import permutation

DATASET = "frey-face"
SHAPE = (28, 20)
"""Rows and columns of a frame."""

VALIDATION = TEST = 200


def frames() -> Tensor:
    """All frames in the order of the video, ``[1965, 560]`` uint8: 28 rows of 20 pixels.

    Raises:
        UnrolledError: if the file cannot be had or is malformed.
    """
    path = fetch(DATASET)["freyfaces.pkl"]
    array = read_array(path, ("u1",))
    if array.ndim != 2 or array.shape[1] != math.prod(SHAPE):
        raise UnrolledError(f"an array of {array.shape}; expected rows of 560", file=path)
    return torch.from_numpy(array.copy())


def load(split: int = 0) -> dict[str, Tensor]:
    """The splits ``train``, ``valid`` and ``test``: 1,565, 200 and 200 frames, shuffled by the split's seed.

    Frames that follow each other are much alike, so a shuffled test frame has near neighbours in training:
    the difference between the two bounds says little here.
    """
    everything = frames()
    everything = everything[permutation(len(everything), split)]
    return {
        "train": everything[: -VALIDATION - TEST],
        "valid": everything[-VALIDATION - TEST : -TEST],
        "test": everything[-TEST:],
    }
