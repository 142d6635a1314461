"""Attention: the scores against plain NumPy, safe weights, and padding that changes no bit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from unrolled.nn.attention import Attention, masked_softmax
from unrolled.nn.scan import ShapeError, length_mask

QUERY, SOURCE, TIME = 6, 6, 7
LENGTHS = torch.tensor([7, 3, 1, 5])
SCORES = ["dot", "general", "concat", "additive", "location"]


@pytest.fixture(params=SCORES)
def attention(request):
    layer = Attention(request.param, query_size=QUERY, annotation_size=SOURCE, alignment_size=5, positions=9)
    return layer.double()


@pytest.fixture
def inputs():
    return torch.randn(4, QUERY, dtype=torch.float64), torch.randn(4, TIME, SOURCE, dtype=torch.float64)


def test_energies_are_the_papers_formulas(attention, inputs):
    s, h = (part.numpy() for part in inputs)
    weights = {name: value.detach().numpy() for name, value in attention.named_parameters()}
    expected = np.empty((TIME, 4))
    for b in range(4):
        for j in range(TIME):
            if attention.score == "dot":
                expected[j, b] = s[b] @ h[b, j]
            elif attention.score == "general":
                expected[j, b] = s[b] @ weights["weight_key"] @ h[b, j]
            elif attention.score == "location":
                expected[j, b] = (weights["weight_query"] @ s[b])[j]
            else:
                joined = np.hstack([weights["weight_query"], weights["weight_key"]])
                expected[j, b] = weights["v_a"] @ np.tanh(joined @ np.concatenate([s[b], h[b, j]]))
    query, annotations = inputs
    ours = attention(query, attention.memory(annotations)).energy
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=0, atol=1e-12)


def test_context_is_the_mean_under_the_weights(attention, inputs):
    query, annotations = inputs
    context, alpha, energy = attention(query, attention.memory(annotations, LENGTHS))
    for b, length in enumerate(LENGTHS.tolist()):
        weights = np.exp(energy[:length, b].detach().numpy())
        weights /= weights.sum()
        np.testing.assert_allclose(alpha[:length, b].detach().numpy(), weights, atol=1e-12)
        np.testing.assert_allclose(
            context[b].detach().numpy(), weights @ annotations[b, :length].numpy(), atol=1e-12
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_padding_changes_no_bit(attention, inputs, dtype):
    query, annotations = (part.to(dtype) for part in inputs)
    attention = attention.to(dtype)
    padded = attention(query, attention.memory(annotations, LENGTHS))
    for row, length in enumerate(LENGTHS.tolist()):
        short = attention(query, attention.memory(annotations[:, :length], LENGTHS.clamp(max=length)))
        assert torch.equal(padded.context[row], short.context[row])
        assert torch.equal(padded.alpha[:length, row], short.alpha[:, row])


def test_padding_gets_exactly_zero_and_lets_nothing_through(attention, inputs):
    query, annotations = inputs
    padding = ~length_mask(LENGTHS, TIME)

    def result(annotations):
        context, alpha, _ = attention(query, attention.memory(annotations, LENGTHS))
        loss = (context * torch.linspace(-1, 1, context.numel(), dtype=context.dtype).view_as(context)).sum()
        grads = torch.autograd.grad(loss, list(attention.parameters())) if loss.requires_grad else ()
        return context, alpha, grads

    context, alpha, grads = result(annotations)
    assert not alpha[padding].any()
    spoilt = annotations.clone()
    spoilt[padding.T] = torch.nan
    other, _, other_grads = result(spoilt)
    assert torch.equal(other, context)
    assert all(torch.equal(a, b) for a, b in zip(other_grads, grads, strict=True))


def test_a_source_without_a_word_gives_zeros(attention, inputs):
    query, annotations = inputs
    annotations.requires_grad_()
    context, alpha, _ = attention(query, attention.memory(annotations, torch.tensor([7, 0, 1, 5])))
    assert not alpha[:, 1].any()
    assert not context[1].any()
    context.sum().backward()
    assert annotations.grad.isfinite().all()


@settings(deadline=None)
@given(
    shift=st.floats(-50, 50),
    length=st.integers(1, 6),
    scale=st.sampled_from([1e-3, 1.0, 30.0, 1e4]),
    seed=st.integers(0, 99),
)
def test_weights_are_a_distribution_that_ignores_a_shift(shift, length, scale, seed):
    energy = scale * torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    padding = ~length_mask(torch.tensor([6, length]), 6)
    alpha = masked_softmax(energy, padding)
    assert (alpha >= 0).all()
    assert not alpha[padding].any()
    torch.testing.assert_close(alpha.sum(0), torch.ones(2, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(masked_softmax(energy + shift, padding), alpha, rtol=0, atol=1e-9)


def test_a_repeated_memory_answers_each_copy_alike(attention, inputs):
    query, annotations = inputs
    memory = attention.memory(annotations, LENGTHS)
    ours = attention(query.repeat_interleave(3, 0), memory.repeated(3)).context
    expected = attention(query, memory).context.repeat_interleave(3, 0)
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)


def test_gradients_are_those_of_finite_differences(attention):
    query = torch.randn(2, QUERY, dtype=torch.float64, requires_grad=True)
    annotations = torch.randn(2, 3, SOURCE, dtype=torch.float64, requires_grad=True)

    def context(query, annotations):
        return attention(query, attention.memory(annotations, torch.tensor([3, 2]))).context

    assert gradcheck(context, (query, annotations))


def test_faults_are_told():
    with pytest.raises(ShapeError, match="sizes that are equal, not 3, 4"):
        Attention("dot", query_size=3, annotation_size=4)
    with pytest.raises(ShapeError, match="score location needs the number of positions"):
        Attention("location", query_size=3, annotation_size=4)
    layer = Attention("location", query_size=3, annotation_size=4, positions=2)
    with pytest.raises(ShapeError, match="2 positions; the source has 3"):
        layer.memory(torch.zeros(1, 3, 4))
