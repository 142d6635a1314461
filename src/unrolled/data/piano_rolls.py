"""Polyphonic music as piano rolls: 88 keys, one bit a key and step, padded, with the length of each piece.

**A set is a resolution too.** The same chorales lie in the registry on a grid of quarter notes and on a grid
of eighths; the second has twice the steps, and each second step mostly repeats the chord before it, so nats a
step of one say nothing of the other. `repeated` tells the two apart.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError, UsageError, unknown
from unrolled.data.packed import BROKEN
from unrolled.data.registry import fetch

KEYS = 88
"""Keys of a piano."""
LOWEST = 21
"""The MIDI number of the lowest key; key ``k`` of a roll is MIDI note ``21 + k``."""

MATLAB = ("JSB_Chorales", "Nottingham", "MuseData", "Piano_midi")
"""The sets of Boulanger-Lewandowski, Bengio and Vincent (2012), as MATLAB files."""
GRIDS = {"quarter": "jsb-chorales-quarter", "8th": "jsb-chorales-8th", "16th": "jsb-chorales-16th"}
"""The grids of the JSON chorales."""

Rolls = tuple[Tensor, Tensor]
"""Rolls ``[n, time, 88]`` uint8, zero after the end of a piece, and lengths ``[n]`` int64."""

_MEND = "fetch it again"


def pad(pieces: list[np.ndarray]) -> Rolls:
    """Pieces ``[time, 88]`` of different lengths as one padded tensor, and their lengths.

    >>> rolls, lengths = pad([np.ones((2, 88), np.uint8), np.ones((3, 88), np.uint8)])
    >>> tuple(rolls.shape), lengths.tolist(), rolls[0, 2].sum().item()
    ((2, 3, 88), [2, 3], 0)
    """
    lengths = torch.tensor([len(piece) for piece in pieces], dtype=torch.int64)
    rolls = torch.zeros(len(pieces), int(lengths.max()) if pieces else 0, KEYS, dtype=torch.uint8)
    for roll, piece in zip(rolls, pieces, strict=True):
        roll[: len(piece)] = torch.from_numpy(np.asarray(piece, np.uint8))
    return rolls, lengths


def read_matlab(path: str | Path) -> dict[str, Rolls]:
    """The three splits of a MATLAB v5 file with the cells ``traindata``, ``validdata`` and ``testdata``.

    Raises:
        UnrolledError: if the file is no such file, or a piece is no roll of zeros and ones over 88 keys.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    path, variables = Path(path), {name: f"{name}data" for name in ("train", "valid", "test")}
    try:
        content = loadmat(path, variable_names=list(variables.values()))
    except (MatReadError, *BROKEN) as error:  # what scipy raises for broken files
        raise UnrolledError(f"not a MATLAB v5 file: {error}", file=path, hint=_MEND) from error
    splits = {}
    for split, variable in variables.items():
        cell = content.get(variable)
        if cell is None:
            raise UnrolledError(f"has no variable {variable!r}", file=path, hint=_MEND)
        if cell.dtype != object or cell.ndim != 2 or len(cell) != 1:
            raise UnrolledError(f"{variable} is no row of pieces", file=path, hint=_MEND)
        for number, piece in enumerate(cell[0]):
            if (
                piece.ndim != 2
                or piece.shape[1] != KEYS
                or piece.dtype.kind not in "uibf"
                or not np.isin(piece, (0, 1)).all()
            ):
                raise UnrolledError(
                    f"{variable}[{number}] is no roll of zeros and ones over 88 keys: "
                    f"{piece.dtype} {list(piece.shape)}",
                    file=path,
                    hint=_MEND,
                )
        splits[split] = pad(list(cell[0]))
    return splits


def load(name: str = "JSB_Chorales") -> dict[str, Rolls]:
    """One of the four MATLAB sets, in its published splits ``train``, ``valid`` and ``test``.

    *Resolution*: ``JSB_Chorales`` is on the grid of **quarter notes**: 13,807, 4,602 and 4,725 steps; 13 %,
    14 % and 11 % of its transitions repeat the chord. In ``Nottingham`` about 36 % do, in ``MuseData`` 22 to
    24 %, in ``Piano_midi`` 16 to 25 %.

    Raises:
        UsageError: for another name.
        UnrolledError: if the file cannot be had or is malformed.
    """
    if name not in MATLAB:
        raise unknown("piano-roll set", name, MATLAB, listing=f"known: {', '.join(MATLAB)}")
    file = f"{name}.mat"
    return read_matlab(fetch("polyphonic-music", only=[file])[file])


