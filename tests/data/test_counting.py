"""Languages as streams: strings, what can be foreseen, and how predictions are judged."""

import numpy as np
import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.data.counting import ALPHABETS, streams, string, strings_right

COUNTING = ("anbn", "anbncn", "anbncndn", "anb2n", "anbmcnm")


def text(language, row):
    return "".join(ALPHABETS[language][symbol] for symbol in row)


@pytest.mark.parametrize("language", ALPHABETS)
def test_a_row_is_its_strings_one_after_another(language):
    found = streams(language, [[4, 2, 3]], np.random.default_rng(0))
    again = np.random.default_rng(0)
    strings = "".join(string(language, n, again)[0] for n in (4, 2, 3))
    end = ALPHABETS[language][0] if language in COUNTING else ""
    assert text(language, found.symbols[0]) == ALPHABETS[language][-1] + strings + end


def test_letters_are_counted():
    generator = np.random.default_rng(0)
    for n in range(2, 20):
        for language, times in (("anbn", 1), ("anbncn", 1), ("anbncndn", 1), ("anb2n", 2)):
            found, known = string(language, n, generator)
            assert found.count("a") == known == n
            assert all(found.count(letter) == times * n for letter in ALPHABETS[language][1:])
        found, _ = string("anbmcnm", n, generator)
        assert found.count("c") == found.count("a") + found.count("b") == n
        assert min(found.count("a"), found.count("b")) >= 1
        found, _ = string("memorisation", n, generator)
        assert found == found[::-1]


def test_sums_are_right_lowest_digit_first():
    generator = np.random.default_rng(0)
    for n in (2, 5, 9, 30):
        found, known = string("addition", n, generator)
        terms, total = found.rstrip(".").split("=")
        first, second = terms.split("+")
        assert len(first) + len(second) == n
        assert int(first, 2) + int(second, 2) == int(total[::-1], 2)
        assert found[known] == "="


def test_what_follows_the_first_b_can_be_foreseen_and_the_next_a_too():
    found = streams("anbn", [[3, 3]], np.random.default_rng(0))
    marks = [
        symbol if owner >= 0 else "."
        for symbol, owner in zip(text("anbn", found.symbols[0]), found.decides[0].tolist(), strict=True)
    ]
    assert "".join(marks) == ".....bba...bba"
    assert [owner for owner in found.decides[0].tolist() if owner >= 0] == [0, 0, 0, 1, 1, 1]


def test_one_wrong_symbol_spoils_its_string_alone():
    found = streams("anbncn", [[3, 4, 2]], np.random.default_rng(0))
    right = found.symbols[:, 1:]
    assert strings_right(right, found, 3).all()
    for place in range(right.shape[1]):
        wrong = right.clone()
        wrong[0, place] = (wrong[0, place] + 1) % 3
        owner = int(found.decides[0, place + 1])
        assert strings_right(wrong, found, 3)[0].tolist() == [number != owner for number in range(3)]


def test_padding_and_cutting_decide_nothing():
    longer = streams("anbn", [[2], [5]], np.random.default_rng(0))
    assert (longer.decides[0, 6:] == -1).all()
    assert strings_right(torch.zeros(2, longer.symbols.shape[1] - 1), longer, 1).tolist() == [
        [False],
        [False],
    ]
    assert streams("anbn", [[5]], np.random.default_rng(0), steps=4).symbols.shape == (1, 5)


def test_sizes_below_the_smallest_are_refused():
    with pytest.raises(UsageError, match="cannot have size 1"):
        string("anbmcnm", 1, np.random.default_rng(0))
