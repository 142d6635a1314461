"""Bayesian knowledge tracing, the model that deep knowledge tracing is compared with.

One hidden bit a skill: a student knows it or not, learns it with some probability at every practice, guesses
and slips. Every tag has parameters of its own, which expectation maximisation fits to all students at once.
Axes of size 2 are the hidden bit: 0 where the skill is unknown, 1 where it is known.
"""

from typing import NamedTuple

import numpy as np

from unrolled.base.errors import UsageError
from unrolled.data.assistments import Students

SMALLEST, LARGEST = 1e-3, 0.5
"""Bounds of slip and guess: with both below one half, who knows is likelier to be right than who does not."""


class Packed(NamedTuple):
    """Sequences of answers by step: the first answers of all, then all second ones, …, the longest first."""

    order: np.ndarray  # [answers]: where in the students' arrays each packed answer stands
    steps: list[slice]  # the packed answers of every step; those of the next step are of the first sequences
    tags: np.ndarray  # [answers]: the tag of each packed answer


def pack(students: Students, by_tag: bool = False) -> Packed:
    """All answers of a student as one sequence, or one sequence for each tag of a student.

    >>> import torch
    >>> tags, ones = torch.tensor([5, 6, 5, 6]), torch.ones(4, dtype=torch.int64)
    >>> students = Students(tags, ones, torch.tensor([0, 3, 4]), 7)
    >>> pack(students).order.tolist(), pack(students, by_tag=True).order.tolist()
    ([0, 3, 1, 2], [0, 1, 3, 2])
    """
    tags, keys = students.questions.numpy(), np.repeat(np.arange(students.count), students.lengths.numpy())
    if by_tag:
        keys = keys * students.questions_known + tags
    _, begins, lengths = np.unique(np.sort(keys), return_index=True, return_counts=True)
    step = np.arange(len(keys)) - np.repeat(begins, lengths)
    order = np.argsort(keys, kind="stable")[np.lexsort((-np.repeat(lengths, lengths), step))]
    ends = np.cumsum(np.bincount(step)).tolist()
    return Packed(order, [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)], tags[order])


class BKT(NamedTuple):
    """The parameters of every tag, each ``[tags]`` in (0, 1)."""

    known: np.ndarray  # the skill is known before the first answer
    learn: np.ndarray  # an unknown skill is learned at a practice
    forget: np.ndarray  # a known one is lost: 0 in Corbett and Anderson's model
    slip: np.ndarray  # wrong in spite of knowing
    guess: np.ndarray  # right without knowing


class Fitted(NamedTuple):
    """What expectation maximisation found."""

    parameters: BKT
    log_likelihoods: list[float]  # of all training answers, in nats, before each update; it never falls


class _Posterior(NamedTuple):
    state: np.ndarray  # P(bit | all answers), [answers, 2]
    change: np.ndarray  # P(bit now, bit next | all answers), [answers, 2, 2]; 0 at a last answer
    log_likelihood: float


def start(tags: int, forgetting: bool = False) -> BKT:
    """The parameters before the first update.

    >>> [float(values[0]) for values in start(1)]
    [0.4, 0.1, 0.0, 0.1, 0.25]
    """
    values = (0.4, 0.1, 0.05 if forgetting else 0.0, 0.1, 0.25)
    return BKT(*(np.full(tags, value) for value in values))


