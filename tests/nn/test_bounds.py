"""Bounds over steps and over importance samples."""

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.nn.bounds import importance_bound, importance_bound_chunked, sequence_bound


def test_masked_bound_equals_that_of_the_shorter_sequence_bit_for_bit():
    log_likelihood, kl = torch.randn(6, 2), torch.rand(6, 2)
    mask = torch.arange(6)[:, None] < torch.tensor([6, 4])
    padded = sequence_bound(log_likelihood, kl, mask)
    short = sequence_bound(log_likelihood[:4, 1:], kl[:4, 1:])
    assert all(torch.equal(part[1:], alone) for part, alone in zip(padded, short, strict=True))


def test_padding_reaches_neither_value_nor_gradient():
    log_likelihood = torch.tensor([[1.0], [float("nan")]], requires_grad=True)
    kl = torch.tensor([[0.25], [float("inf")]])
    bound = sequence_bound(log_likelihood, kl, torch.tensor([[True], [False]])).bound
    bound.sum().backward()
    assert bound.item() == 0.75
    assert log_likelihood.grad.tolist() == [[1.0], [0.0]]


def test_importance_bound_rises_to_the_likelihood():
    """z ~ N(0, 1), x | z ~ N(z, 1), proposals from the prior: p(x) = N(0, 2) is known."""
    x, exact = torch.tensor(1.5), torch.distributions.Normal(0.0, 2**0.5).log_prob(torch.tensor(1.5))

    def draw(samples, repeats=4000):
        z = torch.randn(samples, repeats)
        return torch.distributions.Normal(z, 1.0).log_prob(x)

    bounds = [importance_bound(draw(k)).mean() for k in (1, 8, 64)]
    assert bounds[0] < bounds[1] < bounds[2] < exact + 0.02
    assert abs(bounds[2] - exact) < 0.05


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_chunks_change_memory_and_not_the_bound(chunk):
    weights = torch.randn(7, 4, dtype=torch.float64) * 300
    rows = iter(weights.split(1))
    chunked = importance_bound_chunked(
        lambda n: torch.cat([next(rows) for _ in range(n)]), samples=7, chunk=chunk
    )
    torch.testing.assert_close(chunked, importance_bound(weights), rtol=1e-12, atol=1e-12)


def test_no_samples_are_refused():
    with pytest.raises(UsageError, match="samples is 0"):
        importance_bound_chunked(lambda n: torch.zeros(n, 1), samples=0, chunk=1)
