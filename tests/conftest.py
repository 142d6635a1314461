"""Set-up that every test shares: one thread, fixed seeds, shapes checked at run time, and figures kept."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from jaxtyping import install_import_hook

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for processes that tests start
torch.set_num_threads(1)
install_import_hook(["unrolled.nn", "unrolled.papers"], "beartype.beartype")


def pytest_addoption(parser):
    """Where `make test-long` keeps its figures."""
    parser.addoption("--figures", metavar="FILE", help="write outcome, seconds and counts of every test here")


def pytest_terminal_summary(terminalreporter, config):
    """Write the figures of the run, if a file is named."""
    file = config.getoption("--figures")
    if not file:
        return
    reports = [
        report
        for group in terminalreporter.stats.values()
        for report in group
        if getattr(report, "when", None) == "call"
    ]
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "tests": {
            report.nodeid: {"outcome": report.outcome, "seconds": round(report.duration, 1)}
            | dict(report.user_properties)
            for report in sorted(reports, key=lambda report: report.nodeid)
        },
    }
    Path(file).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


@pytest.fixture(autouse=True)
def fixed_seed():
    """Every test starts from the same random numbers, alone or in company."""
    torch.manual_seed(0)
