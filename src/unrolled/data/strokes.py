"""Pen trajectories: drawn digits, letters, sheep and characters as sequences of (pen, dx, dy).

**Axes.** The last axis is ``(pen, dx, dy)``. ``dx`` is to the right and ``dy`` *downward*, from the point
before. ``pen`` is 1.0 where the pen is lifted after this point: the step after a 1.0, like the first step,
is a move without ink.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError, unknown
from unrolled.data.packed import BROKEN
from unrolled.data.pickled import read_npz
from unrolled.data.registry import fetch

SETS = {
    "omniglot-strokes": "omniglot.npz",
    "kanji-strokes": "short_kanji.npz",
    "aaron-sheep": "aaron_sheep.npz",
    "pendigits": "pendigits.csv",
}
"""The sets and their files."""

PENDIGITS_TRAIN, PENDIGITS_WRITERS = 6000, 7494
"""Rows to train on, and rows by the 30 writers of the training part; those between are for validation."""

_MEND = "fetch it again"


def _stroke3(path: Path) -> dict[str, list[np.ndarray]]:
    """Rows of (dx, dy, pen up after it), as published, turned to (pen, dx, dy)."""
    members, splits = read_npz(path), {}
    for split in ("train", "valid", "test"):
        found = members.get(split) or [np.zeros(0)]
        for number, one in enumerate(found):
            if one.ndim != 2 or one.shape[1] != 3 or not len(one):
                raise UnrolledError(
                    f"{split}[{number}] is no drawing of rows (dx, dy, pen): {one.dtype} {list(one.shape)}",
                    file=path,
                    hint=_MEND,
                )
        rows, ends = np.concatenate(found).astype(np.float32), np.cumsum([len(one) for one in found])
        wrong = np.flatnonzero((rows[:, 2] != 0) & (rows[:, 2] != 1))
        if len(wrong):
            number = int(np.searchsorted(ends, wrong[0], side="right"))
            raise UnrolledError(
                f"{split}[{number}] is no drawing: its pen is {rows[wrong[0], 2]:g}", file=path, hint=_MEND
            )
        splits[split] = np.split(rows[:, [2, 0, 1]], ends[:-1])
    return splits


def _pendigits(path: Path) -> dict[str, list[np.ndarray]]:
    """Eight points a digit, 0 to 100 and upward, turned to eight offsets, the first from the middle."""
    try:
        rows = np.loadtxt(
            path, delimiter=",", skiprows=1, dtype=np.int64, quotechar='"', encoding="utf-8", ndmin=2
        )
    except BROKEN as error:
        raise UnrolledError(f"no table of numbers: {error}", file=path, hint=_MEND) from error
    if rows.shape[1] != 18 or len(rows) <= PENDIGITS_WRITERS:
        raise UnrolledError(f"{rows.shape[0]} rows of {rows.shape[1]} columns", file=path, hint=_MEND)
    points = rows[:, 1:17].reshape(-1, 8, 2) - 50
    drawings = np.zeros((len(rows), 8, 3), np.float32)
    drawings[:, :, 1:] = np.diff(points, axis=1, prepend=0) * (1, -1)
    drawings[:, -1, 0] = 1
    parts = np.split(drawings, [PENDIGITS_TRAIN, PENDIGITS_WRITERS])
    return {split: list(part) for split, part in zip(("train", "valid", "test"), parts, strict=True)}


def read(name: str, path: str | Path) -> dict[str, list[np.ndarray]]:
    """The drawings of a set's file by split, each ``[time, 3]`` = (pen, dx, dy), in the file's units.

    Raises:
        UsageError: for an unknown set.
        UnrolledError: if the file is malformed; a pickle that asks for more than arrays is not run.
    """
    if name not in SETS:
        raise unknown("set of drawings", name, SETS, listing=f"known: {', '.join(SETS)}")
    return (_pendigits if name == "pendigits" else _stroke3)(Path(path))


def load(name: str = "omniglot-strokes") -> dict[str, tuple[Tensor, Tensor]]:
    """Drawings ``[n, time, 3]`` float32 = (pen, dx, dy), zero after the end, with lengths ``[n]``, by split.

    The offsets are divided by the deviation of all the offsets of the training drawings, the same for both
    directions, so shapes keep their proportions; no mean is taken away.

    - ``omniglot-strokes``: 30,000, 1,000 and 1,000 characters of many alphabets, drawn with a mouse.
    - ``kanji-strokes``: 10,000, 600 and 500; strokes in order, but from outlines made by hand, not recorded.
    - ``aaron-sheep``: 7,400, 300 and 300 sheep by as many people.
    - ``pendigits``: 6,000, 1,494 and 3,498 digits of eight points, each one stroke, resampled at equal
      distances (its lifts of the pen are not kept); the test digits are by other writers.

    Raises:
        UsageError: for an unknown set.
        UnrolledError: if the file cannot be had or is malformed.
    """
    if name not in SETS:
        raise unknown("set of drawings", name, SETS, listing=f"known: {', '.join(SETS)}")
    drawings = read(name, fetch(name, only=[SETS[name]])[SETS[name]])
    deviation = float(np.concatenate(drawings["train"])[:, 1:].astype(np.float64).std())
    splits = {}
    for split, found in drawings.items():
        lengths = torch.tensor([len(one) for one in found], dtype=torch.int64)
        strokes = torch.zeros(len(found), int(lengths.max()), 3)
        real = torch.arange(strokes.shape[1]) < lengths[:, None]
        strokes[real] = torch.from_numpy(np.concatenate(found))
        strokes[..., 1:] /= deviation
        splits[split] = strokes, lengths
    return splits


def lines(strokes: Tensor) -> list[Tensor]:
    """A drawing ``[time, 3]`` = (pen, dx, dy) as its lines, each ``[points, 2]`` = (x, y) with y downward.

    >>> drawing = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 5.0, 0.0], [1.0, 1.0, 0.0]])
    >>> [line.tolist() for line in lines(drawing)]
    [[[1.0, 0.0], [1.0, 2.0]], [[6.0, 2.0], [7.0, 2.0]]]
    """
    points, last = strokes[:, 1:].cumsum(0), 0
    ends = [*((strokes[:, 0] > 0.5).nonzero().flatten() + 1).tolist(), len(strokes)]
    found = []
    for end in ends:
        if end > last:
            found.append(points[last:end])
        last = end
    return found
