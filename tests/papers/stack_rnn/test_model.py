"""The Stack RNN: its options, its traces, and what it refuses."""

import subprocess
import sys

import pytest
import torch
from jaxtyping import config

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.nn.checks import ShapeError
from unrolled.papers.stack_rnn.baseline import LSTMBaseline
from unrolled.papers.stack_rnn.model import StackRNN

KINDS = {
    "stack": {},
    "noop": {"noop": True},
    "recurrent": {"recurrent": True},
    "list": {"memory": "list"},
    "deep": {"depth": 3},
    "none": {"stacks": 0, "recurrent": True},
}


def small(**options):
    return StackRNN(3, **{"hidden_size": 6, "stacks": 2, **options})


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_gets_a_gradient(kind):
    model = small(**KINDS[kind])
    model(torch.tensor([[0, 1, 2, 0, 1, 2]])).square().sum().backward()
    for name, parameter in model.named_parameters():
        if parameter.numel():
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_and_the_steps_are_the_forward_pass(kind, rounded):
    model, x = small(**KINDS[kind]), torch.randint(3, (4, 9))
    trace = model.trace(x, rounded=rounded)
    torch.testing.assert_close(trace.logits, model(x, rounded=rounded))
    assert trace.actions.shape[:3] == (4, 9, model.D.shape[0])
    torch.testing.assert_close(trace.actions.sum(-1), torch.ones_like(trace.actions[..., 0]))
    if rounded:
        assert set(trace.actions.unique().tolist()) <= {0.0, 1.0}


# In a process of its own: the run-time checks of shapes that the tests install do not compile.
COMPARE = """
import torch
from unrolled.base.errors import UsageError
from unrolled.papers.stack_rnn.model import StackRNN

torch.manual_seed(0)
for options in ({}, {"memory": "list", "recurrent": True}):
    sizes = {"hidden_size": 6, "stacks": 2, **options}
    reference, compiled = StackRNN(3, **sizes).double(), StackRNN(3, **sizes, backend="compiled").double()
    compiled.load_state_dict(reference.state_dict())
    x, found = torch.randint(3, (2, 5)), []
    for model in (reference, compiled):
        logits = model(x)
        found.append([logits, *torch.autograd.grad(logits.square().sum(), [*model.parameters()])])
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-10)
try:
    torch.autograd.grad(compiled(x).sum(), compiled.A, create_graph=True)
except UsageError as error:
    print("refused" if "no second derivative" in str(error) else error)
"""


@pytest.mark.slow
def test_the_compiled_step_is_the_reference():
    answer = subprocess.run([sys.executable, "-c", COMPARE], capture_output=True, text=True, check=False)
    assert answer.stdout.split() == ["refused"], answer.stderr[-2000:]


def test_initial_weights_are_sums_of_three_uniform_draws():
    torch.manual_seed(0)
    weights = torch.cat([p.detach().flatten() for p in StackRNN(4, hidden_size=200).parameters()])
    assert weights.abs().max() <= 0.3
    assert abs(weights.std().item() - 0.1) < 0.003  # the variance of one draw is 0.01 / 3


@pytest.mark.parametrize(
    "options", [{"memory": "queue"}, {"backend": "fast"}, {"memory": "list", "noop": True}]
)
def test_options_that_there_are_not_are_refused(options):
    config.update("jaxtyping_disable", True)  # what a model refuses, it refuses by itself
    try:
        with pytest.raises(UsageError):
            small(**options)
    finally:
        config.update("jaxtyping_disable", False)


def test_symbols_out_of_range_are_refused():
    with pytest.raises(ShapeError, match=r"symbols must lie in 0\.\.2"):
        small()(torch.tensor([[3]]))


def test_the_fused_lstm_refuses_a_batch_of_models():
    model = LSTMBaseline(3, hidden_size=4)
    with pytest.raises(UnrolledError, match="one by one"):
        torch.func.vmap(model)(torch.zeros(2, 1, 5, dtype=torch.long))
