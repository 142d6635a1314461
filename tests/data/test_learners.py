"""The simulated students have the statistics that their description says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.data.learners import GUESS, probability, simulate


def test_answers_follow_their_probabilities():
    learners = simulate(4000, concepts=5)
    p, right = learners.probabilities, learners.answers.float()
    for low in np.arange(0.25, 1.0, 0.125):
        among = (p >= low) & (p < low + 0.125)
        spread = 4 * 0.5 / int(among.sum()) ** 0.5  # four standard errors at most
        assert abs(float(right[among].mean() - p[among].mean())) < spread
    assert float(p.min()) >= GUESS
    assert float(p.max()) <= 1


def test_exercises_of_one_concept_go_together_and_others_do_not():
    learners = simulate(4000, concepts=3, seed=2)
    correlation = np.corrcoef(learners.answers.numpy().T)
    same = learners.concepts[:, None] == learners.concepts
    apart = ~torch.eye(50, dtype=torch.bool)
    assert correlation[(same & apart).numpy()].min() > abs(correlation[(~same).numpy()]).max()


def test_practice_raises_what_a_student_knows():
    learners, still = (
        simulate(3000, concepts=1, seed=4),
        simulate(3000, concepts=1, seed=4, growth=(1.0, 0.0)),
    )
    gain = (learners.probabilities - still.probabilities).mean(0)
    assert float(gain[0]) == 0
    assert float(gain[-10:].mean()) > float(gain[:10].mean()) + 0.1


def test_without_growth_a_skill_stays():
    learners = simulate(500, concepts=1, exercises=6, growth=(1.0, 0.0))
    odds = (learners.probabilities.double() - GUESS) / (1 - learners.probabilities.double())
    skill = odds.log() + learners.difficulties
    sure = (learners.probabilities < 0.99).all(1) & (learners.probabilities > 0.26).all(1)
    assert int(sure.sum()) > 50
    assert float((skill - skill[:, :1])[sure].abs().max()) < 1e-3


def test_everyone_has_the_same_exercises_in_the_same_order():
    learners = simulate(7, concepts=2, exercises=9)
    assert learners.questions.tolist() == [list(range(9))] * 7


def test_shuffled_students_are_the_same_ones_in_orders_of_their_own():
    plain, own = simulate(300, concepts=2, exercises=9), simulate(300, concepts=2, exercises=9, shuffled=True)
    assert torch.equal(own.questions.sort(1).values, plain.questions)
    assert len({*map(tuple, own.questions.tolist())}) > 200
    assert torch.equal(own.concepts, plain.concepts)
    at_once = own.questions[:, 0] == 0  # for whom the exercise that is first for all is first
    assert torch.equal(own.probabilities[at_once, 0], plain.probabilities[at_once, 0])
    again = simulate(300, concepts=2, exercises=9, growth=(1.0, 0.0), shuffled=True)
    still = simulate(300, concepts=2, exercises=9, growth=(1.0, 0.0))
    assert torch.equal(again.probabilities, still.probabilities.gather(1, again.questions))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), concepts=st.integers(1, 6))
def test_a_seed_is_a_data_set(seed, concepts):
    first, second = (simulate(5, concepts, exercises=6, seed=seed) for _ in range(2))
    for ours, theirs in zip(first, second, strict=True):
        assert torch.equal(ours, theirs)
    assert int(first.concepts.max()) < concepts


def test_probability_stays_between_guess_and_one_far_out():
    assert probability(np.array([-1e9, 1e9]), 0.0).tolist() == [GUESS, 1.0]


@pytest.mark.parametrize("wrong", [{"students": 0}, {"concepts": 0}, {"exercises": 0}])
def test_nothing_to_simulate_is_told(wrong):
    with pytest.raises(UsageError, match=f"{next(iter(wrong))} is 0"):
        simulate(**{"students": 2, "concepts": 2, "exercises": 2} | wrong)
