"""Numbers show what is known of them, and no more."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.site.numbers import aligned, duration, memory, number, stated, with_spread

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


@pytest.mark.parametrize(
    ("value", "spread", "shown"),
    [
        (5.213, 0.31, "5.21 ± 0.31 (n = 5)"),
        (93.2, 0.4, "93.20 ± 0.40 (n = 5)"),
        (1234.6, 25.0, "1235 ± 25 (n = 5)"),
        (-0.5, None, "−0.5 (n = 5)"),
        (5.0, None, "5 (n = 5)"),
        (2.5e-33, None, "2.5 × 10⁻³³ (n = 5)"),
        (5.0, 0.0, "5 (n = 5)"),
    ],
)
def test_digits_follow_the_spread(value: float, spread: float | None, shown: str) -> None:
    assert with_spread(value, spread, 5) == shown


def test_a_printed_nought_is_kept() -> None:
    assert stated(99.0, 0.5) == "99.0"


@given(FINITE)
def test_a_printed_number_is_near_the_number(value: float) -> None:
    text = number(value).replace("−", "-")
    found = re.fullmatch(r"(-?[\d.]+)(?: × 10(.*))?", text)
    assert found
    exponent = int((found[2] or "0").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
    assert math.isclose(float(found[1]) * 10.0**exponent, value, rel_tol=0.06, abs_tol=1e-6)


def test_points_of_a_column_stand_below_one_another() -> None:
    column = aligned(["5.2", None, "−95.41", "100"])
    assert column[1] is None
    assert all("min-width:3ch" in str(cell) for cell in column if cell is not None)
    assert '<span class="rest">.41</span>' in str(column[2])


def test_times_and_memory_are_given_in_units_a_reader_plans_by() -> None:
    assert [duration(s) for s in (0.2, 38, 89.6, 600, 9300)] == [
        "under 1 s",
        "38 s",
        "90 s",
        "10 min",
        "2.6 h",
    ]
    assert [memory(m) for m in (430, 2300)] == ["430 MB", "2.3 GB"]
