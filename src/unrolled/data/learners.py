"""Simulated students whose skills are known: the data with which deep knowledge tracing was first shown."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UsageError

GUESS = 0.25
"""The probability with which a student who knows nothing answers right: four choices."""
SKILL_SPREAD, DIFFICULTY_SPREAD = 3.0, 1.2
"""Standard deviations of a student's first skill in a concept and of an exercise's difficulty, of mean 0."""
GROWTH = (0.97, 0.15)
"""Practice moves a skill from alpha to 0.97 alpha + 0.15: towards 5, the more the further it is away."""


class Learners(NamedTuple):
    """Simulated students, each of whom answers every exercise once."""

    questions: Tensor  # [students, exercises] int64: 0, 1, 2, … in every row, or in each student's own order
    answers: Tensor  # [students, exercises] int64: 1 for a right answer
    probabilities: (
        Tensor  # [students, exercises] float32: of a right answer, given the student's hidden skill
    )
    concepts: Tensor  # [exercises] int64: the hidden concept of each exercise
    difficulties: Tensor  # [exercises] float32


def probability(skill: np.ndarray, difficulty: np.ndarray | float, guess: float = GUESS) -> np.ndarray:
    """The probability of a right answer: item response theory with guessing.

    *Paper*: piech2015deep, Section 4.1, unnumbered.

        p(right) = c + (1 - c) / (1 + exp(-(alpha - beta)))

    >>> probability(np.array([-100.0, 0.0, 100.0]), 0.0).tolist()
    [0.25, 0.625, 1.0]
    """
    return guess + (1.0 - guess) * (0.5 + 0.5 * np.tanh(0.5 * (skill - difficulty)))


def simulate(
    students: int,
    concepts: int,
    exercises: int = 50,
    seed: int = 0,
    growth: tuple[float, float] = GROWTH,
    shuffled: bool = False,
) -> Learners:
    """Students with one hidden skill a concept, who answer the exercises one by one and learn from each.

    All have the same exercises in the same order, as in the paper, so that the place of an exercise tells
    what it is; ``shuffled`` gives the same students an order of their own each.

    *Paper*: piech2015deep, Section 4.1 and its appendix. Every exercise has one hidden concept and a
    difficulty; an answer is right by ``probability``, and practice changes the concept's skill by an affine
    map. Split the students, not the calls, for training and test data: another seed has other exercises.

    *Departures*: unspecified: the paper gives neither the distributions of skills, difficulties and concepts
    nor the constants of the growth. Skills and difficulties are Gaussian, every exercise's concept is drawn
    evenly, and the spreads are such that the mean of each exercise predicts about as well as on the paper's
    Simulated-5 (AUC 0.64).

    Raises:
        UsageError: if a number is less than 1.

    >>> learners = simulate(3, concepts=2, exercises=4, seed=1)
    >>> learners.questions.tolist()[0], tuple(learners.answers.shape), learners.concepts.tolist()
    ([0, 1, 2, 3], (3, 4), [1, 1, 0, 0])
    """
    for name, number in (("students", students), ("concepts", concepts), ("exercises", exercises)):
        if number < 1:
            raise UsageError(f"{name} is {number}; it must be at least 1")
    random = np.random.RandomState(seed)  # its stream is frozen over NumPy's versions
    concept = random.randint(concepts, size=exercises)
    difficulty = random.normal(0.0, DIFFICULTY_SPREAD, exercises)
    skill = random.normal(0.0, SKILL_SPREAD, (students, concepts))
    dice = random.uniform(size=(students, exercises))
    questions = np.tile(np.arange(exercises), (students, 1))
    if shuffled:
        questions = random.uniform(size=questions.shape).argsort(1, kind="stable")
    probabilities = np.empty((students, exercises))
    slope, step = growth
    everyone = np.arange(students)
    for time in range(exercises):  # all students at once
        asked = questions[:, time]
        practised = skill[everyone, concept[asked]]
        probabilities[:, time] = probability(practised, difficulty[asked])
        skill[everyone, concept[asked]] = slope * practised + step
    return Learners(
        torch.from_numpy(questions),
        torch.from_numpy((dice < probabilities).astype(np.int64)),
        torch.from_numpy(probabilities.astype(np.float32)),
        torch.from_numpy(concept.astype(np.int64)),
        torch.from_numpy(difficulty.astype(np.float32)),
    )
