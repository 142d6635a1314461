"""Symbols are found in source text, without importing what is looked at."""

from __future__ import annotations

import pytest

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.library.symbols import resolve


@pytest.fixture
def code(project):
    """A module and a test file whose import would fail."""
    module = project / "src" / "unrolled" / "papers" / "toy" / "model.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        "raise RuntimeError('imported')\n\nGAMMA: float = 0.1\n\n\n@decorated\n@twice\ndef step(x):\n    return x\n\n\n"
        "class Cell:\n    size = 3\n\n    async def forward(self):\n        def inner(): ...\n        return 1\n",
        encoding="utf-8",
    )
    test = project / "tests" / "oracles" / "test_toy.py"
    test.parent.mkdir(parents=True)
    test.write_text(
        "class TestToy:\n    def test_one(self):\n        pass\n\n\ndef test_two():\n    pass\n",
        encoding="utf-8",
    )
    return project


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("unrolled.papers.toy.model:step", (6, 9)),
        ("unrolled.papers.toy.model:Cell", (12, 17)),
        ("unrolled.papers.toy.model:Cell.forward", (15, 17)),
        ("unrolled.papers.toy.model:GAMMA", (3, 3)),
        ("tests/oracles/test_toy.py::test_two", (6, 7)),
        ("tests/oracles/test_toy.py::test_two[case]", (6, 7)),
        ("tests/oracles/test_toy.py::TestToy::test_one", (2, 3)),
    ],
)
def test_a_symbol_has_its_file_and_lines(code, name, lines):
    place = resolve(name)
    assert (place.first, place.last) == lines
    assert place.file.is_file()


def test_the_source_of_a_symbol_is_its_very_text(code):
    assert (
        resolve("unrolled.papers.toy.model:step").source()
        == "@decorated\n@twice\ndef step(x):\n    return x\n"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unrolled.papers.toy.model:stp", "did you mean step"),
        ("unrolled.papers.toy.modl:step", "did you mean unrolled.papers.toy.model"),
        ("tests/oracles/test_toy.py::test_too", "did you mean test_two"),
        ("tests/oracles/test_tay.py::test_two", "did you mean tests/oracles/test_toy.py"),
        ("unrolled.papers.toy.model:Cell.inner", "no symbol"),
    ],
)
def test_a_symbol_that_is_not_there_names_near_ones(code, name, said):
    with pytest.raises(UsageError, match=said):
        resolve(name)


@pytest.mark.parametrize(
    "name", ["os:system", "unrolled.papers.toy.model", "src/x.py::f", "tests/../src/x.py::f", ":"]
)
def test_names_of_another_form_are_refused(code, name):
    with pytest.raises(UnrolledError):
        resolve(name)


def test_a_module_that_is_not_python_is_told_with_its_line(code):
    path = code / "src" / "unrolled" / "papers" / "toy" / "model.py"
    path.write_text("x = 1\ndef step(:\n", encoding="utf-8")
    with pytest.raises(UnrolledError, match=r"model\.py:2: not Python"):
        resolve("unrolled.papers.toy.model:step")
