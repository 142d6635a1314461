"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from unrolled.papers.memory_networks.model import Examples, MemoryNetwork, read, write
from unrolled.papers.memory_networks.scores import (
    Hop,
    margin_loss,
    query_features,
    scan,
    score,
    time_features,
    time_score,
    with_matches,
)
from unrolled.papers.memory_networks.words import contexts, with_context

_spec = importlib.util.spec_from_file_location(
    "oracle_memory_networks", Path(__file__).with_name("memory_networks.py")
)
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

W, N, HOPS = 8, 5, 2
EXACT = {"rtol": 0, "atol": 1e-10}
SENTENCES = torch.tensor([[0, 0, 0], [7, 0, 0], [1, 2, 3], [4, 2, 5], [1, 6, 3], [1, 1, 5], [2, 4, 0]])
STORY = torch.tensor([[1, 2, 3, 4, 5], [1, 4, 2, 3, 3], [1, 5, 4, 0, 0]])
QUERY = torch.tensor([6, 2, 4])


@pytest.fixture
def draw():
    """Random float64 tensors that take gradients."""
    generator = torch.Generator().manual_seed(20141015)

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()

    return normal


def network(**options):
    torch.manual_seed(1)
    found = MemoryNetwork(W, 4, HOPS, **options).double()
    with torch.no_grad():
        for parameter in found.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return found


def full(dictionary):
    """U as an n x D matrix."""
    return dictionary.U[:3].detach().reshape(3 * W, -1).T.numpy()


def times_of(dictionary):
    return dictionary.U_t.detach().T.numpy()


def words(number):
    return SENTENCES[number].tolist()


def memory(row):
    return [words(number) for number in STORY[row].tolist() if number]


def phi(row):
    return [oracle.phi_y(m, W) for m in memory(row)]


def hop_of(model, row, chosen=()):
    m = model.remember(SENTENCES, STORY[[row]])
    known = torch.stack([m.sentences[STORY[row, slot]] for slot in chosen]) if chosen else torch.zeros(0, W)
    return m, model.hop(m, m.sentences[QUERY[[row]]], known.double().unsqueeze(0))


def test_features_of_a_sentence():
    np.testing.assert_array_equal(read(SENTENCES, W), [oracle.bag(s, W) for s in SENTENCES.tolist()])


def test_equation_1_writing(draw):
    found = draw(3, len(SENTENCES))
    ours = write(found, STORY)
    for b, story in enumerate(STORY.tolist()):
        slots = []
        for number in story:
            slots = oracle.equation_1(slots, found[b, number].item())
        np.testing.assert_array_equal(ours[b].detach().numpy(), slots)
    assert gradcheck(lambda f: write(f, STORY), (found,))


def test_equation_5_score(draw):
    U = draw(3, W, 4)
    x = query_features(read(SENTENCES[2], W), read(SENTENCES[3:5], W)).double()
    y = read(SENTENCES[5:6], W).double()

    def ours(U):
        return score(x.flatten() @ U[1:].flatten(0, 1), y @ U[0])

    flat = U.detach().reshape(3 * W, 4).T.numpy()
    phi_x = oracle.phi_x(words(2), [words(3), words(4)], W)
    np.testing.assert_allclose(
        ours(U).item(), oracle.equation_5(phi_x, oracle.phi_y(words(5), W), flat), **EXACT
    )
    assert gradcheck(ours, (U,))


def test_equation_2_first_memory():
    model = network(time=False)
    for row in range(3):
        m, hop = hop_of(model, row)
        best, scores = oracle.equation_2(words(QUERY[row]), memory(row), full(model.O), W)
        np.testing.assert_allclose(hop.scores[0, : len(scores)].detach().numpy(), scores, **EXACT)
        assert scan(hop, torch.tensor([N]), m.filled, timed=False).item() == best


def test_equation_3_second_memory():
    model = network(time=False)
    for row in range(3):
        m, hop = hop_of(model, row, chosen=[2])
        best, scores = oracle.equation_3(words(QUERY[row]), memory(row)[2], memory(row), full(model.O), W)
        np.testing.assert_allclose(hop.scores[0, : len(scores)].detach().numpy(), scores, **EXACT)
        assert scan(hop, torch.tensor([2]), m.filled, timed=False).item() == best


