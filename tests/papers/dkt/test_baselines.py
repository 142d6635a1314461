"""Predictions without a network: packing, means, moving averages, and what they reach on the real files."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.data.assistments import Students
from unrolled.papers.dkt import baselines
from unrolled.papers.dkt.bkt import pack

TAGS = 4


@st.composite
def any_students(draw, largest=9):
    """A few students with a few answers each."""
    lengths = draw(st.lists(st.integers(1, largest), min_size=1, max_size=6))
    random = np.random.RandomState(draw(st.integers(0, 10_000)))
    total = sum(lengths)
    return Students(
        torch.from_numpy(random.randint(TAGS, size=total)),
        torch.from_numpy(random.randint(2, size=total)),
        torch.tensor([0, *lengths]).cumsum(0),
        TAGS,
    )


def sequences_of(students, by_tag):
    """Places of every sequence, by a plain loop."""
    found = {}
    for student in range(students.count):
        for place in range(*students.starts[student : student + 2].tolist()):
            key = (student, int(students.questions[place])) if by_tag else student
            found.setdefault(key, []).append(place)
    return list(found.values())


@settings(deadline=None)
@given(students=any_students(), by_tag=st.booleans())
def test_packing_keeps_every_sequence_in_order(students, by_tag):
    packed = pack(students, by_tag)
    rebuilt = [[] for _ in packed.order[packed.steps[0]]]
    for step in packed.steps:
        for places, place in zip(rebuilt, packed.order[step].tolist(), strict=False):
            places.append(place)
    assert sorted(rebuilt) == sorted(sequences_of(students, by_tag))
    assert [len(places) for places in rebuilt] == sorted(map(len, rebuilt), reverse=True)
    assert packed.steps[-1].stop == len(packed.order)
    assert np.array_equal(packed.tags, students.questions.numpy()[packed.order])


@settings(deadline=None)
@given(students=any_students(), by_tag=st.booleans(), rate=st.floats(0, 1))
def test_moving_average_is_the_plain_recursion(students, by_tag, rate):
    start = np.random.RandomState(0).uniform(size=len(students.answers))
    expected = np.empty(len(start))
    for places in sequences_of(students, by_tag):
        average = start[places[0]]
        for place in places:
            expected[place] = average
            average = (1 - rate) * average + rate * int(students.answers[place])
    assert np.allclose(baselines.moving_average(students, rate, start, by_tag), expected, atol=1e-12)


@settings(deadline=None)
@given(train=any_students(), students=any_students(), data=st.data())
def test_no_prediction_looks_ahead(train, students, data):
    place = data.draw(st.integers(0, len(students.answers) - 1))
    changed = students._replace(answers=students.answers.clone())
    changed.answers[place] = 1 - changed.answers[place]
    means = baselines.marginal(train, students)
    for predict in (
        lambda s: baselines.last_answer(s),
        lambda s: baselines.last_answer(s, means),
        lambda s: baselines.moving_averages(train, s),
    ):
        assert np.array_equal(predict(students)[: place + 1], predict(changed)[: place + 1])


def test_tags_without_answers_get_the_mean_of_all():
    right = torch.tensor([1, 1, 0, 1])
    means = baselines.tag_means(Students(torch.tensor([0, 0, 2, 2]), right, torch.tensor([0, 4]), 4))
    assert means.tolist() == [1, 0.75, 0.5, 0.75]


@settings(deadline=None)
@given(students=any_students())
def test_ties_never_overrule_the_last_answer(students):
    ties = np.random.RandomState(1).uniform(size=len(students.answers))
    plain, tied = baselines.last_answer(students), baselines.last_answer(students, ties)
    higher = plain[:, None] > plain
    assert (tied[:, None] > tied)[higher].all()


def test_other_tags_are_refused():
    students = Students(torch.tensor([0]), torch.tensor([1]), torch.tensor([0, 1]), 1)
    with pytest.raises(UsageError, match="2 tags in training, 1 in the test"):
        baselines.marginal(students._replace(questions_known=2), students)
