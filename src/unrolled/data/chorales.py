"""Generated four-part chorales: the embedded stand-in for Bach's, made by rules of harmony and voice leading.

A piece is a row of phrases of eight quarter notes in one key. Harmony is a walk on a graph of chords, led
towards a cadence in each phrase (an authentic one in the last). Each chord is then set for four voices: of
all voicings in the voices' ranges the nearest to the last, less what the rules forbid, with some chance.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UsageError
from unrolled.data.piano_rolls import KEYS, LOWEST, Rolls

PHRASE = 8
"""Steps of a phrase; its last chord is held for two of them."""

VOICES = {"soprano": (60, 81), "alto": (53, 74), "tenor": (48, 69), "bass": (40, 62)}
"""Lowest and highest MIDI note of each voice, from the top."""

KINDS = {"major": (0, 4, 7), "minor": (0, 3, 7), "diminished": (0, 3, 6), "dominant seventh": (0, 4, 7, 10)}
"""Semitones above the root."""

# Chord: root above the tonic and kind in a major key, the same in a minor key, which note is the bass, and
# what may follow with which weight. The minor key's dominant has the raised third.
_GRAPH: dict[str, tuple[tuple[int, str], tuple[int, str], int, str]] = {
    "I": ((0, "major"), (0, "minor"), 0, "IV 3 V 3 vi 2 ii 1 ii6 2 V6 2 I6 2 iii 0.5 vii6 1"),
    "I6": ((0, "major"), (0, "minor"), 1, "IV 3 ii6 2 V 1.5 ii 1 vii6 0.5"),
    "I64": ((0, "major"), (0, "minor"), 2, "V 2 V7 1"),
    "ii": ((2, "minor"), (2, "diminished"), 0, "V 4 V7 2 V6 1 vii6 1 I64 0.5"),
    "ii6": ((2, "minor"), (2, "diminished"), 1, "V 4 V7 2 I64 1"),
    "iii": ((4, "minor"), (3, "major"), 0, "vi 3 IV 2"),
    "IV": ((5, "major"), (5, "minor"), 0, "V 3 I 1.5 ii 1 ii6 1 V7 1 vii6 1 I6 1 I64 1"),
    "V": ((7, "major"), (7, "major"), 0, "I 5 vi 2 I6 2"),
    "V6": ((7, "major"), (7, "major"), 1, "I 5"),
    "V7": ((7, "dominant seventh"), (7, "dominant seventh"), 0, "I 5 vi 1"),
    "vi": ((9, "minor"), (8, "major"), 0, "IV 3 ii 2 ii6 1 V 1.5 iii 0.5"),
    "vii6": ((11, "diminished"), (11, "diminished"), 1, "I 4 I6 3"),
}
CHORDS = tuple(_GRAPH)
"""The names of the chords, as numbered in `Chorales.chords`; Roman numerals as in a major key."""

# The last four steps of a phrase.
_CADENCES = {
    "authentic": ("ii6 V I I", "IV V I I", "IV V7 I I", "ii V7 I I", "I64 V I I", "I64 V7 I I"),
    "half": ("I ii6 V V", "vi IV V V", "IV I64 V V"),
    "plagal": ("vi IV I I", "I6 IV I I"),
    "deceptive": ("IV V vi vi", "ii6 V vi vi"),
}
_WEIGHTS = {"authentic": 0.5, "half": 0.3, "plagal": 0.1, "deceptive": 0.1}


class Chorales(NamedTuple):
    """Pieces as they were composed.

    ``voices`` ``[n, time, 4]`` int64, MIDI notes from the soprano down to the bass, -1 after the end;
    ``lengths`` ``[n]`` int64; ``chords`` ``[n, time]`` int64, numbers in `CHORDS`, -1 after the end;
    ``tonics`` ``[n]`` int64, the key note's pitch class; ``minor`` ``[n]`` bool.
    """

    voices: Tensor
    lengths: Tensor
    chords: Tensor
    tonics: Tensor
    minor: Tensor


@lru_cache(maxsize=1)
def _transitions() -> np.ndarray:
    """The chance of each chord after each chord."""
    weights = np.zeros((len(CHORDS), len(CHORDS)))
    for row, (*_, followers) in enumerate(_GRAPH.values()):
        words = followers.split()
        for name, weight in zip(words[::2], words[1::2], strict=True):
            weights[row, CHORDS.index(name)] = float(weight)
    return weights / weights.sum(1, keepdims=True)


def _draw(weights: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """One column a row, by the rows' weights."""
    total = weights.cumsum(1)
    return (total < random.uniform(size=(len(weights), 1)) * total[:, -1:]).sum(1)


