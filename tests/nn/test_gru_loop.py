"""The loop of a GRU with gradients by hand: against autograd, for one cell and two, and under vmap."""

import pytest
import torch

from unrolled.nn.gru import GRU, Recurrent, gru_update
from unrolled.nn.gru_loop import gru_sequence

CONVENTIONS = [(reset, update) for reset in ("before", "after") for update in ("keep", "take")]
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def parts(*two, hidden=4, bias=False, time=5, batch=3):
    """given, initial, and the weights, all with gradients."""
    shapes = [(time, *two, batch, 3 * hidden), (*two, batch, hidden), (*two, 2 * hidden, hidden)]
    shapes += [(*two, hidden, hidden), *([(*two, hidden)] if bias else [])]
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def stepwise(given, initial, weights, reset, update):
    h, states = initial, []
    for given_t in given:
        h = gru_update(h, given_t, weights, reset=reset, update=update)
        states.append(h)
    return torch.stack(states)


@pytest.mark.parametrize("two", [(), (2,)])
@pytest.mark.parametrize(("reset", "update"), CONVENTIONS)
def test_states_and_all_gradients_equal_autograds(reset, update, two):
    found = parts(*two, bias=reset == "after")
    weights = Recurrent(*found[2:])
    ours = gru_sequence(*found[:2], weights, before=reset == "before", take=update == "take")
    expected = stepwise(*found[:2], weights, reset, update)
    torch.testing.assert_close(ours, expected, **CLOSE)
    direction = torch.randn_like(expected)
    for got, wanted in zip(
        torch.autograd.grad(ours, found, direction),
        torch.autograd.grad(expected, found, direction),
        strict=True,
    ):
        torch.testing.assert_close(got, wanted, **CLOSE)


@pytest.mark.parametrize(("reset", "update"), CONVENTIONS)
def test_gradients_equal_finite_differences(reset, update):
    found = parts(2, hidden=2, bias=reset == "after", time=3, batch=2)

    def run(given, initial, *weights):
        return gru_sequence(
            given, initial, Recurrent(*weights), before=reset == "before", take=update == "take"
        )

    assert torch.autograd.gradcheck(run, found)


def test_several_copies_side_by_side_equal_one_after_the_other():
    layers = [GRU(3, 4, reset="before", update="take").double() for _ in range(2)]
    stacked, _ = torch.func.stack_module_state(layers)
    x = torch.randn(5, 6, 3, dtype=torch.float64)

    def one(parameters):
        return torch.func.functional_call(layers[0], parameters, (x,)).h

    both = torch.vmap(one)(stacked)
    for copy, layer in zip(both, layers, strict=True):
        torch.testing.assert_close(copy, layer(x).h, **CLOSE)
    both.square().sum().backward()
    for place, layer in enumerate(layers):
        layer(x).h.square().sum().backward()
        for name, parameter in layer.named_parameters():
            torch.testing.assert_close(stacked[name].grad[place], parameter.grad, **CLOSE)


def test_reading_backwards_is_reading_the_turned_sequence():
    layer = GRU(3, 4, reset="before", reverse=True)
    forwards = GRU(3, 4, reset="before")
    forwards.load_state_dict(layer.state_dict())
    x = torch.randn(2, 6, 3)
    torch.testing.assert_close(layer(x).h, forwards(x.flip(1)).h.flip(1))
    torch.testing.assert_close(layer(x).last, layer(x).h[:, 0])


@pytest.mark.parametrize(("reset", "update"), CONVENTIONS)
def test_under_other_transforms_the_gradients_are_the_same(reset, update):
    found = parts(bias=reset == "after")

    def total(given, initial, *weights):
        options = {"before": reset == "before", "take": update == "take"}
        return gru_sequence(given, initial, Recurrent(*weights), **options).square().sum()

    ours = torch.func.grad(total, argnums=tuple(range(len(found))))(*found)
    torch.testing.assert_close(ours, torch.autograd.grad(total(*found), found), **CLOSE)
