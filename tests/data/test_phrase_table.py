"""Alignment by counting, phrases that no link leaves, and the counts of a table."""

import numpy as np
import pytest

from unrolled.base.errors import UsageError
from unrolled.data import phrase_table, spelled
from unrolled.data.phrase_table import align, joined, phrases, table


@pytest.fixture(scope="module")
def numbers():
    return spelled.split(150, 10, 0).train


@pytest.mark.parametrize("language", ["fr", "de"])
def test_words_that_are_known_to_correspond_are_linked(numbers, language):
    sides = [[spelled.words(number, side) for number in numbers] for side in ("en", language)]
    forward, backward = align(*sides), align(*reversed(sides))
    linked = known = 0
    for number, one, other in zip(numbers, forward, backward, strict=True):
        links = joined(one, other)
        for j, positions in enumerate(spelled.correspondence(number, language)):
            known += bool(positions)
            linked += any((i, j) in links for i in positions)
    assert linked > 0.95 * known


def test_the_diagonal_tells_equal_words_apart():
    source, target = [["a", "b", "a"]] * 3, [["A", "B", "A"]] * 3
    assert align(source, target)[0] == [0, 1, 2]
    assert align(source, target, diagonal=0.0)[0] != [0, 1, 2]


def test_an_alignment_does_not_hang_on_the_last_bits_of_the_exponential(numbers, monkeypatch):
    sides = [[spelled.words(number, side) for number in numbers] for side in ("en", "de")]
    found, exact, rng = align(*sides), phrase_table._near_diagonal, np.random.RandomState(0)

    def inexact(*sizes):
        prior = exact(*sizes)
        return prior * (1 + 1e-15 * rng.randn(len(prior)))

    monkeypatch.setattr(phrase_table, "_near_diagonal", inexact)
    assert align(*sides) == found


def test_empty_and_missing_sentences_are_refused():
    with pytest.raises(UsageError, match="1 source sentences and 0"):
        align([["a"]], [])
    with pytest.raises(UsageError, match="empty"):
        align([[]], [["A"]])


def test_joined_links_hold_the_intersection_and_lie_in_the_union():
    rng = np.random.RandomState(0)
    for _ in range(50):
        m, n = rng.randint(1, 6, 2)
        forward, backward = rng.randint(0, m, n), rng.randint(0, n, m)
        one = {(i, j) for j, i in enumerate(forward.tolist())}
        other = {(i, j) for i, j in enumerate(backward.tolist())}
        assert one & other <= joined(forward.tolist(), backward.tolist()) <= one | other


def test_phrases_are_all_those_that_no_link_leaves():
    rng = np.random.RandomState(1)
    for _ in range(40):
        m, n = rng.randint(1, 6, 2)
        links = frozenset((int(rng.randint(m)), int(rng.randint(n))) for _ in range(rng.randint(1, 6)))
        source, target, longest = [f"x{i}" for i in range(m)], [f"y{j}" for j in range(n)], 4
        expected = set()
        for a in range(m):
            for b in range(a + 1, min(a + longest, m) + 1):
                for c in range(n):
                    for d in range(c + 1, min(c + longest, n) + 1):
                        inside = [(a <= i < b, c <= j < d) for i, j in links]
                        if any(x and y for x, y in inside) and all(x == y for x, y in inside):
                            expected.add((tuple(source[a:b]), tuple(target[c:d])))
        found = phrases(source, target, links, longest)
        assert set(found) == expected
        assert len(found) == len(expected)


def test_probabilities_of_a_source_phrase_add_up(numbers):
    sides = [[spelled.words(number, side) for number in numbers] for side in ("en", "de")]
    found = table(*sides, longest=3)
    assert len({(pair.source, pair.target) for pair in found}) == len(found)
    assert max(len(pair.source) for pair in found) == 3
    for side, column in ((0, "forward"), (1, "backward")):
        totals: dict = {}
        for pair in found:
            totals[pair[side]] = totals.get(pair[side], 0.0) + np.exp(getattr(pair, column))
        np.testing.assert_allclose(list(totals.values()), 1.0)
