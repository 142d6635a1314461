"""What the memory network does beside its equations: parts that are replaced, words that were never seen."""

import pytest
import torch
from torch import nn

from unrolled.nn.checks import ShapeError
from unrolled.papers.memory_networks.hashing import cluster_buckets, word_buckets
from unrolled.papers.memory_networks.model import Examples, MemoryNetwork, read
from unrolled.papers.memory_networks.words import Dictionary, contexts

SENTENCES = torch.tensor([[0, 0, 0], [7, 0, 0], [1, 2, 3], [4, 2, 5], [1, 6, 3]])
STORY, QUERY = torch.tensor([[1, 2, 3, 4], [1, 4, 2, 0]]), torch.tensor([3, 2])


def network(**options):
    torch.manual_seed(0)
    return MemoryNetwork(8, 6, **options).double()


def test_every_part_can_be_replaced():
    class Constant(nn.Module):
        U = torch.zeros(3, 8, 6).double()
        match = None

        def table(self, unseen=None):
            return self.U

        def embed(self, features, table):
            return torch.ones(features.shape[0], 6).double()

    plain = network(time=False)(SENTENCES, STORY, QUERY)
    reader = network(time=False, I=lambda words, vocabulary: read(words.clamp(max=3), vocabulary))
    assert not torch.equal(reader(SENTENCES, STORY, QUERY).scores, plain.scores)
    backwards = network(time=False, G=lambda found, story: found.gather(-1, story.flip(1)))
    assert torch.equal(backwards(SENTENCES, STORY, QUERY).scores[:, 0], plain.scores[:, 0].flip(1))
    answers = network(time=False, R=Constant())(SENTENCES, STORY, QUERY).answer
    assert torch.equal(answers, torch.zeros(2, 8).double())
    other = Dictionary(8, 6).double()
    assert network(time=False, O=other).O is other


def test_an_empty_slot_is_never_chosen_and_changes_nothing():
    for time in (False, True):
        model = network(time=time)
        wide = torch.nn.functional.pad(STORY, (0, 3))
        found, padded = model(SENTENCES, STORY, QUERY), model(SENTENCES, wide, QUERY)
        assert (found.chosen[1] < 3).all()
        assert torch.equal(found.chosen, padded.chosen)
        torch.testing.assert_close(found.answer, padded.answer, rtol=1e-12, atol=1e-12)


def test_after_slot_0_no_hop_chooses_another():
    model = network(hops=4)
    chosen = torch.cat([model(SENTENCES, STORY[:1], torch.tensor([q])).chosen for q in (1, 2, 3, 4)])
    done = (chosen == 0).cumsum(1) > 0
    assert (chosen[done] == 0).all()


def test_an_unseen_word_is_told_by_its_neighbours_alone():
    beside = contexts(SENTENCES, 8)
    model, unseen = network(context=beside), torch.arange(8) == 2
    before = model(SENTENCES, STORY, QUERY, unseen)
    with torch.no_grad():
        for part in (model.O, model.R):
            part.U[:, 2] += 5.0
    after = model(SENTENCES, STORY, QUERY, unseen)
    assert torch.equal(before.answer, after.answer)
    assert not torch.equal(model(SENTENCES, STORY, QUERY).answer, after.answer)


def test_sampled_wrong_choices_are_terms_of_the_sum_over_all():
    model = network()
    every = torch.arange(4).expand(2, 2, -1), torch.arange(8).expand(2, -1)
    support, answer = torch.tensor([[2, 1], [1, 0]]), torch.tensor([5, 3])

    def loss(negative, wrong):
        return model.loss(Examples(SENTENCES, STORY, QUERY, support, answer, negative, wrong))

    single = [loss(every[0][..., [k % 4]], every[1][:, [k]]) for k in range(8)]
    assert loss(*every).item() == pytest.approx(
        sum(loss(every[0][..., [k]], answer.unsqueeze(1)) for k in range(4)).item()
        + sum(loss(support.unsqueeze(-1).clamp(min=0), every[1][:, [k]]) for k in range(8)).item()
    )
    assert all(term <= loss(*every) for term in single)


def test_buckets_of_rare_words_and_of_clusters():
    frequency = torch.tensor([0.0, 0.9, 0.2, 0.0])
    assert word_buckets(frequency, 0.5).sum().item() == 1
    buckets = cluster_buckets(torch.tensor([[0.0], [1.0], [1.1], [9.0]]), clusters=2)
    assert torch.equal(buckets[1], buckets[2])
    assert not torch.equal(buckets[1], buckets[3])
    assert buckets[0].sum() == 0


def test_a_number_of_no_sentence_is_refused():
    with pytest.raises(ShapeError, match="story must lie in"):
        network()(SENTENCES, torch.tensor([[1, 5]]), torch.tensor([2]))
