"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from unrolled.data.ngrams import optimal_estimate
from unrolled.nn.memory import (
    add_to_rows,
    circular_shift,
    content_weighting,
    cosine_similarity,
    erase_rows,
    interpolate,
    off_simplex,
    read,
    sharpen,
)
from unrolled.papers.ntm.controller import NTMState, NTMWeights, controller_step
from unrolled.papers.ntm.model import NTM, Layout, ask

_spec = importlib.util.spec_from_file_location("oracle_ntm", Path(__file__).with_name("ntm.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

BATCH, HEADS, ROWS, COLUMNS = 2, 3, 6, 4
EXACT = {"rtol": 0, "atol": 1e-10}
EACH = [(b, h) for b in range(BATCH) for h in range(HEADS)]


@pytest.fixture
def draw():
    """Random float64 tensors that take gradients."""
    generator = torch.Generator().manual_seed(20141020)

    def normal(*shape):
        return torch.randn(BATCH, *shape, dtype=torch.float64, generator=generator)

    return normal


@pytest.fixture
def memory(draw):
    return draw(ROWS, COLUMNS).requires_grad_()


@pytest.fixture
def weighting(draw):
    return draw(HEADS, ROWS).softmax(-1).requires_grad_()


def arrays(*tensors):
    return [tensor.detach().numpy() for tensor in tensors]


def test_equation_1_weighting(draw):
    almost = draw(ROWS).softmax(-1) + torch.tensor([[0.0], [0.1]])
    for found, w in zip(off_simplex(almost).tolist(), arrays(almost)[0], strict=True):
        assert found == pytest.approx(max(oracle.equation_1(w)), abs=1e-10)


def test_equation_2_reading(memory, weighting):
    r, (w, M) = read(weighting, memory), arrays(weighting, memory)
    for b, h in EACH:
        np.testing.assert_allclose(r[b, h].detach(), oracle.equation_2(w[b, h], M[b]), **EXACT)
    assert gradcheck(read, (weighting, memory))


def test_equation_3_erasing(draw, memory, weighting):
    erase = draw(HEADS, COLUMNS).sigmoid().requires_grad_()
    erased, (M, w, e) = erase_rows(memory, weighting, erase), arrays(memory, weighting, erase)
    for b in range(BATCH):
        expected = M[b]
        for h in range(HEADS):
            expected = oracle.equation_3(expected, w[b, h], e[b, h])
        np.testing.assert_allclose(erased[b].detach(), expected, **EXACT)
    assert gradcheck(erase_rows, (memory, weighting, erase))


def test_equation_4_adding(draw, memory, weighting):
    add = draw(HEADS, COLUMNS).requires_grad_()
    added, (M, w, a) = add_to_rows(memory, weighting, add), arrays(memory, weighting, add)
    for b in range(BATCH):
        expected = M[b]
        for h in range(HEADS):
            expected = oracle.equation_4(expected, w[b, h], a[b, h])
        np.testing.assert_allclose(added[b].detach(), expected, **EXACT)
    assert gradcheck(add_to_rows, (memory, weighting, add))


def test_equation_5_content(draw, memory):
    query, strength = draw(HEADS, COLUMNS).requires_grad_(), draw(HEADS).exp().requires_grad_()
    found = content_weighting(query, strength, memory)
    k, beta, M = arrays(query, strength, memory)
    for b, h in EACH:
        np.testing.assert_allclose(
            found[b, h].detach(), oracle.equation_5(k[b, h], beta[b, h], M[b]), **EXACT
        )
    assert gradcheck(content_weighting, (query, strength, memory))


def test_equation_6_cosine(draw, memory):
    query = draw(HEADS, COLUMNS).requires_grad_()
    found, (k, M) = cosine_similarity(query, memory), arrays(query, memory)
    for b, h in EACH:
        expected = [oracle.equation_6(k[b, h], row) for row in M[b]]
        np.testing.assert_allclose(found[b, h].detach(), expected, **EXACT)
    assert gradcheck(cosine_similarity, (query, memory))


def test_equation_7_interpolation(draw, weighting):
    before, gate = draw(HEADS, ROWS).softmax(-1).requires_grad_(), draw(HEADS).sigmoid().requires_grad_()
    found, (w_c, w, g) = interpolate(weighting, before, gate), arrays(weighting, before, gate)
    for b, h in EACH:
        expected = oracle.equation_7(g[b, h], w_c[b, h], w[b, h])
        np.testing.assert_allclose(found[b, h].detach(), expected, **EXACT)
    assert gradcheck(interpolate, (weighting, before, gate))


@pytest.mark.parametrize("shifts", [1, 3, 5])
def test_equation_8_shift(draw, weighting, shifts):
    shift = draw(HEADS, shifts).softmax(-1).requires_grad_()
    found, (w, s) = circular_shift(weighting, shift), arrays(weighting, shift)
    for b, h in EACH:
        whole = np.zeros(ROWS)
        for place, value in enumerate(s[b, h]):
            whole[(place - shifts // 2) % ROWS] += value
        np.testing.assert_allclose(found[b, h].detach(), oracle.equation_8(w[b, h], whole), **EXACT)
    assert gradcheck(circular_shift, (weighting, shift))


def test_equation_9_sharpening(draw, weighting):
    sharpness = (1 + draw(HEADS).exp()).requires_grad_()
    found, (w, gamma) = sharpen(weighting, sharpness), arrays(weighting, sharpness)
    for b, h in EACH:
        np.testing.assert_allclose(found[b, h].detach(), oracle.equation_9(w[b, h], gamma[b, h]), **EXACT)
    assert gradcheck(sharpen, (weighting, sharpness))


def test_equation_10_estimator():
    ones, zeros = torch.meshgrid(*(torch.arange(7, dtype=torch.float64),) * 2, indexing="ij")
    expected = oracle.equation_10(ones.numpy(), zeros.numpy())
    np.testing.assert_allclose(optimal_estimate(ones, zeros), expected, **EXACT)
    inputs = (ones[1:].clone().requires_grad_(), zeros[1:].clone().requires_grad_())
    assert gradcheck(optimal_estimate, inputs)


@pytest.mark.parametrize("kind", ["lstm", "feedforward"])
def test_the_controllers(draw, kind):
    """The paper prints no equation for them; the transcription is of the usual ones."""
    model = NTM(3, 2, controller=kind, hidden_size=5, rows=ROWS, columns=COLUMNS).double()
    x, r, h, c = draw(3), draw(COLUMNS), draw(5), draw(5)
    state = NTMState(
        h if kind == "lstm" else None,
        c if kind == "lstm" else None,
        r,
        draw(2, ROWS).softmax(-1),
        draw(ROWS, COLUMNS),
    )
    found = controller_step(state, x @ model.W_x.T + model.b, model.weights)
    W_x, W, b = arrays(model.W_x, model.W_first, model.b)
    for row in range(BATCH):
        given = [part[row].numpy() for part in (x, r, h, c)]
        if kind == "lstm":
            new_h, new_c = oracle.lstm_controller(*given, W_x, W[:, :COLUMNS], W[:, COLUMNS:], b)
            np.testing.assert_allclose(found[2][row].detach(), new_c, **EXACT)
        else:
            new_h = oracle.feedforward_controller(*given[:2], W_x, W, b)
        np.testing.assert_allclose(found[0][row].detach(), new_h, **EXACT)

    def output(x_term, reads, first):
        weights = NTMWeights(first, (), model.W_heads, model.b_heads)
        return controller_step(state._replace(reads=reads), x_term, weights)[0]

    first = model.W_first.detach().clone().requires_grad_()
    assert gradcheck(output, (draw(len(W)).requires_grad_(), r.clone().requires_grad_(), first))


def test_the_ranges_of_what_the_heads_are_asked(draw):
    layout = Layout(2, 1, COLUMNS)
    asked = ask(50 * draw(sum(layout.sizes)), layout)
    assert (asked.head.strength >= 0).all()
    assert (asked.head.sharpness >= 1).all()
    for share in (asked.head.gate, asked.erase, asked.head.shift):
        assert ((share >= 0) & (share <= 1)).all()
    np.testing.assert_allclose(asked.head.shift.sum(-1), 1, **EXACT)
    flat = draw(sum(layout.sizes)).requires_grad_()
    assert gradcheck(lambda z: tuple(ask(z, layout).head), (flat,))
