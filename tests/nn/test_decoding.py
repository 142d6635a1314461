"""Greedy, sampled and beam-searched words, held against enumeration of every sentence."""

import itertools

import pytest
import torch

from unrolled.nn.decoding import beam_search, greedy, sample
from unrolled.nn.scan import ShapeError

WORDS, STOP, START, LONGEST = 3, 0, 3, 4


def model(batch, seed=0, sharp=2.0):
    """A small recurrent model with weights of its own: a step, and the initial states of some sentences."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return sharp * torch.randn(*shape, generator=generator, dtype=torch.float64)

    embedding, recurrent, out = normal(WORDS + 1, 5), normal(5, 5), normal(5, WORDS)

    def step(state, words):
        state = torch.tanh(state @ recurrent + embedding[words])
        return state, (state @ out).log_softmax(1)

    return step, normal(batch, 5)


def log_probability(step, state, sentence):
    total, before = 0.0, START
    state = state.unsqueeze(0)
    for word in sentence:
        state, log_probs = step(state, torch.tensor([before]))
        total, before = total + log_probs[0, word].item(), word
    return total


def sentences():
    """Every sentence that stops within the longest length."""
    others = [word for word in range(WORDS) if word != STOP]
    for length in range(LONGEST):
        for words in itertools.product(others, repeat=length):
            yield (*words, STOP)


def search(step, initial, beam, **options):
    options = {"max_length": LONGEST, "length_penalty": 1.0} | options
    return beam_search(step, initial, start=START, stop=STOP, beam=beam, **options)


def found(hypotheses, row, rank):
    return tuple(hypotheses.words[row, rank, : hypotheses.lengths[row, rank]].tolist())


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_the_best_of_all_sentences(seed, penalty):
    step, initial = model(3, seed)
    result = search(step, initial, 30, length_penalty=penalty)
    for row in range(3):
        ranked = max(sentences(), key=lambda s: log_probability(step, initial[row], s) / len(s) ** penalty)
        assert found(result, row, 0) == ranked
        log_prob = log_probability(step, initial[row], ranked)
        assert result.log_prob[row, 0].item() == pytest.approx(log_prob, abs=1e-12)
        assert result.score[row, 0].item() == pytest.approx(log_prob / len(ranked) ** penalty, abs=1e-12)


def test_the_list_is_in_order_and_its_scores_are_the_models():
    step, initial = model(3, seed=5)
    result = search(step, initial, 4)
    for row in range(3):
        scores = result.score[row].tolist()
        assert scores == sorted(scores, reverse=True)
        listed = [found(result, row, rank) for rank in range(4) if result.score[row, rank] > -torch.inf]
        assert len(listed) == len(set(listed)) > 0
        for rank, sentence in enumerate(listed):
            expected = log_probability(step, initial[row], sentence)
            assert result.log_prob[row, rank].item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("beam", [1, 2, 5])
def test_a_batch_finds_what_each_sentence_finds_alone(beam):
    step, initial = model(6, seed=2)
    together = search(step, initial, beam, max_length=9)
    for row in range(6):
        alone = search(step, initial[row : row + 1], beam, max_length=9)
        for rank in range(beam):
            if alone.score[0, rank] > -torch.inf:
                assert found(together, row, rank) == found(alone, 0, rank)
        torch.testing.assert_close(together.score[row], alone.score[0], rtol=1e-12, atol=1e-12)


def test_a_finished_hypothesis_is_kept_while_longer_ones_go_on():
    # Stopping at once has probability 0.3 and is not the likeliest first word; what goes on stops with 0.1.
    def step(state, words):
        first = torch.tensor([0.3, 0.7]).log()
        later = torch.tensor([0.1, 0.9]).log()
        return state, torch.where((words == 1).unsqueeze(1), later, first)

    result = beam_search(step, torch.zeros(1, 1), start=0, stop=0, beam=2, max_length=6, length_penalty=0.0)
    assert found(result, 0, 0) == (0,)
    assert result.log_prob[0, 0].exp().item() == pytest.approx(0.3)


def test_what_never_stops_is_given_cut_off():
    def step(state, words):
        return state, torch.tensor([[0.0, 0.6, 0.4]]).log().expand(len(words), 3)

    result = beam_search(step, torch.zeros(2, 1), start=0, stop=0, beam=2, max_length=3)
    assert found(result, 1, 0) == (1, 1, 1)
    assert result.score[:, 0].isfinite().all()


def test_a_beam_of_one_is_greedy_where_greedy_stops():
    step, initial = model(8, seed=3)
    one = search(step, initial, 1, max_length=30, length_penalty=0.0)
    plain = greedy(step, initial, start=START, stop=STOP, max_length=30)
    compared = 0
    for row in range(8):
        best = tuple(plain.words[row, : plain.lengths[row]].tolist())
        if best[-1] == STOP:
            assert found(one, row, 0) == best
            compared += 1
    assert compared


def test_greedy_takes_the_likeliest_word_and_fills_with_stop():
    step, initial = model(5, seed=1)
    result = greedy(step, initial, start=START, stop=STOP, max_length=7)
    for row in range(5):
        state, before, total = initial[row : row + 1], START, 0.0
        for t in range(int(result.lengths[row])):
            state, log_probs = step(state, torch.tensor([before]))
            before = int(log_probs.argmax())
            total += log_probs.max().item()
            assert result.words[row, t] == before
        assert (result.words[row, result.lengths[row] :] == STOP).all()
        assert result.log_prob[row].item() == pytest.approx(total, abs=1e-12)


def test_samples_follow_the_models_distribution_and_their_noise():
    step, initial = model(1, sharp=1.0)
    copies = 20_000
    noise = torch.rand(LONGEST, copies, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    drawn = sample(step, initial.expand(copies, -1), noise, start=START, stop=STOP)
    again = sample(step, initial.expand(copies, -1), noise, start=START, stop=STOP)
    assert torch.equal(drawn.words, again.words)
    for sentence in [(STOP,), (1, STOP), (2, STOP), (1, 2, STOP)]:
        wanted = torch.tensor(sentence)
        share = ((drawn.words[:, : len(wanted)] == wanted).all(1)).double().mean().item()
        expected = torch.tensor(log_probability(step, initial[0], sentence)).exp().item()
        assert share == pytest.approx(expected, abs=4 * (0.25 / copies) ** 0.5)


def test_the_largest_noise_chooses_a_word_that_exists():
    step, initial = model(2)
    noise = torch.full((3, 2), 1 - 2**-53, dtype=torch.float64)
    assert (sample(step, initial, noise, start=START, stop=STOP).words < WORDS).all()


def test_no_room_is_an_error():
    step, initial = model(1)
    with pytest.raises(ShapeError, match="at least 1"):
        search(step, initial, 0)
