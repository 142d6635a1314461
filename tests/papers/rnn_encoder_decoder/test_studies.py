"""The log-linear model at work: the best cut is the best of all, and weights are tuned on one part."""

from itertools import product

import numpy as np
import pytest

from unrolled.base.errors import UsageError
from unrolled.data import spelled
from unrolled.data.phrase_table import Pair, table
from unrolled.papers.rnn_encoder_decoder.studies import (
    FEATURES,
    by_source,
    log_linear,
    right,
    translate,
    tune,
)


@pytest.fixture(scope="module")
def lines():
    numbers = spelled.split(80, 10, 0).train
    return table(*([spelled.words(n, side) for n in numbers] for side in ("en", "fr")), longest=3)


def best_by_hand(sentence, lookup, weights):
    """The best score over all cuts and all choices of targets."""
    best, words = None, tuple(sentence)
    for joints in product([False, True], repeat=len(words) - 1):
        ends = [i + 1 for i, joint in enumerate(joints) if not joint] + [len(words)]
        parts = [words[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]
        if any(part not in lookup for part in parts):
            continue
        score = sum(log_linear(lookup[part].features, weights).max() for part in parts)
        target = tuple(
            word
            for part in parts
            for word in lookup[part].targets[int(log_linear(lookup[part].features, weights).argmax())]
        )
        if best is None or score > best[0]:
            best = score, target
    return best[1]


def test_the_best_cut_is_the_best_of_all(lines):
    rng = np.random.RandomState(0)
    lookup = by_source(lines, rng.uniform(-8, 0, len(lines)).tolist())
    weights = rng.uniform(-1, 1, (len(FEATURES), 3))
    sentences = [spelled.words(n, "en") for n in (7, 45, 321, 8_070, 60_002)]
    found = translate(sentences, lookup, weights)
    for k, n in product(range(3), range(len(sentences))):
        assert found[k][n] == best_by_hand(sentences[n], lookup, weights[:, k])


def test_a_word_that_the_table_lacks_is_passed_on():
    lookup = by_source([Pair(("a",), ("A",), 1, 0.0, 0.0)], [-1.0])
    weights = np.array([[1.0], [0.0], [5.0], [0.0], [0.0]])
    assert translate([["a", "zzz", "a"]], lookup, weights)[0] == [("A", "zzz", "A")]


def test_the_score_decides_where_counts_are_equal():
    pairs = [Pair(("a",), (word,), 1, np.log(0.5), 0.0) for word in ("B", "A")]
    lookup = by_source(pairs, [-9.0, -1.0])
    alone = np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    both = np.array([1.0, 0.0, 0.0, 0.0, 0.5])
    assert translate([["a"]], lookup, np.stack((alone, both), 1)) == [[("B",)], [("A",)]]
    with pytest.raises(UsageError, match="2 lines of the table and 1 scores"):
        by_source(pairs, [-1.0])


def test_tuning_picks_the_best_weights_of_its_part(lines):
    lookup = by_source(lines, [0.0] * len(lines))
    numbers = spelled.split(80, 10, 0).train[:30]
    sides = [[spelled.words(n, side) for n in numbers] for side in ("en", "fr")]
    tuned = tune(*sides, lookup, rnn=False, settings=20)
    assert tuned.weights[FEATURES.index("rnn")] == 0
    again = translate(sides[0], lookup, tuned.weights[:, None])[0]
    assert right(again, sides[1]) == tuned.right > 0.7
    one = tune(*sides, lookup, rnn=True, settings=1)
    assert one.right <= tune(*sides, lookup, rnn=True, settings=20).right
