"""Frey Face, 1,965 frames of one face: a pickle of Python 2, read without giving it anything to run."""

from __future__ import annotations

import io
import math
import pickle
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError
from unrolled.data.registry import fetch
from unrolled.data.sequences import permutation

DATASET = "frey-face"
SHAPE = (28, 20)
"""Rows and columns of a frame."""

VALIDATION = TEST = 200


class _Bytes:
    """Stands for the type ``u1``, the only one that is admitted."""

    def __setstate__(self, state: object) -> None:
        """Byte order and the like: nothing that matters to single bytes."""


class _Array:
    """Stands for an array while a pickle is read, and takes its state as numpy's arrays do."""

    def __init__(self) -> None:
        self.value: np.ndarray | None = None

    def __setstate__(self, state: object) -> None:
        """From (version, shape, type, Fortran order, bytes)."""
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _Bytes) or fortran or not isinstance(content, str | bytes):
            raise pickle.UnpicklingError("an array of something else than bytes, row by row")
        content = content.encode("latin1") if isinstance(content, str) else content
        if math.prod(shape) != len(content):
            raise pickle.UnpicklingError(f"an array of shape {shape} with {len(content)} bytes")
        self.value = np.frombuffer(content, np.uint8).reshape(shape)


def _kind(name: object, *_: object) -> _Bytes:
    if name not in ("u1", b"u1"):
        raise pickle.UnpicklingError(f"an array of type {name!r}; only bytes (u1) are admitted")
    return _Bytes()


def _array(*_: object) -> _Array:
    return _Array()


class _NoClass:
    """Stands for the name ``ndarray``, which is passed on and never called."""


_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy", "ndarray"): _NoClass,
    ("numpy", "dtype"): _kind,
}


class _Restricted(pickle.Unpickler):
    """Admits the three names that an array's pickle needs, and gives stand-ins of our own for them."""

    def find_class(self, module: str, name: str) -> object:
        """The stand-in of a name; nothing is ever imported."""
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which an array does not need")
        return _ADMITTED[module, name]

    def persistent_load(self, identifier: object) -> object:
        """There are none."""
        raise pickle.UnpicklingError(f"it asks for an outside object {identifier!r}")


def read_pickled_bytes(path: str | Path) -> np.ndarray:
    """The one array of unsigned bytes in a pickle, alone or in a list of one.

    Only the reconstruction of such an array is admitted: a pickle is a program, and every other name that
    it asks for is refused before anything of it is imported or called.

    Raises:
        UnrolledError: for every other content.
    """
    path = Path(path)
    try:
        found = _Restricted(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        KeyError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:  # what a broken or hostile pickle can raise
        reason = str(error) or type(error).__name__
        raise UnrolledError(f"refused as a pickle: {reason}", file=path, mend="fetch it again") from error
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, _Array) or found.value is None:
        raise UnrolledError(
            f"the pickle holds {type(found).__name__} and not one array", file=path, mend="fetch it again"
        )
    return found.value


def frames() -> Tensor:
    """All frames in the order of the video, ``[1965, 560]`` uint8: 28 rows of 20 pixels.

    Raises:
        UnrolledError: if the file cannot be had or is malformed.
    """
    path = fetch(DATASET)["freyfaces.pkl"]
    array = read_pickled_bytes(path)
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