def _logs(parameters: BKT, packed: Packed, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logarithms: of the bit before a first answer, of its changes, and of each answer given the bit."""
    known, learn, forget, slip, guess = (values[packed.tags] for values in parameters)
    changes = np.stack([1 - learn, learn, forget, 1 - forget], -1).reshape(-1, 2, 2)
    says = np.where(right[:, None], np.stack([guess, 1 - slip], -1), np.stack([1 - guess, slip], -1))
    with np.errstate(divide="ignore"):  # where nothing is forgotten: minus infinity
        return np.log(np.stack([1 - known, known], -1)), np.log(changes), np.log(says)


def _normalised(logs: np.ndarray) -> np.ndarray:
    return logs - np.logaddexp(logs[:, :1], logs[:, 1:])


def _forward(before: np.ndarray, changes: np.ndarray, says: np.ndarray, packed: Packed) -> np.ndarray:
    """The log-odds that the skill is known, before each packed answer and given the earlier ones: the
    probability is rounded to 1 after a hundred right answers, and would stay there whatever comes."""
    found, odds, gains = np.empty(len(says)), before[:, 1] - before[:, 0], says[:, 1] - says[:, 0]
    for step in packed.steps:
        found[step] = odds = odds[: step.stop - step.start]
        after = np.stack([np.zeros(len(odds)), odds + gains[step]], -1)[:, :, None] + changes[step]
        odds = np.subtract(*np.logaddexp(after[:, 0], after[:, 1]).T[::-1])
    return found


def _log_probabilities(odds: np.ndarray) -> np.ndarray:
    """The logarithms of both probabilities, ``[answers, 2]``, from log-odds."""
    return -np.logaddexp(0.0, np.stack([odds, -odds], -1))


def _posterior(parameters: BKT, packed: Packed, right: np.ndarray) -> _Posterior:
    """The forward and the backward pass, over all sequences at once."""
    before, changes, says = _logs(parameters, packed, right)
    now = _log_probabilities(_forward(before, changes, says, packed)) + says
    later, change = (
        np.zeros_like(says),
        np.zeros_like(changes),
    )  # later: log P(later answers | bit) + constant
    for step, following in reversed([*zip(packed.steps, packed.steps[1:], strict=False)]):
        going = slice(step.start, step.start + following.stop - following.start)
        ahead = changes[going] + _normalised(says[following] + later[following])[:, None]
        later[going] = np.logaddexp(ahead[:, :, 0], ahead[:, :, 1])
        paths = (now[going][:, :, None] + ahead).reshape(-1, 4)
        change[going] = np.exp(paths - np.logaddexp.reduce(paths, 1)[:, None]).reshape(-1, 2, 2)
    return _Posterior(np.exp(_normalised(now + later)), change, float(np.logaddexp(*now.T).sum()))


def _updated(parameters: BKT, packed: Packed, right: np.ndarray, found: _Posterior) -> BKT:
    """The parameters that explain the expected hidden states best, each within its bounds.

    The expected log-likelihood is concave in each parameter alone, so that the best value within bounds is
    the best of all, clipped: the likelihood cannot fall.
    """
    count, first = len(parameters.known), np.arange(len(right)) < packed.steps[0].stop
    (unknown, known), going = found.state.T, found.change.sum(2)

    def share(part: np.ndarray, of: np.ndarray, old: np.ndarray, high: float) -> np.ndarray:
        top, bottom = (np.bincount(packed.tags, weights=each, minlength=count) for each in (part, of))
        return np.where(bottom > 1e-9, (top / np.maximum(bottom, 1e-9)).clip(SMALLEST, high), old)

    return BKT(
        known=share(known * first, first, parameters.known, 1 - SMALLEST),
        learn=share(found.change[:, 0, 1], going[:, 0], parameters.learn, 1 - SMALLEST),
        forget=share(found.change[:, 1, 0], going[:, 1], parameters.forget, LARGEST)
        if parameters.forget.any()
        else parameters.forget,
        slip=share(known * ~right, known, parameters.slip, LARGEST),
        guess=share(unknown * right, unknown, parameters.guess, LARGEST),
    )


def fit(
    students: Students, *, forgetting: bool = False, updates: int = 60, tolerance: float = 1e-6
) -> Fitted:
    """Fit the parameters of every tag by expectation maximisation; each tag of a student is a sequence.

    *Paper*: corbett1994knowledge; the baseline of piech2015deep, Table 1.

    *Options*: ``forgetting``: a known skill can be lost, as in Khajah et al. (2016). At most ``updates``
    are done, and none after a gain of less than ``tolerance`` nats per answer.

    *Departures*: unspecified: piech2015deep says neither how it fits nor what bounds the parameters. A tag
    without answers keeps what it started with.

    *Raises*: `UsageError` if there is nothing to explain.
    """
    if not len(students.answers):
        raise UsageError("there are no answers to fit")
    packed = pack(students, by_tag=True)
    right = students.answers.numpy()[packed.order].astype(bool)
    parameters, history = start(students.questions_known, forgetting), []
    for _ in range(updates):
        found = _posterior(parameters, packed, right)
        history.append(found.log_likelihood)
        if len(history) > 1 and history[-1] - history[-2] < tolerance * len(right):
            break
        parameters = _updated(parameters, packed, right, found)
    return Fitted(parameters, history)


def predict(parameters: BKT, students: Students) -> np.ndarray:
    """The probability of each right answer, ``[answers]``, given the student's earlier ones with its tag.

    *Raises*: `UsageError` if the parameters are for other tags.

    >>> import torch
    >>> students = Students(torch.zeros(3).long(), torch.tensor([1, 1, 0]), torch.tensor([0, 3]), 1)
    >>> predict(start(1), students).round(3).tolist()
    [0.51, 0.728, 0.847]
    """
    if len(parameters.known) != students.questions_known:
        raise UsageError(
            f"parameters of {len(parameters.known)} tags for students with {students.questions_known}"
        )
    packed = pack(students, by_tag=True)
    right = students.answers.numpy()[packed.order].astype(bool)
    known = np.exp(_log_probabilities(_forward(*_logs(parameters, packed, right), packed))[:, 1])
    scores = np.empty(len(right))
    scores[packed.order] = (
        known * (1 - parameters.slip[packed.tags]) + (1 - known) * parameters.guess[packed.tags]
    )
    return scores
