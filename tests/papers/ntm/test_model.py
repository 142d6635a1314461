"""The neural Turing machine: its shapes and states, padding, copies side by side, and what it can express."""

import pytest
import torch
from torch.func import functional_call, stack_module_state

from unrolled.base.errors import UsageError
from unrolled.nn.memory import off_simplex
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


@pytest.mark.parametrize("kind", KINDS)
def test_stacked_copies_compute_what_each_computes_alone(kind):
    copies, x = [small(**KINDS[kind]) for _ in range(3)], torch.rand(3, 2, 5, 4)
    parameters, buffers = stack_module_state(copies)
    together = functional_call(copies[0], (parameters, buffers), (x,))
    for place, alone in enumerate(copies):
        assert torch.allclose(together[place], alone(x[place]), atol=1e-6)


def test_stacked_copies_of_the_baseline_compute_what_each_computes_alone():
    copies, x = [LSTMBaseline(4, 3, hidden_size=5, layers=2) for _ in range(3)], torch.rand(3, 2, 5, 4)
    together = functional_call(copies[0], stack_module_state(copies), (x,))
    for place, alone in enumerate(copies):
        assert torch.allclose(together[place], alone(x[place]), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_trace_shows_the_same_run(kind):
    model, x = small(**KINDS[kind]), torch.rand(2, 6, 4)
    logits, trace = model.trace(x)
    assert torch.allclose(logits, model(x), atol=1e-6)
    assert trace.memory.shape == (2, 6, 7, 5)
    assert off_simplex(trace.stages.weighting).max() < 1e-5


def test_heads_start_at_the_first_row_and_the_memory_at_a_small_constant():
    state = small().initial(2)
    assert state.weighting.argmax(-1).unique().tolist() == [0]
    assert state.memory.unique().tolist() == pytest.approx([1e-6])


def test_a_learned_memory_is_a_parameter_and_a_random_one_is_not():
    assert "memory_0" in dict(small(memory="learned").named_parameters())
    assert "memory_0" in dict(small(memory="random").named_buffers())
    assert len(small(memory="random").initial(2).memory[0].unique()) == 35


def test_an_empty_sequence_has_empty_answers():
    assert small()(torch.zeros(2, 0, 4)).shape == (2, 0, 3)


def test_weights_survive_a_round_trip():
    model, other, x = small(memory="random"), small(memory="random"), torch.rand(1, 5, 4)
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(x), other(x))


def test_layers_of_a_feed_forward_controller_are_refused():
    with pytest.raises(UsageError, match="one layer, not 2"):
        small(controller="feedforward", layers=2)


def test_a_wrong_number_of_channels_is_refused():
    with pytest.raises(ShapeError, match="4 features"):
        small()(torch.zeros(2, 5, 3))
