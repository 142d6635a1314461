"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from unrolled.papers.memn2n.language import MemoryLanguageModel, half_rectified
from unrolled.papers.memn2n.memories import Memories, with_time
from unrolled.papers.memn2n.model import (
    MemN2N,
    answer,
    attention,
    linear_hop,
    next_state,
    read,
)
from unrolled.papers.memn2n.sentences import (
    bag_of_words,
    position_encoding,
    position_weights,
    position_weights_code,
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
    ours = array(answer(next_state(u, context), W).exp())
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
    ours = array(answer(u, W).exp())
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


@pytest.mark.parametrize("form", [oracle.l_printed, oracle.l_product])
def test_position_weights_as_printed(form):
    found = position_weights(J, D, torch.float64).numpy()
    for j in range(1, J + 1):
        for k in range(1, D + 1):
            assert abs(found[j - 1, k - 1] - form(k, j, D, J)) < 1e-12


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


STORY, QUERY = torch.tensor([[1, 2, 3, 2], [3, 4, 0, 0]]), torch.tensor([4, 1])
WHEN = torch.tensor([[0, 2, 3, 5], [1, 4, 6, 6]])  # 6 is never


def referenced(vectors, times):
    """The same memories by reference and as tensors."""
    memory = with_time(Memories(vectors, STORY), times, WHEN)
    return memory, memory.dense()


def test_memories_by_reference_are_the_memories(draw):
    vectors, times = draw(len(SENTENCES), D), draw(6, D)
    dense = array(referenced(vectors, times)[1])
    for b, (story, when) in enumerate(zip(STORY, WHEN, strict=True)):
        for slot, (sentence, time) in enumerate(zip(story, when, strict=True)):
            expected = array(vectors)[sentence] + (array(times)[time] if time < 6 else 0)
            np.testing.assert_allclose(dense[b, slot], expected, **EXACT)


def test_equations_on_memories_by_reference(draw):
    vectors, times, u = draw(len(SENTENCES), D), draw(6, D), draw(2, D)

    def hop(u, memory):
        alpha = attention(u, memory)
        return alpha, read(alpha, memory), linear_hop(u, memory, memory)

    for ours, theirs in zip(*(hop(u, memory) for memory in referenced(vectors, times)), strict=True):
        np.testing.assert_allclose(array(ours), array(theirs), **EXACT)
    assert gradcheck(lambda u, v, t: hop(u, referenced(v, t)[0]), (u, vectors, times))


def sentence_of(encoding):
    """The oracle's way from a sentence to a vector."""
    if encoding == "bag":
        return oracle.bag_of_words
    if encoding == "printed":
        return oracle.position_encoding
    return lambda A, sentence: oracle.position_encoding(A, sentence, oracle.l_code, J + 1)


@pytest.fixture
def network():
    """A network in float64, in evaluation."""

    def build(tying, encoding, **options):
        torch.manual_seed(1)
        options = {"hops": HOPS, "deviation": 0.5, **options}
        return MemN2N(V, D, SLOTS, words=J, encoding=encoding, tying=tying, **options).double().eval()

    return build


@pytest.mark.parametrize("encoding", ["bag", "printed", "code"])
def test_sentences_under_all_matrices(network, encoding):
    model = network("adjacent", encoding)
    ours = array(model.encode(SENTENCES))
    assert not ours[0].any()
    for row in range(1, len(SENTENCES)):
        for place, matrix in enumerate(model.embeddings):
            expected = sentence_of(encoding)(array(matrix).T, words(row))
            np.testing.assert_allclose(ours[row, place], expected, **EXACT)


def expected(model, linear=False):
    matrices = [array(matrix).T for matrix in model.embeddings]
    scale = 1 if model.time_weights is None else model.time_weights
    times = [array(time * scale) for time in model.times]
    if model.tying == "adjacent":
        A, C, B, W = matrices[:-1], matrices[1:], matrices[0], matrices[-1].T
        T_A, T_C, H = times[:-1], times[1:], None
    else:
        A, C = [matrices[0]] * HOPS, [matrices[1]] * HOPS
        B, W, H = matrices[2], matrices[3].T, array(model.between_hops)
        T_A, T_C = [times[0]] * HOPS, [times[1]] * HOPS
    sentence = sentence_of(model.encoding)
    for story, query in zip(STORY, QUERY, strict=True):
        sentences = [words(row) for row in story if row]
        empty = (SLOTS - len(sentences)) * model.attend_empty
        yield oracle.network(sentences, words(query), A, C, B, W, T_A, T_C, sentence, H, linear, empty=empty)


def compare(model, linear=False):
    trace = model(SENTENCES, STORY, QUERY, linear=linear)
    for row, (logits, weights) in enumerate(expected(model, linear)):
        np.testing.assert_allclose(array(trace.answer)[row], logits - np.logaddexp.reduce(logits), **EXACT)
        for hop, p in enumerate(weights):
            found = array(trace.alpha)[row, hop]
            np.testing.assert_allclose(found[: len(p)], p, **EXACT)
            assert not found[len(p) :].any()


def check_gradients(model, linear=False):
    names = [name for name, _ in model.named_parameters()]

    def answers(*values):
        parameters = dict(zip(names, values, strict=True))
        arguments = (SENTENCES, STORY, QUERY)
        return torch.func.functional_call(model, parameters, arguments, {"linear": linear}).answer

    assert gradcheck(answers, tuple(p.detach().requires_grad_() for p in model.parameters()), fast_mode=True)


@pytest.mark.parametrize("encoding", ["bag", "printed", "code"])
def test_adjacent_tying(network, encoding):
    model = network("adjacent", encoding)
    compare(model)
    check_gradients(model)
    tied = adjacent(list(model.embeddings))
    assert len(tied.A) == HOPS
    assert all(tied.A[k + 1] is tied.C[k] for k in range(HOPS - 1))


@pytest.mark.parametrize("encoding", ["bag", "printed"])
def test_layer_wise_tying(network, encoding):
    model = network("layer-wise", encoding)
    compare(model)
    check_gradients(model)
    tied = layer_wise(list(model.embeddings), HOPS)
    assert all(A is tied.A[0] for A in tied.A)


@pytest.mark.parametrize("tying", ["adjacent", "layer-wise"])
@pytest.mark.parametrize("linear", [False, True])
def test_empty_memories_that_are_attended_to(network, tying, linear):
    model = network(tying, "code", attend_empty=True)
    compare(model, linear=linear)
    check_gradients(model, linear=linear)


@pytest.mark.parametrize("tying", ["adjacent", "layer-wise"])
def test_linear_start_of_the_network(network, tying):
    model = network(tying, "printed")
    compare(model, linear=True)
    check_gradients(model, linear=True)


def test_half_rectified_state(draw):
    u = draw(BATCH, D)
    ours = array(half_rectified(u))
    for b in range(BATCH):
        np.testing.assert_allclose(ours[b], oracle.half_rectified(array(u)[b]), **EXACT)
    assert gradcheck(half_rectified, (u,))


def test_language_model():
    torch.manual_seed(2)
    model = MemoryLanguageModel(V, D, SLOTS, HOPS, deviation=0.5).double()
    before = torch.tensor([[1, 4, 0, 2], [3, 3, 6, 5]])
    trace = model(before)
    matrices = [array(getattr(model, name)) for name in ("A", "C", "T_A", "T_C", "H", "W")]
    for row, sentence in enumerate(before.tolist()):
        expected, weights = oracle.language_model(sentence, *matrices, hops=HOPS)
        np.testing.assert_allclose(array(trace.answer)[row], np.log(expected), **EXACT)
        np.testing.assert_allclose(array(trace.alpha)[row], weights, **EXACT)
