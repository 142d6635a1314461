"""Properties that the equations promise, of untrained networks in double precision."""

from itertools import pairwise

import pytest
import torch

from unrolled.papers.memn2n.model import MemN2N, linear_hop
from unrolled.papers.memn2n.sentences import position_weights

WORDS, VOCABULARY, SLOTS = 6, 30, 8
SEEDS = range(5)


def drawn(seed):
    draw = torch.Generator().manual_seed(seed)
    sentences = torch.randint(1, VOCABULARY, (40, WORDS), generator=draw)
    sentences[0] = 0
    story = torch.randint(1, 40, (20, SLOTS), generator=draw)
    return sentences, story, torch.randint(1, 40, (20,), generator=draw), draw


def network(seed, **options):
    torch.manual_seed(seed)
    return MemN2N(VOCABULARY, 20, SLOTS, words=WORDS, **{"encoding": "bag", **options}).double().eval()


def change(seed, *, shuffled_words=False, **options):
    """The largest change of an answer after shuffling the words of each sentence, or the memories."""
    model, (sentences, story, query, draw) = network(seed, **options), drawn(seed)
    before = model(sentences, story, query).answer
    if shuffled_words:
        sentences = sentences[:, torch.randperm(WORDS, generator=draw)]
    else:
        story = story[:, torch.randperm(SLOTS, generator=draw)]
    return (model(sentences, story, query).answer - before).abs().max().item()


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_are_a_distribution_in_every_hop(seed):
    sentences, story, query, _ = drawn(seed)
    alpha = network(seed, encoding="printed")(sentences, story, query).alpha
    assert alpha.min() >= 0
    assert (alpha.sum(-1) - 1).abs().max() < 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bag_of_words_ignores_the_order_that_a_position_encoding_sees(seed):
    assert change(seed, shuffled_words=True) < 1e-6
    assert change(seed, shuffled_words=True, encoding="printed") > 1e-3
    assert change(seed, shuffled_words=True, encoding="code") > 1e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_memories_needs_time(seed):
    assert change(seed, time=False) < 1e-6
    assert change(seed) > 1e-3


@pytest.mark.parametrize("words", [1, 4, 11])
@pytest.mark.parametrize("embedding", [1, 20, 50])
def test_the_position_encoding_is_a_constant_plus_a_product(words, embedding):
    j = torch.arange(1, words + 1, dtype=torch.float64).unsqueeze(1) / words
    k = torch.arange(1, embedding + 1, dtype=torch.float64) / embedding
    product = 0.5 + 2 * (k - 0.5) * (j - 0.5)
    assert (position_weights(words, embedding, torch.float64) - product).abs().max() < 1e-12


@pytest.mark.parametrize("seed", SEEDS)
def test_a_linear_start_is_homogeneous_in_the_question(seed):
    draw = torch.Generator().manual_seed(seed)
    u = torch.randn(20, 16, dtype=torch.float64, generator=draw)
    memories = 0.3 * torch.randn(4, 20, 8, 16, dtype=torch.float64, generator=draw)
    after, scaled = u, 7 * u
    for m, c in pairwise(memories):
        after, scaled = linear_hop(after, m, c), linear_hop(scaled, m, c)
    assert ((scaled - 7 * after).norm() / (7 * after).norm()).item() < 1e-5
