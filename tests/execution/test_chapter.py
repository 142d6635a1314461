"""The calls of a chapter's cells: values in one line each, and sources shown as they are."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.execution import sources
from unrolled.execution.chapter import Chapter, rounded
from unrolled.execution.sources import WIDTH, Shown, source_of, without_docstring, wrapped


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


def test_training_takes_a_preset_of_the_paper_and_no_other() -> None:
    with pytest.raises(UsageError, match=r"no preset 'life' \(did you mean live"):
        Chapter("dkt", profile="smoke").train("life")


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


WIDE = '''\
def f(first: int, second: int, third: int, fourth: int, fifth: int, sixth: int) -> int:
    """A sentence that is too wide for a column of code, which has no more than so many signs
    and goes on.

        h_t = sigma(W_h h_{t-1} + W_x x_t + b), which is a formula that is wider than a line
        c_t = 0

    - one
    - two

    >>> f(1000000000, 2000000000, 3000000000, 4000000000, 5000000000, 600000000000000)
    21
    """
    # A comment that is wider than a line of shown code may be, and that goes on and on, and
    # on.
    return first + second + third + fourth + fifth + sixth  # a comment behind a line, too wide (6)'''


def test_shown_source_is_set_in_narrow_lines_and_means_the_same() -> None:
    text = wrapped(WIDE)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "signs and goes on." in " ".join(text.split())
    assert "\n        c_t = 0\n\n    - one\n    - two\n" in text
    assert wrapped("x = 1  # " + "wide " * 15) == f"# {('wide ' * 15).strip()}\nx = 1"
    assert "and that\n    # goes on and on, and on." in text
    bare = [ast.dump(ast.parse(without_docstring(code))) for code in (text, WIDE)]
    assert bare[0] == bare[1]


def test_what_is_narrow_already_and_what_is_no_module_stay_as_they_are() -> None:
    narrow = 'def f(x):\n    """Say it.\n\n    Twice.\n    """\n    return x  # (6)'
    assert wrapped(narrow) == narrow
    assert wrapped("return x +") == "return x +"


def test_without_ruff_source_is_shown_as_it_is(monkeypatch) -> None:
    monkeypatch.setattr(sources.sys, "executable", "/bin/false")
    assert wrapped(WIDE) == WIDE


def test_a_check_leaves_its_sentence_its_number_and_its_bound(chapter: Chapter, monkeypatch) -> None:
    shown = []
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    chapter.check("The weights sum to one", 1e-16, at_most=1e-12)
    chapter.check("Accuracy", numpy.float64(0.913), "train longer", at_least=0.95, digits=3)
    chapter.check("Exercise 1", True, "not needed")
    chapter.check("It is a number", math.nan, at_least=0)
    assert [data["text/plain"] for data in shown] == [
        "✓ The weights sum to one: ≈ 0, at most 10⁻¹²",
        "✗ Accuracy: 0.913, at least 0.95, train longer",
        "✓ Exercise 1",
        "✗ It is a number: nan, at least 0",
    ]
    assert shown[1]["application/vnd.unrolled.check+json"] == {
        "says": "Accuracy",
        "holds": False,
        "value": "0.913",
        "bound": "at least 0.95",
        "hint": "train longer",
    }


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
