"""Output distributions: against torch's own, against sampling, and at extreme values."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributions

from unrolled.nn.distributions import (
    Bernoulli,
    BivariateGaussian,
    DiagonalGaussian,
    GaussianMixture,
    Pen,
    gaussian_kl,
    kl_per_dimension,
)
from unrolled.nn.scan import ShapeError

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
EXTREME = st.sampled_from([-1e4, -87.0, -1.0, 0.0, 1e-30, 1.0, 87.0, 1e4])


def gaussian(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(*shape[:-1], 2 * shape[-1], dtype=torch.float64, generator=generator)
    return DiagonalGaussian.from_outputs(outputs)


OUTPUTS = {
    "gaussian": (6, DiagonalGaussian.from_outputs, 3),
    "bernoulli": (3, Bernoulli.from_outputs, 3),
    "mixture": (2 + 2 * 2 * 3, lambda outputs: GaussianMixture.from_outputs(outputs, 2), 3),
    "pen": (13, lambda outputs: Pen.from_outputs(outputs, 2), 3),
}


@pytest.mark.parametrize("kind", OUTPUTS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_log_probabilities_and_their_gradients_are_finite_at_extremes(kind, data):
    size, make, dimensions = OUTPUTS[kind]
    outputs = torch.tensor(data.draw(st.lists(EXTREME, min_size=size, max_size=size)), requires_grad=True)
    value = torch.tensor(data.draw(st.lists(EXTREME, min_size=dimensions, max_size=dimensions)))
    if kind == "bernoulli":
        value = (value > 0).float()
    if kind == "pen":
        value[0] = float(value[0] > 0)
    log_prob = make(outputs).log_prob(value)
    assert log_prob.isfinite()
    log_prob.backward()
    assert outputs.grad.isfinite().all()


@settings(deadline=None, max_examples=60)
@given(values=st.lists(EXTREME, min_size=4, max_size=4))
def test_divergences_are_finite_and_not_negative_at_extremes(values):
    mean, log_variance, other, raw = (torch.tensor([v], dtype=torch.float64) for v in values)
    q = DiagonalGaussian.from_log_variance(mean, log_variance)
    for p in (None, DiagonalGaussian.from_outputs(torch.cat((other, raw)))):
        kl = gaussian_kl(q, p)
        assert kl.isfinite()
        assert kl >= -1e-9


def test_gaussian_equals_torchs():
    mean, deviation, x = torch.randn(4, 3), torch.rand(4, 3) + 0.1, torch.randn(4, 3)
    ours = DiagonalGaussian(mean, deviation).log_prob(x)
    torch.testing.assert_close(ours, distributions.Normal(mean, deviation).log_prob(x).sum(-1))


def test_log_variance_is_twice_the_log_deviation():
    q = DiagonalGaussian.from_log_variance(torch.zeros(1), torch.tensor([math.log(9.0)]))
    torch.testing.assert_close(q.deviation, torch.tensor([3.0]))


def test_correlated_pair_equals_torchs_multivariate_normal():
    mean, deviation = torch.randn(5, 2, dtype=torch.float64), torch.rand(5, 2, dtype=torch.float64) + 0.2
    correlation = torch.rand(5, dtype=torch.float64) * 1.9 - 0.95
    off = correlation * deviation.prod(-1)
    first, second = deviation.square().unbind(-1)
    covariance = torch.stack((torch.stack((first, off), -1), torch.stack((off, second), -1)), -2)
    x = torch.randn(5, 2, dtype=torch.float64)
    expected = distributions.MultivariateNormal(mean, covariance).log_prob(x)
    torch.testing.assert_close(BivariateGaussian(mean, deviation, correlation).log_prob(x), expected, **CLOSE)


def test_mixture_of_one_component_is_a_gaussian():
    one = gaussian(4, 1, 3)
    mixture = GaussianMixture(torch.zeros(4, 1, dtype=torch.float64), one.mean, one.deviation)
    x = torch.randn(4, 3, dtype=torch.float64)
    torch.testing.assert_close(mixture.log_prob(x), one.log_prob(x.unsqueeze(1)).squeeze(1), **CLOSE)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_samples_from_noise_have_the_distributions_moments(kind):
    size, make, dimensions = OUTPUTS[kind]
    outputs = torch.randn(size, dtype=torch.float64).expand(200_000, size)
    output = make(outputs)
    samples = output.from_noise(*output.noise())
    assert samples.shape == (200_000, dimensions)
    pen = kind == "pen"
    expected = torch.cat((output.up.probs[0:1], output.offset.mean[0])) if pen else output.mean[0]
    error = samples.std(0) / math.sqrt(len(samples))
    assert ((samples.mean(0) - expected).abs() < 5 * error + 1e-9).all()


@pytest.mark.parametrize("kind", OUTPUTS)
def test_same_noise_gives_the_same_sample(kind):
    size, make, _ = OUTPUTS[kind]
    output = make(torch.randn(7, size))
    noise = output.noise(torch.Generator().manual_seed(3))
    again = output.noise(torch.Generator().manual_seed(3))
    assert torch.equal(output.from_noise(*noise), output.from_noise(*again))


@pytest.mark.parametrize("kind", ["gaussian", "mixture", "pen"])
def test_samples_pass_gradients_to_means_and_deviations(kind):
    size, make, _ = OUTPUTS[kind]
    outputs = torch.randn(5, size, requires_grad=True)
    output = make(outputs)
    output.from_noise(*output.noise())[..., -1].sum().backward()
    assert outputs.grad.abs().sum() > 0


@pytest.mark.parametrize("standard", [True, False])
def test_divergence_equals_torchs_and_a_monte_carlo_estimate(standard):
    q, p = gaussian(3, seed=1), None if standard else gaussian(3, seed=2)
    torchs = DiagonalGaussian(torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64))
    prior = p or torchs
    torch.testing.assert_close(gaussian_kl(q, p), distributions.kl_divergence(q, prior), **CLOSE)
    many = q.expand(torch.Size([400_000]))
    z = many.from_noise(*many.noise())
    estimate = (q.log_prob(z) - prior.log_prob(z)).mean()
    assert abs(estimate - gaussian_kl(q, p)) < 0.01 * gaussian_kl(q, p)


def test_divergence_from_itself_is_zero():
    q = gaussian(4, 3)
    assert kl_per_dimension(q, q).abs().max() < 1e-12


def test_outputs_of_a_wrong_size_are_named():
    with pytest.raises(ShapeError, match="not 5"):
        DiagonalGaussian.from_outputs(torch.zeros(5))
    with pytest.raises(ShapeError, match=r"K \+ 2 K d outputs, not 9"):
        GaussianMixture.from_outputs(torch.zeros(9), 2)
    with pytest.raises(ShapeError, match="need 13 outputs, not 12"):
        Pen.from_outputs(torch.zeros(12), 2)
