"""The calls of a chapter's cells: values in one line each, and sources shown as they are."""

from __future__ import annotations

import math
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.execution.chapter import Chapter, rounded
from unrolled.execution.sources import Shown, source_of, without_docstring


@pytest.fixture
def chapter(project: Path) -> Chapter:
    return Chapter("tiny")


def test_wrong_calls_name_the_mend(chapter: Chapter, project: Path) -> None:
    with pytest.raises(UsageError, match="value width is inf"):
        chapter.value("width", math.inf)
    with pytest.raises(UsageError, match=r"no profile 'bok' \(did you mean book"):
        Chapter("tiny", profile="bok")
    with pytest.raises(UsageError, match=r"no entry 'tyni' \(did you mean tiny\?\)"):
        Chapter("tyni")
    with pytest.raises(UsageError, match="no device 'gpu'"):
        Chapter("tiny", device="gpu")


def test_in_a_notebook_the_numbers_stand_beside_the_line_unrounded(chapter: Chapter, monkeypatch) -> None:
    shown = []
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    chapter.value("width", 1.23456, unit="steps")
    assert shown == [
        {
            "text/plain": "width: 1.23 steps",
            "application/vnd.unrolled.value+json": {"name": "width", "value": 1.23456},
        }
    ]


def test_a_chapter_seeds_the_generators_and_takes_one_thread(project: Path) -> None:
    import random

    import torch

    def drawn() -> tuple:
        return torch.rand(1).item(), numpy.random.rand(), random.random()

    Chapter("tiny", seed=3)
    first = drawn()
    Chapter("tiny", seed=3)
    assert drawn() == first
    Chapter("tiny", seed=4)
    assert drawn() != first
    assert torch.get_num_threads() == 1


def test_progress_leaves_one_line(chapter: Chapter, capsys, monkeypatch) -> None:
    monkeypatch.setattr(chapter, "quiet", True)
    assert list(chapter.progress(iter("abc"), "training")) == ["a", "b", "c"]
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("training: 3 done\n", "")


def test_run_takes_the_variant_of_the_profile_and_no_other(chapter: Chapter) -> None:
    class Experiment:
        def variants(self, profile: str) -> dict:
            return {f"lstm-{profile}": None}

    with pytest.raises(UsageError, match=r"no variant 'lstm-bok' \(did you mean lstm-book\?\)"):
        chapter.run(Experiment(), "lstm-bok", 0)


def test_the_source_of_the_very_symbol_is_shown_highlighted(chapter: Chapter) -> None:
    shown = chapter.show(rounded, docstring=False)
    assert repr(shown).startswith("def rounded(")
    assert "significant digits" not in repr(shown)
    assert "significant digits" in repr(chapter.show(rounded))
    assert shown._repr_markdown_() == f"```python\n{shown!r}\n```"
    assert repr(chapter.show(rounded, source_of)).count("\n\n\ndef source_of(") == 1


def test_a_method_is_shown_without_the_indentation_of_its_class() -> None:
    assert source_of(Chapter.show).startswith("def show(")


def test_a_fence_in_the_source_does_not_end_the_block() -> None:
    def fenced() -> str:
        return "```"

    markdown = Shown([fenced])._repr_markdown_()
    assert markdown.startswith("````python\n")
    assert markdown.endswith("\n````")


@pytest.mark.parametrize("symbol", [3, len, "text", math])
def test_what_has_no_source_of_a_symbol_is_refused(symbol: object) -> None:
    with pytest.raises(UsageError, match="no source to show"):
        source_of(symbol)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('def f():\n    "One."\n\n    return 1', "def f():\n    return 1"),
        ('def f():\n    """One.\n\n    Two.\n    """\n    return """x"""', 'def f():\n    return """x"""'),
        (
            'class A:\n    "One."\n\n    def f(self):\n        "Two."',
            'class A:\n    def f(self):\n        "Two."',
        ),
        ('def f():\n    "Alone."', 'def f():\n    "Alone."'),
        ("x = 1", "x = 1"),
    ],
)
def test_only_the_definition_s_own_docstring_is_taken_out(before: str, after: str) -> None:
    assert without_docstring(before) == after


@given(st.floats(-1e300, 1e300), st.integers(1, 6))
def test_a_rounded_number_is_near_and_rounds_to_itself(number: float, digits: int) -> None:
    text = rounded(number, digits)
    assert math.isclose(float(text), number, rel_tol=10.0 ** (1 - digits), abs_tol=1e-300)
    assert rounded(float(text), digits) == text or float(rounded(float(text), digits)) == float(text)


@given(st.integers(1, 6), st.integers(-3, 5), st.integers(-9, 9).filter(bool))
def test_a_whole_number_prints_as_the_floats_beside_it(digits: int, exponent: int, first: int) -> None:
    number = first * 10.0**exponent
    assert rounded(number, digits) == rounded(number * (1 - 1e-12), digits)
    assert rounded(number, digits) == rounded(number * (1 + 1e-12), digits)


def test_a_count_stays_whole_and_no_float_prints_as_one() -> None:
    assert [rounded(n, 3) for n in (0, 5, 12345, numpy.int64(7))] == ["0", "5", "12345", "7"]
    assert [rounded(x, 3) for x in (0.0, -0.0, 5.0, 1e6)] == ["0.0", "0.0", "5.00", "1.00e+06"]
