"""The compiled step against the reference: numbers, gradients, and what it refuses."""

import subprocess
import sys

import pytest

# In a process of its own: the run-time checks of shapes that the tests install do not compile.
COMPARE = """
import torch
from torch import _dynamo
from unrolled.base.errors import UsageError
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
try:
    torch.autograd.grad(compiled(x).sum(), x, create_graph=True)
except UsageError as error:
    print("refused" if "no second derivative" in str(error) else error)
parameters = {name: part.detach() for name, part in compiled.named_parameters()}
of = lambda model: torch.func.grad(lambda p: torch.func.functional_call(model, p, x).sum())(parameters)
torch.testing.assert_close(of(compiled), of(reference))
print("func")
"""


@pytest.mark.slow
def test_compiled_equals_reference():
    answer = subprocess.run([sys.executable, "-c", COMPARE], capture_output=True, text=True, check=False)
    # Two models, each with gradients and without: sequences of another length compile nothing anew.
    assert answer.stdout.split() == ["kinds:", "4", "refused", "func"], answer.stdout + answer.stderr[-2000:]
    assert "not compiled" not in answer.stderr
