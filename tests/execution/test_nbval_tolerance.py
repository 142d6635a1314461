"""nbval with the hook: near numbers pass, far ones and changed words fail, pictures are passed over."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from execution_cells import Write, code
from hypothesis import given
from hypothesis import strategies as st

from unrolled.base.paths import PACKAGE
from unrolled.execution.nbval_tolerance import Tolerant, tolerant
from unrolled.library.chapters import VALUE


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("loss 1.1251", "loss 1.1252"),
        ("1.1251e-03 and -2.0", "1.1252e-03 and -2.001"),
        ("tensor([0.1251, 0.3000])", "tensor([0.1252, 0.3001])"),
        ("-0.0000", "0.0000"),
        ("1.2e-17", "-3.1e-16"),
        ("nan", "nan"),
    ],
)
def test_near_numbers_are_equal(left: str, right: str) -> None:
    assert Tolerant(left) == Tolerant(right)
    assert not Tolerant(left) != Tolerant(right)  # noqa: SIM202  # nbval asks `!=`, which str has of its own
    assert hash(Tolerant(left)) == hash(Tolerant(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("loss 1.1251", "loss 1.135"),
        ("loss 1.1251", "error 1.1251"),
        ("5000 of 10000", "5001 of 10000"),
        ("1.5", "-1.5"),
        ("1.5", "nan"),
        ("1.5 2.5", "1.5"),
        ("holds", "fails"),
        ("version 1.2.3", "version 1.2.4"),
        ("x1.0", "x2.0"),
    ],
)
def test_far_numbers_counts_and_words_differ(left: str, right: str) -> None:
    assert Tolerant(left) != Tolerant(right)
    assert not Tolerant(left) == Tolerant(right)  # noqa: SIM201  # both must be defined, and agree


@given(st.text(), st.text())
def test_the_comparison_is_reflexive_symmetric_and_never_both_ways(left: str, right: str) -> None:
    a, b = Tolerant(left), Tolerant(right)
    assert a == Tolerant(left)
    assert (a == b) == (b == a)
    assert (a == b) != (a != b)
    if left == right:
        assert hash(a) == hash(b)


@given(st.floats(-1e6, 1e6), st.floats(-1e-4, 1e-4))
def test_numbers_within_the_tolerance_are_equal_whatever_they_are(number: float, change: float) -> None:
    assert Tolerant(f"x = {number:.12f}") == Tolerant(f"x = {number * (1 + change):.12f}")


def test_json_is_compared_by_its_text_and_other_things_are_left() -> None:
    assert tolerant({"a": 1.0001, "b": [1]}) == tolerant({"b": [1], "a": 1.0002})
    assert tolerant({"a": 1.0}) != tolerant({"a": 2.0})
    assert tolerant(3) == 3


def nbval(file: Path, *options: str, **variables: str) -> tuple[dict[str, str], str]:
    """The outcome of every cell: `{"Cell 1": "PASSED"}`, and what pytest printed."""
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-kernel-name", "python3", "-v"]
    command += ["-p", "unrolled.execution.nbval_tolerance", "-p", "no:cacheprovider", "--color=no"]
    command += ["--rootdir", str(file.parent), *options, str(file)]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)} | variables
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=file.parent, check=False
    )
    # pytest writes the plugin's "Cell 0" as "tiny::ipynb::Cell 0" where it lists them.
    outcomes = re.findall(r"^\w+::ipynb::(Cell \d+) ([A-Z]+)", done.stdout, flags=re.MULTILINE)
    return dict(outcomes), done.stdout + done.stderr


def printed(text: str) -> list:
    return [{"output_type": "stream", "name": "stdout", "text": [text]}]


def test_nbval_passes_near_outputs_and_fails_changed_ones(write: Write) -> None:
    svg = "from IPython.display import SVG, display\ndisplay(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>'))"
    picture = {"image/svg+xml": ["<svg>another</svg>"], "text/plain": ["<IPython.core.display.SVG object>"]}
    place = "import os\nprint(os.path.basename(os.getcwd()), os.environ['OMP_NUM_THREADS'])"
    file = write(
        code("print('loss', 1.1251)", outputs=printed("loss 1.1252\n"), count=2),
        code("print('loss', 1.1251)", outputs=printed("loss 1.135\n"), count=3),
        code("print('steps', 1000)", outputs=printed("steps 1001\n"), count=4),
        code("1.00004", outputs=[_result("1.00001")], count=5),
        code(svg, outputs=[{"output_type": "display_data", "metadata": {}, "data": picture}], count=6),
        code(place, outputs=printed("notebooks 1\n"), count=7),
        code("import time\ntime.time()", "nbval-ignore-output", outputs=[_result("1.0")], count=8),
    )
    outcomes, said = nbval(file)
    assert outcomes == {
        "Cell 0": "PASSED",
        "Cell 1": "PASSED",
        "Cell 2": "FAILED",
        "Cell 3": "FAILED",
        "Cell 4": "PASSED",
        "Cell 5": "PASSED",
        "Cell 6": "PASSED",
        "Cell 7": "PASSED",
    }, said
    assert "1.135" in said


def left(*names: str, value: float = 1.5) -> list:
    data = [{"text/plain": f"{name}: {value}", VALUE: {"name": name, "value": value}} for name in names]
    return [{"output_type": "display_data", "metadata": {}, "data": item} for item in data]


def leaves(*names: str) -> str:
    """The source of a cell that leaves values, other ones than are stored."""
    data = [output["data"] for output in left(*names, value=2.5)]
    return f"from IPython.display import display\nfor data in {data!r}:\n    display(data, raw=True)"


def test_after_a_training_values_are_compared_by_their_names(write: Write) -> None:
    tag = "nbval-ignore-output"
    file = write(
        code(leaves("gain"), tag, outputs=left("gain"), count=2),
        code(leaves("gain"), tag, outputs=left("loss"), count=3),
        code(leaves(), tag, outputs=left("gain"), count=4),
        code(leaves("gain"), outputs=left("gain"), count=5),
    )
    outcomes, said = nbval(file)
    failed = [cell for cell, outcome in outcomes.items() if outcome == "FAILED"]
    assert failed == ["Cell 2", "Cell 3", "Cell 4"], said
    assert "stored: ['loss']" in said
    assert "found:  ['gain']" in said


def test_a_kernel_gets_the_environment_of_the_caller_and_tells_its_level(write: Write) -> None:
    seen = "import os, torch\nseen = os.environ['UNROLLED_SEEN'], 'PATH' in os.environ\n"
    seen += "print(*seen, torch.get_num_threads())"
    file = write(code(seen, outputs=printed("yes True 2\n"), count=2))
    variables = {"ATEN_CPU_CAPABILITY": "default", "NPY_DISABLE_CPU_FEATURES": "", "UNROLLED_SEEN": "yes"}
    outcomes, said = nbval(file, "--kernel-threads", "2", **variables)
    assert outcomes == {"Cell 0": "PASSED", "Cell 1": "PASSED"}, said
    assert re.search(r"kernels of 1 notebooks ran with torch DEFAULT, numpy .+, threads 2", said), said


def test_a_kernel_without_the_level_that_was_asked_for_fails(write: Write) -> None:
    outcomes, said = nbval(write(), ATEN_CPU_CAPABILITY="avx1024")
    assert outcomes == {"Cell 0": "ERROR"}, said
    assert "ATEN_CPU_CAPABILITY asks for avx1024" in said


def _result(text: str) -> dict:
    return {
        "output_type": "execute_result",
        "execution_count": 1,
        "metadata": {},
        "data": {"text/plain": [text]},
    }
