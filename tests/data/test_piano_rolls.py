"""Piano rolls: what is read is what was written, every malformed file is told, windows lose no step."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import piano_rolls


def pieces(seed, count=3):
    generator = np.random.default_rng(seed)
    return [
        generator.integers(0, 2, (int(generator.integers(1, 9)), 88), dtype=np.uint8) for _ in range(count)
    ]


def matlab(path, **change):
    """A file as the authors' are: three rows of pieces."""
    content = {}
    for number, name in enumerate(("traindata", "validdata", "testdata")):
        row = np.empty((1, 3), object)
        for column, piece in enumerate(pieces(number)):
            row[0, column] = piece
        content[name] = row
    content |= change
    savemat(path, {name: value for name, value in content.items() if value is not None}, do_compression=True)
    return path


def one(piece):
    row = np.empty((1, 1), object)
    row[0, 0] = piece
    return row


def same(found, expected):
    rolls, lengths = found
    assert rolls.dtype == torch.uint8
    assert lengths.tolist() == [len(piece) for piece in expected]
    for roll, length, piece in zip(rolls, lengths, expected, strict=True):
        assert np.array_equal(roll[:length].numpy(), piece)
        assert not roll[length:].any()


def test_matlab_file_gives_back_its_pieces(tmp_path):
    splits = piano_rolls.read_matlab(matlab(tmp_path / "set.mat"))
    assert list(splits) == ["train", "valid", "test"]
    for number, found in enumerate(splits.values()):
        same(found, pieces(number))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"validdata": None}, "has no variable 'validdata'"),
        ({"testdata": np.zeros((4, 88))}, "testdata is no row of pieces"),
        ({"traindata": one(np.zeros((4, 87)))}, r"traindata\[0\] is no roll .* \[4, 87\]"),
        ({"traindata": one(np.full((4, 88), 2.0))}, r"traindata\[0\] is no roll of zeros and ones"),
        ({"traindata": one("a text")}, r"traindata\[0\] is no roll"),
    ],
)
def test_matlab_file_of_another_content_is_told(tmp_path, change, message):
    path = matlab(tmp_path / "set.mat", **change)
    with pytest.raises(UnrolledError, match=message) as caught:
        piano_rolls.read_matlab(path)
    assert str(path) in str(caught.value)


@given(share=st.floats(0, 0.999))
def test_every_cut_of_a_matlab_file_is_told(tmp_path_factory, share):
    folder = tmp_path_factory.getbasetemp()
    whole = folder / "whole.mat"
    content = (whole if whole.exists() else matlab(whole)).read_bytes()
    path = folder / "cut.mat"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UnrolledError):
        piano_rolls.read_matlab(path)


@pytest.mark.parametrize("content", [b"\x89PNG" * 60, b"\0" * 300])
def test_another_file_is_told_in_one_line(tmp_path, content):
    path = tmp_path / "set.mat"
    path.write_bytes(content)
    with pytest.raises(UnrolledError) as caught:
        piano_rolls.read_matlab(path)
    assert "\n" not in str(caught.value)


def test_json_notes_become_keys(tmp_path):
    path = tmp_path / "set.json"
    path.write_text(json.dumps({"train": [[[21, 108], []], [[60]]], "valid": [[[60.0]]], "test": []}))
    splits = piano_rolls.read_json(path)
    rolls, lengths = splits["train"]
    assert lengths.tolist() == [2, 1]
    assert rolls.nonzero().tolist() == [[0, 0, 0], [0, 0, 87], [1, 0, 39]]
    assert splits["valid"][0].nonzero().tolist() == [[0, 0, 39]]
    assert splits["test"][0].shape == (0, 0, 88)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "has no list of pieces 'train'"),
        ('{"train": [], "valid": 3}', "has no list of pieces 'valid'"),
        ('{"train": [7]}', r"train\[0\] is no list of chords"),
        ('{"train": [[[60], [109]]]}', r"train\[0\]\[1\] is no list of MIDI notes"),
        ('{"train": [[[60.5]]]}', r"train\[0\]\[0\] is no list of MIDI notes"),
        ('{"train": [[[NaN]]]}', r"train\[0\]\[0\] is no list of MIDI notes"),
        ('{"train": [[[true]]]}', r"train\[0\]\[0\] is no list of MIDI notes"),
    ],
)
def test_malformed_json_is_told(tmp_path, text, message):
    path = tmp_path / "set.json"
    path.write_text(text)
    with pytest.raises(UnrolledError, match=message):
        piano_rolls.read_json(path)


def test_unknown_names_are_told_with_near_ones():
    with pytest.raises(UsageError, match=r"did you mean Nottingham"):
        piano_rolls.load("Notingham")
    with pytest.raises(UsageError, match=r"known: quarter, 8th, 16th"):
        piano_rolls.load_json("z")


@given(seed=st.integers(0, 99), count=st.integers(0, 5), length=st.integers(1, 12))
def test_windows_put_together_are_the_pieces(seed, count, length):
    rolls, lengths = piano_rolls.pad(pieces(seed, count))
    cut, kept = piano_rolls.windows(rolls, lengths, length)
    assert cut.shape[1:] == (length, 88)
    assert bool((kept >= 1).all())
    assert len(cut) == sum(-(-int(n) // length) for n in lengths)
    joined = torch.cat([window[:n] for window, n in zip(cut, kept, strict=True)] or [rolls.new_zeros(0, 88)])
    real = [roll[:n] for roll, n in zip(rolls, lengths, strict=True)] or [rolls.new_zeros(0, 88)]
    assert torch.equal(joined, torch.cat(real))
    assert not any(window[n:].any() for window, n in zip(cut, kept, strict=True))


@pytest.mark.parametrize(
    ("lengths", "length", "message"),
    [([1, 1], 0, "at least one step"), ([1], 2, "2 pieces and 1 lengths"), ([1, 9], 2, "between 0 and 4")],
)
def test_windows_refuse_what_cannot_be(lengths, length, message):
    with pytest.raises(UsageError, match=message):
        piano_rolls.windows(torch.zeros(2, 4, 88), torch.tensor(lengths), length)


class TestRealMusic:
    @pytest.fixture(autouse=True)
    def _mirror(self, real_mirror):
        """These read the real files."""

    @pytest.mark.parametrize(
        ("name", "counts", "steps"),
        [
            ("JSB_Chorales", (229, 76, 77), (13_807, 4_602, 4_725)),
            ("Nottingham", (694, 173, 170), (176_561, 45_513, 44_463)),
            ("MuseData", (524, 135, 124), (245_202, 82_755, 64_339)),
            ("Piano_midi", (87, 12, 25), (75_911, 8_540, 19_036)),
        ],
    )
    def test_splits_are_the_published_ones(self, name, counts, steps):
        splits = piano_rolls.load(name)
        assert tuple(len(lengths) for _, lengths in splits.values()) == counts
        assert tuple(int(lengths.sum()) for _, lengths in splits.values()) == steps

    def test_share_of_repeated_chords_tells_the_grid(self):
        quarters, eighths = piano_rolls.load("JSB_Chorales"), piano_rolls.load_json("8th")
        assert 0.10 < piano_rolls.repeated(*quarters["test"]) < 0.11
        assert 0.27 < piano_rolls.repeated(*eighths["test"]) < 0.28
        assert int(eighths["test"][1].sum()) == 2 * int(quarters["test"][1].sum())
