"""Which exercise next? A trained network plays the student, and a search looks some exercises ahead.

A curriculum is a function of the students' states, what the network predicts for them, and the step; it names
the next exercise of each student. What it reaches is what the network says the student knows: the mean over
all exercises of the probability of a right answer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unrolled.base.errors import UsageError
from unrolled.nn.scan import map_tensors
from unrolled.papers.dkt.model import DKT


class Pupils(NamedTuple):
    """What the network knows of some students."""

    state: Any  # of the network, [students, hidden]
    y: Tensor  # probability of a right answer to every exercise, [students, exercises]

    @property
    def knowledge(self) -> Tensor:
        """The mean of ``y``: what a curriculum is to raise, ``[students]``."""
        return self.y.mean(-1)


class Lesson(NamedTuple):
    """What happened in a lesson."""

    exercises: Tensor  # [students, steps]
    answers: Tensor  # [students, steps]
    knowledge: Tensor  # before the first exercise and after each, [students, steps + 1]


Curriculum = Callable[[DKT, Pupils, int], Tensor]


def read(
    model: DKT,
    exercises: Int[Tensor, "students time"],
    answers: Int[Tensor, "students time"],
    before: Pupils | None = None,
) -> Pupils:
    """The students after some more answers: from the beginning, or from where they were ``before``."""
    traced = model(exercises, answers, before.state if before else None)
    return Pupils(traced.last, model.predict(traced.h[:, -1]))


def both_answers(
    model: DKT, pupils: Pupils, exercises: Int[Tensor, "students asked"]
) -> tuple[Pupils, Float[Tensor, "students asked 2"]]:
    """The students after each of some exercises, answered wrong and right, and how likely each answer is.

    The students come out flat, ``[students * asked * 2]``, in the order of the probabilities.
    """
    students, asked = exercises.shape
    right = pupils.y.gather(1, exercises)
    probabilities = torch.stack([1 - right, right], -1)
    state = map_tensors(lambda part: part.repeat_interleave(2 * asked, 0), pupils.state)
    questions = exercises.reshape(-1).repeat_interleave(2)[:, None]
    answers = torch.tensor([0, 1], device=exercises.device).repeat(students * asked)[:, None]
    return read(model, questions, answers, Pupils(state, pupils.y)), probabilities


def expected_knowledge(
    model: DKT, pupils: Pupils, depth: int, width: int | None = None
) -> Float[Tensor, "students exercises"]:
    """What a student is expected to know after ``depth`` exercises, by which one is first: expectimax.

    *Paper*: piech2015deep, Section 3.3. After the first exercise the best ones follow, each chosen with
    what has been answered by then; the answers come as the network predicts them. All branches of a depth
    are one batch.

    *Departures*: unspecified: how the paper keeps a tree of 8 exercises small. Here only the ``width``
    exercises that are best when nothing follows them are looked into; the others get minus infinity. None
    looks into all: ``(2 * exercises) ** depth`` states.

    Raises:
        UsageError: if depth or width is less than 1.
    """
    if depth < 1 or (width is not None and width < 1):
        raise UsageError(f"depth {depth} and width {width} must be at least 1")
    students, count = pupils.y.shape
    every = torch.arange(count, device=pupils.y.device).expand(students, count)
    after, probabilities = both_answers(model, pupils, every)
    next_best = (probabilities * after.knowledge.reshape(probabilities.shape)).sum(-1)
    if depth == 1:
        return next_best
    chosen = every
    if width is not None and width < count:
        chosen = next_best.topk(width).indices
        after, probabilities = both_answers(model, pupils, chosen)
    later = expected_knowledge(model, after, depth - 1, width).amax(-1)
    looked_into = (probabilities * later.reshape(probabilities.shape)).sum(-1)
    return torch.full_like(next_best, -torch.inf).scatter(1, chosen, looked_into)


def expectimax(depth: int, width: int | None = None) -> Curriculum:
    """The curriculum that asks what `expected_knowledge` puts first: MDP-``depth`` of Figure 3c."""

    def choose(model: DKT, pupils: Pupils, step: int) -> Tensor:
        return expected_knowledge(model, pupils, depth, width).argmax(-1)

    return choose


def in_order(exercises: Int[Tensor, " steps"]) -> Curriculum:
    """The curriculum that asks everyone the same exercises, again from the first after the last."""

    def choose(model: DKT, pupils: Pupils, step: int) -> Tensor:
        return exercises[step % len(exercises)].expand(len(pupils.y))

    return choose


def blocking(concepts: Int[Tensor, " exercises"]) -> Int[Tensor, " exercises"]:
    """Concept by concept: all exercises of the first, then all of the second, ….

    *Paper*: piech2015deep, Figure 3c.

    >>> blocking(torch.tensor([1, 0, 1, 0])).tolist()
    [1, 3, 0, 2]
    """
    return torch.argsort(concepts, stable=True)


def mixing(concepts: Int[Tensor, " exercises"]) -> Int[Tensor, " exercises"]:
    """The concepts in turn: the first exercise of each, then the second of each, …, as long as there are any.

    *Paper*: piech2015deep, Figure 3c.

    >>> mixing(torch.tensor([0, 0, 0, 1, 1])).tolist()
    [0, 3, 1, 4, 2]
    """
    number = torch.zeros_like(concepts)
    for concept in concepts.unique():
        members = concepts == concept
        number[members] = torch.arange(int(members.sum()), device=concepts.device)
    return torch.argsort(number * (int(concepts.max()) + 1) + concepts, stable=True)


@torch.no_grad()
def teach(
    model: DKT,
    curriculum: Curriculum,
    exercises: Int[Tensor, "students before"],
    answers: Int[Tensor, "students before"],
    steps: int,
    generator: torch.Generator | None = None,
) -> Lesson:
    """Give some students a lesson; they answer as the network predicts.

    *Paper*: piech2015deep, Figure 3c.

    Args:
        model: who plays the students, in evaluation mode.
        curriculum: what asks them.
        exercises: what they were asked before the lesson, at least one step.
        answers: what they answered.
        steps: the exercises of the lesson.
        generator: of their answers.

    Raises:
        UsageError: if there is no step before the lesson.
    """
    if not exercises.shape[1]:
        raise UsageError(
            "students without an answer are alike", hint="give at least one step before the lesson"
        )
    pupils = read(model, exercises, answers)
    asked, given, knowledge = [], [], [pupils.knowledge]
    for step in range(steps):
        exercise = curriculum(model, pupils, step)
        right = pupils.y.gather(1, exercise[:, None])
        dice = torch.rand(right.shape, generator=generator, device=right.device)
        answer = (dice < right).long()
        pupils = read(model, exercise[:, None], answer, pupils)
        asked.append(exercise)
        given.append(answer[:, 0])
        knowledge.append(pupils.knowledge)
    empty = exercises[:, :0]
    return Lesson(
        torch.stack(asked, 1) if asked else empty,
        torch.stack(given, 1) if given else empty,
        torch.stack(knowledge, 1),
    )
