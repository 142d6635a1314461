"""What the prompts of the demo say holds for the weights that it runs."""

import functools
import itertools

import pytest
import torch

from unrolled import load
from unrolled.data import spelled
from unrolled.papers.bahdanau_attention import demo as subject
from unrolled.papers.bahdanau_attention.experiment import RNNsearchExperiment as Experiment
from unrolled.tasks.translating import read
from unrolled.training.presets import preset


@functools.cache
def translator(language):
    """Both graphs of a language, its model, and the vocabularies."""
    name = subject.PRESETS[language]
    model = load(f"bahdanau_attention/{name}")
    return subject.graphs(model), model, Experiment(preset(Experiment, name).config, 0).vocabularies


def translated(number, language):
    """The words written, and for each the English word with the largest weight and its place."""
    parts, _, (source, target) = translator(language)
    alpha, probabilities = subject.translate(parts, source, number)
    written = target.symbols(probabilities.argmax(1))
    english = [*spelled.words(number, "en"), "<stop>"]
    places = alpha.argmax(1).tolist()
    return written[:-1], [english[place] for place in places], places[: len(written) - 1]


@pytest.mark.parametrize("language", ["de", "fr"])
def test_the_parts_are_the_model_that_was_trained(language):
    parts, model, (source, _) = translator(language)
    alpha, probabilities = subject.translate(parts, source, 987_654_321)
    words = probabilities.argmax(1).unsqueeze(0)
    english, lengths = source.encode(spelled.sentences([987_654_321], "en"))
    given = read(model, english, lengths, words)
    torch.testing.assert_close(alpha, given.alpha[0], rtol=0, atol=1e-5)
    logits = model(english, words, lengths).logits[0]
    torch.testing.assert_close(probabilities, logits.softmax(1).detach(), rtol=0, atol=1e-5)


def test_prompt_1_german_crosses_at_vier_und_fuenfzig():
    written, looked, places = translated(subject.NUMBER, "de")
    assert written == spelled.words(subject.NUMBER, "de")
    at = written.index("vier")
    assert (looked[at], looked[at + 2]) == ("four", "fifty")
    assert places[at + 2] < places[at] < places[written.index("drei")]


def test_prompt_2_french_keeps_the_order():
    written, _, places = translated(subject.NUMBER, "fr")
    assert written == spelled.words(subject.NUMBER, "fr")
    steps = [after - before for before, after in itertools.pairwise(places)]
    assert min(steps) >= -1
    assert sum(step < 0 for step in steps) <= 1


def test_prompt_3_cent_looks_at_the_word_that_is_written_next():
    written, looked, _ = translated(347, "fr")
    assert written == spelled.words(347, "fr")
    assert looked[written.index("cent")] == "forty"


def test_prompt_4_three_times_the_same_words_are_told_apart():
    assert translated(777_777_777, "de")[0] == spelled.words(777_777_777, "de")
    assert len(spelled.words(777_777_777, "en")) == 17


def test_prompt_5_zero_is_wrong_and_was_seen_once():
    assert translated(0, "de")[0] != spelled.words(0, "de")
    assert spelled.split().train.count(0) == 1


def test_the_longest_numbers_fit():
    numbers = [777_777_777, 999_999_999, 121_121_121, 373_373_373]
    assert max(len(spelled.words(number, "en")) for number in numbers) + 1 == subject.LONGEST


def test_pieces_put_together_spell_any_number():
    table = subject.pieces("fr")
    number = 81_001_100
    groups = [(2, 81), (1, 1), (0, 100)]
    assert " ".join(table[scale][group] for scale, group in groups) == " ".join(spelled.words(number, "fr"))
