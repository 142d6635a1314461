"""Drawings: axes and units as named, nothing of a pickle is run, malformed files are told."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import strokes
from unrolled.data.pickled import read_npz


def objects(arrays):
    row = np.empty(len(arrays), object)
    for number, one in enumerate(arrays):
        row[number] = one
    return row


def drawings(seed, count=4, kind=np.int16):
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        one = generator.integers(-300, 300, (int(generator.integers(1, 7)), 3)).astype(kind)
        one[:, 2] = generator.integers(0, 2, len(one))
        found.append(one)
    return found


def npz(path, **members):
    np.savez_compressed(path, **{name: objects(arrays) for name, arrays in members.items()})
    return path


@pytest.mark.parametrize("kind", ["<i2", ">i4", "<f8"])
def test_arrays_of_arrays_are_read_back(tmp_path, kind):
    wanted = {"train": drawings(0, kind=kind), "valid": drawings(1, kind=kind)}
    found = read_npz(npz(tmp_path / "set.npz", **wanted))
    assert list(found) == list(wanted)
    for name, arrays in wanted.items():
        assert all(
            np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(found[name], arrays, strict=True)
        )


def member(content, shape=(1,)):
    """A member as numpy writes it: a header for an array of objects, then a pickle."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": shape})
    return stream.getvalue() + content


class Hostile:
    """A pickle of it would write a file."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


def test_a_pickle_that_asks_for_more_is_refused_and_not_run(tmp_path):
    target, path = tmp_path / "written", tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.npy", member(pickle.dumps(objects([Hostile(target)]), protocol=3)))
    with pytest.raises(UnrolledError, match=r"refused: it asks for .*open"):
        read_npz(path)
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (member(pickle.dumps([1, 2], protocol=3)), "does not hold the 1 arrays"),
        (member(pickle.dumps(objects([np.zeros(2)]), protocol=3), (3,)), "does not hold the 3 arrays"),
        (member(pickle.dumps(objects(["text"]), protocol=3)), "something else than arrays"),
        (member(pickle.dumps(objects([np.zeros(2, complex)]), protocol=3)), "an array of type 'c16'"),
        (member(pickle.dumps(objects([np.zeros((2, 2), order="F")[:, :]]), protocol=3)), "not in row order"),
        (member(b""), "Ran out of input|EOF"),
        (member(b"\x80\x02cposix\nsystem\n."), "asks for posix.system"),
        (b"no npy file", "magic"),
    ],
)
def test_other_content_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.npy", content)
    with pytest.raises(UnrolledError, match=message) as caught:
        read_npz(path)
    assert "\n" not in str(caught.value)


def test_plain_arrays_and_no_archive_are_refused(tmp_path):
    np.savez(tmp_path / "plain.npz", train=np.zeros(3))
    with pytest.raises(UnrolledError, match="no array of arrays but of float64"):
        read_npz(tmp_path / "plain.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "plain.npz").read_bytes()[:60])
    with pytest.raises(UnrolledError, match="refused"):
        read_npz(tmp_path / "cut.npz")


def test_rows_become_pen_dx_dy(tmp_path):
    parts = {split: drawings(seed) for seed, split in enumerate(("train", "valid", "test"))}
    found = strokes.read("aaron-sheep", npz(tmp_path / "set.npz", **parts))
    for split, arrays in parts.items():
        for ours, theirs in zip(found[split], arrays, strict=True):
            assert np.array_equal(ours, theirs[:, [2, 0, 1]])


@pytest.mark.parametrize(
    "bad", [np.zeros((3, 2), np.int16), np.zeros((0, 3), np.int16), np.full((2, 3), 7, np.int16), np.zeros(3)]
)
def test_what_is_no_drawing_is_told(tmp_path, bad):
    path = npz(tmp_path / "set.npz", train=drawings(0), valid=[drawings(1)[0], bad], test=drawings(2))
    with pytest.raises(UnrolledError, match=r"valid\[1\] is no drawing"):
        strokes.read("kanji-strokes", path)


def test_missing_split_is_told(tmp_path):
    with pytest.raises(UnrolledError, match=r"test\[0\] is no drawing"):
        strokes.read("kanji-strokes", npz(tmp_path / "set.npz", train=drawings(0), valid=drawings(1)))


@pytest.mark.parametrize(
    ("text", "message"),
    [("a,b\n1,x\n", "no table of numbers"), ('"","c1"\n"1",2\n', "1 rows of 2 columns")],
)
def test_malformed_table_is_told(tmp_path, text, message):
    path = tmp_path / "pendigits.csv"
    path.write_text(text)
    with pytest.raises(UnrolledError, match=message):
        strokes.read("pendigits", path)


def test_unknown_set_is_told_with_near_ones():
    with pytest.raises(UsageError, match="did you mean pendigits"):
        strokes.load("pendigit")


def test_lines_end_where_the_pen_is_lifted():
    drawing = torch.tensor([[1.0, 2, 3], [0, 1, 1], [1, 1, 1], [0, 0, 5]])
    found = [line.tolist() for line in strokes.lines(drawing)]
    assert found == [[[2, 3]], [[3, 4], [4, 5]], [[4, 10]]]


class TestRealDrawings:
    @pytest.fixture(autouse=True)
    def _mirror(self, real_mirror):
        """These read the real files."""

    @pytest.mark.parametrize(
        ("name", "counts", "longest"),
        [
            ("omniglot-strokes", (30_000, 1_000, 1_000), 157),
            ("kanji-strokes", (10_000, 600, 500), 88),
            ("aaron-sheep", (7_400, 300, 300), 250),
            ("pendigits", (6_000, 1_494, 3_498), 8),
        ],
    )
    def test_splits_are_the_published_ones_in_units_of_the_training_offsets(self, name, counts, longest):
        splits = strokes.load(name)
        assert tuple(len(lengths) for _, lengths in splits.values()) == counts
        assert max(int(lengths.max()) for _, lengths in splits.values()) == longest
        x, lengths = splits["train"]
        real = x[torch.arange(x.shape[1]) < lengths[:, None]]
        assert float(real[:, 1:].std()) == pytest.approx(1, abs=1e-3)
        assert real[:, 0].unique().tolist() == [0.0, 1.0]
        assert bool((x[torch.arange(len(x)), lengths - 1, 0] == 1).all())  # each ends with a lift

    def test_pendigits_are_drawn_downward_from_the_middle(self):
        x, _ = strokes.load("pendigits")["train"]
        (line,) = strokes.lines(x[0])
        points = line / x[0, 0, 1] * (47 - 50) * torch.tensor([1.0, -1.0]) + 50
        first = [[47, 100], [27, 81], [57, 37], [26, 0], [0, 23], [56, 53], [100, 90], [40, 98]]
        torch.testing.assert_close(points, torch.tensor(first, dtype=torch.float32), atol=1e-3, rtol=0)
