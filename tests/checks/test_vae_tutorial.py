"""What must hold of the tutorial's code: its identity, its divergences, its gradient, its appendix."""

import math

import pytest
import torch

from unrolled.nn.distributions import DiagonalGaussian, gaussian_kl
from unrolled.papers.vae_tutorial.model import CVAE, code_divergence, gaussian_divergence, identity
from unrolled.papers.vae_tutorial.studies import appendix, mean_gap


def normals(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("sharp", [0.1, 1.0, 10.0])
def test_both_sides_of_the_identity_agree_for_any_density(sharp):
    terms = normals(50, 8), normals(50, 1, seed=1).log_softmax(0)
    sides = identity(*terms, (sharp * normals(50, 8, seed=2)).log_softmax(0))
    torch.testing.assert_close(sides.left, sides.right, rtol=0, atol=1e-10)


def test_the_bound_is_tight_at_the_posterior_and_only_there():
    log_likelihood, log_prior = normals(50, 8), normals(50, 1, seed=1).log_softmax(0)
    evidence = torch.logsumexp(log_likelihood + log_prior, 0)
    exact = identity(log_likelihood, log_prior, log_likelihood + log_prior - evidence).right
    other = identity(log_likelihood, log_prior, log_prior.expand(50, 8)).right
    torch.testing.assert_close(exact, evidence, rtol=0, atol=1e-10)
    assert (other < evidence - 1e-3).all()


def test_three_forms_of_the_divergence_agree():
    mean, log_deviation = normals(6, 4), normals(6, 4, seed=1)
    q = DiagonalGaussian(mean, log_deviation.exp())
    zero, one = torch.zeros(4, dtype=torch.float64), torch.eye(4, dtype=torch.float64)
    general = [
        gaussian_divergence(m, torch.diag(d.exp() ** 2), zero, one)
        for m, d in zip(mean, log_deviation, strict=True)
    ]
    torch.testing.assert_close(gaussian_kl(q), torch.stack(general), rtol=0, atol=1e-9)
    torch.testing.assert_close(gaussian_kl(q), code_divergence(mean, log_deviation), rtol=0, atol=1e-9)


def test_reconstruction_reaches_the_encoder_only_through_the_noise():
    torch.manual_seed(0)
    model = CVAE(given=2, pixels=6, hidden=8, latent=3)
    x, y = torch.ones(4, 2), torch.ones(4, 6)
    second, fourth = model.condition(x)
    mean, log_deviation = model.encode(second, y)
    z = mean + log_deviation.exp() * torch.randn_like(mean)
    weight = model.encoder_1.weight
    (through,) = torch.autograd.grad(model.decode(fourth, z).log_prob(y).sum(), weight, retain_graph=True)
    drawn = torch.distributions.Normal(mean, log_deviation.exp()).sample()
    (without,) = torch.autograd.grad(
        model.decode(fourth, drawn).log_prob(y).sum(), weight, allow_unused=True, materialize_grads=True
    )
    assert through.abs().sum() > 0
    assert without.abs().sum() == 0


def test_gap_of_the_appendix_falls_with_the_deviation():
    gaps = [mean_gap(deviation) for deviation in (0.3, 0.1, 0.03)]
    assert gaps[0] > gaps[1] > gaps[2] > 0
    assert gaps[1:] == [pytest.approx(0.032, rel=0.03), pytest.approx(0.0027, rel=0.03)]


def test_the_model_of_the_appendix_has_the_density_of_the_data_at_a_small_deviation():
    found = appendix(0.03)
    inside = found.density > 0.05
    assert (found.evidence.exp() / found.density - 1)[inside].abs().max() < 0.02
    assert math.isfinite(found.gap.sum())
