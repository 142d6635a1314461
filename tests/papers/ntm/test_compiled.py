"""The compiled step against the eager one."""

import subprocess
import sys

import pytest

# In a process of its own: the run-time checks of shapes that the tests install do not compile.
COMPARE = """
import torch
from unrolled.papers.ntm.model import NTM

torch.manual_seed(0)
sizes = {"hidden_size": 6, "rows": 7, "columns": 4, "memory": "learned"}
eager, fast = NTM(3, 2, **sizes).double(), NTM(3, 2, **sizes, fast=True).double()
fast.load_state_dict(eager.state_dict())
x = torch.randn(4, 5, 3, dtype=torch.float64)
found = []
for model in (eager, fast):
    logits = model(x)
    found.append([logits, *torch.autograd.grad(logits.square().sum(), list(model.parameters()))])
for ours, expected in zip(*found, strict=True):
    torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-9)
print("equal")
"""


@pytest.mark.slow
def test_compiled_equals_eager():
    answer = subprocess.run([sys.executable, "-c", COMPARE], capture_output=True, text=True, check=False)
    assert answer.stdout.strip() == "equal", answer.stderr[-2000:]
    assert "not compiled" not in answer.stderr
