"""The idx reader, the splits of MNIST and the digits, and the orders in which pixels are read."""

import gzip

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.base.errors import UnrolledError
from unrolled.data import digits, mnist
from unrolled.data.sequences import permutation, pixels


def idx(array):
    """The bytes of an idx file, made from the format's description."""
    axes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + axes + array.tobytes()


@given(
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=3), packed=st.booleans(), seed=st.integers(0, 99)
)
def test_reader_gives_back_what_was_written(tmp_path_factory, shape, packed, seed):
    array = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path_factory.getbasetemp() / "array.idx"
    path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    assert np.array_equal(mnist.read_idx(path), array)


WHOLE = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
PACKED = gzip.compress(WHOLE, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an idx file of unsigned bytes: it begins with nothing"),
        (b"\x89PNG....", "it begins with 89504e47"),
        (WHOLE[:2] + b"\x0d" + WHOLE[3:], "not an idx file of unsigned bytes"),
        (WHOLE[:9], "header is cut off"),
        (WHOLE[:-1], "the idx header says 2 x 3 x 4 bytes; the file holds 23"),
        (WHOLE + b"!", "the file holds 25"),
        (PACKED[:-4], "broken gzip"),
        (PACKED[:12] + b"????????" + PACKED[20:], "broken gzip"),
    ],
    ids=["empty", "other format", "other type", "header cut", "short", "long", "gzip cut", "gzip spoilt"],
)
def test_malformed_file_is_told_in_one_line(tmp_path, content, message):
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(UnrolledError, match=message) as caught:
        mnist.read_idx(path)
    assert str(path) in str(caught.value)


@given(data=st.data())
def test_every_cut_of_a_file_is_found(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "cut.idx"
    path.write_bytes(WHOLE[: data.draw(st.integers(0, len(WHOLE) - 1))])
    with pytest.raises(UnrolledError):
        mnist.read_idx(path)


@given(length=st.integers(1, 900), seed=st.integers(0, 2**32 - 1))
def test_permutation_is_a_true_one_and_follows_from_the_seed(length, seed):
    order = permutation(length, seed)
    assert sorted(order.tolist()) == list(range(length))
    assert torch.equal(order, permutation(length, seed))


def test_permuted_pixels_come_from_where_the_order_says():
    images = torch.arange(2 * 3 * 4).reshape(2, 3, 4)
    order = permutation(12, 5)
    sequences = pixels(images, order)
    assert sequences.shape == (2, 12, 1)
    for t in (0, 5, 11):
        assert torch.equal(sequences[:, t, 0], images.flatten(1)[:, order[t]])


def test_digits_are_split_anew_for_each_seed_and_lose_none():
    everything = digits.load()[0].flatten(1).sum(1).sort().values
    first, second = digits.sequential(split=0), digits.sequential(split=1)
    for splits in (first, second):
        assert (len(splits["train"][0]), len(splits["valid"][0])) == (1297, 500)
        found = torch.cat([splits[name][0].flatten(1).sum(1) for name in ("train", "valid")])
        assert torch.equal(found.sort().values, everything)
    assert not torch.equal(first["train"][1], second["train"][1])
    assert torch.equal(first["train"][1], digits.sequential(split=0)["train"][1])


def test_one_permutation_serves_all_splits_and_seeds():
    plain, permuted = digits.sequential(split=2), digits.sequential(split=2, permuted=7)
    order = permutation(64, 7)
    for name in plain:
        assert torch.equal(permuted[name][0], plain[name][0][:, order])


def test_rows_are_the_same_split_in_black_and_white():
    x, labels = digits.rows(split=3)["valid"]
    pixels, expected = digits.sequential(split=3)["valid"]
    assert x.shape == (500, 8, 8)
    assert torch.equal(labels, expected)
    assert torch.equal(x.flatten(1), (pixels[..., 0] > 0.5).float())
    assert torch.equal(digits.rows(split=3)["train"][1], digits.sequential(split=3)["train"][1])


class TestRealMNIST:
    @pytest.fixture(autouse=True)
    def _mirror(self, real_mirror):
        """These read the real files."""

    def test_splits_are_the_customary_ones(self):
        splits = mnist.load()
        assert {name: tuple(x.shape) for name, (x, _) in splits.items()} == {
            "train": (50_000, 28, 28),
            "valid": (10_000, 28, 28),
            "test": (10_000, 28, 28),
        }
        assert splits["train"][1][:5].tolist() == [5, 0, 4, 1, 9]
        assert splits["test"][1][:5].tolist() == [7, 2, 1, 0, 4]
        assert torch.bincount(splits["test"][1]).tolist() == [
            980,
            1135,
            1032,
            1010,
            982,
            892,
            958,
            1028,
            974,
            1009,
        ]

    def test_sequences_are_pixels_between_0_and_1(self):
        images, plain, permuted = mnist.load(), mnist.sequential(), mnist.sequential(permuted=3)
        sequences, labels = plain["valid"]
        assert sequences.shape == (10_000, 784, 1)
        assert (float(sequences.min()), float(sequences.max())) == (0.0, 1.0)
        assert torch.equal(labels, images["valid"][1])
        assert torch.equal(permuted["test"][0], plain["test"][0][:, permutation(784, 3)])
        # Row by row, the first pixels of every picture are black: why in-order MNIST needs noise on h_0.
        assert not plain["train"][0][:, :12].any()
