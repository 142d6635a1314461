"""Raw sound as sequences of frames: spoken digits, and the way back to something to listen to."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data.packed import BROKEN
from unrolled.data.registry import dataset, fetch

RATE = 8000
"""Samples a second."""
FRAME = 200
"""Consecutive samples that are one step, as in the VRNN's paper (there of faster recordings)."""
TAKES = {"train": (6, 7, 8, 9), "valid": (5,), "test": (0, 1, 2, 3, 4)}
"""Which takes of each digit and speaker make each split. Test is the set's own; validation is our choice."""

_NAME = re.compile(r"(\d)_([a-z]+)_(\d+)\.wav")


class Recording(NamedTuple):
    """One spoken digit: what, by whom, which take, and its samples, int16."""

    digit: int
    speaker: str
    take: int
    samples: np.ndarray


def read_wav(path: str | Path) -> np.ndarray:
    """The samples of a mono recording of 16 bits and 8,000 samples a second.

    Raises:
        UnrolledError: if the file is no such recording, or is cut off.
    """
    try:
        with wave.open(str(path), "rb") as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            promised, content = file.getnframes(), file.readframes(file.getnframes())
    except (wave.Error, *BROKEN) as error:
        raise UnrolledError(
            f"not a wav file: {error or 'it is cut off'}", file=path, hint="fetch it again"
        ) from error
    if form != (1, 2, RATE):
        raise UnrolledError(
            "{} channels of {} bytes at {} samples a second; expected 1 of 2 at 8000".format(*form), file=path
        )
    if len(content) != 2 * promised:
        raise UnrolledError(
            f"{len(content) // 2} samples; its header says {promised}", file=path, hint="fetch it again"
        )
    return np.frombuffer(content, "<i2")


def frames(samples: np.ndarray, size: int = FRAME) -> np.ndarray:
    """Samples as consecutive frames ``[time, size]``; the rest that fills no frame is dropped.

    >>> frames(np.arange(7), 3).tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    if size < 1:
        raise UsageError(f"a frame has at least one sample, not {size}")
    return samples[: len(samples) // size * size].reshape(-1, size)


def recordings(
    speakers: Collection[str] | None = None, digits: Collection[int] | None = None
) -> list[Recording]:
    """The recordings of the registry's set ``fsdd``, all or those of some speakers and digits.

    Raises:
        UsageError: if none is left.
        UnrolledError: if a file cannot be had or is malformed.
    """
    wanted = []
    for name in sorted(dataset("fsdd").files):
        digit, speaker, take = _NAME.fullmatch(name).groups()
        if (speakers is None or speaker in speakers) and (digits is None or int(digit) in digits):
            wanted.append((name, int(digit), speaker, int(take)))
    if not wanted:
        raise UsageError(f"no recording of speakers {speakers} and digits {digits}")
    places = fetch("fsdd", only=[name for name, *_ in wanted])
    return [Recording(*facts, read_wav(places[name])) for name, *facts in wanted]


def scale(found: list[Recording]) -> tuple[float, float]:
    """Mean and deviation of all samples of the training takes: what `spoken_digits` normalises by."""
    samples = np.concatenate([r.samples for r in found if r.take in TAKES["train"]]).astype(np.float64)
    return float(samples.mean()), float(samples.std())


def spoken_digits(
    size: int = FRAME, *, speakers: Collection[str] | None = None, digits: Collection[int] | None = None
) -> dict[str, tuple[Tensor, Tensor]]:
    """Spoken digits as frames ``[n, time, size]`` float32 with lengths ``[n]`` int64, by split.

    Six speakers, ten digits. The splits are by **take**: test takes 0 to 4 (300 recordings), validation take
    5 (60), training takes 6 to 9 (240), so every speaker is in every split. All are normalised by the mean
    and deviation of the training samples (`scale`), and are zero after the end of a recording.

    *Paper*: chung2015recurrent (200 consecutive samples a frame, one global mean and deviation).

    *Departure* (data): 8,000 samples a second, so a frame is 25 ms.

    Raises:
        UsageError: if a frame has no sample, or no recording is left.
        UnrolledError: if a file cannot be had or is malformed.
    """
    found = recordings(speakers, digits)
    mean, deviation = scale(found)
    splits = {}
    for split, takes in TAKES.items():
        cut = [frames(r.samples, size) for r in found if r.take in takes]
        lengths = torch.tensor([len(one) for one in cut], dtype=torch.int64)
        x = torch.zeros(len(cut), int(lengths.max()), size)
        for row, one in zip(x, cut, strict=True):
            row[: len(one)] = torch.from_numpy(((one - mean) / deviation).astype(np.float32))
        splits[split] = x, lengths
    return splits


def to_wav(frames: Tensor, mean: float = 0.0, deviation: float = 3000.0, rate: int = RATE) -> bytes:
    """A wav file of normalised samples of any shape, read in order; what is too loud is cut off.

    >>> to_wav(torch.zeros(2, 200))[:4]
    b'RIFF'
    """
    samples = (frames.detach().to("cpu", torch.float64).flatten() * deviation + mean).nan_to_num()
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.round().clamp(-32768, 32767).numpy().astype("<i2").tobytes())
    return buffer.getvalue()
