"""Numbers from 0 to 999,999,999 in words: English to French, whose order is the same, and to German, which
says the units before the tens. Which words correspond is known, so that an alignment can be scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UsageError, unknown

LARGEST = 999_999_999
LANGUAGES = ("en", "fr", "de")
DIGITS = 9

_GERMAN = (
    "null ein eins eine zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn "
    "sechzehn siebzehn achtzehn neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig und "
    "hundert tausend million millionen"
)
_LONGEST_FIRST = sorted(_GERMAN.split(), key=len, reverse=True)

Positions = tuple[int, ...]
"""The source positions that a target word may come from; none for a word that only connects."""


class Split(NamedTuple):
    """Numbers to train on and others, none of them twice."""

    train: list[int]
    held_out: list[int]


def words(number: int, language: str) -> list[str]:
    """A number in words, as num2words spells it, cut into words.

    English keeps its "and"; commas go, hyphens separate. French is cut at hyphens and spaces, German into its
    number words, longest first.

    Raises:
        UsageError: for an unknown language, or a number outside 0…999,999,999.

    >>> words(80_001, "en"), words(80_001, "fr"), words(21, "de")
    (['eighty', 'thousand', 'and', 'one'], ['quatre', 'vingt', 'mille', 'un'], ['ein', 'und', 'zwanzig'])
    """
    if language not in LANGUAGES:
        raise unknown("language", language, LANGUAGES)
    if not 0 <= number <= LARGEST:
        raise UsageError(f"{number} is not between 0 and {LARGEST:,}")
    return list(_words(number, language))


@cache
def _words(number: int, language: str) -> tuple[str, ...]:
    if number == 0:
        return _piece(0, 0, language)
    found: list[str] = []
    for scale, group in _groups(number):
        if language == "en" and _has_and(number, scale, group):
            found.append("and")
        found += _piece(group, scale, language)
    return tuple(found)


def correspondence(number: int, language: str) -> list[Positions]:
    """For each target word of a number, the positions of the English words that it translates.

    A word that translates two English words together may come from either (French "cent" for "one hundred",
    "onze" in seventy-one); "et" and "und" come from nowhere and are not scored.

    >>> correspondence(121, "fr")  # one hundred and twenty one: cent vingt et un
    [(0, 1), (3,), (), (4,)]
    >>> correspondence(21, "de")  # twenty one: ein und zwanzig
    [(1,), (), (0,)]
    """
    if language not in ("fr", "de"):
        raise unknown("target language", language, ("fr", "de"))
    if number == 0:
        return [(0,)]
    found: list[Positions] = []
    offset = 0
    for scale, group in _groups(number):
        offset += _has_and(number, scale, group)
        local = _corresponding(group, scale, language)
        found += [tuple(offset + position for position in positions) for positions in local]
        offset += len(_piece(group, scale, "en"))
    return found


def split(train: int = 10_000, held_out: int = 1_000, seed: int = 0) -> Split:
    """Numbers drawn with 1 to 9 digits, each as likely as another; in 30 % of them digits become zeros.

    No number comes twice, so there are few short ones: what is drawn again is left out. Held-out numbers are
    chosen at random among all. NumPy's legacy generator is used because its stream is frozen over versions.

    >>> numbers = split(4, 2, seed=1)
    >>> numbers.train, numbers.held_out
    ([81006097, 900, 4651934, 2200], [191008039, 60524247])
    """
    rng = np.random.RandomState(seed)
    wanted = train + held_out
    found: dict[int, None] = {}
    while len(found) < wanted:
        digits = rng.randint(0, 10, (wanted, DIGITS))
        count = rng.randint(1, DIGITS + 1, wanted)
        zeroed = (rng.rand(wanted, 1) < 0.3) & (rng.rand(wanted, DIGITS) < 0.5)
        leading = rng.randint(1, 10, wanted)
        digits[zeroed] = 0
        place = np.arange(DIGITS)[::-1]
        digits[place >= count[:, None]] = 0
        long = np.flatnonzero(count > 1)  # a number with one digit may be 0
        digits[long, DIGITS - count[long]] = leading[long]
        for number in digits @ 10**place:
            found.setdefault(int(number))
            if len(found) == wanted:
                break
    numbers = list(found)
    order = rng.permutation(wanted)
    return Split([numbers[i] for i in order[held_out:]], [numbers[i] for i in order[:held_out]])


def sentences(numbers: Iterable[int], language: str) -> list[str]:
    """Numbers in words, the words joined by spaces."""
    return [" ".join(words(number, language)) for number in numbers]


def accepted(numbers: Sequence[int], language: str) -> Tensor:
    """The known correspondence of many numbers, ``[numbers, target, source]``: true where the English word
    may be what the target word comes from. Rows of words that are not scored, and of padding, are false."""
    known = [correspondence(number, language) for number in numbers]
    target = max(map(len, known))
    source = max(len(words(number, "en")) for number in numbers)
    table = torch.zeros(len(known), target, source, dtype=torch.bool)
    rows = [(n, i, j) for n, row in enumerate(known) for i, positions in enumerate(row) for j in positions]
    table[tuple(torch.tensor(rows).T)] = True
    return table


def _groups(number: int) -> list[tuple[int, int]]:
    """Millions, thousands and what is left, as (scale, group), without those that are zero."""
    groups = ((scale, number // 1000**scale % 1000) for scale in (2, 1, 0))
    return [(scale, group) for scale, group in groups if group]


def _has_and(number: int, scale: int, group: int) -> bool:
    """Whether English puts an "and" before the last group: one thousand and one."""
    return scale == 0 and group < 100 and number > group


@cache
def _piece(group: int, scale: int, language: str) -> tuple[str, ...]:
    """The words of one group, by num2words: spelling a whole number is putting its groups together, and a
    group is spelled once (num2words takes up to 0.2 ms a number)."""
    from num2words import num2words

    text = num2words(group * 1000**scale, lang=language).lower().replace(",", "").replace("-", " ")
    if language != "de":
        return tuple(text.split())
    cut: list[str] = []
    for rest in text.split():
        while rest:
            word = next((word for word in _LONGEST_FIRST if rest.startswith(word)), None)
            if word is None:
                raise UsageError(
                    f"{text!r} is not made of German number words", hint="install num2words 0.5.14"
                )
            cut.append(word)
            rest = rest[len(word) :]
    return tuple(cut)


@cache
def _corresponding(group: int, scale: int, language: str) -> tuple[Positions, ...]:
    """`correspondence` within one group."""
    hundreds, rest = divmod(group, 100)
    digit, hundred = 0, 1
    tens = (2 + (rest > 0)) if hundreds else 0  # after "and"
    two = rest > 20 and rest % 10 != 0  # English has a word for the tens and one for the units
    units = tens + 1
    last = len(_piece(group, scale, "en")) - 1
    found: list[Positions] = []
    if hundreds:
        if language == "fr" and hundreds == 1:
            found += [(digit, hundred)]
        else:
            found += [(digit,), (hundred,)]
    if rest and language == "de":
        found += [(units,), (), (tens,)] if two else [(tens,)]
    elif rest and not (scale == 1 and group == 1):
        found += _french(rest, tens, units) if two else [(tens,)] * len(_piece(rest, 0, "fr"))
    if scale:  # "mille" alone is one thousand
        found += [(tens, last)] if (language, scale, group) == ("fr", 1, 1) else [(last,)]
    if len(found) != len(_piece(group, scale, language)):
        raise UsageError(f"no correspondence is known for {_piece(group, scale, language)}")
    return tuple(found)


def _french(rest: int, tens: int, units: int) -> list[Positions]:
    """The words of 21…99 that English says in two: base ten up to 69, base twenty above."""
    spelled = _piece(rest, 0, "fr")
    base = 2 if rest > 80 else 1
    found: list[Positions] = [(tens,)] * base
    left = list(spelled[base:])
    if left[0] == "et":
        found.append(())
        left.pop(0)
    if rest > 70 and rest // 10 in (7, 9):  # onze to seize say tens and units at once, dix-sept says both
        return found + ([(tens,), (units,)] if len(left) == 2 else [(tens, units)])
    return [*found, (units,)]