def test_equation_4_response():
    model = network()
    question, chosen = read(SENTENCES[[6]], W).double(), read(SENTENCES[2:4].unsqueeze(0), W).double()
    ours = model.respond(question, chosen).detach().numpy()[0]
    np.testing.assert_allclose(
        ours, oracle.equation_4(words(6), [words(2), words(3)], full(model.R), W), **EXACT
    )


@pytest.mark.parametrize("time", [False, True])
def test_components_one_after_another(time):
    model = network(time=time)
    trace = model(SENTENCES, STORY, QUERY)
    U, x_time = full(model.O), N
    for row in range(3):
        chosen, x_time = [], N
        for hop in range(HOPS):
            known = [memory(row)[slot] for slot in chosen if slot]
            phi_x = oracle.phi_x(words(QUERY[row]), known, W)
            if time:
                slot = oracle.scan(phi_x, x_time, phi(row), U, times_of(model.O))
            else:
                slot = int(np.argmax([oracle.equation_5(phi_x, y, U) for y in phi(row)]))
            x_time = slot = 0 if chosen and not chosen[-1] else slot
            chosen.append(slot)
            assert trace.chosen[row, hop].item() == slot
        known = [memory(row)[slot] for slot in chosen if slot]
        np.testing.assert_allclose(
            trace.answer[row].detach().numpy(),
            oracle.equation_4(words(QUERY[row]), known, full(model.R), W),
            **EXACT,
        )


def test_margin_of_one_choice(draw):
    true, wrong = draw(()), draw(7)
    ours = margin_loss(true.expand(7), wrong, 0.3, torch.ones(7, dtype=torch.bool))
    np.testing.assert_allclose(ours.item(), oracle.hinge(0.3, true.item(), wrong.tolist()), **EXACT)
    assert gradcheck(
        lambda t, w: margin_loss(t.expand(7), w, 0.3, torch.ones(7, dtype=torch.bool)), (true, wrong)
    )


def losses(support, answer, negative, wrong, time=False):
    """The loss of question 0 by the network, and what the paper's sums need."""
    model = network(time=time)
    batch = Examples(
        SENTENCES,
        STORY[:1],
        QUERY[:1],
        torch.tensor([support]),
        torch.tensor([answer]),
        torch.tensor([negative]),
        torch.tensor([wrong]),
    )
    return model, model.loss(batch, margin=0.3).item()


def response(model, chosen, answer, wrong):
    scores = oracle.equation_4(words(QUERY[0]), [memory(0)[c] for c in chosen], full(model.R), W)
    return oracle.hinge(0.3, scores[answer], [scores[w] for w in wrong if w != answer])


def test_equation_6_first_margin():
    others = [0, 1, 3, 4]
    model, ours = losses([2, -1], 5, [[*others], [*others]], [5])
    _, scores = oracle.equation_2(words(QUERY[0]), memory(0), full(model.O), W)
    np.testing.assert_allclose(ours, oracle.hinge(0.3, scores[2], [scores[f] for f in others]), **EXACT)


def test_equation_7_second_margin():
    model, both = losses([2, 4], 5, [[2], [0]], [5])
    _, scores = oracle.equation_3(words(QUERY[0]), memory(0)[2], memory(0), full(model.O), W)
    np.testing.assert_allclose(both, oracle.hinge(0.3, scores[4], [scores[0]]), **EXACT)


def test_equation_8_response_margin():
    model, ours = losses([2, 4], 5, [[2], [4]], [1, 2, 3, 4, 6, 7])
    np.testing.assert_allclose(ours, response(model, [2, 4], 5, [1, 2, 3, 4, 6, 7]), **EXACT)


def test_equation_9_time():
    model = network()
    for x in (1, 4, N):
        for y in range(N):
            for z in range(N):
                _, hop = hop_of(model, 0)
                times = time_features(torch.tensor(x), torch.tensor(y), torch.tensor(z)).double()
                np.testing.assert_array_equal(times, oracle.phi_t(x, y, z))
                ours = time_score(hop.scores[0, y], hop.scores[0, z], hop.order[0], times).item()
                phi_x = oracle.phi_x(words(QUERY[0]), [], W)
                printed = oracle.equation_9(
                    phi_x, phi(0)[y], phi(0)[z], oracle.phi_t(x, y, z), full(model.O), times_of(model.O)
                )
                np.testing.assert_allclose(ours, printed, **EXACT)


