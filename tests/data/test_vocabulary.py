"""Vocabularies, padding and batches of similar length."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.data.vocabulary import PAD, STOP, UNKNOWN, Vocabulary, padded, similar_lengths

SENTENCES = ["a b c", "a b", "a", "d"]


def test_words_are_numbered_from_the_commonest():
    vocabulary = Vocabulary.words(SENTENCES)
    assert len(vocabulary) == 8
    assert [vocabulary.number(word) for word in "ab"] == [4, 5]
    assert vocabulary.number("z") == UNKNOWN


def test_rare_words_are_unknown():
    vocabulary = Vocabulary.words(SENTENCES, minimum=2)
    assert vocabulary.encode(["a c"], stop=False).ids.tolist() == [[4, UNKNOWN]]
    assert len(Vocabulary.words(SENTENCES, size=5)) == 5


def test_sentences_are_padded_after_their_stop():
    encoded = Vocabulary.words(SENTENCES).encode(["a b", "", "a"])
    assert encoded.ids.tolist() == [[4, 5, STOP], [STOP, PAD, PAD], [4, STOP, PAD]]
    assert encoded.lengths.tolist() == [3, 1, 2]


def test_no_sentence_is_an_empty_table():
    assert Vocabulary.words(SENTENCES).encode([]).ids.shape == (0, 0)


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=30))
def test_subwords_give_every_text_back(text):
    vocabulary = _subwords()
    for special in ("<pad>", "<start>", "<stop>", "<unknown>"):
        text = text.replace(special, "")
    encoded = vocabulary.encode([text])
    assert UNKNOWN not in encoded.ids
    assert vocabulary.decode(encoded.ids) == [text]


def _subwords(cache=[]):  # noqa: B006
    if not cache:
        cache.append(Vocabulary.subwords(["ein Mann fährt Rad", "eine Frau fährt auch Rad"] * 3, size=280))
    return cache[0]


def test_subwords_have_the_size_that_was_asked_for_and_are_written_and_read():
    vocabulary = _subwords()
    assert len(vocabulary) == 280
    again = Vocabulary.from_text(vocabulary.text())
    assert torch.equal(again.encode(["ein Rad"]).ids, vocabulary.encode(["ein Rad"]).ids)


def test_too_few_subwords_are_an_error():
    with pytest.raises(UsageError, match="260"):
        Vocabulary.subwords(["a"], size=100)


def test_decoding_ends_at_the_stop():
    vocabulary = Vocabulary.words(SENTENCES)
    assert vocabulary.decode(torch.tensor([[4, STOP, 5], [5, 4, 4]])) == ["a", "b a a"]


@settings(deadline=None)
@given(count=st.integers(4, 200), batch_size=st.integers(1, 4), seed=st.integers(0, 9))
def test_batches_hold_each_sentence_once_and_are_alike_in_length(count, batch_size, seed):
    lengths = torch.randint(1, 30, (count,), generator=torch.Generator().manual_seed(seed))
    batches = similar_lengths(lengths, batch_size, pool=50, seed=seed)
    assert batches.shape == (count // batch_size, batch_size)
    assert len(batches.flatten().unique()) == batches.numel()
    of_batches = lengths[batches]
    if len(batches) <= 50:  # one pool: sorted throughout
        assert (of_batches[:-1].amax(1) <= of_batches[1:].amin(1)).all()


def test_too_few_sentences_are_an_error():
    with pytest.raises(UsageError, match="there are 2 sentences"):
        similar_lengths(torch.tensor([1, 2]), 3)


def test_padding_widens():
    assert padded(torch.tensor([[7, 2]]), 3).tolist() == [[7, 2, PAD]]
