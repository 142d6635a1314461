"""What the chapter on the VAE says of its mathematics, measured."""

import pytest
import torch

from unrolled.nn.distributions import DiagonalGaussian, gaussian_kl


def normals(*shape, seed):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(3))
def test_divergence_in_closed_form_agrees_with_samples(seed):
    mean, raw = normals(2, 3, seed=seed)
    q = DiagonalGaussian(1 + mean, raw.exp())
    p = DiagonalGaussian(torch.zeros_like(mean), torch.ones_like(mean))
    z = q.from_noise(normals(1_000_000, 3, seed=100 + seed))
    assert (q.log_prob(z) - p.log_prob(z)).mean().item() == pytest.approx(gaussian_kl(q).item(), rel=0.01)


def test_divergence_is_positive_and_zero_at_the_prior():
    mean, raw = normals(2, 10_000, 3, seed=0)
    assert gaussian_kl(DiagonalGaussian(mean, raw.exp())).min() > 0
    assert gaussian_kl(DiagonalGaussian(torch.zeros(5), torch.ones(5))) == 0


def test_two_gradients_of_one_expectation_and_their_variances():
    """Of E[z^2] by the mean, at mean and deviation 1: 2 by both, with variances 4 and 30."""
    z = 1 + normals(4_000_000, seed=0)
    reparameterised, score_function = 2 * z, z**2 * (z - 1)
    assert reparameterised.mean().item() == pytest.approx(2, rel=0.01)
    assert score_function.mean().item() == pytest.approx(2, rel=0.01)
    assert reparameterised.var().item() == pytest.approx(4, rel=0.01)
    assert score_function.var().item() == pytest.approx(30, rel=0.03)
