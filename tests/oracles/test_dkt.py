"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from unrolled.data.learners import probability
from unrolled.nn.cells import LSTMState, rnn_step
from unrolled.papers.dkt.cells import appendix_lstm_step
from unrolled.papers.dkt.model import (
    DKT,
    encode,
    pair_index,
    predictions,
    random_projection,
    readout,
    student_losses,
)
from unrolled.papers.dkt.studies import influence, influences

_spec = importlib.util.spec_from_file_location("oracle_dkt", Path(__file__).with_name("dkt.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

BATCH, TIME, EXERCISES, HIDDEN = 3, 6, 5, 4
EXACT = {"rtol": 0, "atol": 1e-10}


@pytest.fixture
def draw():
    """Random float64 tensors that take gradients."""
    generator = torch.Generator().manual_seed(20150619)

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()

    return normal


@pytest.fixture
def stream():
    """Exercises and answers of some students."""
    generator = torch.Generator().manual_seed(1)
    exercises = torch.randint(0, EXERCISES, (BATCH, TIME), generator=generator)
    return exercises, torch.randint(0, 2, (BATCH, TIME), generator=generator)


def arrays(*tensors):
    return [tensor.detach().numpy() for tensor in tensors]


def appendix(draw):
    """State, input and weights of a step, and its gates i, f, g, o by the oracle, one row a student."""
    x, h, c = draw(BATCH, 2), draw(BATCH, HIDDEN), draw(BATCH, HIDDEN)
    W_x, W_h, b = draw(4 * HIDDEN, 2), draw(4 * HIDDEN, HIDDEN), draw(4 * HIDDEN)
    gates = []
    for block in range(4):
        rows = slice(block * HIDDEN, (block + 1) * HIDDEN)
        parts = arrays(W_x[rows], W_h[rows], b[rows])
        gates.append(
            np.stack([oracle.appendix_gate(*pair, *parts) for pair in zip(*arrays(x, h), strict=True)])
        )

    def step(x, h, c, W_x, W_h, b):
        return appendix_lstm_step(LSTMState(h, c), x @ W_x.T + b, W_h)

    return step, (x, h, c, W_x, W_h, b), gates


def test_equation_1_hidden_state(draw):
    x, h = draw(BATCH, 2 * EXERCISES), draw(BATCH, HIDDEN)
    W_x, W_h, b = draw(HIDDEN, 2 * EXERCISES), draw(HIDDEN, HIDDEN), draw(HIDDEN)
    ours = rnn_step(h, x, W_x, W_h, b).detach().numpy()
    expected = [oracle.equation_1(*pair, *arrays(W_x, W_h, b)) for pair in zip(*arrays(h, x), strict=True)]
    np.testing.assert_allclose(ours, expected, **EXACT)
    assert gradcheck(rnn_step, (h, x, W_x, W_h, b))


def test_equations_1_and_2_make_the_network(stream):
    exercises, answers = stream
    model = DKT(EXERCISES, hidden_size=HIDDEN, cell="rnn").double()
    with torch.no_grad():
        model.layer.h_0.normal_()
        model.bias_y.normal_()
        ours = model.predict(model(exercises, answers).h).numpy()
    core = model.layer.core
    weights = arrays(core.weight_ih_l0, core.weight_hh_l0, core.bias_ih_l0)
    for student in range(BATCH):
        h = model.layer.h_0.detach().numpy()
        for t in range(TIME):
            x = oracle.one_hot_input(int(exercises[student, t]), int(answers[student, t]), EXERCISES)
            h = oracle.equation_1(h, x, *weights)
            expected = oracle.equation_2(h, *arrays(model.weight_y, model.bias_y))
            np.testing.assert_allclose(ours[student, t], expected, **EXACT)


def test_equation_2_predictions(draw):
    h, weight_y, bias_y = draw(BATCH, HIDDEN), draw(EXERCISES, HIDDEN), draw(EXERCISES)
    expected = [oracle.equation_2(row, *arrays(weight_y, bias_y)) for row in h.detach().numpy()]
    np.testing.assert_allclose(predictions(h, weight_y, bias_y).detach().numpy(), expected, **EXACT)
    assert gradcheck(predictions, (h, weight_y, bias_y))


def test_equation_3_loss_of_a_student(draw, stream):
    exercises, answers = stream
    h, weight_y, bias_y = draw(BATCH, TIME, HIDDEN), draw(EXERCISES, HIDDEN), draw(EXERCISES)
    lengths = torch.tensor([TIME, 1, 3])
    ours = student_losses(h, exercises, answers, weight_y, bias_y, lengths).detach().numpy()
    for student, length in enumerate(lengths.tolist()):
        y = [oracle.equation_2(row, *arrays(weight_y, bias_y)) for row in h[student].detach().numpy()]
        q, a = exercises[student, :length].tolist(), answers[student, :length].tolist()
        np.testing.assert_allclose(ours[student], oracle.equation_3(y, q, a), **EXACT)

    def losses(h, weight_y, bias_y):
        return student_losses(h, exercises, answers, weight_y, bias_y, lengths)

    assert gradcheck(losses, (h, weight_y, bias_y))


def test_equation_4_influence():
    model = DKT(EXERCISES, hidden_size=HIDDEN).double()
    right = torch.ones(1, 1, dtype=torch.long)
    with torch.no_grad():
        y = [model.predict(model(i * right, right).h)[0, 0].numpy() for i in range(EXERCISES)]
    np.testing.assert_allclose(influence(model).numpy(), oracle.equation_4(y), **EXACT)
    given = torch.rand(EXERCISES, EXERCISES, dtype=torch.float64).requires_grad_()
    np.testing.assert_allclose(influences(given).detach().numpy(), oracle.equation_4(*arrays(given)), **EXACT)
    assert gradcheck(influences, (given,))


def test_input_one_hot_and_projected(stream):
    exercises, answers = stream
    pairs = pair_index(exercises, answers, EXERCISES)
    projection = random_projection(2 * EXERCISES, 7).double().requires_grad_()
    n = [
        [projection[q].detach().numpy(), projection[EXERCISES + q].detach().numpy()] for q in range(EXERCISES)
    ]
    for student in range(BATCH):
        for t in range(TIME):
            q, a = int(exercises[student, t]), int(answers[student, t])
            ours = encode(pairs, torch.eye(2 * EXERCISES).double())[student, t]
            np.testing.assert_array_equal(ours.numpy(), oracle.one_hot_input(q, a, EXERCISES))
            ours = encode(pairs, projection)[student, t]
            np.testing.assert_array_equal(ours.detach().numpy(), oracle.projected_input(q, a, n))
    assert gradcheck(lambda matrix: encode(pairs, matrix), (projection,))


def test_appendix_cell(draw):
    step, inputs, (i, f, g, _) = appendix(draw)
    expected = oracle.appendix_cell(*arrays(inputs[2]), i, f, g)
    np.testing.assert_allclose(step(*inputs).c.detach().numpy(), expected, **EXACT)
    assert gradcheck(lambda *values: step(*values).c, inputs)


def test_appendix_output(draw):
    step, inputs, (i, f, g, o) = appendix(draw)
    expected = oracle.appendix_output(oracle.appendix_cell(*arrays(inputs[2]), i, f, g), o)
    np.testing.assert_allclose(step(*inputs).h.detach().numpy(), expected, **EXACT)
    assert gradcheck(lambda *values: step(*values).h, inputs)


def test_appendix_readout(draw, stream):
    c, weight_y, bias_y = draw(BATCH, HIDDEN), draw(EXERCISES, HIDDEN), draw(EXERCISES)
    expected = [oracle.appendix_readout(row, *arrays(weight_y, bias_y)) for row in c.detach().numpy()]
    np.testing.assert_allclose(readout(c, weight_y, bias_y).detach().numpy(), expected, **EXACT)
    assert gradcheck(readout, (c, weight_y, bias_y))
    traced = DKT(EXERCISES, hidden_size=HIDDEN, cell="appendix")(*stream)
    assert torch.equal(traced.h[:, -1], traced.last.c)  # from the cell, not from h


def test_simulation_probability():
    alpha, beta = np.random.default_rng(0).normal(size=(2, 50))
    expected = oracle.simulated_probability(alpha, beta)
    np.testing.assert_allclose(probability(alpha, beta), expected, **EXACT)
