"""A phrase table from sentence pairs: words aligned by counting, phrases cut out, and how often each comes.

What phrase-based translation starts from, in its smallest useful form: alignment by a lexicon that
expectation-maximisation finds, with a prior for the diagonal; two directions joined; every pair of phrases
that no link leaves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from unrolled.base.errors import UsageError
from unrolled.data.ties import first_best

Sentence = Sequence[str]
Phrase = tuple[str, ...]
Links = frozenset[tuple[int, int]]
"""Pairs of positions (source, target) that translate each other."""


class Pair(NamedTuple):
    """A line of a phrase table, with the probabilities that its counts give."""

    source: Phrase
    target: Phrase
    count: int
    forward: float  # log p(target | source), by counts
    backward: float  # log p(source | target), by counts


def align(
    source: Sequence[Sentence], target: Sequence[Sentence], *, iterations: int = 5, diagonal: float = 4.0
) -> list[list[int]]:
    """For each target word the position of the source word that most likely made it.

    A lexicon t(target word | source word) is found by expectation-maximisation from a uniform start; a
    position is the likelier the nearer it is to the diagonal, by exp(-``diagonal`` * distance), with
    sentences as long as 1. Every word is made by some word: there is no empty one. Of equally likely
    positions the first is taken.

    Raises:
        UsageError: if there are not as many target sentences, or one is empty.

    >>> align([["a", "b"], ["b"]], [["A", "B"], ["B"]])
    [[0, 1], [0]]
    """
    if len(source) != len(target):
        raise UsageError(f"{len(source)} source sentences and {len(target)} target sentences")
    if not all(map(len, source)) or not all(map(len, target)):
        raise UsageError("a sentence is empty: nothing can be aligned in it")
    known: dict[str, int] = {}
    made: dict[str, int] = {}
    xs = [np.array([known.setdefault(word, len(known)) for word in words]) for words in source]
    ys = [np.array([made.setdefault(word, len(made)) for word in words]) for words in target]
    grids = [len(x) * len(y) for x, y in zip(xs, ys, strict=True)]
    # One line per possible link, sentence after sentence, target words outside.
    x_of = np.concatenate([np.tile(x, len(y)) for x, y in zip(xs, ys, strict=True)])
    y_of = np.concatenate([np.repeat(y, len(x)) for x, y in zip(xs, ys, strict=True)])
    prior = np.concatenate([_near_diagonal(len(x), len(y), diagonal) for x, y in zip(xs, ys, strict=True)])
    rows = np.concatenate([np.full(len(y), len(x)) for x, y in zip(xs, ys, strict=True)])
    word = np.repeat(np.arange(len(rows)), rows)  # which target word a line belongs to
    cells, line = np.unique(x_of * len(made) + y_of, return_inverse=True)
    lexicon = np.ones(len(cells))
    for _ in range(iterations):
        weight = lexicon[line] * prior
        weight /= np.bincount(word, weight)[word]
        counted = np.bincount(line, weight, minlength=len(cells))
        totals = np.bincount(cells // len(made), counted, minlength=len(known))
        lexicon = counted / totals[cells // len(made)]
    weight = lexicon[line] * prior
    ends = np.cumsum(grids)[:-1]
    parts = zip(np.split(weight, ends), xs, strict=True)
    return [first_best(part.reshape(-1, len(x)), axis=1).tolist() for part, x in parts]


def _near_diagonal(source: int, target: int, strength: float) -> np.ndarray:
    i, j = (np.arange(source) + 0.5) / source, (np.arange(target) + 0.5) / target
    return np.exp(-strength * np.abs(j[:, None] - i)).ravel()


def joined(forward: Sequence[int], backward: Sequence[int]) -> Links:
    """Alignments of both directions as one: the links that both have, then those of either that touch one
    of these and reach a word that has none yet.

    ``forward[j]`` is the source position of target word j, ``backward[i]`` the target position of source
    word i.

    >>> sorted(joined([0, 0, 1], [0, 2]))
    [(0, 0), (0, 1), (1, 2)]
    """
    one = {(i, j) for j, i in enumerate(forward)}
    other = {(i, j) for i, j in enumerate(backward)}
    links, open_ = one & other, sorted(one ^ other)
    while True:
        with_link = {i for i, _ in links}, {j for _, j in links}
        added = [
            (i, j)
            for i, j in open_
            if (i not in with_link[0] or j not in with_link[1])
            and any(abs(i - k) <= 1 and abs(j - m) <= 1 for k, m in links)
        ]
        if not added:
            return frozenset(links)
        links.add(added[0])
        open_.remove(added[0])


def phrases(source: Sentence, target: Sentence, links: Links, longest: int) -> list[tuple[Phrase, Phrase]]:
    """Every pair of phrases of at most ``longest`` words that holds a link and that no link leaves.

    >>> phrases(["a", "b"], ["B", "A"], frozenset({(0, 1), (1, 0)}), 2)
    [(('a',), ('A',)), (('a', 'b'), ('B', 'A')), (('b',), ('B',))]
    """
    found = []
    linked = {j for _, j in links}
    for start in range(len(source)):
        for end in range(start + 1, min(start + longest, len(source)) + 1):
            inside = [j for i, j in links if start <= i < end]
            if not inside:
                continue
            low, high = min(inside), max(inside) + 1
            if high - low > longest or any(low <= j < high and not start <= i < end for i, j in links):
                continue
            first = low
            while True:  # words without a link may join on either side
                last = high
                while True:
                    found.append((tuple(source[start:end]), tuple(target[first:last])))
                    last += 1
                    if last > len(target) or last - 1 in linked or last - first > longest:
                        break
                first -= 1
                if first < 0 or first in linked or high - first > longest:
                    break
    return found


def table(source: Sequence[Sentence], target: Sequence[Sentence], *, longest: int = 7) -> list[Pair]:
    """The phrase table of sentence pairs: each distinct pair once, in the order of its first appearance.

    *Paper*: koehn2007moses, whose tables are made so; cho2014learning scores theirs.

    >>> found = table([["a", "b"], ["a"]], [["A", "B"], ["A"]], longest=1)
    >>> [(pair.source, pair.target, pair.count) for pair in found]
    [(('a',), ('A',), 2), (('b',), ('B',), 1)]
    """
    forward, backward = align(source, target), align(target, source)
    counts: Counter[tuple[Phrase, Phrase]] = Counter()
    for x, y, one, other in zip(source, target, forward, backward, strict=True):
        counts.update(phrases(x, y, joined(one, other), longest))
    of_source, of_target = _sums(counts, 0), _sums(counts, 1)
    return [
        Pair(x, y, count, float(np.log(count / of_source[x])), float(np.log(count / of_target[y])))
        for (x, y), count in counts.items()
    ]


def _sums(counts: Mapping[tuple[Phrase, Phrase], int], side: int) -> Counter[Phrase]:
    totals: Counter[Phrase] = Counter()
    for pair, count in counts.items():
        totals[pair[side]] += count
    return totals
