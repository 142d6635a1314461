"""The loop with gradients by hand against the step, by autograd."""

import pytest
import torch

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
