"""Bayesian knowledge tracing, the model that deep knowledge tracing is compared with.

One hidden bit a skill: a student knows it or not, learns it with some probability at every practice, guesses
and slips. Every tag has parameters of its own, which expectation maximisation fits to all students at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from unrolled.base.errors import UsageError
from unrolled.data.assistments import Students
from unrolled.papers.dkt.sequences import Sequences, pack

SMALLEST, LARGEST = 1e-3, 0.5
"""Bounds of slip and guess: with both below one half, who knows is likelier to be right than who does not."""


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
    known: np.ndarray  # P(known | all answers), for every packed answer
    unknown: np.ndarray  # 1 - known, without its rounding
    learned: np.ndarray  # P(unknown now, known next | all answers); 0 at a last answer
    forgot: np.ndarray  # P(known now, unknown next | all answers)
    log_likelihood: float


def start(tags: int, forgetting: bool = False) -> BKT:
    """The parameters before the first update.

    >>> [float(values[0]) for values in start(1)]
    [0.4, 0.1, 0.0, 0.1, 0.25]
    """
    values = (0.4, 0.1, 0.05 if forgetting else 0.0, 0.1, 0.25)
    return BKT(*(np.full(tags, value) for value in values))


class _Logs(NamedTuple):
    """Logarithms of the parameters: of each answer's probability, and of each sequence's transitions."""

    known_says: np.ndarray  # [answers]: of the answer, for who knows
    unknown_says: np.ndarray
    known: np.ndarray  # [sequences]: log-odds before the first answer
    learn: np.ndarray
    stay_unknown: np.ndarray
    forget: np.ndarray  # minus infinity where nothing is forgotten
    keep: np.ndarray


def _logs(parameters: BKT, packed: Sequences, right: np.ndarray) -> _Logs:
    with np.errstate(divide="ignore"):
        slip, guess, forget = np.log(parameters.slip), np.log(parameters.guess), np.log(parameters.forget)
    no_slip, no_guess = np.log1p(-parameters.slip), np.log1p(-parameters.guess)
    tags = packed.tags[packed.owner]
    return _Logs(
        np.where(right, no_slip[tags], slip[tags]),
        np.where(right, guess[tags], no_guess[tags]),
        (np.log(parameters.known) - np.log1p(-parameters.known))[packed.tags],
        np.log(parameters.learn)[packed.tags],
        np.log1p(-parameters.learn)[packed.tags],
        forget[packed.tags],
        np.log1p(-parameters.forget)[packed.tags],
    )


def _forward(logs: _Logs, packed: Sequences) -> np.ndarray:
    """The log-odds that the skill is known, before each packed answer and given the earlier ones.

    Log-odds, because a probability is rounded to 1 after a hundred right answers, and would stay there
    whatever comes.
    """
    says = logs.known_says - logs.unknown_says
    before, odds = np.empty(len(says)), logs.known
    for step in packed.slices():
        size = step.stop - step.start
        before[step] = odds = odds[:size]
        after = odds + says[step]
        odds = np.logaddexp(after + logs.keep[:size], logs.learn[:size]) - np.logaddexp(
            after + logs.forget[:size], logs.stay_unknown[:size]
        )
    return before


def _backward(logs: _Logs, packed: Sequences) -> np.ndarray:
    """The logarithm of P(this answer and all later ones | known) / P(… | unknown), for each packed answer."""
    says = logs.known_says - logs.unknown_says
    ratio = np.empty(len(says))
    later = np.zeros(0)
    for step in reversed(list(packed.slices())):
        size = len(later)  # the sequences that go on; for the others nothing comes later
        ratio[step] = says[step]
        ratio[step.start : step.start + size] += np.logaddexp(
            later + logs.keep[:size], logs.forget[:size]
        ) - np.logaddexp(later + logs.learn[:size], logs.stay_unknown[:size])
        later = ratio[step]
    return ratio


def _log_sigmoid(x: np.ndarray) -> np.ndarray:
    return -np.logaddexp(0.0, -x)


def _log_likelihood(logs: _Logs, before: np.ndarray) -> float:
    known = _log_sigmoid(before) + logs.known_says
    return float(np.logaddexp(known, _log_sigmoid(-before) + logs.unknown_says).sum())


def _posterior(parameters: BKT, packed: Sequences, right: np.ndarray) -> _Posterior:
    """The forward and the backward pass, over all sequences at once."""
    logs = _logs(parameters, packed, right)
    before, ratio = _forward(logs, packed), _backward(logs, packed)
    now = np.exp(_log_sigmoid(before + ratio)), np.exp(_log_sigmoid(-before - ratio))
    learned, forgot = np.zeros(len(right)), np.zeros(len(right))
    here, following = packed.pairs()
    owner = packed.owner[here]
    after, later = (before + logs.known_says - logs.unknown_says)[here], ratio[following]
    paths = (
        logs.stay_unknown[owner],
        learns := logs.learn[owner] + later,
        forgets := logs.forget[owner] + after,
        logs.keep[owner] + after + later,
    )
    total = np.logaddexp(np.logaddexp(paths[0], paths[1]), np.logaddexp(paths[2], paths[3]))
    learned[here], forgot[here] = np.exp(learns - total), np.exp(forgets - total)
    return _Posterior(*now, learned, forgot, _log_likelihood(logs, before))


def _updated(parameters: BKT, packed: Sequences, right: np.ndarray, found: _Posterior) -> BKT:
    """The parameters that explain the expected hidden states best, each within its bounds.

    The expected log-likelihood is concave in each parameter alone, so that the best value within bounds is
    the best of all, clipped: the likelihood cannot fall.
    """
    tags = packed.tags[packed.owner]
    count = len(parameters.known)
    goes_on, first = np.zeros(len(right), bool), np.zeros(len(right), bool)
    goes_on[packed.pairs()[0]] = True
    first[: packed.sizes[0]] = True
    known, unknown = found.known, found.unknown

    def share(part: np.ndarray, whole: np.ndarray, old: np.ndarray, low: float, high: float) -> np.ndarray:
        over = np.bincount(tags, weights=whole, minlength=count)
        of = np.bincount(tags, weights=part, minlength=count)
        return np.where(over > 1e-9, (of / np.maximum(over, 1e-9)).clip(low, high), old)

    whole = (SMALLEST, 1 - SMALLEST)
    return BKT(
        known=share(known * first, first, parameters.known, *whole),
        learn=share(found.learned, unknown * goes_on, parameters.learn, *whole),
        forget=share(found.forgot, known * goes_on, parameters.forget, SMALLEST, LARGEST)
        if parameters.forget.any()
        else parameters.forget,
        slip=share(known * ~right, known, parameters.slip, SMALLEST, LARGEST),
        guess=share(unknown * right, unknown, parameters.guess, SMALLEST, LARGEST),
    )


def fit(
    students: Students, *, forgetting: bool = False, updates: int = 60, tolerance: float = 1e-6
) -> Fitted:
    """Fit the parameters of every tag by expectation maximisation.

    *Paper*: corbett1994knowledge; the baseline of piech2015deep, Table 1.

    *Departures*: unspecified: piech2015deep says neither how it fits nor what bounds the parameters.

    Args:
        students: whose answers are explained; each tag of a student is a sequence of its own.
        forgetting: whether a known skill can be lost, as Khajah et al. (2016) let it.
        updates: how many at most.
        tolerance: stop when the log-likelihood gains less than this much per answer.

    A tag without answers keeps what it started with.

    Raises:
        UsageError: if there is nothing to explain.
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

    Raises:
        UsageError: if the parameters are for other tags.

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
    known = np.exp(_log_sigmoid(_forward(_logs(parameters, packed, right), packed)))
    tags = packed.tags[packed.owner]
    scores = np.empty(len(right))
    scores[packed.order] = known * (1 - parameters.slip[tags]) + (1 - known) * parameters.guess[tags]
    return scores
