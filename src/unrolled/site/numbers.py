"""How numbers are printed: three significant digits, never on the wrong side of a bound, points aligned."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from unrolled.site.html import element, join

MINUS = "−"
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LARGEST, SMALLEST = 1e7, 1e-4
"""Beyond them a number is printed with a power of ten."""


def number(value: float, *bounds: float | None, whole: bool = True) -> str:
    """A measured number with three significant digits; whole numbers in full.

    More digits where three would move it to the other side of a bound, or onto it.

    Args:
        whole: print whole numbers in full; a mean that happens to be one has three digits.

    >>> number(95.417), number(0.85), number(15931), number(2.5e-33), number(-0.5)
    ('95.4', '0.850', '15,931', '2.5 × 10⁻³³', '−0.500')
    >>> number(95.396, 95.4), number(0.9996, 1)
    ('95.396', '0.9996')
    """
    for digits in range(3, 18):
        text = _digits(value, digits, whole)
        shown = float(f"{value:.{digits}g}")
        if all(_side(shown, b) == _side(value, b) for b in bounds if b is not None):
            break
    return text


def _side(value: float, bound: float) -> int:
    return (value > bound) - (value < bound)


def _digits(value: float, digits: int, whole: bool = True) -> str:
    if not value or (whole and value == int(value) and abs(value) < LARGEST):
        return f"{int(value):,}".replace("-", MINUS)
    if not SMALLEST <= abs(value) < LARGEST:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".").replace("-", MINUS)
        return f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPT)}"
    rounded = float(f"{value:.{digits}g}")  # 9.996 has the place of 10.0
    places = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{value:,.{places}f}".replace("-", MINUS)


def printed(value: float, precision: float | None = None) -> str:
    """A number that the paper prints, as it prints it.

    Args:
        precision: half a unit of its last digit, where nought is one.

    >>> printed(0.86), printed(526000.0, 500), printed(99.0, 0.05), printed(-74.4)
    ('0.86', '526,000', '99.0', '−74.4')
    """
    if value and not SMALLEST <= abs(value) < LARGEST:
        return _digits(value, 4)
    places = max(0, math.ceil(-math.log10(2 * precision))) if precision else 0
    own = repr(round(value, 10)).partition(".")[2]
    return f"{value:,.{max(places, len(own.rstrip('0')))}f}".replace("-", MINUS)


def with_spread(
    value: float, spread: float | None, n: int = 1, bounds: Sequence[float | None] = (), log: bool = False
) -> str:
    """A mean with its spread over seeds and their number; on a log scale the spread is a factor.

    >>> with_spread(5.213, 0.31, 5), with_spread(93.24, None), with_spread(0.0123, 1.42, 3, log=True)
    ('5.21 ± 0.31 (5)', '93.2', '0.0123 ×/÷ 1.42 (3)')
    """
    text = number(value, *bounds, whole=not spread)
    if spread is not None:
        text += f" ×/÷ {spread:.3g}" if log else f" ± {_spread(spread)}"
    return text + (f" ({n})" if n > 1 else "")


def _spread(spread: float) -> str:
    if not spread or not SMALLEST <= spread < LARGEST:
        return _digits(spread, 2)
    return f"{spread:.{max(0, 1 - math.floor(math.log10(spread)))}f}"


def split(text: str) -> tuple[str, str]:
    """What stands before the decimal point, and the rest with the point."""
    for position, sign in enumerate(text):
        if sign not in f"{MINUS},0123456789":
            return text[:position], text[position:]
    return text, ""


def aligned(texts: Sequence[str | None]) -> list[Markup | None]:
    """A column of numbers whose decimal points stand below one another.

    Each is split at its point; the part before it is set to the width of the column's longest. What a number
    is compared with, "… against …", stands below it.
    """
    width = max((len(split(text)[0]) for text in texts if text), default=1)
    column: list[Markup | None] = []
    for text in texts:
        own, against, other = (text or "").partition(" against ")
        whole, rest = split(own)
        left = element("span", whole, class_="whole", style=f"min-width:{width}ch")
        made = element("span", left, element("span", rest, class_="rest"), class_="number")
        below = (element("br"), element("span", against.lstrip(), other, class_="against")) if against else ()
        column.append(join((made, *below)) if text is not None else None)
    return column


def duration(seconds: float) -> str:
    """A time in words a reader can plan by.

    >>> duration(3.2), duration(44), duration(150), duration(7400)
    ('3 s', '44 s', '2.5 min', '2.1 h')
    """
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.2g} min" if seconds < 600 else f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.2g} h" if seconds < 360000 else f"{seconds / 86400:.0f} days"


def memory(megabytes: float) -> str:
    """An amount of memory.

    >>> memory(512), memory(2300)
    ('510 MB', '2.3 GB')
    """
    return f"{megabytes / 1000:.2g} GB" if megabytes >= 995 else f"{float(f'{megabytes:.2g}'):.0f} MB"
