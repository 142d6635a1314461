"""The simulated worlds: a solver that reads only the text agrees; the language is that of the real files."""

import random
import re
from collections import Counter

import pytest

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import babi
from unrolled.data.worlds import language
from unrolled.data.worlds.generate import generate, questions
from unrolled.data.worlds.solver import solve

SLOTS = {
    "P": "mary john daniel sandra fred jeff bill julie jason antoine sumit yann winona gertrude emily "
    "jessica lily bernhard brian greg julius",
    "L": "bathroom bedroom garden hallway kitchen office cinema park school",
    "O": "apple football milk pajamas",
    "W": "north south east west",
    "K": "mouse wolf cat sheep frog lion rhino swan mice wolves cats",
    "C": "gray green white yellow",
    "M": "tired bored hungry thirsty",
}
SLOT = {word: slot for slot, words in SLOTS.items() for word in words.split()}
SHAPES = re.compile(r"\b(triangle|pink rectangle|(blue|red|yellow) square|red sphere)\b")
SIZES = re.compile(r"\b(box of chocolates|box|chest|chocolate|suitcase|container)\b")

SENTENCES = dict(
    zip(babi.TASKS, [5, 17, 21, 1, 20, 17, 20, 17, 8, 7, 45, 5, 25, 40, 2, 2, 4, 2, 1, 10], strict=True)
)
"""How many templates of facts each real training file has, counted there."""
WORDS = dict(
    zip(
        babi.TASKS,
        [19, 33, 34, 14, 39, 33, 39, 34, 22, 21, 26, 20, 26, 25, 17, 17, 16, 16, 19, 35],
        strict=True,
    )
)
"""How many words each real training file knows, counted there in small letters."""


def template(sentence):
    """A sentence with its names, places and things replaced by their kind."""
    sentence = SIZES.sub("Z", SHAPES.sub("S", sentence.strip()))
    found = re.findall(r"\w+|[.?]", sentence)
    return " ".join(SLOT.get(word.lower(), word) for word in found)


def kinds_of(asked):
    """The templates of facts, those of questions, the words and the answers."""
    facts = {fact.text for question in asked for fact in question.story}
    texts = {question.text for question in asked}
    known = {word for sentence in facts | texts for word in babi.words(sentence)}
    return set(map(template, facts)), set(map(template, texts)), known, {q.answer for q in asked}


@pytest.fixture(scope="module")
def asked():
    """Three hundred questions a task, six thousand in all."""
    return {task: questions(task, 300, seed=7) for task in babi.TASKS}


@pytest.mark.parametrize("task", babi.TASKS)
def test_the_solver_of_the_text_agrees_with_every_answer(asked, task):
    for question in asked[task]:
        assert solve([fact.text for fact in question.story], question.text) == question.answer


@pytest.mark.parametrize("task", [task for task in babi.TASKS if task != 3])
def test_the_supporting_facts_alone_give_the_answer(asked, task):
    for question in asked[task]:
        facts = [question.story[place].text for place in question.positions]
        in_order = [fact.text for fact in question.story if fact.text in facts]
        assert solve(in_order, question.text) == question.answer


def test_three_supporting_facts_are_a_change_of_hands_and_the_last_two_moves(asked):
    for question in asked[3]:
        change, now, before = (question.story[place].text for place in question.positions)
        assert " to the " not in change
        assert now.endswith(question.text.split()[-1].replace("?", "."))
        assert before.endswith(f"{question.answer}.")
        assert len({fact.split()[0] for fact in (change, now, before)}) == 1


@pytest.mark.parametrize("task", babi.TASKS)
def test_the_language_has_as_many_words_and_templates_as_the_real_files(task):
    facts, _, known, _ = kinds_of(questions(task, 1500, seed=3))
    assert (len(facts), len(known)) == (SENTENCES[task], WORDS[task])


@pytest.mark.parametrize("task", babi.TASKS)
def test_no_answer_can_be_guessed_from_the_question_kind_alone(asked, task):
    answers = Counter(question.answer for question in asked[task])
    assert answers.most_common(1)[0][1] < 0.8 * len(asked[task])


def test_as_many_questions_as_wanted_and_the_same_again():
    for count in (1, 4, 6, 13):
        assert len(questions(18, count, seed=1)) == count
    assert generate(5, 20, seed=2) == generate(5, 20, seed=2) != generate(5, 20, seed=3)


def test_a_text_ends_with_a_question_so_that_no_line_is_idle():
    for task in babi.TASKS:
        assert "\t" in generate(task, 7, seed=0).splitlines()[-1]


def test_wrong_requests_are_refused():
    with pytest.raises(UsageError, match="no bAbI task '21'"):
        generate(21, 5, seed=0)
    with pytest.raises(UsageError, match="at least 1"):
        generate(1, 0, seed=0)


@pytest.mark.parametrize(
    ("facts", "question", "answer"),
    [
        (["Mary is either in the park or the school."], "Is Mary in the park?", "maybe"),
        (["Mary is either in the park or the school."], "Is Mary in the office?", "no"),
        (["Mary went to the park.", "Mary is no longer in the park."], "Is Mary in the park?", "no"),
        (["Mary and John went to the park.", "Then they moved to the office."], "Where is John?", "office"),
        (["Yesterday Bill went to the park.", "Bill moved to the school this morning."],
         "Where was Bill before the school?", "park"),
        (["Bill gave the milk to Jeff.", "Jeff passed the milk to Bill."], "Who received the milk?", "Bill"),
        (["Mary took the milk there.", "Mary took the apple there.", "Mary left the milk."],
         "How many objects is Mary carrying?", "one"),
        (["The box fits inside the chest.", "The suitcase is bigger than the chest."],
         "Does the suitcase fit in the box?", "no"),
    ],
)  # fmt: skip
def test_solver_on_stories_written_by_hand(facts, question, answer):
    assert solve(facts, question) == answer


@pytest.mark.parametrize(
    ("facts", "question", "message"),
    [
        (["Mary went to the park."], "How old is Mary?", "is of no type"),
        (["Mary went to the park."], "Where is John?", "do not answer"),
        (["The box fits inside the chest."], "Does the box fit in the container?", "nothing compares"),
    ],
)
def test_solver_refuses_what_a_story_does_not_say(facts, question, message):
    with pytest.raises(UnrolledError, match=message):
        solve(facts, question)


def test_no_choice_is_left_of_one_name():
    assert language.other(random.Random(0), ["a", "b"], "a") == "b"


class TestRealFiles:
    @pytest.fixture(autouse=True)
    def _mirror(self, real_mirror):
        """These read the real files."""

    @pytest.mark.parametrize("task", babi.TASKS)
    def test_the_solver_agrees_with_the_files(self, task):
        wrong = [
            question.line
            for split in ("train", "test")
            for question in babi.load(task, split)
            if solve([fact.text for fact in question.story], question.text) != question.answer
        ]
        # Four questions of task 5 are about an earlier of two gifts between the same two people.
        assert wrong == ([221, 224, 2061, 5853] if task == 5 else [])

    @pytest.mark.parametrize("task", babi.TASKS)
    def test_templates_and_words_are_those_of_the_files(self, task):
        ours, theirs = kinds_of(questions(task, 2500, seed=1)), kinds_of(babi.load(task, "train"))
        assert ours[:3] == theirs[:3]
        if task not in (7, 8):  # the rarest counts and lists need more questions
            assert ours[3] == theirs[3]
