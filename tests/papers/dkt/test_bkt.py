"""Bayesian knowledge tracing: against sums over all hidden paths, and what every fit must keep."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.data.assistments import Students
from unrolled.papers.dkt import bkt
from unrolled.papers.dkt.bkt import BKT, pack

shares = st.floats(0.01, 0.5)


@st.composite
def any_parameters(draw, tags=1):
    """Parameters within their bounds, with forgetting and without."""
    forgets = draw(st.booleans())
    return BKT(
        *(
            np.array([draw(shares) if name != "forget" or forgets else 0.0 for _ in range(tags)])
            for name in BKT._fields
        )
    )


def one_student(answers, tags=None):
    """A student, all of whose answers have tag 0 without others."""
    tags = [0] * len(answers) if tags is None else tags
    known = max(tags) + 1
    return Students(torch.tensor(tags), torch.tensor(answers).long(), torch.tensor([0, len(answers)]), known)


def paths(parameters, answers):
    """Every hidden path with its joint probability with the answers: the definition, term by term."""
    known, learn, forget, slip, guess = (float(values[0]) for values in parameters)
    for path in product((0, 1), repeat=len(answers)):
        p = known if path[0] else 1 - known
        for now, following in pairwise(path):
            p *= (1 - forget, forget)[1 - following] if now else (1 - learn, learn)[following]
        for state, answer in zip(path, answers, strict=True):
            p *= (1 - slip if answer else slip) if state else (guess if answer else 1 - guess)
        yield path, p


answers_given = st.lists(st.integers(0, 1), min_size=1, max_size=7)


@settings(deadline=None)
@given(parameters=any_parameters(), answers=answers_given)
def test_prediction_is_the_sum_over_hidden_paths(parameters, answers):
    predicted = bkt.predict(parameters, one_student(answers))
    for step in range(len(answers)):
        right = sum(p for _, p in paths(parameters, [*answers[:step], 1]))
        wrong = sum(p for _, p in paths(parameters, [*answers[:step], 0]))
        assert predicted[step] == pytest.approx(right / (right + wrong), rel=1e-9)


@settings(deadline=None)
@given(parameters=any_parameters(), answers=answers_given)
def test_posterior_is_the_share_of_hidden_paths(parameters, answers):
    students = one_student(answers)
    found = bkt._posterior(parameters, pack(students, by_tag=True), students.answers.numpy().astype(bool))
    every = list(paths(parameters, answers))
    total = sum(p for _, p in every)
    for step in range(len(answers)):
        known = sum(p for path, p in every if path[step]) / total
        assert found.state[step, 1] == pytest.approx(known, rel=1e-9, abs=1e-12)
        assert found.state[step, 0] == pytest.approx(1 - known, rel=1e-6, abs=1e-12)
        for now, following in product((0, 1), repeat=2):
            share = sum(p for path, p in every if path[step : step + 2] == (now, following)) / total
            assert found.change[step, now, following] == pytest.approx(share, rel=1e-9, abs=1e-12)
    assert found.log_likelihood == pytest.approx(np.log(total), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    ease=st.floats(0.0, 1.0),
    length=st.integers(1, 60),
    forgetting=st.booleans(),
)
def test_likelihood_never_falls_and_parameters_stay_within_bounds(seed, ease, length, forgetting):
    random = np.random.RandomState(seed)
    total = 5 * length
    students = Students(
        torch.from_numpy(random.randint(3, size=total)),
        torch.from_numpy((random.uniform(size=total) < ease).astype(np.int64)),
        torch.arange(0, total + 1, length),
        4,  # one tag is never asked
    )
    fitted = bkt.fit(students, forgetting=forgetting, updates=15, tolerance=-np.inf)
    gains = np.diff(fitted.log_likelihoods)
    assert len(fitted.log_likelihoods) == 15
    assert gains.min() >= -1e-9 * abs(fitted.log_likelihoods[0])
    begin = bkt.start(4, forgetting)
    for name, values, before in zip(BKT._fields, fitted.parameters, begin, strict=True):
        assert values[3] == before[3]
        low, high = (bkt.SMALLEST, 0.5 if name in ("forget", "slip", "guess") else 1 - bkt.SMALLEST)
        assert ((values >= low) & (values <= high)).all() or (name == "forget" and not forgetting)
    assert forgetting or not fitted.parameters.forget.any()


@pytest.mark.parametrize("answer", [0, 1])
def test_students_who_are_always_right_or_always_wrong_are_fitted(answer):
    fitted = bkt.fit(one_student([answer] * 400))
    predicted = bkt.predict(fitted.parameters, one_student([answer] * 400))
    assert np.isfinite(predicted).all()
    assert abs(predicted[-1] - answer) < 0.01


def test_knowledge_can_be_doubted_again_after_a_thousand_right_answers():
    parameters = BKT(*(np.array([value]) for value in (0.5, 0.1, 0.0, 0.1, 0.2)))
    predicted = bkt.predict(parameters._replace(learn=np.array([1e-3])), one_student([1] * 1000 + [0] * 2000))
    assert predicted[1000] == pytest.approx(0.9, abs=1e-6)
    assert predicted[-1] < 0.25


def test_parameters_that_made_the_answers_are_found_again():
    random = np.random.RandomState(0)
    made = {"known": 0.3, "learn": 0.15, "slip": 0.1, "guess": 0.2}
    state = random.uniform(size=4000) < made["known"]
    answers = []
    for _ in range(12):
        right = np.where(
            state, random.uniform(size=4000) > made["slip"], random.uniform(size=4000) < made["guess"]
        )
        answers.append(right)
        state |= random.uniform(size=4000) < made["learn"]
    students = Students(
        torch.zeros(48_000, dtype=torch.int64),
        torch.from_numpy(np.stack(answers, 1).astype(np.int64).ravel()),
        torch.arange(0, 48_001, 12),
        1,
    )
    found = bkt.fit(students, updates=200, tolerance=1e-8).parameters
    for name, value in made.items():
        assert getattr(found, name)[0] == pytest.approx(value, abs=0.03)


@settings(deadline=None)
@given(answers=st.lists(st.integers(0, 1), min_size=2, max_size=12), data=st.data())
def test_answers_with_other_tags_do_not_count(answers, data):
    tags = data.draw(st.lists(st.integers(0, 2), min_size=len(answers), max_size=len(answers)))
    students = one_student(answers, tags)
    predicted = bkt.predict(bkt.start(students.questions_known), students)
    for tag in {*tags}:
        alone = [answer for answer, other in zip(answers, tags, strict=True) if other == tag]
        mine = [score for score, other in zip(predicted, tags, strict=True) if other == tag]
        assert np.allclose(mine, bkt.predict(bkt.start(1), one_student(alone)))


def test_nothing_to_fit_and_other_tags_are_told():
    students = one_student([1, 0])
    with pytest.raises(UsageError, match="parameters of 3 tags for students with 1"):
        bkt.predict(bkt.start(3), students)
    empty = Students(students.questions[:0], students.answers[:0], torch.tensor([0]), 1)
    with pytest.raises(UsageError, match="no answers to fit"):
        bkt.fit(empty)
