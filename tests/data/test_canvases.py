"""Digits on larger canvases: nothing is lost, every place is used, and clutter comes from other digits."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.data import digits
from unrolled.data.canvases import cluttered, translated


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@given(
    batch=st.integers(0, 4),
    height=st.integers(1, 5),
    width=st.integers(1, 5),
    margin=st.integers(0, 4),
    seed=st.integers(0, 99),
)
def test_translation_moves_an_image_whole(batch, height, width, margin, seed):
    size = max(height, width) + margin
    images = torch.rand(batch, height, width, generator=seeded(seed)) + 0.01
    canvases = translated(images, size, seeded(seed))
    assert canvases.shape == (batch, size, size)
    for image, canvas in zip(images, canvases, strict=True):
        top, left = canvas.nonzero().min(0).values.tolist()
        assert torch.equal(canvas[top : top + height, left : left + width], image)
        assert canvas.count_nonzero() == image.numel()


def test_every_place_is_reached_about_equally_often():
    canvases = translated(torch.ones(3600, 2, 2), 4, seeded())
    corners = [tuple(canvas.nonzero()[0].tolist()) for canvas in canvases]
    counts = {corner: corners.count(corner) for corner in corners}
    assert set(counts) == {(top, left) for top in range(3) for left in range(3)}
    assert max(abs(count - 400) for count in counts.values()) < 100  # five standard deviations


@pytest.mark.parametrize("draw", [translated, lambda *a: cluttered(a[0], a[1], 4, 3, *a[2:])])
def test_a_generator_or_the_global_seed_decides(draw):
    images = torch.rand(16, 8, 8)
    assert torch.equal(draw(images, 20, seeded(1)), draw(images, 20, seeded(1)))
    assert not torch.equal(draw(images, 20, seeded(1)), draw(images, 20, seeded(2)))
    before = torch.get_rng_state()
    draw(images, 20, seeded(1))
    assert torch.equal(torch.get_rng_state(), before)  # a given generator spares the global one
    torch.manual_seed(5)
    first = draw(images, 20)
    torch.manual_seed(5)
    assert torch.equal(draw(images, 20), first)


def test_without_distractors_clutter_is_translation():
    images = torch.rand(5, 4, 4)
    assert torch.equal(cluttered(images, 9, 0, 2, seeded()), translated(images, 9, seeded()))


def test_clutter_comes_from_other_images():
    # Each image has values of its own; on a canvas so large that pieces seldom meet, they tell their source.
    images = torch.stack([torch.full((4, 4), 2.0**-k) for k in range(4)])
    seen = {own: set() for own in range(4)}
    for seed in range(40):
        for own, canvas in enumerate(cluttered(images, 200, 2, 3, seeded(seed))):
            values = canvas.unique()
            pieces = {k for k in range(4) if 2.0**-k in values}
            assert own in pieces
            assert (canvas == 2.0**-own).sum() <= 16  # never a crop of the image itself
            seen[own] |= pieces - {own}
    assert all(sources == set(range(4)) - {own} for own, sources in seen.items())


def test_crops_are_squares_cut_at_every_place_of_their_source():
    source = torch.arange(1.0, 10.0).view(3, 3) / 16
    images = torch.stack([torch.zeros(3, 3), source])
    found = set()
    for seed in range(60):
        canvas = cluttered(images, 6, 1, 2, seeded(seed))[0]  # a black digit: the crop stands alone
        assert canvas.count_nonzero() == 4
        top, left = canvas.nonzero()[0].tolist()
        row, column = divmod(int(canvas[top, left] * 16) - 1, 3)
        assert torch.equal(canvas[top : top + 2, left : left + 2], source[row : row + 2, column : column + 2])
        found.add((row, column))
    assert found == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_sums_of_pieces_are_cut_off_at_one():
    canvases = cluttered(torch.full((50, 4, 4), 0.75), 5, 3, 4, seeded())
    assert canvases.max() == 1.0
    assert (canvases >= 0.75).flatten(1).sum(1).min() >= 16


def test_an_image_is_never_hidden_by_clutter():
    images = torch.rand(64, 6, 6)
    plain, busy = translated(images, 6), cluttered(images, 6, 3, 3)  # one place only
    assert (busy >= plain).all()
    assert not torch.equal(busy, plain)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: translated(torch.rand(2, 8, 8), 7), "8x8 do not fit on a canvas of 7x7"),
        (lambda: translated(torch.rand(8, 8), 9), r"not \[8, 8\]"),
        (lambda: cluttered(torch.rand(2, 8, 8), 20, 2, 9), "crops of 9x9 do not fit"),
        (lambda: cluttered(torch.rand(1, 8, 8), 20, 2, 4), "holds one image"),
    ],
)
def test_what_does_not_fit_is_told(call, message):
    with pytest.raises(UsageError, match=message):
        call()


def test_digits_as_pictures_are_split_as_their_sequences_are():
    pictures, sequences = digits.pictures(split=3), digits.sequential(split=3)
    for name, (images, labels) in pictures.items():
        assert torch.equal(images.flatten(1).unsqueeze(-1), sequences[name][0])
        assert torch.equal(labels, sequences[name][1])
    assert not torch.equal(pictures["train"][1], digits.pictures(split=4)["train"][1])
