"""The reader of bAbI's format: what it gives back, what it refuses, and the real files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import babi

TEXT = (
    "1 Mary got the milk there.\n2 Mary moved to the park.\n3 Where is the milk? \tpark\t1 2\n"
    "4 Mary left the milk.\n5 Where is the milk?\tpark\t4 2\n1 John went home.\n2 Where is John?\thome\t1\n"
)


def test_questions_keep_their_story_and_forget_the_one_before():
    first, second, third = babi.parse(TEXT)
    assert [fact.text for fact in first.story] == ["Mary got the milk there.", "Mary moved to the park."]
    assert [fact.number for fact in second.story] == [1, 2, 4]  # the question is line 3
    assert [fact.text for fact in third.story] == ["John went home."]
    assert (first.text, first.answer, first.line) == ("Where is the milk?", "park", 3)


def test_positions_of_supporting_facts_do_not_count_questions():
    _, second, _ = babi.parse(TEXT)
    assert second.supporting == (4, 2)
    assert second.positions == (2, 1)
    assert [second.story[place].number for place in second.positions] == [4, 2]


def test_a_question_may_lack_supporting_facts():
    (question,) = babi.parse("1 A is here.\n2 Where is A?\there\n")
    assert question.supporting == ()


FACTS = st.text("abc ", min_size=1, max_size=8).map(str.strip).filter(bool)


@given(
    st.lists(
        st.lists(FACTS | st.tuples(FACTS.map("{}?".format), FACTS, st.just(())), min_size=1, max_size=5),
        max_size=4,
    )
)
def test_reader_gives_back_what_was_written(stories):
    written = babi.text_of(stories)
    found = babi.parse(written)
    expected = [(item[0], item[1]) for story in stories for item in story if not isinstance(item, str)]
    assert [(question.text, question.answer) for question in found] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Mary went.\n", "line 1: it does not begin with a number"),
        ("1 Mary went.\n\n", "line 2: it does not begin with a number"),
        ("2 Mary went.\n", "line 1: its number is 2, after 0"),
        ("1 Mary went.\n3 Mary left.\n", "line 2: its number is 3, after 1; expected 2, or 1"),
        ("1 \n", "nothing follows its number"),
        ("1 Mary went.\n2 Where is Mary?\n", "line 2: a question needs a tab and an answer"),
        ("1 Mary went.\n2 Where is Mary?\t\t1\n", "its question or its answer is empty"),
        ("1 Mary went.\n2 Where?\ta\t1\t2\n", "it has 3 tabs"),
        ("1 Mary went.\n2 Where?\ta\tone\n", "its supporting facts are 'one'; expected numbers"),
        ("1 Mary went.\n2 Where?\ta\t3\n", "its supporting fact 3 is no fact before it"),
        ("1 Mary went.\n2 Where?\ta\t1\n1 John.\n2 John.\n3 Who?\tb\t4\n", "line 5: its supporting fact 4"),
        ("1 A.\n2 Who?\ta\t1\n3 Who?\ta\t2\n", "line 3: its supporting fact 2 is no fact before it"),
    ],
)
def test_malformed_line_is_told_with_its_number(text, message):
    with pytest.raises(UnrolledError, match=message):
        babi.parse(text)


def test_malformed_file_is_named_with_the_line(tmp_path):
    path = tmp_path / "qa.txt"
    path.write_text("1 Mary went.\n5 Mary left.\n")
    with pytest.raises(UnrolledError) as caught:
        babi.read(path)
    assert str(caught.value).startswith(f"{path}:2: its number is 5")


@pytest.mark.parametrize(("content", "message"), [(b"\xff\xfe", "not UTF-8"), (b"", "holds no question")])
def test_a_file_of_another_kind_is_refused(tmp_path, content, message):
    path = tmp_path / "qa.txt"
    path.write_bytes(content)
    with pytest.raises(UnrolledError, match=message):
        babi.read(path)


@pytest.mark.parametrize("wrong", [(21, "train", "en"), (1, "valid", "en"), (1, "test", "hn")])
def test_unknown_files_are_refused(wrong):
    with pytest.raises(UsageError):
        babi.file_name(*wrong)


def test_the_file_that_the_registry_lacks_is_told():
    with pytest.raises(UnrolledError, match=r"qa3_three-supporting-facts_train\.txt is not in the registry"):
        babi.load(3, "train", "en-10k")


class TestRealFiles:
    @pytest.fixture(autouse=True)
    def _mirror(self, real_mirror):
        """These read the real files."""

    @pytest.mark.parametrize("task", babi.TASKS)
    def test_every_task_has_a_thousand_questions_with_their_facts(self, task):
        for split in ("train", "test"):
            questions = babi.load(task, split)
            assert len(questions) == 1000
            assert all(question.supporting for question in questions)
            for question in questions[::97]:
                assert [question.story[p].number for p in question.positions] == list(question.supporting)

    def test_the_large_files_have_ten_thousand_and_the_same_test(self):
        assert len(babi.load(4, "train", "en-10k")) == 10_000
        assert babi.load(4, "test", "en-10k") == babi.load(4, "test")
