"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from unrolled.papers.memn2n.model import (
    MemN2N,
    answer,
    attention,
    linear_hop,
    next_state,
    read,
)
from unrolled.papers.memn2n.sentences import (
    Slope,
    bag_of_words,
    embed,
    position_encoding,
    position_product,
    position_weights,
    position_weights_code,
    sentence_bags,
    slope_of,
    stacked,
    with_time,
)
from unrolled.papers.memn2n.tying import adjacent, layer_wise

_spec = importlib.util.spec_from_file_location("oracle_memn2n", Path(__file__).with_name("memn2n.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

BATCH, SLOTS, D, V, HOPS, J = 3, 4, 6, 7, 3, 5
EXACT = {"rtol": 0, "atol": 1e-10}
SENTENCES = torch.tensor(
    [[0, 0, 0, 0, 0], [1, 2, 3, 0, 0], [4, 4, 5, 6, 1], [2, 6, 0, 0, 0], [3, 0, 0, 0, 0]]
)


@pytest.fixture
def draw():
    """Random float64 tensors that take gradients."""
    generator = torch.Generator().manual_seed(20150331)

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()

    return normal


def array(tensor):
    return tensor.detach().numpy()


def words(row):
    return [word for word in SENTENCES[row].tolist() if word]


def test_equation_1_weights(draw):
    u, memory = draw(BATCH, D), draw(BATCH, SLOTS, D)
    ours = array(attention(u, memory))
    for b in range(BATCH):
        np.testing.assert_allclose(ours[b], oracle.equation_1(array(u)[b], array(memory)[b]), **EXACT)
    assert gradcheck(attention, (u, memory))


def test_equation_1_leaves_empty_slots_out(draw):
    u, memory = draw(BATCH, D), draw(BATCH, SLOTS, D)
    mask = torch.tensor([[True, True, False, False], [True, True, True, True], [False, False, False, False]])
    ours = array(attention(u, memory, mask))
    np.testing.assert_allclose(ours[0, :2], oracle.equation_1(array(u)[0], array(memory)[0, :2]), **EXACT)
    assert not ours[0, 2:].any()
    assert not ours[2].any()
    assert gradcheck(lambda u, m: attention(u, m, mask), (u, memory))


def test_equation_2_reading(draw):
    alpha, output = draw(BATCH, SLOTS), draw(BATCH, SLOTS, D)
    ours = array(read(alpha, output))
    for b in range(BATCH):
        np.testing.assert_allclose(ours[b], oracle.equation_2(array(alpha)[b], array(output)[b]), **EXACT)
    assert gradcheck(read, (alpha, output))


def test_equation_3_answer_of_one_hop(draw):
    u, context, W = draw(BATCH, D), draw(BATCH, D), draw(V, D)
    ours = array(answer(next_state(u, context), W))
    for b in range(BATCH):
        expected = oracle.equation_3(array(W), array(context)[b], array(u)[b])
        np.testing.assert_allclose(ours[b], expected, **EXACT)
    assert gradcheck(lambda u, o, W: answer(next_state(u, o), W), (u, context, W))


def test_equation_4_next_state(draw):
    u, context = draw(BATCH, D), draw(BATCH, D)
    np.testing.assert_allclose(
        array(next_state(u, context)), oracle.equation_4(array(u), array(context)), **EXACT
    )
    assert gradcheck(next_state, (u, context))


def test_answer_after_all_hops(draw):
    u, W = draw(BATCH, D), draw(V, D)
    ours = array(answer(u, W))
    for b in range(BATCH):
        np.testing.assert_allclose(ours[b], oracle.answer(array(W), array(u)[b]), **EXACT)
    assert gradcheck(answer, (u, W))


def test_bag_of_words(draw):
    A = draw(V, D)
    ours = array(bag_of_words(SENTENCES, A))
    for row in range(1, len(SENTENCES)):
        np.testing.assert_allclose(ours[row], oracle.bag_of_words(array(A).T, words(row)), **EXACT)
    assert gradcheck(lambda A: bag_of_words(SENTENCES, A), (A,))


def test_position_encoding(draw):
    A, row = draw(V, D), 2  # the sentence of J words
    weights = position_weights(J, D, torch.float64)
    ours = array(position_encoding(SENTENCES[row], A, weights))
    np.testing.assert_allclose(ours, oracle.position_encoding(array(A).T, words(row)), **EXACT)
    assert gradcheck(lambda A: position_encoding(SENTENCES, A, weights), (A,))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(position_weights, oracle.l_printed), (position_product, oracle.l_product)],
    ids=["printed", "product"],
)
def test_position_weights_as_printed(ours, theirs):
    found = ours(J, D, torch.float64).numpy()
    for j in range(1, J + 1):
        for k in range(1, D + 1):
            assert abs(found[j - 1, k - 1] - theirs(k, j, D, J)) < 1e-12
            assert abs(found[j - 1, k - 1] - oracle.l_printed(k, j, D, J)) < 1e-12


def test_position_weights_of_the_released_code():
    found = position_weights_code(J, D, torch.float64).numpy()
    for j in range(1, J + 1):
        for k in range(1, D + 1):
            assert abs(found[j - 1, k - 1] - oracle.l_code(k, j, D, J)) < 1e-12


def test_temporal_encoding(draw):
    memory, T = draw(BATCH, SLOTS, D), draw(SLOTS + 2, D)
    ours = array(with_time(memory, T))
    for b in range(BATCH):
        np.testing.assert_allclose(ours[b], oracle.with_time(array(memory)[b], array(T)), **EXACT)
    assert gradcheck(with_time, (memory, T))


