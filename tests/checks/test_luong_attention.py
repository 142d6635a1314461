"""What the equations of global and local attention imply, on random weights and sentences of all lengths."""

import math

import pytest
import torch

from unrolled.data.vocabulary import words_before
from unrolled.nn.attention import Attention, additive_energy, dot_energy, masked_softmax
from unrolled.papers.luong_attention.model import LuongAttention
from unrolled.papers.luong_attention.windows import gaussian, outside_window, predicted_position

LENGTHS, D = torch.tensor([12, 5, 1, 9, 12, 3]), 2


@pytest.fixture(params=range(5))
def seed(request):
    return request.param


def translator(seed, **options):
    torch.manual_seed(seed)
    model = LuongAttention((30, 30), **{"embedding": 16, "hidden": 24, "window": D} | options)
    source = torch.randint(4, 30, (6, 12)) * (torch.arange(12) < LENGTHS[:, None])
    return model.eval(), source, torch.randint(4, 30, (6, 10))


@torch.no_grad()
def windows(seed, kind):
    """The weights ``[target, batch, source]``, and the middle of each step's window ``[target, batch]``."""
    model, source, target = translator(seed, kind=kind)
    state, memory = model.encode(source, LENGTHS)
    alphas, middles = [], []
    for t, words in enumerate(words_before(target).unbind(1)):
        state, alpha = model.step(state, model.inputs(model.embedding(words)), memory)
        alphas.append(alpha.t())
        if kind == "local-p":
            middles.append(predicted_position(state.h[:, -1], LENGTHS, model.W_p, model.v_p))
        else:
            middles.append(LENGTHS.clamp(max=t + 1) - 1.0)
    return torch.stack(alphas), torch.stack(middles)


@pytest.mark.parametrize("kind", ["global", "local-m"])
def test_weights_of_global_and_local_m_sum_to_one(seed, kind):
    alpha, _ = windows(seed, kind)
    assert (alpha.sum(2) - 1).abs().max() <= 1e-6


def test_weights_of_local_p_sum_to_less_than_one_unless_all_are_at_its_position(seed):
    alpha, _ = windows(seed, "local-p")
    assert alpha.sum(2).max() <= 1.000001
    generator = torch.Generator().manual_seed(seed)
    scores, position = torch.randn(12, 200, generator=generator), torch.rand(200, generator=generator) * 12
    weights = masked_softmax(scores, outside_window(position, torch.zeros(12, 200, dtype=torch.bool), D))
    assert (weights * gaussian(position, 12, D)).sum(0).max() < 1


@pytest.mark.parametrize("kind", ["local-m", "local-p"])
def test_positions_outside_the_window_get_no_weight(seed, kind):
    alpha, middles = windows(seed, kind)
    away = (torch.arange(12) - middles.floor()[..., None]).abs() > D
    assert away.any()
    assert not alpha[away].any()


def test_the_predicted_position_lies_inside_the_source(seed):
    _, position = windows(seed, "local-p")
    assert torch.minimum(position, LENGTHS - position).min() > 0


def test_the_gaussian_at_the_edge_of_the_window_is_exp_minus_two():
    assert gaussian(torch.tensor([2.0]), 5, D)[0].item() == pytest.approx(math.exp(-2), abs=1e-4)


def test_the_weights_that_predict_the_position_get_a_gradient(seed):
    model, source, target = translator(seed, kind="local-p")
    model(source, target, LENGTHS).logits.logsumexp(2).sum().backward()
    assert model.v_p.grad.norm() > 0
    assert model.W_p.grad.norm() > 0


@torch.no_grad()
def test_general_holds_dot_and_concat_holds_what_the_authors_ran(seed):
    torch.manual_seed(seed)
    h, annotations, sizes = (
        torch.randn(6, 24),
        torch.randn(6, 12, 24),
        {"query_size": 24, "annotation_size": 24},
    )
    general, concat = Attention("general", **sizes), Attention("concat", **sizes)
    general.weight_key.copy_(torch.eye(24))
    concat.weight_key.copy_(torch.eye(24))
    memory = general.memory(annotations)
    dots = dot_energy(h, memory.annotations)
    assert (general.energies(h, memory) - dots).abs().max() <= 1e-6 * dots.abs().max()
    network = additive_energy(h @ concat.weight_query.T, memory.annotations, concat.v_a)
    assert (concat.energies(h, concat.memory(annotations)) - network).abs().max() <= 1e-6


@torch.no_grad()
def test_local_p_with_a_wide_window_is_global(seed):
    options = {"window": 10_000, "feeding": False}
    wide, source, target = translator(seed, kind="local-p", **options)
    everything, _, _ = translator(seed, **options)
    everything.load_state_dict(wide.state_dict(), strict=False)
    first, second = (model(source, target, LENGTHS).alpha for model in (wide, everything))
    assert (first - second).abs().max() < 1e-5
