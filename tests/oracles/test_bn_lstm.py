"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from unrolled.nn.cells import LSTMState, lstm_preactivations, lstm_step, rnn_step
from unrolled.papers.bn_lstm.model import BNLSTMWeights, batch_norm, bn_lstm_step, bn_preactivations
from unrolled.papers.bn_lstm.statistics import StepStatistics, TrackedMoments, batch_moments

_spec = importlib.util.spec_from_file_location("oracle_bn_lstm", Path(__file__).with_name("bn_lstm.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

BATCH, INPUT, HIDDEN = 6, 3, 4
EXACT = {"rtol": 0, "atol": 1e-10}


def gates_to_paper(array):
    """Columns i, f, g, o (torch's order) as the paper's f, i, o, g."""
    i, f, g, o = np.split(array, 4, axis=-1)
    return np.concatenate((f, i, o, g), axis=-1)


@pytest.fixture
def draw():
    """Random float64 tensors that take gradients."""
    generator = torch.Generator().manual_seed(20170424)

    def normal(*shape, scale=1.0):
        return (scale * torch.randn(*shape, dtype=torch.float64, generator=generator)).requires_grad_()

    return normal


@pytest.fixture
def lstm(draw):
    """State, input and weights of an LSTM step: for the code, and for the oracle."""
    h, c, x = draw(BATCH, HIDDEN), draw(BATCH, HIDDEN), draw(BATCH, INPUT)
    W_x, W_h, b = draw(4 * HIDDEN, INPUT), draw(4 * HIDDEN, HIDDEN), draw(4 * HIDDEN)
    arrays = {name: value.detach().numpy() for name, value in {"h": h, "c": c, "x": x}.items()}
    arrays |= {
        name: gates_to_paper(w.detach().numpy().T) for name, w in {"W_x": W_x, "W_h": W_h, "b": b}.items()
    }
    return (h, c, x, W_x, W_h, b), arrays


@pytest.fixture
def bn_lstm(lstm, draw):
    """The same for a BN-LSTM step."""
    code, arrays = lstm
    gamma_x, gamma_h, gamma_c, beta_c = draw(4 * HIDDEN), draw(4 * HIDDEN), draw(HIDDEN), draw(HIDDEN)
    arrays |= {"gamma_x": gates_to_paper(gamma_x.detach().numpy()), "gamma_c": gamma_c.detach().numpy()}
    arrays |= {"gamma_h": gates_to_paper(gamma_h.detach().numpy()), "beta_c": beta_c.detach().numpy()}
    return (*code, gamma_x, gamma_h, gamma_c, beta_c), arrays


def step(h, c, x, *weights):
    return lstm_step(LSTMState(h, c), x, *weights)


def bn_step(h, c, x, *weights):
    return bn_lstm_step(LSTMState(h, c), x, BNLSTMWeights(*weights))


def test_equation_1_simple_rnn(draw):
    h, x = draw(BATCH, HIDDEN), draw(BATCH, INPUT)
    W_x, W_h, b = draw(HIDDEN, INPUT), draw(HIDDEN, HIDDEN), draw(HIDDEN)
    h_np, x_np, W_x_np, W_h_np, b_np = (value.detach().numpy() for value in (h, x, W_x, W_h, b))
    ours = rnn_step(h, x, W_x, W_h, b).detach().numpy()
    np.testing.assert_allclose(ours, oracle.equation_1(h_np, x_np, W_h_np.T, W_x_np.T, b_np), **EXACT)
    assert gradcheck(rnn_step, (h, x, W_x, W_h, b))


def test_equation_2_lstm_preactivations(lstm):
    (h, _, x, *weights), a = lstm
    expected = oracle.equation_2(a["h"], a["x"], a["W_h"], a["W_x"], a["b"])
    ours = lstm_preactivations(h, x, *weights)
    np.testing.assert_allclose(gates_to_paper(ours.detach().numpy()), expected, **EXACT)
    assert gradcheck(lstm_preactivations, (h, x, *weights))


def test_equation_3_lstm_cell(lstm):
    code, a = lstm
    preactivations = oracle.equation_2(a["h"], a["x"], a["W_h"], a["W_x"], a["b"])
    np.testing.assert_allclose(
        step(*code).c.detach().numpy(), oracle.equation_3(a["c"], preactivations), **EXACT
    )
    assert gradcheck(lambda *arguments: step(*arguments).c, code)


def test_equation_4_lstm_output(lstm):
    code, a = lstm
    preactivations = oracle.equation_2(a["h"], a["x"], a["W_h"], a["W_x"], a["b"])
    expected = oracle.equation_4(oracle.equation_3(a["c"], preactivations), preactivations)
    np.testing.assert_allclose(step(*code).h.detach().numpy(), expected, **EXACT)
    assert gradcheck(lambda *arguments: step(*arguments).h, code)


def test_equation_5_batch_norm(draw):
    z, gamma, beta = draw(BATCH, HIDDEN), draw(HIDDEN), draw(HIDDEN)
    expected = oracle.equation_5(*(value.detach().numpy() for value in (z, gamma, beta)))
    for moments in (None, batch_moments(z.detach()), TrackedMoments()):
        ours = batch_norm(z, gamma, beta, moments).detach().numpy()
        np.testing.assert_allclose(ours, expected, **EXACT)
    assert gradcheck(batch_norm, (z, gamma, beta))
    assert gradcheck(lambda *arguments: batch_norm(*arguments, TrackedMoments()), (z, gamma, beta))


def test_equation_5_over_the_live_rows(draw):
    z, gamma, beta = draw(BATCH, HIDDEN), draw(HIDDEN), draw(HIDDEN)
    live = torch.arange(BATCH) < 4
    expected = oracle.equation_5(*(value.detach().numpy() for value in (z[:4], gamma, beta)))

    def normalised(z, gamma, beta):
        return batch_norm(z, gamma, beta, TrackedMoments(live.unsqueeze(0)))[:4]

    np.testing.assert_allclose(normalised(z, gamma, beta).detach().numpy(), expected, **EXACT)
    assert gradcheck(normalised, (z, gamma, beta))


def test_equation_6_bn_preactivations(bn_lstm):
    (h, _, x, *weights), a = bn_lstm
    names = ("h", "x", "W_h", "W_x", "b", "gamma_h", "gamma_x")
    expected = oracle.equation_6(*(a[name] for name in names))

    def preactivations(h, x, *weights):
        return bn_preactivations(h, x, BNLSTMWeights(*weights))

    for statistics in (StepStatistics(), StepStatistics.tracked()):
        ours = bn_preactivations(h, x, BNLSTMWeights(*weights), statistics)
        np.testing.assert_allclose(gates_to_paper(ours.detach().numpy()), expected, **EXACT)
    # gamma_c and beta_c take no part in equation 6.
    assert gradcheck(lambda *arguments: preactivations(*arguments, *weights[5:]), (h, x, *weights[:5]))


def test_equation_7_bn_cell(bn_lstm):
    code, a = bn_lstm
    names = ("h", "x", "W_h", "W_x", "b", "gamma_h", "gamma_x")
    preactivations = oracle.equation_6(*(a[name] for name in names))
    np.testing.assert_allclose(
        bn_step(*code).c.detach().numpy(), oracle.equation_7(a["c"], preactivations), **EXACT
    )
    assert gradcheck(lambda *arguments: bn_step(*arguments).c, code)


def test_equation_8_bn_output(bn_lstm):
    code, a = bn_lstm
    names = ("h", "x", "W_h", "W_x", "b", "gamma_h", "gamma_x")
    preactivations = oracle.equation_6(*(a[name] for name in names))
    c_t = oracle.equation_7(a["c"], preactivations)
    expected = oracle.equation_8(c_t, preactivations, a["gamma_c"], a["beta_c"])
    np.testing.assert_allclose(bn_step(*code).h.detach().numpy(), expected, **EXACT)
    h, c, x, *weights = code
    tracked = bn_lstm_step(LSTMState(h, c), x, BNLSTMWeights(*weights), StepStatistics.tracked())
    np.testing.assert_allclose(tracked.h.detach().numpy(), expected, **EXACT)
    assert gradcheck(lambda *arguments: bn_step(*arguments).h, code)
