"""A tiny experiment and a store for it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tiny.py, also for processes that tests start

from unrolled.training.store import RunStore


@pytest.fixture
def store(tmp_path):
    """An empty run store."""
    return RunStore(tmp_path / "runs")
