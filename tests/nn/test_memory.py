"""The external memory: weightings stay weightings, heads move as told, writes and reads agree."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.nn.memory import (
    Head,
    address,
    circular_shift,
    cosine_similarity,
    interpolate,
    sharpen,
    write,
)
from unrolled.nn.scan import ShapeError

SEEDS = st.integers(0, 2**31 - 1)
ROWS = st.integers(3, 40)
EXTREME = st.sampled_from([0.0, 1e-30, 1e-6, 1.0, 40.0, 1e4, 1e15])


def distributions(generator, *shape, peaked=3.0):
    return torch.softmax(peaked * torch.randn(*shape, generator=generator), -1)


def one_hot(row, rows):
    return torch.nn.functional.one_hot(torch.tensor([row]), rows).float()


def entropy(w):
    return -torch.special.xlogy(w, w).sum(-1)


@settings(deadline=None, max_examples=60)
@given(SEEDS, ROWS, EXTREME, EXTREME, EXTREME, st.sampled_from([0.0, 1e-7, 0.5, 1.0]))
def test_weightings_are_weightings_and_finite_whatever_the_parameters_are(
    seed, rows, scale, strength, sharper, gate
):
    generator = torch.Generator().manual_seed(seed)
    memory = scale * torch.randn(2, rows, 5, generator=generator)
    head = Head(
        (torch.randn(2, 3, 5, generator=generator) * scale).requires_grad_(),
        torch.full((2, 3), strength),
        torch.full((2, 3), gate),
        distributions(generator, 2, 3, 3, peaked=50.0),
        torch.full((2, 3), 1 + sharper, requires_grad=True),
    )
    memory.requires_grad_()
    stages = address(head, distributions(generator, 2, 3, rows, peaked=20.0), memory)
    for stage in stages:
        assert stage.isfinite().all()
        assert (stage >= 0).all()
        assert (stage.sum(-1) - 1).abs().max() < 1e-5
    gradients = torch.autograd.grad(
        stages.weighting.square().sum(), (head.query, head.sharpness, memory), allow_unused=True
    )
    assert all(g is None or g.isfinite().all() for g in gradients)


@settings(deadline=None)
@given(SEEDS, ROWS, st.integers(-1, 1))
def test_a_whole_shift_rolls_the_weighting_exactly(seed, rows, by):
    w = distributions(torch.Generator().manual_seed(seed), 4, 2, rows)
    shift = one_hot(by + 1, 3).expand(4, 2, 3)
    assert torch.equal(circular_shift(w, shift), w.roll(by, -1))


def test_a_shift_of_one_moves_to_the_next_row_and_around_the_end():
    forward = torch.tensor([[0.0, 0.0, 1.0]])
    assert circular_shift(one_hot(3, 6), forward).argmax() == 4
    assert circular_shift(one_hot(5, 6), forward).argmax() == 0


@settings(deadline=None)
@given(SEEDS, st.integers(5, 40), st.sampled_from([1, 3, 5]))
def test_the_shift_is_the_circular_convolution(seed, rows, shifts):
    generator = torch.Generator().manual_seed(seed)
    w = distributions(generator, 1, rows).double()
    s = distributions(generator, 1, shifts).double()
    radius = shifts // 2
    slow = [
        sum(w[0, (i - by) % rows] * s[0, by + radius] for by in range(-radius, radius + 1))
        for i in range(rows)
    ]
    assert torch.allclose(circular_shift(w, s)[0], torch.stack(slow), rtol=0, atol=1e-14)


@settings(deadline=None)
@given(SEEDS, ROWS, st.floats(1, 30), st.floats(1, 30))
def test_sharpening_keeps_the_order_and_never_raises_the_entropy(seed, rows, one, other):
    w = distributions(torch.Generator().manual_seed(seed), rows).double().unsqueeze(0)
    low, high = sorted((one, other))
    soft, sharp = (sharpen(w, torch.tensor([gamma], dtype=torch.float64)) for gamma in (low, high))
    order = w.argsort(-1)
    assert (sharp.gather(-1, order).diff(dim=-1) >= 0).all()
    assert entropy(sharp) <= entropy(soft) + 1e-9


def test_sharpening_survives_powers_that_vanish():
    w = torch.full((1, 128), 1 / 128)
    assert torch.equal(sharpen(w, torch.tensor([1000.0])), w)


def test_an_open_gate_forgets_the_last_place():
    by_content, before = distributions(None, 3, 7), distributions(None, 3, 7)
    assert torch.equal(interpolate(by_content, before, torch.ones(3)), by_content)


def test_the_cosine_ignores_lengths_and_is_zero_for_an_empty_row():
    key = torch.randn(1, 6)
    memory = torch.stack((key[0] * 1e-6, -key[0] * 1e6, torch.zeros(6)))
    assert torch.allclose(cosine_similarity(key, memory), torch.tensor([[1.0, -1.0, 0.0]]), atol=1e-6)


@settings(deadline=None)
@given(SEEDS, ROWS, st.integers(1, 4))
def test_several_heads_erase_before_any_adds_in_whatever_order(seed, rows, heads):
    generator = torch.Generator().manual_seed(seed)
    memory = torch.randn(2, rows, 3, generator=generator).double()
    w = distributions(generator, 2, heads, rows).double()
    erase, add = (torch.rand(2, heads, 3, generator=generator).double() for _ in range(2))
    order = torch.randperm(heads, generator=generator)
    written = write(memory, w, erase, add)
    assert torch.allclose(written, write(memory, w[:, order], erase[:, order], add[:, order]), atol=1e-12)
    kept = (1 - w.unsqueeze(-1) * erase.unsqueeze(-2)).prod(1)
    slow = memory * kept + (w.unsqueeze(-1) * add.unsqueeze(-2)).sum(1)
    assert torch.allclose(written, slow, atol=1e-12)


def test_leading_axes_are_alike():
    generator = torch.Generator().manual_seed(3)
    memory = torch.randn(4, 5, 6, 3, generator=generator)
    head = Head(
        torch.randn(4, 5, 2, 3, generator=generator),
        *(torch.rand(4, 5, 2, generator=generator) for _ in range(2)),
        distributions(generator, 4, 5, 2, 3),
        1 + torch.rand(4, 5, 2, generator=generator),
    )
    before = distributions(generator, 4, 5, 2, 6)
    together = address(head, before, memory).weighting
    alone = address(Head(*(part[1, 2] for part in head)), before[1, 2], memory[1, 2]).weighting
    assert torch.allclose(together[1, 2], alone, atol=1e-6)


def test_an_even_number_of_shifts_is_refused():
    with pytest.raises(ShapeError, match="odd"):
        circular_shift(distributions(None, 1, 6), distributions(None, 1, 4))
