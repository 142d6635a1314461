"""Stories as tensors: the last sentence first, each sentence once, a memory that forgets the oldest."""

import pytest
import torch

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import babi
from unrolled.data.stories import Encoder, Vocabulary, longest

TEXT = (
    "1 Mary got the milk.\n2 John left.\n3 Mary got the milk.\n4 Who got the milk?\tMary\t3 1\n"
    "1 John left.\n2 Who left?\tJohn\t1\n"
)


@pytest.fixture
def asked():
    return babi.parse(TEXT)


def back(encoder, sentence):
    """The words of a sentence by its number."""
    return [encoder.vocabulary.words[n] for n in encoder.sentences[sentence].tolist() if n]


def test_slot_0_is_the_sentence_right_before_the_question(asked):
    encoder = Encoder(Vocabulary.of(asked), memory=4)
    stories = encoder.encode(asked, task=7)
    assert [back(encoder, n) for n in stories.story[0].tolist()] == [
        ["mary", "got", "the", "milk"],
        ["john", "left"],
        ["mary", "got", "the", "milk"],
        [],
    ]
    assert back(encoder, stories.query[1].item()) == ["who", "left"]
    assert encoder.vocabulary.words[stories.answer[1]] == "john"
    assert stories.task.tolist() == [7, 7]


def test_equal_sentences_share_a_number(asked):
    encoder = Encoder(Vocabulary.of(asked))
    story = encoder.encode(asked).story
    assert story[0, 0] == story[0, 2] != story[0, 1]
    assert story[0, 1] == story[1, 0]
    assert len(encoder.sentences) == 5  # nothing, two facts, two questions


def test_supporting_facts_stand_at_their_slots(asked):
    stories = Encoder(Vocabulary.of(asked), memory=4).encode(asked)
    assert stories.supporting.tolist() == [[True, False, True, False], [True, False, False, False]]


def test_a_short_memory_keeps_the_last_sentences(asked):
    encoder = Encoder(Vocabulary.of(asked), memory=2)
    stories = encoder.encode(asked)
    assert back(encoder, stories.story[0, 1].item()) == ["john", "left"]
    assert stories.supporting[0].tolist() == [True, False]


def test_sizes_and_picks(asked):
    stories = Encoder(Vocabulary.of(asked)).encode(asked)
    assert longest(asked) == 3
    assert torch.equal(stories.pick(torch.tensor([1])).answer, stories.answer[1:])


def test_wrong_input_is_refused(asked):
    with pytest.raises(UnrolledError, match="has no 'john'"):
        Encoder(Vocabulary(["mary", "got", "the", "milk"])).encode(asked)
    with pytest.raises(UsageError, match="at least one slot"):
        Encoder(Vocabulary([]), memory=0)
