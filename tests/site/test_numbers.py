"""Numbers show what is known of them, and no more."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.site.numbers import aligned, duration, memory, number, printed, with_spread

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


@pytest.mark.parametrize(
    ("value", "spread", "shown"),
    [
        (5.213, 0.31, "5.21 ± 0.31 (5)"),
        (90.0, 0.4, "90.0 ± 0.40 (5)"),
        (0.820742, 0.000561, "0.821 ± 0.00056 (5)"),
        (1234.6, 25.0, "1,235 ± 25 (5)"),
        (-0.5, None, "−0.500 (5)"),
        (5.0, None, "5 (5)"),
        (2.5e-33, None, "2.5 × 10⁻³³ (5)"),
        (5.0, 0.0, "5 ± 0 (5)"),
    ],
)
def test_numbers_have_three_digits_and_spreads_two(value: float, spread: float | None, shown: str) -> None:
    assert with_spread(value, spread, 5) == shown


@given(FINITE, st.lists(FINITE, max_size=3))
def test_rounding_never_crosses_a_bound(value: float, bounds: list[float]) -> None:
    text = number(value, *bounds)
    if "×" not in text:
        shown = float(text.replace("−", "-").replace(",", ""))
        for bound in bounds:
            assert (shown > bound, shown < bound) == (value > bound, value < bound)


@pytest.mark.parametrize(
    ("value", "bound", "shown"),
    [(95.396, 95.4, "95.396"), (0.9996, 1.0, "0.9996"), (94.96, 95.0, "94.96"), (0.98, 0.98, "0.980")],
)
def test_a_number_at_its_bound_has_as_many_digits_as_it_needs(value, bound, shown) -> None:
    assert number(value, bound) == shown


def test_the_paper_s_numbers_are_printed_as_it_prints_them() -> None:
    assert [printed(x) for x in (0.86, 15931, 1.32, 7e-6)] == ["0.86", "15,931", "1.32", "7 × 10⁻⁶"]
    assert printed(99.0, 0.05) == "99.0"


@given(FINITE)
def test_a_printed_number_is_near_the_number(value: float) -> None:
    text = number(value).replace("−", "-")
    text = text.replace(",", "")
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
