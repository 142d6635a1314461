"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from unrolled.papers.stack_rnn.memory import list_update, stack_update
from unrolled.papers.stack_rnn.model import (
    StackOptions,
    StackRNN,
    StackState,
    StackWeights,
    hidden_layer,
    prediction,
    stack_actions,
    traced_step,
)

_spec = importlib.util.spec_from_file_location("oracle_stack_rnn", Path(__file__).with_name("stack_rnn.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

SYMBOLS, HIDDEN, STACKS, DEPTH, CELLS = 3, 5, 3, 2, 7
EXACT = {"rtol": 0, "atol": 1e-10}


@pytest.fixture
def draw():
    """Random float64 tensors that take gradients."""
    generator = torch.Generator().manual_seed(20150303)

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()

    return normal


def arrays(*tensors):
    return [tensor.detach().numpy() for tensor in tensors]


def shares(draw, *shape):
    return draw(*shape).softmax(-1).detach().requires_grad_()


def test_equation_1_simple_network(draw):
    U, R, h = draw(HIDDEN, SYMBOLS), draw(HIDDEN, HIDDEN), draw(HIDDEN)
    nothing, P = torch.zeros(0, dtype=torch.float64), torch.zeros(HIDDEN, 0, dtype=torch.float64)
    for symbol, x in enumerate(np.eye(SYMBOLS)):
        found = hidden_layer(U[:, symbol], h, nothing, R, P)
        np.testing.assert_allclose(found.detach(), oracle.equation_1(*arrays(U, R), x, *arrays(h)), **EXACT)
    assert gradcheck(lambda U, h, R: hidden_layer(U[:, 0], h, nothing, R, P), (U, h, R))


def test_equation_2_prediction(draw):
    h, V = draw(4, HIDDEN), draw(SYMBOLS, HIDDEN)
    for found, each in zip(prediction(h, V), h, strict=True):
        np.testing.assert_allclose(found.detach(), oracle.equation_2(*arrays(V, each)), **EXACT)
    assert gradcheck(prediction, (h, V))


@pytest.mark.parametrize("actions", [2, 3])
def test_equation_3_actions(draw, actions):
    h, A = draw(4, HIDDEN), draw(STACKS, actions, HIDDEN)
    found = stack_actions(h, A)
    for b in range(4):
        for s in range(STACKS):
            np.testing.assert_allclose(found[b, s].detach(), oracle.equation_3(*arrays(A[s], h[b])), **EXACT)
    assert gradcheck(stack_actions, (h, A))


@pytest.mark.parametrize("actions", [2, 3])
def test_equation_4_top(draw, actions):
    h, D, s, a = draw(HIDDEN), draw(HIDDEN), draw(CELLS), shares(draw, actions)
    found = stack_update(s, a, torch.sigmoid(D @ h))
    np.testing.assert_allclose(found[0].detach(), oracle.equation_4(*arrays(a, D, h, s)), **EXACT)
    assert gradcheck(lambda s, a, D, h: stack_update(s, a, torch.sigmoid(D @ h))[:1], (s, a, D, h))


def test_equation_4_with_no_op(draw):
    h, D, s, a = draw(HIDDEN), draw(HIDDEN), draw(CELLS), shares(draw, 3)
    found = stack_update(s, a, torch.sigmoid(D @ h))[0]
    np.testing.assert_allclose(found.detach(), oracle.equation_4(*arrays(a, D, h, s)), **EXACT)
    assert oracle.equation_4(*arrays(a, D, h, s)) != oracle.equation_4(*arrays(a[:2], D, h, s))


@pytest.mark.parametrize("actions", [2, 3])
def test_equation_5_below(draw, actions):
    s, a, pushed = draw(CELLS), shares(draw, actions), draw(())
    found = stack_update(s, a, pushed)
    for i in range(1, CELLS):
        np.testing.assert_allclose(found[i].detach(), oracle.equation_5(*arrays(a, s), i), **EXACT)
    assert gradcheck(stack_update, (s, a, pushed))


@pytest.mark.parametrize("recurrent", [False, True])
def test_equation_6_hidden_units_with_stacks(draw, recurrent):
    U, R, h = draw(HIDDEN, SYMBOLS), draw(HIDDEN, HIDDEN) if recurrent else None, draw(HIDDEN)
    P, stacks = draw(HIDDEN, STACKS, DEPTH), draw(STACKS, CELLS)
    found = hidden_layer(U[:, 1], h, stacks[:, :DEPTH].flatten(), R, P.flatten(1))
    expected = oracle.equation_6(
        U.detach().numpy(),
        R.detach().numpy() if recurrent else None,
        [P[:, s].detach().numpy() for s in range(STACKS)],
        np.eye(SYMBOLS)[1],
        *arrays(h, stacks),
    )
    np.testing.assert_allclose(found.detach(), expected, **EXACT)


def test_list_memory(draw):
    h, D, L, a = draw(HIDDEN), draw(HIDDEN), draw(CELLS), shares(draw, 3)
    found = list_update(L, a, torch.sigmoid(D @ h))
    for i in range(CELLS):
        expected = oracle.list_equation(*arrays(a, D, h, L), i)
        np.testing.assert_allclose(found[i].detach(), expected, **EXACT)
    assert gradcheck(list_update, (L, a, torch.sigmoid(D @ h).detach().requires_grad_()))


@pytest.mark.parametrize("actions", [2, 3])
def test_a_whole_step_with_its_gradients(draw, actions):
    """Equations 3 to 6 together: three stacks, two cells read of each."""
    x, h, stacks = draw(1, HIDDEN), draw(1, HIDDEN), draw(1, STACKS, CELLS)
    R, P = draw(HIDDEN, HIDDEN), draw(HIDDEN, STACKS * DEPTH)
    A, D = draw(STACKS, actions, HIDDEN), draw(STACKS, HIDDEN)

    def step(x, h, stacks, R, P, A, D):
        options = StackOptions("stack", DEPTH, rounded=False)
        return traced_step(StackState(h, stacks), x, StackWeights(R, P, A, D), options)[0].stacks

    assert gradcheck(step, (x, h, stacks, R, P, A, D))


@pytest.mark.parametrize("options", [{}, {"noop": True, "recurrent": True}, {"memory": "list"}])
def test_the_network_is_its_equations_step_by_step(options):
    torch.manual_seed(0)
    model = StackRNN(SYMBOLS, hidden_size=HIDDEN, stacks=STACKS, **options).double()
    x = torch.randint(SYMBOLS, (1, 9))
    U, V, A, D, P = arrays(model.U, model.V, model.A, model.D, model.P)
    R = model.R.detach().numpy() if model.R is not None else None
    listed = options.get("memory") == "list"
    h, stacks = np.zeros(HIDDEN), -np.ones((STACKS, 31))
    for t, logits in enumerate(model(x)[0]):
        read = stacks[:, 15:] if listed else stacks
        h = oracle.equation_6(U, R, P.transpose(1, 0, 2), np.eye(SYMBOLS)[x[0, t]], h, read)
        new = np.empty_like(stacks)
        for s in range(STACKS):
            a = oracle.equation_3(A[s], h)
            for i in range(stacks.shape[1]):
                if listed:
                    new[s, i] = oracle.list_equation(a, D[s], h, stacks[s], i)
                else:
                    new[s, i] = (
                        oracle.equation_5(a, stacks[s], i) if i else oracle.equation_4(a, D[s], h, stacks[s])
                    )
        stacks = new
        np.testing.assert_allclose(logits.softmax(-1).detach(), oracle.equation_2(V, h), **EXACT)
