"""Spelled numbers: as num2words has them, cut without loss, and with a correspondence that makes sense."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from num2words import num2words

from unrolled.base.errors import UsageError
from unrolled.data import spelled

NUMBERS = st.integers(0, 9).flatmap(lambda digits: st.integers(0, 10**digits - 1 if digits else 0))


@settings(max_examples=200, deadline=None)
@given(number=NUMBERS, language=st.sampled_from(spelled.LANGUAGES))
def test_groups_put_together_are_num2words_own_spelling(number, language):
    whole = num2words(number, lang=language).lower().replace(",", "").replace("-", " ")
    ours = spelled.words(number, language)
    if language == "de":
        assert "".join(ours) == whole.replace(" ", "")
    else:
        assert ours == whole.split()


@settings(max_examples=300, deadline=None)
@given(number=NUMBERS, language=st.sampled_from(["fr", "de"]))
def test_every_word_corresponds_but_those_that_connect(number, language):
    english, target = spelled.words(number, "en"), spelled.words(number, language)
    positions = spelled.correspondence(number, language)
    assert len(positions) == len(target)
    for word, where in zip(target, positions, strict=True):
        assert (where == ()) == (word in ("et", "und"))
        assert all(english[j] != "and" for j in where)
    covered = {j for where in positions for j in where}
    assert covered == {j for j, word in enumerate(english) if word != "and"}


GERMAN = {"ein": "one", "eins": "one", "eine": "one", "zwei": "two", "drei": "three", "vier": "four"}
GERMAN |= {"siebzehn": "seventeen", "neunzig": "ninety", "hundert": "hundred", "tausend": "thousand"}
GERMAN |= {"million": "million", "millionen": "million", "zwanzig": "twenty", "acht": "eight"}
FRENCH = {"deux": "two", "trois": "three", "cents": "hundred", "millions": "million", "trente": "thirty"}


@settings(max_examples=200, deadline=None)
@given(number=NUMBERS)
def test_words_that_have_one_translation_correspond_to_it(number):
    english = spelled.words(number, "en")
    for language, known in (("de", GERMAN), ("fr", FRENCH)):
        positions = spelled.correspondence(number, language)
        for word, where in zip(spelled.words(number, language), positions, strict=True):
            if word in known:
                assert known[word] in {english[j] for j in where}


@pytest.mark.parametrize(
    ("number", "language", "expected"),
    [
        (0, "fr", [(0,)]),
        (1000, "fr", [(0, 1)]),  # one thousand: mille
        (1000, "de", [(0,), (1,)]),
        (77, "fr", [(0,), (0,), (1,)]),  # seventy seven: soixante dix sept
        (71, "fr", [(0,), (), (0, 1)]),  # soixante et onze
        (95, "fr", [(0,), (0,), (0, 1)]),  # quatre vingt quinze
        (84, "fr", [(0,), (0,), (1,)]),
        (17, "fr", [(0,), (0,)]),  # seventeen: dix sept
        (1_001, "de", [(0,), (1,), (3,)]),  # one thousand and one
        (200_021, "de", [(0,), (1,), (2,), (5,), (), (4,)]),
        (101_000, "fr", [(0, 1), (3,), (4,)]),  # one hundred and one thousand: cent un mille
    ],
)
def test_correspondence_of_numbers_that_are_easy_to_get_wrong(number, language, expected):
    assert spelled.correspondence(number, language) == expected


def test_accepted_is_the_correspondence_as_a_table():
    numbers = [121, 5, 300_000]
    table = spelled.accepted(numbers, "fr")
    for n, number in enumerate(numbers):
        positions = spelled.correspondence(number, "fr")
        for i in range(table.shape[1]):
            expected = positions[i] if i < len(positions) else ()
            assert tuple(table[n, i].nonzero().flatten().tolist()) == expected


def test_split_is_as_asked_for_and_follows_from_its_seed():
    train, held_out = spelled.split(3_000, 300, seed=3)
    assert (len(set(train)), len(set(held_out)), set(train) & set(held_out)) == (3_000, 300, set())
    assert spelled.split(3_000, 300, seed=3) == (train, held_out)
    assert spelled.split(3_000, 300, seed=4).train != train
    everything = train + held_out
    assert 0 <= min(everything) <= 9
    assert max(everything) <= spelled.LARGEST
    digits = torch.bincount(torch.tensor([len(str(number)) for number in everything]), minlength=10)
    assert digits[1] == 10
    assert (digits[5:] > 300).all()
    assert sum("00" in str(number) for number in everything) > 300


def test_faults_are_told():
    with pytest.raises(UsageError, match="between 0 and 999,999,999"):
        spelled.words(10**9, "en")
    with pytest.raises(UsageError, match="language"):
        spelled.words(1, "it")
    with pytest.raises(UsageError, match="target language"):
        spelled.correspondence(1, "en")
