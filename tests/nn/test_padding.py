"""Helpers for sequences of different lengths."""

import pytest
import torch

from unrolled.nn.padding import last_steps, live_steps, mirrored
from unrolled.nn.scan import ShapeError

LENGTHS = torch.tensor([4, 1, 3])


def test_mirroring_twice_gives_the_sequence_back_padding_included():
    x = torch.randn(3, 4, 2)
    assert torch.equal(mirrored(mirrored(x, LENGTHS), LENGTHS), x)
    assert torch.equal(mirrored(x, LENGTHS)[2, :3], x[2, :3].flip(0))
    assert torch.equal(mirrored(x), x.flip(1))


def test_the_last_step_is_each_sequences_own():
    x = torch.randn(3, 4, 2)
    assert torch.equal(last_steps(x, LENGTHS), torch.stack([x[0, 3], x[1, 0], x[2, 2]]))
    assert torch.equal(last_steps(x), x[:, 3])


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([4, 1], r"\[batch\] = \[3\], not \[2\]"),
        ([4, 0, 3], "at least 1, not 0"),
        ([5, 1, 3], r"0\.\.4, not 1\.\.5"),
        ([-1, 1, 3], r"0\.\.4, not -1\.\.3"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths, message):
    with pytest.raises(ShapeError, match=message):
        live_steps(torch.tensor(lengths), 3, 4)
