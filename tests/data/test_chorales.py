"""Generated chorales keep to the rules that they are made by."""

import itertools

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.data import chorales
from unrolled.data.chorales import CHORDS, PHRASE, VOICES

PIECES = chorales.compose(120, 45, seed=0)
DOMINANTS = [CHORDS.index(name) for name in ("V", "V7")]


def each():
    """Every piece without its padding: voices, chords, tonic and whether the key is minor."""
    for voices, length, chords, tonic, minor in zip(*PIECES, strict=True):
        yield voices[:length], chords[:length], int(tonic), bool(minor)


def held(steps):
    """Whether each step but the first holds the last chord of a phrase."""
    return torch.arange(1, steps) % PHRASE == PHRASE - 1


def test_voices_stay_in_their_ranges_and_never_cross():
    ranges = torch.tensor(list(VOICES.values()))
    for voices, *_ in each():
        assert bool(((voices >= ranges[:, 0]) & (voices <= ranges[:, 1])).all())
        assert bool((voices[:, :-1] > voices[:, 1:]).all())


def test_every_piece_ends_with_an_authentic_cadence_in_its_key():
    for voices, chords, tonic, minor in each():
        assert chords[-2:].tolist() == [CHORDS.index("I")] * 2
        assert int(chords[-3]) in DOMINANTS
        assert int(voices[-1, 3]) % 12 == tonic
        third = 3 if minor else 4
        assert {(int(note) - tonic) % 12 for note in voices[-1]} - {7} == {0, third}
        # The dominant has the leading note in minor too.
        assert 11 in (voices[-3] - tonic) % 12


def test_harmony_keeps_to_the_graph():
    step = chorales._transitions()
    for _, chords, *_ in each():
        assert int(chords[0]) == CHORDS.index("I")
        for before, after, hold in zip(chords[:-1], chords[1:], held(len(chords)), strict=True):
            assert before == after if hold else step[before, after] > 0


def test_notes_are_those_of_the_chord():
    for voices, chords, tonic, minor in each():
        for notes, chord in zip(voices, chords, strict=True):
            in_major, in_minor, bass, _ = chorales._GRAPH[CHORDS[chord]]
            root, kind = in_minor if minor else in_major
            tones = [(tonic + root + interval) % 12 for interval in chorales.KINDS[kind]]
            assert {int(note) % 12 for note in notes} <= set(tones)
            assert int(notes[3]) % 12 == tones[bass]
            assert {tones[0], tones[1]} <= {int(note) % 12 for note in notes}


def test_voices_move_little_and_seldom_in_parallel_fifths_or_octaves():
    moves, parallels = [], 0
    for voices, *_ in each():
        move = voices.diff(dim=0)
        moves.append(move.abs())
        for upper, lower in itertools.combinations(range(4), 2):
            apart = (voices[:, upper] - voices[:, lower]) % 12
            perfect = (apart[1:] == apart[:-1]) & ((apart[1:] == 0) | (apart[1:] == 7))
            parallels += int((perfect & (move[:, upper] != 0)).sum())
    moves = torch.cat(moves)
    assert bool((moves.amax(0) <= torch.tensor([7, 7, 7, 12])).all())
    assert bool((moves[:, :3].float().mean(0) < 2).all())
    assert parallels < 0.002 * len(moves)


def test_all_keys_and_both_modes_occur():
    assert set(PIECES.tonics.tolist()) == set(range(12))
    assert PIECES.minor.unique().tolist() == [False, True]


def test_lengths_are_whole_phrases_and_nothing_sounds_after_the_end():
    assert set(PIECES.lengths.tolist()) == {16, 24, 32, 40}
    for voices, length, chords, *_ in zip(*PIECES, strict=True):
        assert bool((voices[:length] >= 0).all())
        assert bool((voices[length:] == -1).all())
        assert bool((chords[length:] == -1).all())


def test_rolls_hold_the_four_voices():
    rolls, lengths = chorales.generate(120, 45, seed=0)
    assert (rolls.dtype, rolls.shape, lengths.dtype) == (torch.uint8, (120, 45, 88), torch.int64)
    assert torch.equal(lengths, PIECES.lengths)
    for roll, length, voices in zip(rolls, lengths, PIECES.voices, strict=True):
        assert not roll[length:].any()
        for t in range(int(length)):
            assert roll[t].nonzero().flatten().flip(0).tolist() == (voices[t] - 21).tolist()


def test_pieces_follow_from_the_seed():
    first, again, other = (chorales.generate(5, 30, seed) for seed in (7, 7, 8))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize(("pieces", "time"), [(0, 16), (3, 7)])
def test_no_room_for_a_phrase_is_refused(pieces, time):
    with pytest.raises(UsageError, match="at least one piece and 8 steps"):
        chorales.generate(pieces, time, 0)