def test_the_scan_keeps_the_winner():
    model = network()
    for row in range(3):
        for x in range(N + 1):
            m, hop = hop_of(model, row)
            phi_x = oracle.phi_x(words(QUERY[row]), [], W)
            printed = oracle.scan(phi_x, x, phi(row), full(model.O), times_of(model.O))
            assert scan(hop, torch.tensor([x]), m.filled, timed=True).item() == printed


def test_the_loss_with_time_compares_both_orders():
    model, ours = losses([2, -1], 5, [[1, 4], [0, 0]], [5], time=True)
    phi_x, U, U_t = oracle.phi_x(words(QUERY[0]), [], W), full(model.O), times_of(model.O)
    printed = 0.0
    for f in (1, 4):
        preferred = oracle.equation_9(phi_x, phi(0)[2], phi(0)[f], oracle.phi_t(N, 2, f), U, U_t)
        refused = oracle.equation_9(phi_x, phi(0)[f], phi(0)[2], oracle.phi_t(N, f, 2), U, U_t)
        printed += max(0.0, 0.3 - preferred) + max(0.0, 0.3 + refused)
    np.testing.assert_allclose(ours, printed, **EXACT)


def test_equation_10_matches(draw):
    U, weight = draw(3, W, 4), draw(())
    x = query_features(read(SENTENCES[2], W), read(SENTENCES[3:4], W)).double()
    y = read(SENTENCES[4:6], W).double()

    def ours(U, weight):
        return with_matches(score(x.flatten() @ U[1:].flatten(0, 1), y @ U[0]), x, y, weight)

    flat = U.detach().reshape(3 * W, 4).T.numpy()
    phi_x = oracle.phi_x(words(2), [words(3)], W)
    printed = [oracle.equation_10(phi_x, oracle.phi_y(words(n), W), flat, weight.item(), W) for n in (4, 5)]
    np.testing.assert_allclose(ours(U, weight).detach().numpy(), printed, **EXACT)
    assert gradcheck(ours, (U, weight))


def test_the_network_with_matches():
    model = network(match=True, time=False)
    _, hop = hop_of(model, 0, chosen=[2])
    phi_x = oracle.phi_x(words(QUERY[0]), [memory(0)[2]], W)
    lam = model.O.match.item()
    printed = [oracle.equation_10(phi_x, y, full(model.O), lam, W) for y in phi(0)]
    np.testing.assert_allclose(hop.scores[0].detach().numpy(), printed, **EXACT)


def test_unseen_words_have_the_vectors_of_their_neighbours(draw):
    beside = contexts(SENTENCES, W)
    np.testing.assert_allclose(beside, oracle.neighbours(SENTENCES.tolist(), W), rtol=0, atol=1e-6)
    U, unseen = draw(5, W, 2), torch.arange(W) == 3
    ours = with_context(U, unseen, beside.double()).detach().numpy()
    V = U.detach().numpy()
    for copy in range(3):
        for word in range(W):
            printed = V[copy, word]
            if word == 3:
                known = [w for w in range(W) if w != 3]
                left, right = (beside[side, 3].double().numpy() for side in (0, 1))
                printed = left[known] @ V[3][known] + right[known] @ V[4][known]
            np.testing.assert_allclose(ours[copy, word], printed, **EXACT)
    assert gradcheck(lambda U: with_context(U, unseen, beside.double()), (U,))


def test_gradients_of_the_whole_loss():
    model = network(match=True)
    names, parameters = zip(*model.named_parameters(), strict=True)
    batch = Examples(
        SENTENCES,
        STORY,
        QUERY,
        torch.tensor([[2, 0], [1, 3], [1, 2]]),
        torch.tensor([5, 3, 1]),
        torch.tensor([[[1], [3]], [[4], [2]], [[0], [0]]]),
        torch.tensor([[1], [2], [3]]),
    )

    class Whole(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self):
            return self.model.loss(batch, margin=0.3)

    def loss(*values):
        given = {f"model.{name}": value for name, value in zip(names, values, strict=True)}
        return torch.func.functional_call(Whole(), given, ())

    assert gradcheck(loss, parameters)


def test_the_hop_of_a_hand_made_case():
    hop = Hop(torch.tensor([[0.0, 1.0, 1.0]]), torch.tensor([[0.0, 0.0, -0.5]]))
    assert scan(hop, torch.tensor([3]), torch.ones(1, 3, dtype=torch.bool), timed=True).item() == 2
