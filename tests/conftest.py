"""Set-up that every test shares: one thread, fixed seeds, and shapes checked at run time."""

import os

import pytest
import torch
from jaxtyping import install_import_hook

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for processes that tests start
torch.set_num_threads(1)
install_import_hook(["unrolled.nn", "unrolled.papers"], "beartype.beartype")


@pytest.fixture(autouse=True)
def fixed_seed():
    """Every test starts from the same random numbers, alone or in company."""
    torch.manual_seed(0)
