"""Rescoring: sentences from a phrase table, by the log-linear model, with and without the network's score.

There is no reordering and no language model. The best target of a source phrase then depends on nothing
around it, and the best sentence is the best way to cut the source: exact, by dynamic programming.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from unrolled.base.errors import UsageError
from unrolled.data.phrase_table import Pair, Phrase
from unrolled.data.ties import first_best

FEATURES = ("forward", "backward", "phrases", "words", "rnn")
"""log p(target | source) and log p(source | target) by counts; one a phrase; one a target word; the RNN's."""

UNKNOWN = -20.0
"""The forward score of a source word that the table does not have, and that is passed on as it is."""

Table = Mapping[Phrase, "Options"]


class Options(NamedTuple):
    """What the table knows of a source phrase."""

    targets: list[Phrase]
    features: np.ndarray  # [targets, features]


class Tuned(NamedTuple):
    """Weights that were chosen on one part of the sentences, and how good they are on it."""

    weights: np.ndarray  # [features]
    right: float  # share of sentences that are right word for word


def log_linear(features: np.ndarray, weights: np.ndarray) -> np.ndarray | np.floating:
    """The log-linear model, up to log Z(e), which is the same for all translations of a sentence.

    *Paper*: cho2014learning, Section 3, equation 9.

        log p(f | e) = sum_n w_n f_n(f, e) + log Z(e)

    *Shapes*: ``features`` ``[..., n]``; ``weights`` ``[n]``, or ``[n, settings]`` for several at once.

    >>> log_linear(np.array([[-1.0, 2.0]]), np.array([1.0, 0.5])).tolist()
    [0.0]
    """
    return features @ weights


def by_source(table: Sequence[Pair], rnn: Sequence[float]) -> dict[Phrase, Options]:
    """The table as a lookup; ``rnn`` is the score of each of its lines.

    Raises:
        UsageError: if there are not as many scores as lines.
    """
    if len(table) != len(rnn):
        raise UsageError(f"{len(table)} lines of the table and {len(rnn)} scores")
    rows: dict[Phrase, tuple[list[Phrase], list[list[float]]]] = {}
    for pair, score in zip(table, rnn, strict=True):
        targets, features = rows.setdefault(pair.source, ([], []))
        targets.append(pair.target)
        features.append([pair.forward, pair.backward, 1.0, float(len(pair.target)), float(score)])
    return {source: Options(targets, np.array(features)) for source, (targets, features) in rows.items()}


def translate(
    sentences: Sequence[Sequence[str]], table: Table, weights: np.ndarray
) -> list[list[tuple[str, ...]]]:
    """The best translation of every sentence under every setting of the weights, ``[settings][sentence]``.

    *Shapes*: ``weights`` ``[features, settings]``. A word that the table lacks is passed on.
    """
    settings = weights.shape[1]
    best: dict[Phrase, tuple[np.ndarray, np.ndarray]] = {}
    for source, options in table.items():
        scores = log_linear(options.features, weights)
        chosen = first_best(scores, axis=0)
        best[source] = chosen, scores[chosen, np.arange(settings)]
    lost = log_linear(np.array([UNKNOWN, UNKNOWN, 1.0, 1.0, UNKNOWN])[: len(weights)], weights)
    longest = max(map(len, table))
    found: list[list[tuple[str, ...]]] = [[] for _ in range(settings)]
    for sentence in sentences:
        words = tuple(sentence)
        total, cut = [np.zeros(settings)], []
        for end in range(1, len(words) + 1):
            starts, scores = [end - 1], [total[end - 1] + lost]
            for start in range(max(0, end - longest), end):
                known = best.get(words[start:end])
                if known is not None:
                    starts.append(start)
                    scores.append(total[start] + known[1])
            options = np.stack(scores)
            if len(starts) > 1 and starts[-1] == end - 1:
                options[0] = -np.inf  # a word that the table has is never passed on
            which = first_best(options, axis=0)
            total.append(options[which, np.arange(settings)])
            passed = [k == 0 for k in which.tolist()]
            cut.append((np.array(starts)[which].tolist(), passed))
        for k in range(settings):
            found[k].append(_followed(words, cut, k, best, table))
    return found


def _followed(words: Phrase, cut: list, k: int, best: Mapping, table: Table) -> Phrase:
    """The words that one setting's cuts lead to, from the last to the first."""
    parts: list[Phrase] = []
    end = len(words)
    while end:
        starts, passed_on = cut[end - 1]
        start, passed = starts[k], passed_on[k]
        source = words[start:end]
        parts.append(source if passed else table[source].targets[best[source][0][k]])
        end = start
    return tuple(word for part in reversed(parts) for word in part)


def right(found: Sequence[Phrase], references: Sequence[Sequence[str]]) -> float:
    """The share of translations that are the reference word for word."""
    return sum(a == tuple(b) for a, b in zip(found, references, strict=True)) / len(references)


def tune(
    sentences: Sequence[Sequence[str]],
    references: Sequence[Sequence[str]],
    table: Table,
    *,
    rnn: bool,
    settings: int = 60,
    seed: int = 0,
) -> Tuned:
    """The weights with the most right sentences among random ones; without ``rnn`` its weight is 0.

    Both kinds draw the same numbers: weights between 0 and 1 for probabilities and between -1 and 1 for the
    penalties.

    *Paper*: cho2014learning, Section 3, tunes for BLEU by minimum error rate training.
    """
    drawn = np.random.RandomState(seed).uniform(size=(len(FEATURES), settings))
    drawn[2:4] = 2 * drawn[2:4] - 1
    if not rnn:
        drawn[FEATURES.index("rnn")] = 0.0
    found = translate(sentences, table, drawn)
    shares = [right(of_setting, references) for of_setting in found]
    k = int(np.argmax(shares))
    return Tuned(drawn[:, k], shares[k])
