"""What a trained network is asked: which exercise influences which, and which one should come next.

A curriculum is a function of the network, of what it knows of the students, and of the step; it names the
next exercise of each student. What it reaches is what the network says the students know: the mean over all
exercises of the probability of a right answer.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unrolled.base.errors import UsageError
from unrolled.nn.scan import map_tensors
from unrolled.papers.dkt.model import DKT, State


def decode(
    x: Float[Tensor, "batch input"], projection: Float[Tensor, "pairs input"]
) -> Int[Tensor, " batch"]:
    """Which pair an input stands for: the one whose vector has the largest inner product with it.

    *Paper*: piech2015deep, Section 3.2, which says that a few random dimensions keep a one-hot vector. This
    is the simplest way back, and it fails where dimensions are too few: a longer vector then wins.

    >>> decode(torch.tensor([[0.1, 0.9]]), torch.eye(2)).tolist()
    [1]
    """
    return (x @ projection.T).argmax(1)


def influences(y: Float[Tensor, "exercises exercises"]) -> Float[Tensor, "exercises exercises"]:
    """The influence of exercise i (row) on exercise j (column).

    *Paper*: piech2015deep, equation 4. ``y[i, j]`` is y(j | i): the probability of a right answer to j at
    the second step, after a right answer to i at the first.

        J_ij = y(j | i) / sum_k y(j | k)

    >>> influences(torch.tensor([[0.9, 0.5], [0.3, 0.5]])).round(decimals=2).tolist()
    [[0.75, 0.5], [0.25, 0.5]]
    """
    return y / y.sum(0)


@torch.no_grad()
def influence(model: DKT) -> Float[Tensor, "exercises exercises"]:
    """The influence of every exercise on every other, by a network in evaluation mode (equation 4)."""
    each = torch.arange(model.exercises, device=model.weight_y.device)[:, None]
    return influences(model.predict(model(each, torch.ones_like(each)).h[:, 0]))


def strongest(J: Float[Tensor, "exercises exercises"]) -> Int[Tensor, " exercises"]:
    """The exercise that influences each exercise most, itself left out (Figure 4).

    >>> strongest(torch.tensor([[0.9, 0.2], [0.1, 0.8]])).tolist()
    [1, 0]
    """
    return J.clone().fill_diagonal_(-torch.inf).argmax(0)


def own_concept(model: DKT, concepts: Int[Tensor, " exercises"]) -> float:
    """The share of exercises whose strongest influence is an exercise of their own hidden concept (Figure 4:
    clusters without a mistake give 1)."""
    concepts = concepts.to(model.weight_y.device)
    return float((concepts[strongest(influence(model))] == concepts).float().mean())


class Pupils(NamedTuple):
    """What the network knows of some students."""

    state: State  # of the network, [students, hidden]
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


def read(model: DKT, exercises: Tensor, answers: Tensor, before: Pupils | None = None) -> Pupils:
    """The students after some more answers ``[students, time]``, from the beginning or from ``before``."""
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
    state = map_tensors(lambda part: part.repeat_interleave(2 * asked, 0), pupils.state)
    questions = exercises.reshape(-1).repeat_interleave(2)[:, None]
    answers = torch.tensor([0, 1], device=exercises.device).repeat(students * asked)[:, None]
    return read(model, questions, answers, Pupils(state, pupils.y)), torch.stack([1 - right, right], -1)


def expected_knowledge(
    model: DKT, pupils: Pupils, depth: int, width: int | None = None
) -> Float[Tensor, "students exercises"]:
    """What a student is expected to know after ``depth`` exercises, by which one is first: expectimax.

    *Paper*: piech2015deep, Section 3.3. After the first exercise the best ones follow, each chosen with
    what has been answered by then; the answers come as the network predicts them.

    *Departures*: unspecified: how the paper keeps a tree of 8 exercises small. Here only the ``width``
    exercises that are best when nothing follows them are looked into; the others get minus infinity. None
    looks into all: ``(2 * exercises) ** depth`` states.

    *Raises*: `UsageError` if depth or width is less than 1.
    """
    if depth < 1 or (width is not None and width < 1):
        raise UsageError(f"depth {depth} and width {width} must be at least 1")
    students, count = pupils.y.shape
    chosen = torch.arange(count, device=pupils.y.device).expand(students, count)
    after, shares = both_answers(model, pupils, chosen)
    next_best = (shares * after.knowledge.reshape(shares.shape)).sum(-1)
    if depth == 1:
        return next_best
    if width is not None and width < count:
        chosen = next_best.topk(width).indices
        after, shares = both_answers(model, pupils, chosen)
    later = expected_knowledge(model, after, depth - 1, width).amax(-1)
    looked_into = (shares * later.reshape(shares.shape)).sum(-1)
    return torch.full_like(next_best, -torch.inf).scatter(1, chosen, looked_into)


def expectimax(depth: int, width: int | None = None) -> Curriculum:
    """The curriculum that asks what `expected_knowledge` puts first: MDP-``depth`` of Figure 3c."""
    return lambda model, pupils, step: expected_knowledge(model, pupils, depth, width).argmax(-1)


def in_order(exercises: Int[Tensor, " steps"]) -> Curriculum:
    """The curriculum that asks everyone the same exercises, again from the first after the last."""
    return lambda model, pupils, step: exercises[step % len(exercises)].expand(len(pupils.y))


def blocking(concepts: Int[Tensor, " exercises"]) -> Int[Tensor, " exercises"]:
    """Concept by concept: all exercises of the first, then all of the second, … (Figure 3c).

    >>> blocking(torch.tensor([1, 0, 1, 0])).tolist()
    [1, 3, 0, 2]
    """
    return torch.argsort(concepts, stable=True)


def mixing(concepts: Int[Tensor, " exercises"]) -> Int[Tensor, " exercises"]:
    """The concepts in turn: the first exercise of each, then the second of each, … (Figure 3c).

    >>> mixing(torch.tensor([0, 0, 0, 1, 1])).tolist()
    [0, 3, 1, 4, 2]
    """
    same = (concepts[:, None] == concepts).tril(-1)
    return torch.argsort(same.sum(1) * (int(concepts.max()) + 1) + concepts, stable=True)


@torch.no_grad()
def teach(
    model: DKT,
    curriculum: Curriculum,
    exercises: Int[Tensor, "students before"],
    answers: Int[Tensor, "students before"],
    steps: int,
    generator: torch.Generator | None = None,
) -> Lesson:
    """Give some students a lesson of ``steps`` exercises; they answer as the network predicts.

    *Paper*: piech2015deep, Figure 3c.

    *Shapes*: ``exercises`` and ``answers`` are what came before the lesson, at least one step. ``model``
    plays the students, so it has to be in evaluation mode.

    *Raises*: `UsageError` if there is no step before the lesson, or none in it.
    """
    if not exercises.shape[1] or steps < 1:
        raise UsageError(
            "a lesson needs at least one step, and one before it, without which all students are alike"
        )
    pupils = read(model, exercises, answers)
    asked, given, knowledge = [], [], [pupils.knowledge]
    for step in range(steps):
        exercise = curriculum(model, pupils, step)[:, None]
        right = pupils.y.gather(1, exercise)
        answer = (torch.rand(right.shape, generator=generator, device=right.device) < right).long()
        pupils = read(model, exercise, answer, pupils)
        asked.append(exercise)
        given.append(answer)
        knowledge.append(pupils.knowledge)
    return Lesson(torch.cat(asked, 1), torch.cat(given, 1), torch.stack(knowledge, 1))
