"""Helpers for sequences of different lengths."""

import torch

from unrolled.nn.padding import last_steps, mirrored

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
