"""The compiled step against the reference: numbers, gradients, and what it refuses."""

import subprocess
import sys

import pytest

# In a process of its own: the run-time checks of shapes that the tests install do not compile.
COMPARE = """
import torch
from torch import _dynamo
from unrolled.papers.ntm.model import NTM

torch.manual_seed(0)
for options in ({"layers": 2, "read_heads": 2}, {"controller": "feedforward", "memory": "learned"}):
    sizes = {"hidden_size": 6, "rows": 7, "columns": 4, **options}
    reference, compiled = NTM(3, 2, **sizes).double(), NTM(3, 2, **sizes, backend="compiled").double()
    compiled.load_state_dict(reference.state_dict())
    for time in (5, 8):
        x = torch.randn(4, time, 3, dtype=torch.float64, requires_grad=True)
        found = []
        for model in (reference, compiled):
            logits = model(x)
            gradients = torch.autograd.grad(logits.square().sum(), [x, *model.parameters()])
            found.append([logits, *gradients])
        for ours, expected in zip(*found, strict=True):
            torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-10)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), reference(x), rtol=1e-10, atol=1e-10)
print("kinds:", _dynamo.utils.counters["stats"]["unique_graphs"])
(slope,) = torch.autograd.grad(compiled(x).sum(), x, create_graph=True)
try:
    slope.square().sum().backward()
except RuntimeError as error:
    print("refused" if "double backward" in str(error) else error)
"""


@pytest.mark.slow
def test_compiled_equals_reference():
    answer = subprocess.run([sys.executable, "-c", COMPARE], capture_output=True, text=True, check=False)
    # Two models, each with gradients and without: sequences of another length compile nothing anew.
    assert answer.stdout.split() == ["kinds:", "4", "refused"], answer.stdout + answer.stderr[-2000:]
    assert "not compiled" not in answer.stderr