def _harmony(pieces: int, phrases: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Chord numbers ``[pieces, steps]``: walks on the graph, bent towards the first chord of a cadence."""
    step = _transitions()
    ahead = [np.eye(len(CHORDS)), *itertools.accumulate([step] * 4, np.matmul)]  # chances in 0, 1, … 4 steps
    kinds = list(_CADENCES)
    chances = np.array([_WEIGHTS[kind] for kind in kinds])
    plan = np.zeros((pieces, int(phrases.max()) * PHRASE), np.int64)
    for phrase in range(int(phrases.max())):
        start = phrase * PHRASE
        kind = _draw(np.tile(chances, (pieces, 1)), random)
        kind[phrase == phrases - 1] = kinds.index("authentic")
        for row in range(pieces):
            endings = _CADENCES[kinds[kind[row]]]
            ending = endings[random.randint(len(endings))].split()
            plan[row, start + 4 : start + 8] = [CHORDS.index(name) for name in ending]
        goal = plan[:, start + 4]
        for t in range(start, start + 4):
            left = start + 4 - t
            if t == 0:
                plan[:, 0] = CHORDS.index("I")
            else:
                plan[:, t] = _draw(step[plan[:, t - 1]] * ahead[left][:, goal].T, random)
    return plan


@lru_cache(maxsize=1)
def _voicings() -> tuple[np.ndarray, np.ndarray]:
    """All voicings of each kind, root and bass, ``[48 * 3, most, 4]``, and the cost of each by itself.

    Strictly ordered voices, at most an octave between neighbours above the bass, no note of the chord missing
    but the fifth, and the third of a chord with a major third not doubled (it may be the leading note).
    """
    tables, costs = [], []
    for intervals, root, bass in itertools.product(KINDS.values(), range(12), range(3)):
        tones = [(root + interval) % 12 for interval in intervals]
        choices = [
            [
                n
                for n in range(low, high + 1)
                if (n % 12 in tones if name != "bass" else n % 12 == tones[bass])
            ]
            for name, (low, high) in VOICES.items()
        ]
        notes = np.stack(np.meshgrid(*choices, indexing="ij"), -1).reshape(-1, 4)
        soprano, alto, tenor, _ = notes.T
        counts = (notes[:, :, None] % 12 == tones).sum(1)
        fits = (np.diff(notes, axis=1) < 0).all(1) & (soprano - alto <= 12) & (alto - tenor <= 12)
        fits &= (np.delete(counts, 2, axis=1) > 0).all(1) & ((bass != 2) | (counts[:, 2] > 0))
        if intervals[1] == 4:
            fits &= counts[:, 1] == 1
        tables.append(notes[fits])
        costs.append(4.0 * (counts[fits, 2] == 0) + 1.0 * (counts[fits, 1] > 1))
    most = max(map(len, tables))
    table, cost = np.zeros((len(tables), most, 4), np.int64), np.full((len(tables), most), np.inf)
    for row, (notes, own) in enumerate(zip(tables, costs, strict=True)):
        table[row, : len(notes)], cost[row, : len(notes)] = notes, own
    return table, cost


_FORBIDDEN = 60.0


def _motion(before: np.ndarray, after: np.ndarray, tonic: np.ndarray, dominant: np.ndarray) -> np.ndarray:
    """What it costs to move from ``[n, 4]`` notes to each of ``[n, candidates, 4]``: ``[n, candidates]``."""
    before = before[:, None]
    move = after - before
    cost = np.abs(move) @ np.array([1.0, 1.0, 1.0, 0.3]) + 1.5 * (move[..., 0] == 0)
    cost += _FORBIDDEN * (np.abs(move) > [7, 7, 7, 12]).sum(-1)
    for upper, lower in itertools.combinations(range(4), 2):
        apart, then = after[..., upper] - after[..., lower], before[..., upper] - before[..., lower]
        parallel = (apart % 12 == then % 12) & np.isin(apart % 12, (0, 7)) & (move[..., upper] != 0)
        cost += _FORBIDDEN * parallel
    # A voice does not step over where its neighbour was.
    cost += 4.0 * ((after[..., 1:] > before[..., :-1]) | (after[..., :-1] < before[..., 1:])).sum(-1)
    # From a dominant, the leading note of the soprano rises, and the seventh falls by a step, where it can.
    leads = (before - tonic[:, None, None] - 11) % 12 == 0
    cost += 20.0 * (dominant[:, None] & leads[..., 0] & (move[..., 0] != 1) & (move[..., 0] != 0))
    sevenths = (before - tonic[:, None, None] - 5) % 12 == 0
    cost += 8.0 * ((dominant[:, None, None] & sevenths) & ((move > 0) | (move < -2))).sum(-1)
    return cost


def compose(pieces: int, time: int, seed: int) -> Chorales:
    """Chorales as notes of four voices, with their harmony; a pure function of its arguments.

    A piece has between half as many phrases as fit into ``time`` and all that fit.

    Args:
        pieces: how many.
        time: the padded length in quarter notes; at least one phrase, eight.
        seed: of all choices.

    Raises:
        UsageError: if there is no piece, or no room for a phrase.

    >>> piece = compose(1, 16, seed=1)
    >>> [CHORDS[chord] for chord in piece.chords[0, int(piece.lengths[0]) - 4 :]]
    ['I64', 'V', 'I', 'I']
    """
    if pieces < 1 or time < PHRASE:
        raise UsageError(
            f"at least one piece and {PHRASE} steps, a phrase, are needed; not {pieces} of {time}"
        )
    random = np.random.RandomState(seed)
    most = time // PHRASE
    phrases = random.randint(max(1, most // 2), most + 1, size=pieces)
    tonic, minor = random.randint(12, size=pieces), random.uniform(size=pieces) < 0.4
    plan = _harmony(pieces, phrases, random)
    # Chord and key together choose a table of voicings.
    shape = np.array(
        [[(*in_major, bass), (*in_minor, bass)] for in_major, in_minor, bass, _ in _GRAPH.values()], object
    )
    kinds = np.vectorize(list(KINDS).index)(shape[..., 1])
    roots, basses = shape[..., 0].astype(int), shape[..., 2].astype(int)
    mode = minor.astype(int)[:, None]
    tables = (kinds[plan, mode] * 12 + (roots[plan, mode] + tonic[:, None]) % 12) * 3 + basses[plan, mode]
    dominant = np.isin(plan, [CHORDS.index(name) for name in ("V", "V6", "V7", "vii6")])
    notes, own = _voicings()
    voices = np.full((pieces, time, 4), -1, np.int64)
    rows = np.arange(pieces)
    for t in range(plan.shape[1]):
        after, chance = notes[tables[:, t]], random.gumbel(size=(pieces, notes.shape[1]))
        cost = own[tables[:, t]] + 0.15 * np.abs(after - [71, 65, 58, 50]).sum(-1) - chance
        if t:
            cost = cost + _motion(voices[:, t - 1], after, tonic, dominant[:, t - 1])
        voices[:, t] = after[rows, cost.argmin(1)]
        if t % PHRASE == PHRASE - 1:
            voices[:, t] = voices[:, t - 1]
    lengths = phrases * PHRASE
    ended = np.arange(time) >= lengths[:, None]
    voices[ended] = -1
    chords = np.full((pieces, time), -1, np.int64)
    chords[:, : plan.shape[1]] = plan
    chords[ended] = -1
    return Chorales(
        *map(torch.from_numpy, (voices, lengths.astype(np.int64), chords, tonic.astype(np.int64), minor))
    )


def generate(pieces: int, time: int, seed: int) -> Rolls:
    """Chorales as piano rolls ``[n, time, 88]`` uint8, zero after the end, with lengths ``[n]`` int64.

    *Resolution*: quarter notes; four notes sound at every step. See `compose`.

    >>> rolls, lengths = generate(2, 24, seed=0)
    >>> tuple(rolls.shape), rolls.sum(-1)[0, : int(lengths[0])].unique().tolist()
    ((2, 24, 88), [4])
    """
    voices, lengths, *_ = compose(pieces, time, seed)
    rolls = torch.zeros(pieces, time, KEYS, dtype=torch.uint8)
    piece, step, _ = (voices >= 0).nonzero(as_tuple=True)
    rolls[piece, step, voices[voices >= 0] - LOWEST] = 1
    return rolls, lengths