def test_linear_start_hop(draw):
    u, memory, output = draw(BATCH, D), draw(BATCH, SLOTS, D), draw(BATCH, SLOTS, D)
    ours = array(linear_hop(u, memory, output))
    for b in range(BATCH):
        expected = oracle.linear_hop(array(u)[b], array(memory)[b], array(output)[b])
        np.testing.assert_allclose(ours[b], expected, **EXACT)
    assert gradcheck(linear_hop, (u, memory, output))


def sentence_of(encoding):
    """The oracle's way from a sentence to a vector."""
    if encoding == "bag":
        return oracle.bag_of_words
    if encoding == "printed":
        return oracle.position_encoding
    return lambda A, sentence: oracle.position_encoding(A, sentence, oracle.l_code, J + 1)


@pytest.mark.parametrize("encoding", ["bag", "printed", "code"])
def test_fast_sentence_vectors(draw, encoding):
    A = draw(V, 2, D)  # two matrices at once
    bags = sentence_bags(SENTENCES, V, encoding, J + (encoding == "code"), torch.float64)
    slope = slope_of(encoding, D, torch.float64)

    def vectors(A):
        return embed(bags, stacked(A, Slope(slope.constant, slope.index), encoding))

    ours = array(vectors(A))
    for row in range(1, len(SENTENCES)):
        for matrix in (0, 1):
            expected = sentence_of(encoding)(array(A)[:, matrix].T, words(row))
            np.testing.assert_allclose(ours[row, matrix], expected, **EXACT)
    assert not ours[0].any()
    assert gradcheck(vectors, (A,))


STORY, QUERY = torch.tensor([[1, 2, 3, 2], [3, 4, 0, 0]]), torch.tensor([4, 1])


@pytest.fixture
def network():
    """A network in float64, in evaluation."""

    def build(tying, encoding, restarts=1, **options):
        torch.manual_seed(1)
        options = {"hops": HOPS, "restarts": restarts, "deviation": 0.5, **options}
        model = MemN2N(V, D, SLOTS, words=J, encoding=encoding, tying=tying, **options)
        return model.double().eval()

    return build


def expected(model, restart, linear=False):
    matrices = array(model.embeddings)[:, restart].transpose(0, 2, 1)
    times = array(model.times * model.scale)[:, restart]
    if model.tying == "adjacent":
        A, C, B, W = matrices[:-1], matrices[1:], matrices[0], matrices[-1].T
        T_A, T_C, H = times[:-1], times[1:], None
    else:
        A, C = [matrices[0]] * HOPS, [matrices[1]] * HOPS
        B, W, H = matrices[2], matrices[3].T, array(model.between_hops)[restart]
        T_A, T_C = [times[0]] * HOPS, [times[1]] * HOPS
    for story, query in zip(STORY, QUERY, strict=True):
        sentences = [words(row) for row in story if row]
        yield oracle.network(
            sentences,
            words(query),
            A,
            C,
            B,
            W,
            T_A,
            T_C,
            sentence_of(model.encoding),
            H,
            linear,
            empty=(SLOTS - len(sentences)) * model.attend_empty,
        )


def compare(model, restarts, linear=False):
    trace = model(model.bags(SENTENCES), STORY, QUERY)
    for restart in range(restarts):
        for row, (logits, weights) in enumerate(expected(model, restart, linear)):
            np.testing.assert_allclose(array(trace.logits)[restart, row], logits, **EXACT)
            for hop, p in enumerate(weights):
                found, full = array(trace.alpha)[restart, row, hop], int(trace.mask[row].sum())
                np.testing.assert_allclose(found[:full], p[:full], **EXACT)
                assert not found[full:].any()


def check_gradients(model):
    table, names = model.bags(SENTENCES), [name for name, _ in model.named_parameters()]

    def logits(*values):
        parameters = dict(zip(names, values, strict=True))
        return torch.func.functional_call(model, parameters, (table, STORY, QUERY)).logits

    assert gradcheck(logits, tuple(p.detach().requires_grad_() for p in model.parameters()), fast_mode=True)


@pytest.mark.parametrize("encoding", ["bag", "printed", "code"])
def test_adjacent_tying(network, encoding):
    model = network("adjacent", encoding, restarts=2)
    compare(model, restarts=2)
    check_gradients(model)
    tied = adjacent(model.embeddings)
    assert len(tied.A) == HOPS
    assert all(tied.A[k + 1] is tied.C[k] for k in range(HOPS - 1))


@pytest.mark.parametrize("encoding", ["bag", "printed"])
def test_layer_wise_tying(network, encoding):
    model = network("layer-wise", encoding, restarts=2)
    compare(model, restarts=2)
    check_gradients(model)
    tied = layer_wise(model.embeddings, model.between_hops, HOPS)
    assert tied.H is model.between_hops
    assert all(A is tied.A[0] for A in tied.A)


@pytest.mark.parametrize("tying", ["adjacent", "layer-wise"])
@pytest.mark.parametrize("linear", [False, True])
def test_empty_memories_that_are_attended_to(network, tying, linear):
    model = network(tying, "code", restarts=2, attend_empty=True)
    model.linear.fill_(linear)
    compare(model, restarts=2, linear=linear)
    check_gradients(model)


@pytest.mark.parametrize("tying", ["adjacent", "layer-wise"])
def test_linear_start_of_the_whole_network(network, tying):
    model = network(tying, "printed")
    model.linear.fill_(True)
    compare(model, restarts=1, linear=True)
    check_gradients(model)
