"""Fixed binarised MNIST, and the embedded digits on larger canvases."""

import pytest
import torch
from scipy.io import savemat

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import binarised, digits


def written(path, **variables):
    savemat(path, variables, appendmat=False)
    return path


def test_reader_gives_back_what_was_written(tmp_path):
    rows = (torch.rand(3, 784) > 0.5).to(torch.uint8).numpy()
    assert (binarised.read_amat(written(tmp_path / "rows.amat", X=rows)) == rows).all()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"Y": torch.zeros(1, 784, dtype=torch.uint8).numpy()}, "no variable X"),
        ({"X": torch.zeros(1, 783, dtype=torch.uint8).numpy()}, "783"),
        ({"X": torch.full((1, 784), 2, dtype=torch.uint8).numpy()}, "up to 2"),
        ({"X": torch.zeros(1, 784).numpy()}, "float32"),
    ],
)
def test_other_content_is_told(tmp_path, variables, message):
    path = written(tmp_path / "rows.amat", **variables)
    with pytest.raises(UnrolledError, match=message) as caught:
        binarised.read_amat(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\x00" * 200, b"not a file of MATLAB" * 20])
def test_file_of_another_kind_is_told(tmp_path, content):
    path = tmp_path / "rows.amat"
    path.write_bytes(content)
    with pytest.raises(UnrolledError, match="not a MATLAB v5 file"):
        binarised.read_amat(path)


def test_every_cut_of_a_file_is_found(tmp_path):
    whole = written(tmp_path / "rows.amat", X=torch.ones(2, 784, dtype=torch.uint8).numpy()).read_bytes()
    path = tmp_path / "cut.amat"
    for length in (*range(0, 200, 20), len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(UnrolledError):
            binarised.read_amat(path)


def test_digits_stay_whole_and_keep_their_labels():
    images, labels = digits.load()
    sheets, names = binarised.pages(images[:22], labels[:22], canvas=16, copies=2, seed=1)
    assert sheets.shape == (11, 256)
    binary = (images[:22] >= 0.5).to(torch.uint8)
    for sheet, of_sheet in zip(sheets.view(-1, 16, 16), names, strict=True):
        for place, label in enumerate(of_sheet):
            row, column = 8 * (place // 2), 8 * (place % 2)
            found = (binary == sheet[row : row + 8, column : column + 8]).flatten(1).all(1)
            assert labels[:22][found].tolist() == [label]


def test_every_digit_comes_equally_often():
    images, labels = digits.load()
    sheets, _ = binarised.pages(images[:12], labels[:12], canvas=16, copies=3, seed=0)
    assert sheets.sum() == 3 * (images[:12] >= 0.5).sum()


def test_digits_move_on_a_page_with_room_to_spare():
    images, labels = digits.load()
    sheets, names = binarised.pages(images[:200], labels[:200], canvas=12, copies=2, seed=0)
    assert sheets.shape == (400, 144)
    assert names.shape == (400, 1)
    assert sheets.sum() == 2 * (images[:200] >= 0.5).sum()
    assert sheets.view(-1, 12, 12)[:, 0].any()
    assert sheets.view(-1, 12, 12)[:, 11].any()


def test_pages_follow_from_the_seed():
    images, labels = digits.load()
    first, again, other = (binarised.pages(images, labels, canvas=12, copies=1, seed=s)[0] for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_no_digit_is_in_both_splits():
    splits = binarised.digit_pages(split=4)
    assert [len(splits[half][0]) for half in ("train", "valid")] == [1297, 500]
    everything = torch.cat([splits[half][0] for half in ("train", "valid")])
    known = (digits.load()[0].flatten(1) >= 0.5).to(torch.uint8)
    assert torch.equal(everything.sum(1).sort().values, known.sum(1).sort().values)


def test_page_that_is_too_small_is_told():
    with pytest.raises(UsageError, match="a page of 7 pixels does not hold pictures of 8"):
        binarised.digit_pages(canvas=7)


def test_real_files_hold_the_customary_splits(real_mirror):
    splits = binarised.mnist()
    assert {name: tuple(rows.shape) for name, rows in splits.items()} == {
        "train": (50_000, 784),
        "valid": (10_000, 784),
        "test": (10_000, 784),
    }
    for rows in splits.values():
        assert rows.dtype == torch.uint8
        assert rows.unique().tolist() == [0, 1]
        assert rows.float().mean().item() == pytest.approx(0.131, abs=0.002)
