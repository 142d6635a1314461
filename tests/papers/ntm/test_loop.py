"""The loop with gradients by hand against the step, by autograd."""

import pytest
import torch

from unrolled.nn.memory import Head
from unrolled.nn.memory_visit import Writing, visit, visit_gradient
from unrolled.nn.scan import scan
from unrolled.papers.ntm.controller import linear
from unrolled.papers.ntm.model import NTM, ntm_step

KINDS = {
    "lstm": {},
    "feedforward": {"controller": "feedforward"},
    "three_layers": {"layers": 3},
    "many_heads": {"read_heads": 3, "write_heads": 2, "shifts": 5},
    "no_shift": {"shifts": 1},
}


def machine(**options):
    torch.manual_seed(3)
    return NTM(3, 2, hidden_size=6, rows=7, columns=4, memory="learned", **options).double()


def by_steps(model, x):
    terms = linear(x, model.W_x, model.b).movedim(-2, 0)
    given = scan(ntm_step, terms, model.initial(len(x)), model.weights, model.layout, keep="last").outputs
    return linear(torch.cat(given, -1).movedim(0, -2), model.readout.weight, model.readout.bias)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_the_loop_is_the_step_repeated(kind, batch):
    model, x = machine(**KINDS[kind]), torch.randn(batch, 5, 3, dtype=torch.float64, requires_grad=True)
    found = []
    for logits in (model(x), by_steps(model, x)):
        found.append([logits, *torch.autograd.grad(logits.square().sum(), [x, *model.parameters()])])
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-10)


def test_without_gradients_the_loop_gives_the_same():
    model, x = machine(), torch.randn(2, 5, 3, dtype=torch.float64)
    with torch.no_grad():
        silent = model(x)
    assert torch.equal(silent, model(x))


def test_gradients_stay_finite_at_weightings_of_zeros():
    """Heads so sharp that most weights vanish, keys and memory of zeros, and shares at both ends."""
    memory, before = torch.zeros(2, 4, 9), torch.eye(9)[:3].expand(2, 3, 9)
    ones = torch.ones(2, 3)
    head = Head(torch.zeros(2, 3, 4), 50 * ones, 0 * ones, torch.eye(3)[1].expand(2, 3, 3), 1e4 * ones)
    writing = Writing(torch.ones(2, 2, 4), torch.ones(2, 2, 4))
    visited = visit(head, writing, before, memory)
    slopes = torch.randn(2, 3, 9), torch.randn(2, 4, 9), torch.randn(2, 1, 4)
    d_head, d_writing, *d_rest = visit_gradient(head, writing, before, memory, visited, *slopes)
    assert torch.equal(visited.weighting, before)
    assert all(part.isfinite().all() for part in (*d_head, *d_writing, *d_rest))
