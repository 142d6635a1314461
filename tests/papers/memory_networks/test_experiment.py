"""Questions as tensors, wrong choices that are drawn, and the stories as a reader gets them."""

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.data.worlds import rooms
from unrolled.papers.memory_networks.experiment import (
    Config,
    MemoryNetworkExperiment,
    other,
    prepare,
    streams,
)
from unrolled.papers.memory_networks.studies import frequencies, hashed, hashes
from unrolled.training.trainer import place

SMALL = {
    "column": "d5_object",
    "stories": 4,
    "embedding": 8,
    "updates": 2,
    "batch_size": 6,
    "optimiser": "adam",
    "learning_rate": 1e-2,
    "evaluate_every": 1,
    "checkpoint_every": 1,
}


def experiment(**options):
    return MemoryNetworkExperiment(Config.of(SMALL | options))


def text(found, number):
    return " ".join(found.vocabulary.words[word] for word in found.sentences[number].tolist() if word)


def test_a_world_has_as_many_statements_and_questions_as_the_paper():
    asked = rooms.questions(rooms.World(), 20, seed=0)
    assert len(asked) == 300
    assert max(len(question.story) for question in asked) == 35
    assert {question.answer for question in asked} == set(rooms.ROOMS)


def test_the_one_who_is_asked_about_was_mentioned_at_most_so_far_back():
    for difficulty in (1, 5):
        for question in rooms.questions(rooms.World(difficulty=difficulty), 20, seed=1):
            name = question.text.rstrip("?").split()[3 if " the " in question.text[:13] else 2]
            last = max(n for n, fact in enumerate(question.story) if name in fact.text.rstrip(".").split())
            assert len(question.story) - last <= difficulty


def test_supporting_slots_hold_the_facts_that_answer():
    found = prepare("d5_object", 1, 4, False, 2)
    train = found.splits["train"]
    for row, question in enumerate(found.questions["train"]):
        first, second = train.support[row].tolist()
        assert text(found, train.story[row, 0]) == "stop"
        assert text(found, train.story[row, first]) == question.story[question.positions[0]].text.lower()[:-1]
        supporting = train.story[row, second or first]
        assert question.answer in text(found, supporting)
        assert (second == 0) == (train.kind[row] == 0)


def test_what_is_drawn_is_never_the_true_one_and_lies_in_the_story():
    at = place(0, 0)
    true = torch.arange(5).repeat(200)
    drawn = other(true, torch.tensor(5), at.generator)
    assert (drawn != true).all()
    assert set(drawn.tolist()) == set(range(5))
    run = experiment()
    story, _, support, answer, _ = run.data().train
    *_, negative, wrong, _ = run.batch(tuple(part[:40] for part in run.data().train), at)
    assert (story[:40].gather(1, negative.squeeze(-1)) > 0).all()
    assert (negative.squeeze(-1) != support[:40]).all()
    assert (wrong.squeeze(-1) != answer[:40]).all()


def test_a_reader_gets_every_statement_and_question_once_with_answers_in_place():
    found = prepare("d1_object", 1, 4, False, 2)
    tokens, answers, kind = streams(found.questions["train"], found.vocabulary)
    assert tokens.shape[0] == 4
    assert (answers > 0).sum() == 60
    assert sorted(answers[answers > 0].tolist()) == sorted(found.splits["train"].answer.tolist())
    assert (kind[answers > 0].bincount() == found.splits["train"].kind.bincount()).all()
    told = [text(found, n) for n in found.splits["train"].story[14, 1:] if n]
    words = [found.vocabulary.words[word] for word in tokens[0].tolist() if word]
    assert " ".join(words).startswith(told[0])


def test_new_names_are_unseen():
    found = prepare("d5_object", 1, 4, True, 2)
    unseen = {word for word, seen in zip(found.vocabulary.words, found.seen, strict=True) if not seen}
    assert {name.lower() for name in rooms.OTHERS} <= unseen
    assert not unseen & {name.lower() for name in rooms.PEOPLE}


def test_dropping_words_needs_context():
    batch = tuple(part[:6] for part in experiment().data().train)
    assert not experiment(unseen=0.5).batch(batch, place(0, 0))[-1].any()
    assert experiment(unseen=0.5, context=True).batch(batch, place(0, 0))[-1].any()


def test_every_word_as_a_bucket_looks_at_no_less_than_rare_words():
    run = experiment()
    torch.manual_seed(0)
    model, test = run.model(), run.data().test
    frequency = frequencies(run)
    assert frequency[run.prepared.vocabulary["the"]] == pytest.approx(1.0)
    buckets = hashes(model, frequency)
    everything, rare = (hashed(run, model, test, buckets[name]) for name in ("all_words", "words"))
    assert 0 < rare.looked_at < everything.looked_at <= 1
    whole = hashed(run, model, test, torch.ones(len(frequency), 1))
    assert whole.looked_at == pytest.approx(1.0)
    assert whole.accuracy == pytest.approx(run.evaluate(model, test)["accuracy"])


def test_an_unknown_task_is_refused():
    with pytest.raises(UsageError, match="21"):
        Config.of(SMALL | {"task": 21})
