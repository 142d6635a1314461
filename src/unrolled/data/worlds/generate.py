"""Questions of all twenty types from simulated worlds, as many as wanted, in bAbI's own format."""

from __future__ import annotations

import random
from collections.abc import Callable

from unrolled.base.errors import UsageError, unknown
from unrolled.data import babi
from unrolled.data.worlds import people, relations
from unrolled.data.worlds.scene import Item

STORIES: dict[int, Callable[[random.Random], list[Item]]] = {
    1: people.one_fact,
    2: people.two_facts,
    3: people.three_facts,
    4: relations.two_arguments,
    5: people.gifts,
    6: people.yes_or_no,
    7: people.counting,
    8: people.lists,
    9: people.negation,
    10: people.indefinite,
    11: people.pronouns,
    12: people.conjunctions,
    13: people.plural_pronouns,
    14: people.times,
    15: relations.deduction,
    16: relations.induction,
    17: relations.positions,
    18: relations.sizes,
    19: relations.paths,
    20: people.motives,
}
"""The story of each task."""


def generate(task: int, questions: int, seed: int) -> str:
    r"""A text in bAbI's format with exactly so many questions of one task.

    >>> generate(4, 1, seed=0).splitlines()[2]
    '3 What is the garden north of?\tbathroom\t2'

    Raises:
        UsageError: for an unknown task, or less than one question.
    """
    if task not in STORIES:
        raise unknown("bAbI task", str(task), map(str, STORIES))
    if questions < 1:
        raise UsageError(f"questions is {questions}; it must be at least 1")
    rng = random.Random(f"bAbI task {task}, seed {seed}")
    stories, left = [], questions
    while left:
        story = STORIES[task](rng)
        while sum(not isinstance(item, str) for item in story) > left:
            story = story[: max(n for n, item in enumerate(story) if not isinstance(item, str))]
        while isinstance(story[-1], str):
            story.pop()
        stories.append(story)
        left -= sum(not isinstance(item, str) for item in story)
    return babi.text_of(stories)


def questions(task: int, count: int, seed: int) -> list[babi.Question]:
    """The same, read: so many questions of one task.

    >>> questions(1, 3, seed=0)[2].story[0].text
    'Daniel went to the hallway.'
    """
    return babi.parse(generate(task, count, seed))
