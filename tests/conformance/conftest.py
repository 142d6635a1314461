"""The suite meets a model as a user does: without the run-time shape checks of the other tests."""

import sys
from pathlib import Path

import pytest
from jaxtyping import config

sys.path.insert(0, str(Path(__file__).parent))  # registry.py


@pytest.fixture(autouse=True)
def as_a_user():
    """What a model refuses, it refuses by itself."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)
