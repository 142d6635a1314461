"""Rows that repeat the one before are found by their pairs of tags, and by runs."""

from itertools import groupby

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.data import assistments, repeats
from unrolled.data.assistments import Students


@st.composite
def any_students(draw, tags=3):
    """A few students with a few random answers each."""
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=5))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    questions = torch.randint(tags, (sum(lengths),), generator=generator)
    answers = torch.randint(2, (sum(lengths),), generator=generator)
    return Students(questions, answers, torch.tensor([0, *lengths]).cumsum(0), tags)


def doubled(problems=400, skills=((0,), (1, 2)), tags=4, seed=0):
    """One student; every problem has one skill or two, and a row for each."""
    generator = torch.Generator().manual_seed(seed)
    kinds = torch.randint(len(skills), (problems,), generator=generator).tolist()
    right = torch.randint(2, (problems,), generator=generator).tolist()
    rows = [
        (tag, answer, place > 0)
        for kind, answer in zip(kinds, right, strict=True)
        for place, tag in enumerate(skills[kind])
    ]
    questions, answers, again = (torch.tensor(column) for column in zip(*rows, strict=True))
    return Students(questions, answers, torch.tensor([0, len(rows)]), tags), again


def test_second_rows_of_a_problem_are_found_and_no_others():
    students, again = doubled()
    pairs = repeats.telling_pairs(students)
    assert pairs.nonzero().tolist() == [[1, 2]]
    assert torch.equal(repeats.repeated(students, pairs), again)
    rest = repeats.without(students, again)
    assert not repeats.telling_pairs(rest).any()
    assert len(rest.answers) == int((~again).sum())


def test_pairs_that_are_seen_rarely_or_disagree_do_not_tell():
    students, _ = doubled(problems=15)
    assert not repeats.telling_pairs(students).any()
    mixed, again = doubled()
    second = again.nonzero()[:, 0]
    mixed.answers[second[::10]] = 1 - mixed.answers[second[::10]]
    assert not repeats.telling_pairs(mixed).any()
    assert repeats.telling_pairs(mixed, agreement=0.85).any()


def test_no_pair_reaches_from_one_student_to_the_next():
    count = 200
    starts = torch.arange(count + 1)
    students = Students(torch.arange(count) % 2, torch.ones(count).long(), starts, 2)
    assert not repeats.telling_pairs(students).any()
    assert not repeats.follows(students).any()


@settings(deadline=None)
@given(students=any_students(), data=st.data())
def test_without_rows_the_rest_stays_in_order(students, data):
    total = len(students.answers)
    rows = torch.tensor(data.draw(st.lists(st.booleans(), min_size=total, max_size=total)))
    rest = repeats.without(students, rows)
    assert rest.questions.tolist() == students.questions[~rows].tolist()
    kept = [int((~part).sum()) for part in rows.split(students.lengths.tolist())]
    assert rest.lengths.tolist() == [count for count in kept if count]


@settings(deadline=None)
@given(students=any_students(tags=2))
def test_runs_are_counted_within_a_student_and_a_tag(students):
    owner = torch.repeat_interleave(torch.arange(students.count), students.lengths).tolist()
    rows = zip(owner, students.questions.tolist(), students.answers.tolist(), strict=True)
    sizes = [len([*group]) for _, group in groupby(rows)]
    assert repeats.runs(students).tolist() == [size for size in sizes for _ in range(size)]
    for longest in (2, 4):
        kept = repeats.without_runs(students, longest)
        assert not len(kept.answers) or int(repeats.runs(kept).max()) < longest


@settings(deadline=None)
@given(students=any_students())
def test_sorting_by_tag_keeps_each_tags_answers_in_order(students):
    ordered = repeats.by_tag(students)
    assert repeats.sorted_share(ordered) == 1
    for begin, end in zip(students.starts[:-1].tolist(), students.starts[1:].tolist(), strict=True):
        for tag in range(students.questions_known):
            before, after = (
                part.answers[begin:end][part.questions[begin:end] == tag] for part in (students, ordered)
            )
            assert torch.equal(before, after)


def test_students_of_different_tags_are_refused():
    students, _ = doubled(problems=3)
    with pytest.raises(UsageError, match="one set of tags"):
        repeats.telling_pairs(students, students._replace(questions_known=9))
    with pytest.raises(UsageError, match="one set of tags"):
        repeats.telling_pairs()


@pytest.mark.parametrize(("name", "share"), [("raw", 0.0), ("corrected", 0.149), ("2015", 0.001)])
def test_share_of_rows_that_repeat_a_problem_in_the_real_files(real_mirror, name, share):
    splits = [*assistments.load(name).values()]
    pairs = repeats.telling_pairs(*splits)
    found = sum(int(repeats.repeated(split, pairs).sum()) for split in splits)
    assert found / sum(len(split.answers) for split in splits) == pytest.approx(share, abs=0.0005)


def test_released_test_file_has_a_fifth_of_its_rows_in_long_runs(real_mirror):
    test = assistments.load("raw")["test"]
    assert float((repeats.runs(test) >= repeats.LONG).double().mean()) == pytest.approx(0.211, abs=0.001)
    assert test.count - repeats.without_runs(test).count == 17
    corrected = assistments.load("corrected")["test"]
    assert int(repeats.runs(corrected).max()) < repeats.LONG
