"""The estimator of Appendix D on models whose likelihood is known; importance bounds; the grid."""

import math

import pytest
import torch

from unrolled.nn.distributions import gaussian_kl
from unrolled.papers.vae.gaps import amortisation_gain
from unrolled.papers.vae.linear_gaussian import LinearGaussian
from unrolled.papers.vae.model import VAE
from unrolled.papers.vae.studies import (
    fitted_gaussian,
    hamiltonian_step,
    importance_bounds,
    latent_grid,
    leapfrog,
    log_marginal,
    log_weights,
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
    alone = fitted_gaussian(z, diagonal=True).covariance_matrix
    assert torch.allclose(alone, torch.diag_embed(expected.diagonal(0, -2, -1)), atol=1e-5)


def test_in_many_dimensions_it_is_the_full_covariance_that_fails():
    """As many chains as dimensions: their covariance is nearly singular, and no variance by itself is."""
    model = LinearGaussian.random(60, 50, seed=0, orthogonal=True)
    x = model.decode(torch.zeros(3, 50, dtype=torch.float64)).mean
    z = model.posterior(x).sample((50,))
    full, diagonal = (
        marginal_likelihood(lambda z: model.log_joint(x, z), z, seed=0, diagonal=d) for d in (False, True)
    )
    assert (diagonal - model.log_evidence(x)).abs().max() < 10
    assert (full - model.log_evidence(x)).abs().min() > 100


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


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@torch.no_grad()
def test_both_estimators_have_the_same_mean(likelihood):
    torch.manual_seed(0)
    network = VAE(12, 3, (8, 6), activation="relu", likelihood=likelihood)
    x, noise = torch.rand(2, 12).round(), torch.randn(20_000, 2, 3)
    posterior = network.encode(x)
    each_a = log_weights(network, x, noise)
    each_b = network.decode(posterior.from_noise(noise)).log_prob(x) - gaussian_kl(posterior)
    error = ((each_a - each_b).var(0) / len(noise)).sqrt()
    difference = network.bound(x, noise, "A") - network.bound(x, noise, "B")
    assert (difference.abs() <= 4 * error).all()
    assert torch.allclose(network.bound(x, noise, "A"), each_a.mean(0), atol=1e-3)


@torch.no_grad()
def test_importance_bounds_do_not_depend_on_how_the_rows_are_cut():
    # at an encoder that gives the prior, and a decoder blind to z, all weights are p(x)
    model = VAE(12, 3, (8,))
    for parameter in model.parameters():
        parameter.zero_()
    for rows, chunk in ((1, 3), (7, 10), (3, 4)):
        bounds = importance_bounds(model, torch.ones(7, 12), samples=10, rows=rows, chunk=chunk)
        assert torch.allclose(bounds, torch.full((7,), -12 * math.log(2)), rtol=1e-5)


@torch.no_grad()
def test_importance_bounds_rise_with_the_samples():
    torch.manual_seed(0)
    model, x = VAE(30, 4, (16,)), torch.rand(200, 30).round()
    weights = log_weights(model, x, torch.randn(512, 200, 4))
    one, eight, many = (
        (torch.logsumexp(weights.unflatten(0, (-1, k)), 1) - math.log(k)).mean() for k in (1, 8, 64)
    )
    assert one < eight < many


def test_grid_cells_are_equally_likely():
    grid = latent_grid(5, torch.float64)
    assert grid.shape == (25, 2)
    shares = 0.5 * (1 + torch.erf(grid / 2**0.5))
    assert torch.allclose(shares[:5, 1], torch.arange(0.1, 1, 0.2, dtype=torch.float64))
    assert torch.allclose(shares[::5, 0], torch.arange(0.9, 0, -0.2, dtype=torch.float64))


def test_better_codes_gain_less_on_fresh_noise_than_on_the_noise_they_were_improved_on():
    torch.manual_seed(0)
    model = VAE(12, latent=2, hidden=(8,))
    x = torch.bernoulli(torch.full((10, 12), 0.5))
    gain = amortisation_gain(model, x, updates=20)
    assert gain.used > 0
    assert gain.used > gain.fresh
