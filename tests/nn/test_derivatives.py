"""A gradient written by hand has no second derivative, and says so on every path to one."""

import pytest
import torch
from torch.autograd import Function
from torch.func import grad, vmap

from unrolled.base.errors import UsageError
from unrolled.nn.derivatives import first_derivative_only


class Cube(Function):
    """x^3, with its gradient by hand."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    @first_derivative_only
    def backward(ctx, gradient):
        return 3 * ctx.saved_tensors[0] ** 2 * gradient


@pytest.fixture
def x():
    return torch.tensor([1.0, 2.0], requires_grad=True)


def test_first_derivatives_are_right(x):
    Cube.apply(x).sum().backward()
    assert x.grad.tolist() == [3.0, 12.0]
    assert grad(lambda x: Cube.apply(x).sum())(x.detach()).tolist() == [3.0, 12.0]
    assert vmap(grad(Cube.apply))(x.detach()).tolist() == [3.0, 12.0]


def test_a_gradient_that_keeps_its_graph_is_a_number_all_the_same(x):
    (found,) = torch.autograd.grad(Cube.apply(x).sum(), x, create_graph=True)
    assert found.tolist() == [3.0, 12.0]


@pytest.mark.parametrize("outer", [lambda y: y.sum(), lambda y: y.square().sum()], ids=["constant", "not"])
def test_a_gradient_penalty_is_refused(x, outer):
    (found,) = torch.autograd.grad(outer(Cube.apply(x)), x, create_graph=True)
    with pytest.raises(UsageError, match="no second derivative"):
        found.square().sum().backward()


def test_a_second_derivative_of_torch_func_is_refused(x):
    def first(x):
        return grad(lambda x: Cube.apply(x).sum())(x).sum()

    with pytest.raises(UsageError, match="no second derivative"):
        grad(first)(x.detach())
