"""The scan engine: masks, directions, nested states and errors that name shapes."""

from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.nn.scan import ShapeError, expand_state, length_mask, scan


class Inner(NamedTuple):
    h: torch.Tensor
    c: torch.Tensor


class Outer(NamedTuple):
    inner: Inner
    count: torch.Tensor


class Inputs(NamedTuple):
    x: torch.Tensor
    shared: torch.Tensor


def add(state, x_t):
    return state + x_t


def decay(state, x_t):
    """Not commutative: a wrong order of steps shows."""
    return 0.5 * state + x_t


def test_states_after_each_step():
    x = torch.tensor([[1.0], [2.0], [3.0]])
    result = scan(decay, x, torch.zeros(1))
    assert result.states.tolist() == [[1.0], [2.5], [4.25]]
    assert result.last.tolist() == [4.25]
    assert result.outputs is None


def test_reverse_runs_from_the_end_and_keeps_places():
    x = torch.tensor([[1.0], [2.0], [3.0]])
    result = scan(decay, x, torch.zeros(1), reverse=True)
    assert result.states.tolist() == [[2.75], [3.5], [3.0]]
    assert result.last.tolist() == [2.75]


def test_reverse_skips_padding():
    x = torch.tensor([[1.0], [2.0], [9.0]])
    result = scan(decay, x, torch.zeros(1), lengths=torch.tensor([2]), reverse=True)
    assert result.last.tolist() == [2.0]
    assert result.states.tolist() == [[2.0], [2.0], [0.0]]


def test_padding_zero_blanks_states_but_not_the_last():
    x = torch.ones(3, 2)
    result = scan(add, x, torch.zeros(2), lengths=torch.tensor([3, 1]), padding="zero")
    assert result.states[:, 1].tolist() == [1.0, 0.0, 0.0]
    assert result.last.tolist() == [3.0, 1.0]


def test_mask_may_have_gaps():
    mask = torch.tensor([[True], [False], [True]])
    assert scan(add, torch.ones(3, 1), torch.zeros(1), mask=mask).states.tolist() == [[1.0], [1.0], [2.0]]


def test_keep_last_keeps_no_states():
    result = scan(add, torch.ones(3, 1), torch.zeros(1), keep="last")
    assert result.states is None
    assert result.last.tolist() == [3.0]


def test_nested_states_and_inputs():
    def step(state, x_t):
        inner = Inner(state.inner.h + x_t.x, state.inner.c + x_t.shared)
        return Outer(inner, state.count + 1), inner.h.sum()

    initial = Outer(Inner(torch.zeros(2, 3), torch.zeros(2, 3)), torch.zeros(2))
    inputs = Inputs(torch.ones(4, 2, 3), torch.arange(4.0).view(4, 1, 1))
    result = scan(step, inputs, initial, lengths=torch.tensor([4, 2]))
    assert result.last.count.tolist() == [4.0, 2.0]
    assert result.last.inner.c[:, 0].tolist() == [6.0, 1.0]
    assert result.states.inner.h.shape == (4, 2, 3)
    assert result.outputs.tolist() == [6.0, 12.0, 15.0, 18.0]


def test_length_zero_gives_no_states_and_the_initial_one():
    result = scan(add, torch.ones(2, 0, 3), torch.ones(2, 3), batch_first=True)
    assert result.states.shape == (2, 0, 3)
    assert torch.equal(result.last, torch.ones(2, 3))


def test_learned_initial_state_takes_gradients():
    learned = torch.zeros(3, requires_grad=True)
    scan(add, torch.ones(2, 5, 3), expand_state(learned, 5)).last.sum().backward()
    assert learned.grad.tolist() == [5.0, 5.0, 5.0]


def test_weights_reach_the_step():
    result = scan(lambda state, x_t, w: state + w * x_t, torch.ones(2, 1), torch.zeros(1), torch.tensor(3.0))
    assert result.last.tolist() == [6.0]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.booleans())
@settings(max_examples=40, deadline=None)
def test_every_masked_row_equals_its_own_run(lengths, reverse):
    x = torch.arange(5.0 * len(lengths)).sin().view(5, len(lengths))
    masked = scan(decay, x, torch.ones(len(lengths)), lengths=torch.tensor(lengths), reverse=reverse)
    for row, length in enumerate(lengths):
        alone = scan(decay, x[:length, row : row + 1], torch.ones(1), reverse=reverse)
        assert torch.equal(masked.last[row : row + 1], alone.last)
        assert torch.equal(masked.states[:length, row : row + 1], alone.states)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": torch.zeros(3)}, "time and a batch axis"),
        ({"x": torch.zeros(3, 4)}, r"\[3, 2, \.\.\.\], not \[3, 4\]"),
        ({"initial": torch.zeros(())}, "batch axis"),
        ({"lengths": torch.tensor([1])}, r"\[2\], not \[1\]"),
        ({"lengths": torch.tensor([1, 4])}, r"0\.\.3, not 1\.\.4"),
        ({"lengths": torch.tensor([1.0, 2.0])}, "whole numbers"),
        ({"mask": torch.ones(3, 1, dtype=torch.bool)}, r"\[3, 2\], not torch.bool \[3, 1\]"),
        ({"mask": torch.ones(3, 2)}, "bool"),
        ({"mask": torch.ones(3, 2, dtype=torch.bool), "lengths": torch.tensor([1, 1])}, "not both"),
        ({"initial": [torch.zeros(2)]}, "NamedTuple of tensors, not list"),
    ],
)
def test_shapes_that_do_not_fit_are_named(arguments, message):
    given = {"x": torch.zeros(3, 2), "initial": torch.zeros(2)} | arguments
    with pytest.raises(ShapeError, match=message):
        scan(add, given.pop("x"), given.pop("initial"), **given)


def test_a_step_that_changes_the_states_shape_is_named():
    with pytest.raises(ShapeError, match="changed"):
        scan(lambda state, x_t: torch.cat((state, x_t)), torch.zeros(3, 2), torch.zeros(2))


def test_length_mask():
    assert length_mask(torch.tensor([0, 3]), 3).tolist() == [[False, True]] * 3