def _is_note(value: object) -> bool:
    """Whether it is a MIDI note of a piano; some of the published pieces hold whole numbers as 67.0."""
    return type(value) in (int, float) and value % 1 == 0 and LOWEST <= value < LOWEST + KEYS


def read_json(path: str | Path) -> dict[str, Rolls]:
    """The three splits of a JSON file of pieces: a piece is a list of chords, a chord a list of MIDI notes.

    Raises:
        UnrolledError: if the file is no such file; it names the piece and the step.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except BROKEN as error:
        raise UnrolledError(f"not JSON: {error}", file=path, hint=_MEND) from error
    splits = {}
    for split in ("train", "valid", "test"):
        pieces = content.get(split) if isinstance(content, dict) else None
        if not isinstance(pieces, list):
            raise UnrolledError(f"has no list of pieces {split!r}", file=path, hint=_MEND)
        rolls = []
        for number, piece in enumerate(pieces):
            if not isinstance(piece, list):
                raise UnrolledError(f"{split}[{number}] is no list of chords", file=path, hint=_MEND)
            roll = np.zeros((len(piece), KEYS), np.uint8)
            for t, chord in enumerate(piece):
                if not isinstance(chord, list) or not all(map(_is_note, chord)):
                    raise UnrolledError(
                        f"{split}[{number}][{t}] is no list of MIDI notes of a piano (21 to 108)",
                        file=path,
                        hint=_MEND,
                    )
                roll[t, [int(note) - LOWEST for note in chord]] = 1
            rolls.append(roll)
        splits[split] = pad(rolls)
    return splits


def load_json(grid: str = "8th") -> dict[str, Rolls]:
    """The JSON chorales on a grid of ``quarter``, ``8th`` or ``16th`` notes, in their published splits.

    *Resolution*: on the **eighths** 27 to 32 % of the transitions repeat the chord (44 to 49 % of those
    within a quarter, 10 to 14 % of the others); on the quarters 11 to 14 %, on the sixteenths 62 to 65 %.

    Raises:
        UsageError: for another grid.
        UnrolledError: if the file cannot be had or is malformed.
    """
    if grid not in GRIDS:
        raise unknown("grid of the chorales", grid, GRIDS, listing=f"known: {', '.join(GRIDS)}")
    file = f"{GRIDS[grid]}.json"
    return read_json(fetch("jsb-chorales", only=[file])[file])


def windows(rolls: Tensor, lengths: Tensor, length: int) -> Rolls:
    """Pieces cut into consecutive windows of at most ``length`` steps; a piece's last one may be shorter.

    Every real step of every piece is in exactly one window. Windows lie in the order of the pieces.

    *Shapes*: rolls ``[n, time, keys]`` and lengths ``[n]``; gives ``[w, length, keys]`` and ``[w]``, padded
    with zeros.

    >>> rolls = torch.ones(2, 5, 88, dtype=torch.uint8)
    >>> cut, kept = windows(rolls, torch.tensor([5, 2]), 3)
    >>> tuple(cut.shape), kept.tolist()
    ((3, 3, 88), [3, 2, 2])
    """
    if length < 1:
        raise UsageError(f"a window has at least one step, not {length}")
    if len(rolls) != len(lengths):
        raise UsageError(f"{len(rolls)} pieces and {len(lengths)} lengths do not belong together")
    if len(lengths) and not 0 <= int(lengths.min()) <= int(lengths.max()) <= rolls.shape[1]:
        raise UsageError(f"lengths must lie between 0 and {rolls.shape[1]}, the padded length")
    each = (lengths + length - 1) // length
    piece = torch.repeat_interleave(torch.arange(len(lengths)), each)
    start = (torch.arange(len(piece)) - torch.repeat_interleave(each.cumsum(0) - each, each)) * length
    kept = (lengths[piece] - start).clamp(max=length)
    steps = torch.arange(length)
    places = (start[:, None] + steps).clamp(max=max(rolls.shape[1] - 1, 0))
    cut = rolls[piece[:, None], places] if len(piece) else rolls.new_zeros(0, length, *rolls.shape[2:])
    return cut * (steps < kept[:, None])[..., None].to(rolls.dtype), kept


def repeated(rolls: Tensor, lengths: Tensor) -> float:
    """The share of all transitions at which the chord stays as it is: the mark of a grid's fineness.

    >>> rolls = torch.zeros(1, 3, 88, dtype=torch.uint8)
    >>> rolls[0, 2, 40] = 1
    >>> repeated(rolls, torch.tensor([3]))
    0.5
    """
    real = torch.arange(1, rolls.shape[1]) < lengths[:, None]
    same = (rolls[:, 1:] == rolls[:, :-1]).all(-1)
    return float(same[real].double().mean())
