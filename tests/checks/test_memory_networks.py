"""Properties that the equations promise, of untrained networks in double precision."""

import pytest
import torch

from unrolled.data.worlds import rooms, solver
from unrolled.papers.memory_networks.hashing import candidates, word_buckets
from unrolled.papers.memory_networks.model import MemoryNetwork, write
from unrolled.papers.memory_networks.scores import Hop, margin_loss, scan, score, time_features, time_score
from unrolled.papers.memory_networks.words import QUESTION, Y

W, SLOTS = 30, 9
SEEDS = range(5)


def drawn(seed):
    draw = torch.Generator().manual_seed(seed)
    sentences = torch.randint(1, W, (40, 5), generator=draw)
    sentences[0] = 0
    story = torch.randint(1, 40, (50, SLOTS), generator=draw)
    return sentences, story, torch.randint(1, 40, (50,), generator=draw)


def network(seed, **options):
    torch.manual_seed(seed)
    return MemoryNetwork(W, 20, **options).double().eval()


def test_slots_hold_the_sentences_in_the_order_of_telling():
    number = torch.arange(40.0).expand(50, -1)
    for seed in SEEDS:
        _, story, _ = drawn(seed)
        assert torch.equal(write(number, story), story.float())
        other = story.clone()
        other[:, 3] = 0
        same = write(number, other) == write(number, story)
        assert same[:, :3].all()
        assert same[:, 4:].all()


@pytest.mark.parametrize("seed", SEEDS)
def test_with_tied_vectors_the_score_is_symmetric_and_never_negative_for_equals(seed):
    model = network(seed, time=False)
    with torch.no_grad():
        model.O.U[QUESTION] = model.O.U[Y]
    m = model.remember(*drawn(seed)[:2])
    vectors = m.sentences @ model.O.U[QUESTION]
    scores = score(vectors, m.vectors)
    torch.testing.assert_close(scores, scores.T, rtol=0, atol=1e-12)
    assert (scores.diagonal() >= 0).all()
    assert (scores < 0).any()


def test_the_loss_vanishes_exactly_at_the_margin():
    every = torch.ones(3, dtype=torch.bool)
    true = torch.tensor(1.0, dtype=torch.float64)
    below = torch.tensor([0.75, 0.5, -2.0], dtype=torch.float64)
    assert margin_loss(true, below, 0.25, every) == 0
    assert margin_loss(true, below + torch.tensor([1e-9, 0, 0]), 0.25, every) > 0
    assert margin_loss(true, below + 1.0, 0.25, ~every) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_both_orders_add_up_to_the_time_features(seed):
    model, (sentences, story, query) = network(seed), drawn(seed)
    m = model.remember(sentences, story)
    scores, order = model.hop(m, m.sentences[query], torch.zeros(50, 0, W).double())
    for x, y, z in ((SLOTS, 1, 4), (3, 1, 4), (0, 5, 2)):
        times = [
            time_features(*(torch.full((50,), t) for t in three)).double() for three in ((x, y, z), (x, z, y))
        ]
        there = time_score(scores[:, y], scores[:, z], order, times[0])
        back = time_score(scores[:, z], scores[:, y], order, times[1])
        torch.testing.assert_close(there + back, (order * (times[0] + times[1])).sum(-1), rtol=0, atol=1e-12)


def test_the_scan_ends_at_the_newest_of_equal_memories():
    scores = torch.zeros(1, SLOTS)
    scores[0, [2, 5, 7]] = 1.0
    filled = torch.arange(SLOTS).unsqueeze(0) < 7
    hop, now = Hop(scores, torch.tensor([[0.0, 0.0, -0.1]])), torch.tensor([SLOTS])
    assert scan(hop, now, filled, timed=True).item() == 5
    assert scan(hop, now, filled, timed=False).item() == 2
    assert scan(hop, now, torch.ones_like(filled), timed=True).item() == 7


@pytest.mark.parametrize("seed", SEEDS)
def test_matches_alone_prefer_a_memory_that_shares_a_word(seed):
    model = network(seed, match=True, time=False, hops=1)
    with torch.no_grad():
        model.O.U.zero_()
        model.O.match.fill_(1.0)
    sentences = torch.tensor([[0, 0], [9, 0], [1, 2], [3, 4], [5, 6], [7, 3]])
    trace = model(sentences, torch.tensor([[1, 2, 3, 4]]), torch.tensor([5]))
    assert trace.chosen.item() == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_hashing_leaves_the_memories_that_share_a_word_and_only_then_changes_answers(seed):
    model, (sentences, story, query) = network(seed, hops=1, time=False), drawn(seed)
    buckets = word_buckets(torch.ones(W)).double()
    m = model.remember(sentences, story)
    found = model.G(
        candidates(m.sentences[query], m.sentences.new_zeros(50, 0, W), m.sentences, buckets), story
    )
    for row in range(50):
        asked = set(sentences[query[row]].tolist())
        shares = [bool(asked & set(sentences[number].tolist())) for number in story[row]]
        assert found[row].tolist() == shares
    plain, hashed = model(sentences, story, query), model(sentences, story, query, None, buckets)
    kept = found.gather(1, plain.chosen).squeeze(1) | (plain.chosen.squeeze(1) == 0)
    assert 0 < kept.sum() < 50
    assert torch.equal(plain.chosen[kept], hashed.chosen[kept])
    assert torch.equal(plain.answer[kept], hashed.answer[kept])


@pytest.mark.parametrize("difficulty", [1, 5])
def test_a_solver_of_the_text_agrees_with_the_simulator(difficulty):
    asked = rooms.questions(rooms.World(difficulty=difficulty, before=False), 30, seed=3)
    assert len(asked) == 450
    for question in asked:
        assert solver.solve([fact.text for fact in question.story], question.text) == question.answer
