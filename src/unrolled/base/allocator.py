"""Freed memory stays with the process, so that the next tensor of its size need not be asked for again."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # names of glibc's malloc.h
_MEBIBYTE = 2**20


def keep_freed_memory() -> bool:
    """Tell the C library to keep freed blocks of up to 32 MiB; whether it listened.

    A training step frees and asks for the same tensors again and again. By default glibc gives those above
    some 100 KiB back to the kernel each time, and the kernel clears every page before it lends it again: a
    tenth of a step that makes many tensors of megabytes. Peak memory stays what it is. Elsewhere than on
    Linux with glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    wanted = ((_MMAP_THRESHOLD, 32), (_TRIM_THRESHOLD, 1024), (_TOP_PAD, 64))
    answers = [mallopt(name, size * _MEBIBYTE) for name, size in wanted]
    return all(answers)
