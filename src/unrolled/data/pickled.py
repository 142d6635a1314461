"""Arrays that were pickled, alone or into ``npz`` files, read without giving the pickle anything to run.

A pickle is a program. Here it may name the three things that an array's pickle needs, and for each it gets a
stand-in of our own; any other name is refused before anything is imported or called.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from functools import partial
from pathlib import Path

import numpy as np

from unrolled.base.errors import UnrolledError
from unrolled.data.packed import BROKEN, check_sizes

NUMBERS = ("u1", "i1", "i2", "u2", "i4", "i8", "f4", "f8")


class _Type:
    """Stands for one of the admitted types; "O8" is that of objects."""

    def __init__(self, admitted: tuple[str, ...], name: object, *_: object) -> None:
        self.name = name.decode("latin1") if isinstance(name, bytes) else name
        self.order = "<"
        if self.name not in admitted:
            raise pickle.UnpicklingError(f"an array of type {name!r}; admitted are {', '.join(admitted)}")

    def __setstate__(self, state: tuple) -> None:
        """Its byte order; nothing else of its state matters to numbers."""
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError(f"a byte order {order!r}")
        self.order = order


class _Array:
    """Stands for an array, and takes its state as numpy's do; ``value`` is an array or a list of them."""

    def __init__(self, *_: object) -> None:
        self.value: np.ndarray | list | None = None

    def __setstate__(self, state: tuple) -> None:
        """From (version, shape, type, Fortran order, content)."""
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _Type) or fortran:
            raise pickle.UnpicklingError("an array that is not in row order")
        if kind.name == "O8":
            if not isinstance(content, list) or len(content) != math.prod(shape):
                raise pickle.UnpicklingError("an array of objects without them")
            self.value = [one.value if isinstance(one, _Array) else None for one in content]
            return
        content = content.encode("latin1") if isinstance(content, str) else content
        if not isinstance(content, bytes) or math.prod(shape) * int(kind.name[1:]) != len(content):
            raise pickle.UnpicklingError(
                f"an array of shape {shape} of {kind.name} with {len(content)} bytes"
            )
        self.value = np.frombuffer(content, kind.order + kind.name).reshape(shape)


class _NoClass:
    """Stands for the name ``ndarray``, which is passed on and never called."""


_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _NoClass,
}


class _Restricted(pickle.Unpickler):
    """Admits the names of an array's pickle and no other, and arrays of the ``admitted`` types."""

    def __init__(self, stream: io.BytesIO, admitted: tuple[str, ...]) -> None:
        super().__init__(stream, encoding="latin1")
        self.admitted = admitted

    def find_class(self, module: str, name: str) -> object:
        """The stand-in of a name; nothing is ever imported."""
        if (module, name) == ("numpy", "dtype"):
            return partial(_Type, self.admitted)
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which an array does not need")
        return _ADMITTED[module, name]

    def persistent_load(self, identifier: object) -> object:
        """There are none."""
        raise pickle.UnpicklingError(f"it asks for an outside object {identifier!r}")


def read_array(path: str | Path, admitted: tuple[str, ...] = NUMBERS) -> np.ndarray:
    """The one array of numbers in a pickle, alone or in a list of one.

    Args:
        path: of the pickle.
        admitted: the types that its numbers may have, as numpy names them: "u1" for single bytes.

    Raises:
        UnrolledError: for any other content; a pickle that asks for something else is not run.
    """
    path = Path(path)
    try:
        found = _Restricted(io.BytesIO(path.read_bytes()), admitted).load()
    except BROKEN as error:
        reason = str(error) or type(error).__name__
        raise UnrolledError(f"refused as a pickle: {reason}", file=path, hint="fetch it again") from error
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, _Array) or not isinstance(found.value, np.ndarray):
        kind = type(found).__name__
        raise UnrolledError(f"the pickle holds {kind} and not one array", file=path, hint="fetch it again")
    return found.value


def read_npz(path: str | Path) -> dict[str, list[np.ndarray]]:
    """The members of an ``npz`` file whose every member is an array of arrays of numbers.

    Raises:
        UnrolledError: for any other content; a pickle that asks for something else is not run.
    """
    path, found = Path(path), {}
    try:
        with zipfile.ZipFile(path) as archive:
            check_sizes(archive)
            for name in archive.namelist():
                stream = io.BytesIO(archive.read(name))
                version = np.lib.format.read_magic(stream)
                if version != (1, 0):
                    raise ValueError(f"{name} is of the npy version {version}")
                shape, _, kind = np.lib.format.read_array_header_1_0(stream)
                if kind.kind != "O":
                    raise ValueError(f"{name} is no array of arrays but of {kind}")
                member = _Restricted(stream, ("O8", *NUMBERS)).load()
                arrays = member.value if isinstance(member, _Array) else None
                if not isinstance(arrays, list) or len(arrays) != math.prod(shape):
                    raise ValueError(f"{name} does not hold the {math.prod(shape)} arrays that it says")
                if not all(isinstance(one, np.ndarray) for one in arrays):
                    raise ValueError(f"{name} holds something else than arrays")
                found[name.removesuffix(".npy")] = arrays
    except BROKEN as error:
        reason = str(error) or type(error).__name__
        raise UnrolledError(f"refused: {reason}", file=path, hint="fetch it again") from error
    return found
