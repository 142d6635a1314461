"""The decoder's loop with gradients by hand: against autograd through the plain steps."""

import pytest
import torch
from torch.func import functional_call, stack_module_state

from unrolled.papers.bahdanau_attention.model import RNNsearch

CLOSE = {"rtol": 1e-9, "atol": 1e-10}
SOURCE = torch.tensor([[5, 6, 7, 8], [4, 5, 2, 0], [6, 2, 0, 0]])
LENGTHS = torch.tensor([4, 3, 2])
TARGET = torch.tensor([[4, 5, 6, 2], [5, 2, 0, 0], [6, 4, 2, 0]])


def searching(fixed=False, seed=0):
    torch.manual_seed(seed)
    return RNNsearch((9, 8), embedding=3, hidden=4, alignment=5, maxout=2, fixed=fixed).double()


def score(found, directions):
    """A number that depends on every output of the model."""
    parts = (part for part in found if part is not None)
    return sum((part * direction).sum() for part, direction in zip(parts, directions, strict=False))


@pytest.mark.parametrize("fixed", [False, True])
def test_results_and_all_gradients_equal_autograds(fixed):
    model = searching(fixed)
    directions, found = None, {}
    for fast in (True, False):
        model.fast = fast
        given = model(SOURCE, TARGET, LENGTHS)
        directions = directions or [torch.randn_like(part) for part in given if part is not None]
        gradients = torch.autograd.grad(score(given, directions), list(model.parameters()))
        found[fast] = [*(part for part in given if part is not None), *gradients]
    for ours, expected in zip(found[True], found[False], strict=True):
        torch.testing.assert_close(ours, expected, **CLOSE)


def test_without_gradients_the_results_are_the_same():
    model = searching()
    with torch.no_grad():
        plain = model(SOURCE, TARGET, LENGTHS).logits
    torch.testing.assert_close(model(SOURCE, TARGET, LENGTHS).logits.detach(), plain, **CLOSE)


@pytest.mark.parametrize("fixed", [False, True])
def test_seeds_side_by_side_have_the_gradients_of_each_alone(fixed):
    models = [searching(fixed, seed) for seed in range(3)]
    stacked, _ = stack_module_state(models)

    def one(weights):
        return functional_call(models[0], weights, (SOURCE, TARGET, LENGTHS)).logits

    torch.vmap(one)(stacked).square().sum().backward()
    for place, model in enumerate(models):
        model(SOURCE, TARGET, LENGTHS).logits.square().sum().backward()
        for name, parameter in model.named_parameters():
            torch.testing.assert_close(stacked[name].grad[place], parameter.grad, **CLOSE)
