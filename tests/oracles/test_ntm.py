"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from unrolled.data.ngrams import optimal_estimate
from unrolled.nn.memory import (
    Head,
    add_to_rows,
    address,
    circular_shift,
    content_weighting,
    cosine_similarity,
    erase_rows,
    interpolate,
    read,
    sharpen,
)
from unrolled.papers.ntm.heads import HeadLayout, head_parameters
from unrolled.papers.ntm.model import NTM, NTMState, NTMWeights, controller_step, ntm_step

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


def heads(draw):
    """The parameters of all heads."""
    shift = draw(HEADS, 3).softmax(-1)
    shares = draw(HEADS).exp(), draw(HEADS).sigmoid()
    return Head(draw(HEADS, COLUMNS), *shares, shift, 1 + draw(HEADS).exp())


def test_equation_1_weighting(draw, memory, weighting):
    """A weighting goes in, and what comes out of all stages is one again: the one of the equations."""
    head = Head(*(part.requires_grad_() for part in heads(draw)))
    found, M = address(head, weighting, memory).weighting, memory.detach().numpy()
    k, beta, g, s, gamma, w_before = arrays(*head, weighting)
    for b, h in EACH:
        w_c = oracle.equation_5(k[b, h], beta[b, h], M[b])
        around = np.zeros(ROWS)
        around[[-1, 0, 1]] = s[b, h]
        w_tilde = oracle.equation_8(oracle.equation_7(g[b, h], w_c, w_before[b, h]), around)
        w = found[b, h].detach().numpy()
        np.testing.assert_allclose(w, oracle.equation_9(w_tilde, gamma[b, h]), **EXACT)
        assert max(oracle.equation_1(w)) < 1e-12
    assert gradcheck(
        lambda *parts: address(Head(*parts[:5]), *parts[5:]).weighting, (*head, weighting, memory)
    )


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


@pytest.mark.parametrize("kind", ["lstm", "feedforward"])
def test_a_whole_step(draw, kind):
    """All equations, one after the other: two heads that read and one that writes."""
    model = NTM(3, 2, controller=kind, hidden_size=5, rows=ROWS, columns=COLUMNS, read_heads=2).double()
    lstm = kind == "lstm"
    h, c, r, M = draw(5), draw(5), draw(2 * COLUMNS), draw(ROWS, COLUMNS)
    state = NTMState(h if lstm else None, c if lstm else None, r, draw(3, ROWS).softmax(-1), M)
    x_term = draw(len(model.b))
    new, output = ntm_step(state, x_term, model.weights, model.layout)
    _, h_new, c_new = controller_step(state, x_term, model.weights)
    given = head_parameters(output.h @ model.W_heads.T + model.b_heads, model.layout)
    w = address(given.head, state.weighting, M).weighting
    for b in range(BATCH):
        erased = oracle.equation_3(*arrays(M[b], w[b, 2], given.erase[b, 0]))
        written = oracle.equation_4(erased, *arrays(w[b, 2], given.add[b, 0]))
        np.testing.assert_allclose(new.memory[b].detach(), written, **EXACT)
        reads = [oracle.equation_2(w[b, head].detach().numpy(), written) for head in range(2)]
        np.testing.assert_allclose(output.reads[b].detach(), np.concatenate(reads), **EXACT)
    for ours, expected in zip(new[:2], (h_new, c_new), strict=True):
        assert (ours is None and expected is None) or torch.equal(ours, expected)


def test_the_ranges_of_the_heads_parameters(draw):
    layout = HeadLayout(2, 1, COLUMNS)
    given = head_parameters(50 * draw(sum(layout.sizes)), layout)
    assert (given.head.strength >= 0).all()
    assert (given.head.sharpness >= 1).all()
    for share in (given.head.gate, given.erase, given.head.shift):
        assert ((share >= 0) & (share <= 1)).all()
    np.testing.assert_allclose(given.head.shift.sum(-1), 1, **EXACT)
    flat = draw(sum(layout.sizes)).requires_grad_()
    assert gradcheck(lambda z: tuple(head_parameters(z, layout).head), (flat,))
