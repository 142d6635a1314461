"""A process's own report, held against what was asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from unrolled.base.paths import PACKAGE
from unrolled.execution.levels import described, report, shortfalls

FOUND = {"torch": "AVX2", "numpy": {"X86_V3": True, "X86_V4": False}, "dispatch": ["X86_V3"], "threads": 1}


def test_this_process_has_what_it_reports_and_prints_it() -> None:
    found = report()
    assert shortfalls(found, {"ATEN_CPU_CAPABILITY": found["torch"]}, found["threads"]) == []
    assert described(found).startswith(f"torch {found['torch']}, numpy ")


def test_a_level_that_is_set_is_reported() -> None:
    command = "import json; from unrolled.execution.levels import report; print(json.dumps(report()))"
    lowest = {"ATEN_CPU_CAPABILITY": "default"}
    done = subprocess.run(
        [sys.executable, "-c", command],
        env=os.environ | lowest | {"PYTHONPATH": str(PACKAGE.parent), "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["torch"] == "DEFAULT"
    assert shortfalls(found, lowest, threads=2) == []


@pytest.mark.parametrize(
    ("asked", "threads", "fault"),
    [
        ({"ATEN_CPU_CAPABILITY": "default"}, 1, "torch has AVX2, ATEN_CPU_CAPABILITY asks for default"),
        ({"NPY_DISABLE_CPU_FEATURES": "X86_V4 X86_V3"}, 1, "numpy has X86_V3"),
        ({"NPY_DISABLE_CPU_FEATURES": "AVX9"}, 1, "numpy knows no AVX9"),
        ({}, 2, "torch has 1 threads, not 2"),
    ],
)
def test_a_shortfall_is_told(asked: dict[str, str], threads: int, fault: str) -> None:
    (found,) = shortfalls(FOUND, asked, threads)
    assert found.startswith(fault)


def test_what_was_asked_for_and_is_there_is_no_shortfall() -> None:
    asked = {"ATEN_CPU_CAPABILITY": "avx2", "NPY_DISABLE_CPU_FEATURES": "X86_V4"}
    assert shortfalls(FOUND, asked, threads=1) == []
