"""The reader of three-line records, windows over students, and the counts of the real files."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import assistments
from unrolled.data.assistments import Students, read, select, windows


def students_of(*lengths, tags=7, seed=0):
    """Students with random answers; tags count on, so that each row is known by its tag and place."""
    generator = torch.Generator().manual_seed(seed)
    total = sum(lengths)
    return Students(
        torch.arange(total),
        torch.randint(0, 2, (total,), generator=generator),
        torch.tensor([0, *lengths]).cumsum(0),
        max(tags, total),
    )


rows = st.lists(st.tuples(st.integers(3, 9), st.integers(0, 1)), min_size=1, max_size=6)


@settings(deadline=None)
@given(
    records=st.lists(rows, min_size=1, max_size=5), comma=st.booleans(), ends=st.sampled_from(["\n", "\r\n"])
)
def test_reader_gives_back_what_was_written(tmp_path_factory, records, comma, ends):
    path = tmp_path_factory.getbasetemp() / "students.csv"
    lines = [
        text
        for record in records
        for text in (
            str(len(record)),
            *(",".join(str(pair[i]) for pair in record) + "," * comma for i in (0, 1)),
        )
    ]
    path.write_bytes(ends.join([*lines, ""]).encode())
    students = read(path, first_tag=3)
    assert students.lengths.tolist() == [len(record) for record in records]
    assert students.questions.tolist() == [tag - 3 for record in records for tag, _ in record]
    assert students.answers.tolist() == [answer for record in records for _, answer in record]
    assert students.questions_known == max(students.questions.tolist()) + 1
    assert read(path, first_tag=3, tags=11).questions_known == 11


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("", None, "holds no student"),
        ("\n\n", None, "holds no student"),
        ("2\n1,1\n0,1\n1\n1\n", 5, "a record has three lines; the last one has 2"),
        ("2\n1,1,1\n0,1\n", 2, "3 tags where line 1 says 2"),
        ("1\n1\n0\n2\n1,1\n0\n", 6, "1 answers where line 4 says 2"),
        ("1\n1\n0.5\n", 3, "'0.5' is no whole number"),
        ("1\n\n0\n", 2, "'' is no whole number"),
        ("2\n1,1\n0,2\n", 3, "answer 2 is neither 0 nor 1"),
        ("2\n1,0\n0,1\n", 2, "tag 0 is not in 1 to 4"),
        ("2\n1,5\n0,1\n", 2, "tag 5 is not in 1 to 4"),
        ("1,2\n1\n0\n", 1, "not a count"),
        ("0\n1\n0\n", 1, "not a count"),
    ],
)
def test_malformed_record_is_told_with_file_and_line(tmp_path, content, line, message):
    path = tmp_path / "students.csv"
    path.write_text(content)
    with pytest.raises(UnrolledError, match=message) as caught:
        read(path, first_tag=1, tags=4)
    assert str(path) in str(caught.value)
    assert caught.value.line == line


def test_file_that_is_no_text_is_told(tmp_path):
    path = tmp_path / "students.csv"
    path.write_bytes(b"\x89PNG\xff")
    with pytest.raises(UnrolledError, match="not a file of numbers"):
        read(path)


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 23), min_size=1, max_size=6), length=st.integers(2, 9))
def test_windows_predict_every_answer_but_the_first_exactly_once(lengths, length):
    students = students_of(*lengths)
    questions, answers, sizes = windows(students, length)
    assert questions.shape == answers.shape == (len(sizes), length)
    real = torch.arange(length) < sizes[:, None]
    predicted = questions[:, 1:][real[:, 1:]]
    assert predicted.tolist() == students.questions[~students.first].tolist()
    assert torch.equal(answers[:, 1:][real[:, 1:]], students.answers[~students.first])
    # What a window begins with comes right before what it predicts first.
    assert torch.equal(questions[:, 0] + 1, questions[:, 1])
    assert not questions[~real].any()
    assert not answers[~real].any()
    assert bool((sizes >= 2).all())


def test_one_long_window_is_the_student():
    students = students_of(3, 5)
    questions, _, sizes = windows(students, 5)
    assert questions.tolist() == [[0, 1, 2, 0, 0], [3, 4, 5, 6, 7]]
    assert sizes.tolist() == [3, 5]


def test_window_of_one_step_is_refused():
    with pytest.raises(UsageError, match="at least 2"):
        windows(students_of(3), 1)


@settings(deadline=None)
@given(data=st.data())
def test_selected_students_are_whole(data):
    students = students_of(*data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=5)))
    chosen = data.draw(st.lists(st.integers(0, students.count - 1), max_size=4))
    some = select(students, chosen)
    for number, student in enumerate(chosen):
        ours, theirs = (
            slice(*some.starts[number : number + 2]),
            slice(*students.starts[student : student + 2]),
        )
        assert torch.equal(some.questions[ours], students.questions[theirs])
        assert torch.equal(some.answers[ours], students.answers[theirs])
    assert some.count == len(chosen)
    assert some.questions_known == students.questions_known


def test_unknown_set_is_told():
    with pytest.raises(UsageError, match="did you mean corrected"):
        assistments.load("correct")


@pytest.mark.parametrize(
    ("name", "students", "answers", "tags"),
    [
        ("raw", (3361, 856), (407_967, 117_567), 124),
        ("corrected", (2921, 1230), (224_218, 101_419), 110),
        ("2015", (13_935, 5905), (484_040, 199_761), 100),
    ],
)
def test_real_files_hold_what_was_counted(real_mirror, name, students, answers, tags):
    splits = assistments.load(name)
    both = (splits["train"], splits["test"])
    assert tuple(split.count for split in both) == students
    assert tuple(len(split.answers) for split in both) == answers
    assert {split.questions_known for split in both} == {tags}
    asked = torch.cat([split.questions for split in both])
    assert (int(asked.min()), int(asked.max())) == (0, tags - 1)
    assert {*torch.cat([split.answers for split in both]).tolist()} == {0, 1}


def test_released_files_are_sorted_by_tag_within_each_student(real_mirror):
    for split in assistments.load("raw").values():
        falls = (split.questions.diff() < 0) & ~split.first[1:]
        assert not falls.any()
    corrected = assistments.load("corrected")["train"]
    assert ((corrected.questions.diff() < 0) & ~corrected.first[1:]).any()
