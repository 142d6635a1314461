"""The package's front door: every paper's model by name, and nothing imported before it is named."""

import subprocess
import sys

import pytest

import unrolled
from unrolled.base.errors import UsageError
from unrolled.base.paths import sources


def test_every_paper_has_a_model_of_its_name():
    papers = {path.parent.name for path in (sources() / "papers").glob("*/experiment.py")}
    assert set(unrolled.MODELS.values()) == papers
    for name in unrolled.MODELS:
        model = getattr(unrolled, name)
        assert model.__name__ == name
        assert model.__doc__


def test_importing_the_package_imports_neither_torch_nor_the_knowledge_base():
    script = "import sys, unrolled; print([m for m in ('torch', 'pydantic', 'yaml') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'NTN'"):
        unrolled.NTN  # noqa: B018
    with pytest.raises(UsageError, match="no entry"):
        unrolled.entry("ntn")
    with pytest.raises(UsageError, match="no trained model"):
        unrolled.load("ntm/nothing")


def test_names_are_listed():
    assert {"NTM", "cite", "entry", "load"} <= set(dir(unrolled))
