"""What a model refuses, in one line that names what was given."""

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.nn.checks import ShapeError, check_indices, check_lengths, check_option, under_vmap


def test_an_empty_list_is_lengths_of_nothing():
    assert check_lengths([], 0, 5).dtype is torch.int64


def test_lengths_go_where_the_input_is():
    assert check_lengths([2, 1], 2, 5, like=torch.zeros(1, device="meta")).device.type == "meta"


@pytest.mark.parametrize("indices", [torch.tensor([0.0]), torch.tensor([True])])
def test_indices_are_whole_numbers(indices):
    with pytest.raises(ShapeError, match="words must be whole numbers"):
        check_indices("words", indices, 5)


def test_indices_inside_vmap_are_not_looked_at():
    def at(index):
        check_indices("words", index, 3)
        return index

    assert torch.func.vmap(at)(torch.tensor([7, 8])).tolist() == [7, 8]


def test_an_option_like_no_other_gets_the_list():
    with pytest.raises(UsageError, match=r"no cell 'transformer' \(there are rnn, lstm\)"):
        check_option("cell", "transformer", ("rnn", "lstm"))


def test_vmap_is_seen_through_a_gradient():
    seen = []

    def loss(w, x):
        seen.append((under_vmap(w), under_vmap(x)))
        return (w * x).sum()

    torch.func.vmap(torch.func.grad(loss), (0, None))(torch.ones(2, 3), torch.ones(3))
    torch.func.grad(loss)(torch.ones(3), torch.ones(3))
    assert seen == [(True, False), (False, False)]
