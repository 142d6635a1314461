"""The estimator of Appendix D, on models whose likelihood is known."""

import math

import pytest
import torch

from unrolled.papers.vae.linear_gaussian import LinearGaussian
from unrolled.papers.vae.marginal import (
    fitted_gaussian,
    hamiltonian_step,
    leapfrog,
    log_marginal,
    marginal_likelihood,
    start,
)


def standard(z):
    return -0.5 * z.square().sum(-1)


def test_leapfrog_is_reversible_and_nearly_keeps_the_energy():
    z, p = torch.randn(2, 100, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    step = torch.tensor(0.1, dtype=torch.float64)
    there, momentum = leapfrog(standard, start(standard, z), p, step, 10)
    back, returned = leapfrog(standard, there, -momentum, step, 10)
    assert torch.allclose(back.z, z)
    assert torch.allclose(returned, -p)
    energy = 0.5 * (momentum.square() - p.square()).sum(-1) - there.log_density + standard(z)
    assert energy.abs().max() < 0.05


def test_chains_come_to_the_density():
    generator = torch.Generator().manual_seed(0)
    chains = start(standard, torch.full((4000, 2), 3.0, dtype=torch.float64))
    for _ in range(30):
        chains, probability = hamiltonian_step(standard, chains, torch.tensor(0.4), generator)
    assert chains.z.mean(0).abs().max() < 0.06
    assert (chains.z.var(0) - 1).abs().max() < 0.08
    assert probability.mean() > 0.9


def test_proposal_into_nothing_is_refused():
    def half(z):
        return torch.where(z[..., 0] > 0, standard(z), torch.nan)

    generator = torch.Generator().manual_seed(0)
    chains = start(half, torch.full((500, 1), 0.5, dtype=torch.float64))
    for _ in range(20):
        chains, _ = hamiltonian_step(half, chains, torch.tensor(0.5), generator)
    assert (chains.z > 0).all()


def test_fitted_density_has_the_samples_moments():
    z = torch.randn(200, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    density = fitted_gaussian(z)
    assert torch.allclose(density.mean, z.mean(0))
    expected = torch.stack([z[:, i].T.cov() for i in range(3)])
    assert torch.allclose(density.covariance_matrix, expected, atol=1e-5)


def test_estimate_is_exact_where_the_density_is_the_posterior():
    model = LinearGaussian.random(6, 3, seed=0)
    x = torch.randn(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    posterior = model.posterior(x)
    torch.manual_seed(0)
    z = posterior.sample((20,))
    assert torch.allclose(log_marginal(posterior.log_prob(z), model.log_joint(x, z)), model.log_evidence(x))


@pytest.mark.parametrize("latent", [1, 2, 3])
def test_estimate_finds_the_known_likelihood(latent):
    model = LinearGaussian.random(6, latent, seed=latent)
    generator = torch.Generator().manual_seed(1)
    x = model.decode(torch.randn(30, latent, dtype=torch.float64, generator=generator)).mean
    z = torch.randn(200, 30, latent, dtype=torch.float64, generator=generator)
    found = marginal_likelihood(lambda z: model.log_joint(x, z), z, seed=0)
    assert (found - model.log_evidence(x)).abs().max() < 0.25
    assert (found - model.log_evidence(x)).mean().abs() < 0.05


def test_extreme_weights_stay_finite():
    far = torch.tensor([-1e4, 0.0])
    assert log_marginal(far, far - 1e4).item() == pytest.approx(-1e4)
    assert math.isfinite(log_marginal(torch.zeros(2), torch.tensor([-1e4, 1e4])).item())
