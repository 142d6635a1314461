"""The neural Turing machine: its shapes and states, padding, derivatives, and what it refuses."""

import pytest
import torch
from jaxtyping import config

from unrolled.base.errors import UsageError
from unrolled.nn.scan import ShapeError
from unrolled.papers.ntm.baseline import LSTMBaseline
from unrolled.papers.ntm.model import NTM

KINDS = {
    "lstm": {"controller": "lstm"},
    "feedforward": {"controller": "feedforward"},
    "two_layers": {"controller": "lstm", "layers": 2},
    "many_heads": {"read_heads": 3, "write_heads": 2, "shifts": 5},
}


def small(**options):
    return NTM(4, 3, **{"hidden_size": 6, "rows": 7, "columns": 5, **options})


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_gets_a_gradient(kind):
    model = small(**KINDS[kind], memory="learned")
    model(torch.rand(2, 6, 4)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing_before_it(kind):
    model, x = small(**KINDS[kind]), torch.rand(3, 8, 4)
    lengths = torch.tensor([8, 5, 2])
    padded = x.clone()
    padded[1, 5:], padded[2, 2:] = float("nan"), 1e9
    found = model(padded, lengths)
    whole = model(x)
    for row, length in enumerate(lengths.tolist()):
        assert torch.equal(found[row, :length], whole[row, :length])
    found[2, :2].sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_are_those_of_finite_differences(kind):
    model = small(**KINDS[kind], memory="learned").double()
    x = torch.rand(2, 3, 4, dtype=torch.float64, requires_grad=True)
    direction = torch.randn_like(x)

    def slope(x):
        return torch.autograd.grad(model(x).square().sum(), x, create_graph=True)[0]

    (ours,) = torch.autograd.grad((slope(x) * direction).sum(), x)
    step = 1e-6 * direction
    expected = (slope(x + step) - slope(x - step)).detach() / 2e-6
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_the_trace_shows_the_same_run(kind):
    model, x = small(**KINDS[kind]), torch.rand(2, 6, 4)
    logits, trace = model.trace(x)
    assert torch.equal(logits, model(x))
    assert trace.memory.shape == (2, 6, 7, 5)
    assert trace.stages.weighting.shape == (2, 6, model.layout.heads, 7)


def test_heads_start_at_the_first_row_and_the_memory_at_a_small_constant():
    state = small().initial(2)
    assert torch.equal(state.weighting, torch.eye(7)[:1].expand(2, 2, 7))
    assert state.memory.unique().tolist() == pytest.approx([1e-6])


def test_a_learned_memory_is_a_parameter_and_a_random_one_is_not():
    assert "memory_0" in dict(small(memory="learned").named_parameters())
    assert "memory_0" in dict(small(memory="random").named_buffers())
    assert len(small(memory="random").initial(2).memory[0].unique()) == 35


def test_a_seed_gives_the_weights_that_the_same_draws_give_in_order():
    torch.manual_seed(4)
    model = small(layers=2, memory="random")
    torch.manual_seed(4)
    drawn = {
        n: torch.empty(dict(model.named_parameters())[n].shape) for n in model.state_dict() if "_0" not in n
    }
    for name, part in drawn.items():
        if name == "W_heads":
            torch.nn.init.xavier_uniform_(part, gain=1.4)
        elif name == "b_heads":
            part.copy_(0.01 * torch.randn(part.shape))
        elif name.startswith("readout"):
            part.uniform_(-((6 + 5) ** -0.5), (6 + 5) ** -0.5)
        else:
            part.uniform_(-(6**-0.5), 6**-0.5)
        torch.testing.assert_close(model.state_dict()[name], part, msg=name)
    torch.testing.assert_close(model.memory_0, 0.5 * torch.randn(7, 5))


def test_a_model_without_memory_takes_values_and_draws_them_anew():
    with torch.device("meta"):
        model = small()
    model.to_empty(device="cpu")
    model.reset_parameters()
    assert model(torch.rand(1, 3, 4)).isfinite().all()


def test_half_precision_stays_finite():
    for dtype in (torch.float16, torch.bfloat16):
        assert small().to(dtype)(torch.rand(2, 5, 4, dtype=dtype)).isfinite().all()


def test_an_empty_sequence_and_an_empty_batch_have_empty_answers():
    assert small()(torch.zeros(2, 0, 4)).shape == (2, 0, 3)
    assert small()(torch.zeros(0, 5, 4)).shape == (0, 5, 3)


def test_weights_survive_a_round_trip():
    model, other, x = small(memory="random"), small(memory="random"), torch.rand(1, 5, 4)
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(x), other(x))


@pytest.mark.parametrize(
    "options",
    [
        {"controller": "none"},
        {"memory": "zero"},
        {"backend": "fast"},
        {"controller": "feedforward", "layers": 2},
    ],
)
def test_options_that_there_are_not_are_refused(options):
    config.update("jaxtyping_disable", True)  # what a model refuses, it refuses by itself
    try:
        with pytest.raises(UsageError):
            small(**options)
    finally:
        config.update("jaxtyping_disable", False)


@pytest.mark.parametrize("make", [small, lambda: LSTMBaseline(4, 3, hidden_size=5, layers=2)])
def test_a_wrong_number_of_channels_is_refused(make):
    with pytest.raises(ShapeError, match="4 features"):
        make()(torch.zeros(2, 5, 3))


def test_the_baseline_learns_its_first_state():
    model = LSTMBaseline(4, 3, hidden_size=5, layers=2)
    model(torch.rand(2, 6, 4)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())
