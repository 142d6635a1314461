"""Formal languages as streams of symbols: strings follow one another without a mark between them.

Counting (aⁿbⁿ and its kin), memorisation and binary addition, as Joulin and Mikolov (2015) generate them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UsageError, unknown

Language = Literal["anbn", "anbncn", "anbncndn", "anb2n", "anbmcnm", "memorisation", "addition"]

ALPHABETS: dict[str, str] = {
    "anbn": "ab",
    "anbncn": "abc",
    "anbncndn": "abcd",
    "anb2n": "ab",
    "anbmcnm": "abc",
    "memorisation": "#ab",
    "addition": "01+=.",
}
"""The symbols of every language, in the order of their numbers."""


class Streams(NamedTuple):
    """Rows of symbols, ``[rows, time]``, and for every symbol which string of its row it belongs to the
    test of: -1 for what cannot be foreseen, for the first symbol of a row and for padding."""

    symbols: Tensor
    decides: Tensor


def string(language: Language, n: int, generator: np.random.Generator) -> tuple[str, int]:
    """A string of size ``n``, and the place after which each of its symbols can be foreseen.

    ``n`` counts the a's; in aⁿbᵐcⁿ⁺ᵐ the c's, of which at least one comes from either letter; in
    memorisation the letters before the mark; in addition the digits of both terms together, lowest digit of
    the sum first.

    Raises:
        UsageError: for a size below 1 (2 where two letters share it).

    >>> generator = np.random.default_rng(0)
    >>> [string(language, 3, generator) for language in ("anbn", "anb2n", "memorisation")]
    [('aaabbb', 3), ('aaabbbbbb', 3), ('bbb#bbb', 3)]
    """
    if n < (2 if language in ("anbmcnm", "addition") else 1):
        raise UsageError(f"a string of {language} cannot have size {n}")
    if language == "anb2n":
        return "a" * n + "b" * 2 * n, n
    if language == "anbmcnm":
        m = int(generator.integers(1, n))
        return "a" * (n - m) + "b" * m + "c" * n, n
    if language == "memorisation":
        x = "".join(generator.choice(list("ab"), n))
        return f"{x}#{x[::-1]}", n
    if language == "addition":
        first = int(generator.integers(1, n))
        terms = ["1" + "".join(generator.choice(list("01"), k - 1)) for k in (first, n - first)]
        total = bin(int(terms[0], 2) + int(terms[1], 2))[:1:-1]
        return f"{terms[0]}+{terms[1]}={total}.", n + 1
    if language not in get_args(Language):
        raise unknown("language", language, get_args(Language))
    return "".join(letter * n for letter in ALPHABETS[language]), n


def streams(
    language: Language,
    sizes: Sequence[Sequence[int]],
    generator: np.random.Generator,
    steps: int | None = None,
) -> Streams:
    """One row of strings for each list of sizes, cut off or padded to ``steps`` symbols to be foreseen.

    A row begins with the last symbol of its alphabet, as if a string had just ended, and ends with the first
    symbol of one more string. In the counting languages that symbol can be foreseen, since all begin alike:
    whoever has counted knows where a string ends.

    >>> found = streams("anbn", [[2, 1]], np.random.default_rng(0))
    >>> found.symbols.tolist(), found.decides.tolist()
    ([[1, 0, 0, 1, 1, 0, 1, 0]], [[-1, -1, -1, -1, 0, 0, -1, 1]])
    """
    alphabet, counting = ALPHABETS[language], language not in ("memorisation", "addition")
    rows, owners = [], []
    for row in sizes:
        text, decides = alphabet[-1], [-1]
        for number, n in enumerate(row):
            symbols, known = string(language, n, generator)
            first = number - 1 if counting and number else -1
            decides += [first] + [number if place > known else -1 for place in range(1, len(symbols))]
            text += symbols
        if counting:
            text, decides = text + alphabet[0], [*decides, len(row) - 1]
        rows.append([alphabet.index(symbol) for symbol in text])
        owners.append(decides)
    time = steps + 1 if steps is not None else max(len(row) for row in rows)

    def padded(lists: list[list[int]], value: int) -> Tensor:
        return torch.tensor([row[:time] + [value] * (time - len(row)) for row in lists])

    return Streams(padded(rows, 0), padded(owners, -1))


def strings_right(predicted: Tensor, found: Streams, strings: int) -> Tensor:
    """Which strings of every row have all their foreseeable symbols predicted, ``[rows, strings]``.

    ``predicted``, ``[rows, time - 1]``, holds the prediction of every symbol but the first.

    >>> found = streams("anbn", [[2, 1]], np.random.default_rng(0))
    >>> strings_right(torch.tensor([[0, 0, 0, 1, 0, 0, 1]]), found, strings=2).tolist()
    [[True, False]]
    """
    decides = found.decides[:, 1:]
    wrong = (predicted != found.symbols[:, 1:]) & (decides >= 0)
    counts = torch.zeros(len(decides), strings, dtype=torch.long)
    return counts.scatter_add_(1, decides.clamp(0, strings - 1), wrong.long()) == 0
