"""How numbers are printed: as many digits as are known, aligned at the decimal point."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from unrolled.site.html import element

MINUS = "−"
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def decimals(value: float, spread: float | None = None) -> int:
    """How many decimals to show: two digits of the spread, or else four digits of the value."""
    yardstick, digits = (spread, 2) if spread else (value, 4)
    if not yardstick:
        return 0
    shown = digits - 1 - math.floor(math.log10(abs(yardstick)))
    if not spread:  # no trailing noughts: 5.2 stays 5.2
        while shown > 0 and round(value, shown) == round(value, shown - 1):
            shown -= 1
    return max(0, min(shown, 6))


def scientific(value: float) -> bool:
    """Whether a number is too large or too small to be written out."""
    return value != 0 and not 1e-4 <= abs(value) < 1e6


def number(value: float, spread: float | None = None) -> str:
    """A number as text.

    >>> number(95.4), number(5.213, 0.31), number(2.5e-33), number(-0.5)
    ('95.4', '5.21', '2.5 × 10⁻³³', '−0.5')
    """
    if scientific(value):
        mantissa, exponent = f"{value:.1e}".split("e")
        mantissa = mantissa.removesuffix(".0").replace("-", MINUS)
        return f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPT)}"
    text = f"{value:.{decimals(value, spread)}f}"
    return ("0" if float(text) == 0 and value == 0 else text).replace("-", MINUS)


def stated(value: float, tolerance: float | None) -> str:
    """A figure that the paper prints, with at least the decimals of its tolerance: nought is a digit too.

    >>> stated(99.0, 0.5), stated(0.99, 0.003), stated(5.2, None)
    ('99.0', '0.990', '5.2')
    """
    if scientific(value):
        return number(value)
    return f"{value:.{max(decimals(value), decimals(tolerance or 0.0))}f}".replace("-", MINUS)


def with_spread(value: float, spread: float | None, n: int | None = None) -> str:
    """A value with its spread over seeds: ``5.21 ± 0.31 (n = 5)``.

    >>> with_spread(5.213, 0.31, 5)
    '5.21 ± 0.31 (n = 5)'
    """
    text = number(value, spread)
    if spread and not scientific(value):
        text += f" ± {spread:.{decimals(value, spread)}f}"
    elif spread:
        text += f" ± {number(spread)}"
    return text + (f" (n = {n})" if n is not None else "")


def split(text: str) -> tuple[str, str]:
    """What stands before the decimal point, and the rest with the point."""
    for position, sign in enumerate(text):
        if sign not in f"{MINUS}0123456789":
            return text[:position], text[position:]
    return text, ""


def aligned(texts: Sequence[str | None]) -> list[Markup | None]:
    """A column of numbers whose decimal points stand below one another.

    Each is split at its point; the part before it is set to the width of the column's longest.
    """
    width = max((len(split(text)[0]) for text in texts if text), default=1)
    column: list[Markup | None] = []
    for text in texts:
        if text is None:
            column.append(None)
            continue
        whole, rest = split(text)
        column.append(
            element(
                "span",
                element("span", whole, class_="whole", style=f"min-width:{width}ch"),
                element("span", rest, class_="rest"),
                class_="number",
            )
        )
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
