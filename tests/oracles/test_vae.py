"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from unrolled.nn.distributions import DiagonalGaussian, gaussian_kl
from unrolled.papers.vae import model as vae
from unrolled.papers.vae.linear_gaussian import LinearGaussian
from unrolled.papers.vae.studies import log_marginal

_spec = importlib.util.spec_from_file_location("oracle_vae", Path(__file__).with_name("vae.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

BATCH, PIXELS, HIDDEN, LATENT, SAMPLES = 3, 5, 4, 2, 4
EXACT = {"rtol": 0, "atol": 1e-10}


@pytest.fixture
def draw():
    """Random float64 tensors that take gradients."""
    generator = torch.Generator().manual_seed(20140414)

    def normal(*shape, scale=1.0):
        return (scale * torch.randn(*shape, dtype=torch.float64, generator=generator)).requires_grad_()

    return normal


def plain(*tensors):
    return [tensor.detach().numpy() for tensor in tensors]


def gaussian(mean, raw):
    return DiagonalGaussian(mean, torch.exp(0.5 * raw))


@pytest.fixture
def linear(draw):
    """A linear-Gaussian model, data, and an approximate posterior: for the code, and for the oracle."""
    W, b, x = draw(PIXELS, LATENT), draw(PIXELS), draw(BATCH, PIXELS)
    mean, raw = draw(BATCH, LATENT), draw(BATCH, LATENT)
    return (x, W, b, mean, raw), 0.7


def each_point(code, deviation):
    """What the oracle needs of every data point of the linear-Gaussian model."""
    x, W, b, mean, raw = plain(*code)
    for i in range(BATCH):

        def log_likelihood(z, x_i=x[i]):
            return oracle.log_normal(x_i, W @ z + b, np.full(PIXELS, deviation**2))

        def log_joint(z, of=log_likelihood):
            return of(z) + oracle.log_normal(z, np.zeros(LATENT), np.ones(LATENT))

        yield x[i], mean[i], np.exp(0.5 * raw[i]), log_likelihood, log_joint


def linear_bound(deviation):
    return lambda x, W, b, mean, raw: LinearGaussian(W, b, deviation).bound(x, gaussian(mean, raw))


def test_equation_1_evidence(linear):
    code, deviation = linear
    x, W, b, _, _ = code
    ours = LinearGaussian(W, b, deviation).log_evidence(x).detach().numpy()
    W_np, b_np = plain(W, b)
    precision = np.eye(LATENT) + W_np.T @ W_np / deviation**2
    for i, (x_i, mean, sigma, _, log_joint) in enumerate(each_point(code, deviation)):
        covariance = np.linalg.inv(precision)
        centre = covariance @ W_np.T @ (x_i - b_np) / deviation**2
        gap = oracle.divergence_between(mean, np.diag(sigma**2), centre, covariance)
        expected = oracle.equation_1(gap, oracle.equation_2(log_joint, mean, sigma))
        np.testing.assert_allclose(ours[i], expected, **EXACT)
    assert gradcheck(lambda *a: LinearGaussian(a[1], a[2], deviation).log_evidence(a[0]), (x, W, b))


def test_equation_2_bound_as_expectation(linear):
    code, deviation = linear
    ours = linear_bound(deviation)(*code).detach().numpy()
    for i, (_, mean, sigma, _, log_joint) in enumerate(each_point(code, deviation)):
        np.testing.assert_allclose(ours[i], oracle.equation_2(log_joint, mean, sigma), **EXACT)
    assert gradcheck(linear_bound(deviation), code)


def test_equation_3_bound_with_divergence_from_the_prior(linear):
    code, deviation = linear
    ours = linear_bound(deviation)(*code).detach().numpy()
    for i, (_, mean, sigma, log_likelihood, _) in enumerate(each_point(code, deviation)):
        np.testing.assert_allclose(ours[i], oracle.equation_3(log_likelihood, mean, sigma), **EXACT)


def test_equation_4_sample_from_noise(draw):
    mean, raw, noise = draw(BATCH, LATENT), draw(BATCH, LATENT), draw(BATCH, LATENT)
    expected = oracle.equation_4(*plain(noise, mean), np.exp(0.5 * plain(raw)[0]))
    ours = gaussian(mean, raw).from_noise(noise)
    np.testing.assert_allclose(ours.detach().numpy(), expected, **EXACT)
    assert gradcheck(lambda *a: gaussian(a[0], a[1]).from_noise(a[2]), (mean, raw, noise))


def test_equation_5_expectation(draw):
    mean, raw, noise = draw(BATCH, LATENT), draw(BATCH, LATENT), draw(SAMPLES, BATCH, LATENT)

    def ours(mean, raw, noise):
        return vae.expectation(lambda z: torch.sin(z).prod(-1), gaussian(mean, raw), noise)

    mean_np, raw_np, noise_np = plain(mean, raw, noise)
    for i in range(BATCH):
        expected = oracle.equation_5(
            lambda z: np.prod(np.sin(z)), noise_np[:, i], mean_np[i], np.exp(0.5 * raw_np[i])
        )
        np.testing.assert_allclose(ours(mean, raw, noise)[i].item(), expected, **EXACT)
    assert gradcheck(ours, (mean, raw, noise))


def test_equation_6_first_estimator(draw):
    mean, raw, noise = draw(BATCH, LATENT), draw(BATCH, LATENT), draw(SAMPLES, BATCH, LATENT)

    def ours(mean, raw, noise):
        return vae.first_estimator(lambda z: torch.sin(z).sum(-1), gaussian(mean, raw), noise)

    found = ours(mean, raw, noise)
    for i, (m, r) in enumerate(zip(*plain(mean, raw), strict=True)):
        z = [oracle.equation_4(e, m, np.exp(0.5 * r)) for e in plain(noise)[0][:, i]]
        log_q = np.array([oracle.equation_9(one, m, np.exp(r)) for one in z])
        expected = oracle.equation_6(np.array([np.sin(one).sum() for one in z]), log_q)
        np.testing.assert_allclose(found[i].item(), expected, **EXACT)
    assert gradcheck(ours, (mean, raw, noise))


def test_equation_7_second_estimator(draw):
    mean, raw, noise = draw(BATCH, LATENT), draw(BATCH, LATENT), draw(SAMPLES, BATCH, LATENT)
    divergence = draw(BATCH)

    def ours(divergence, mean, raw, noise):
        return vae.second_estimator(lambda z: torch.sin(z).sum(-1), divergence, gaussian(mean, raw), noise)

    found = ours(divergence, mean, raw, noise)
    for i, (d, m, r) in enumerate(zip(*plain(divergence, mean, raw), strict=True)):
        z = [oracle.equation_4(e, m, np.exp(0.5 * r)) for e in plain(noise)[0][:, i]]
        expected = oracle.equation_7(d, np.array([np.sin(one).sum() for one in z]))
        np.testing.assert_allclose(found[i].item(), expected, **EXACT)
    assert gradcheck(ours, (divergence, mean, raw, noise))


def test_equation_8_whole_data_set(draw):
    bounds = draw(BATCH)
    ours = vae.data_set_bound(bounds, 50).item()
    np.testing.assert_allclose(ours, oracle.equation_8(*plain(bounds), 50), **EXACT)
    assert gradcheck(lambda b: vae.data_set_bound(b, 50), (bounds,))


def test_equation_9_posterior_density(draw):
    mean, raw, z = draw(BATCH, LATENT), draw(BATCH, LATENT), draw(BATCH, LATENT)
    ours = gaussian(mean, raw).log_prob(z).detach().numpy()
    expected = oracle.equation_9(*plain(z, mean), np.exp(plain(raw)[0]))
    np.testing.assert_allclose(ours, expected, **EXACT)
    assert gradcheck(lambda *a: gaussian(a[0], a[1]).log_prob(a[2]), (mean, raw, z))

    network, x = vae.VAE(PIXELS, LATENT, (HIDDEN,)).double(), draw(BATCH, PIXELS)
    W_1, b_1, W_2, b_2 = plain(*network.encoder.parameters())
    outputs = np.tanh(plain(x)[0] @ W_1.T + b_1) @ W_2.T + b_2
    expected = oracle.equation_9(plain(z)[0], outputs[:, :LATENT], np.exp(outputs[:, LATENT:]))
    np.testing.assert_allclose(network.encode(x).log_prob(z).detach().numpy(), expected, **EXACT)
    assert gradcheck(lambda x, z: network.encode(x).log_prob(z), (x, z))


def test_equation_10_bound(draw):
    mean, raw, noise = draw(BATCH, LATENT), draw(BATCH, LATENT), draw(SAMPLES, BATCH, LATENT)

    def ours(mean, raw, noise):
        return vae.gaussian_bound(lambda z: torch.sin(z).sum(-1), gaussian(mean, raw), noise)

    found = ours(mean, raw, noise)
    for i, (m, r) in enumerate(zip(*plain(mean, raw), strict=True)):
        z = [oracle.equation_4(e, m, np.exp(0.5 * r)) for e in plain(noise)[0][:, i]]
        expected = oracle.equation_10(m, r, np.array([np.sin(one).sum() for one in z]))
        np.testing.assert_allclose(found[i].item(), expected, **EXACT)
    assert gradcheck(ours, (mean, raw, noise))


def test_equation_10_is_what_the_network_is_trained_on(draw):
    network = vae.VAE(PIXELS, LATENT, (HIDDEN,)).double()
    x, noise = (draw(BATCH, PIXELS) > 0).double(), draw(SAMPLES, BATCH, LATENT)
    weights = {name: value.detach().numpy() for name, value in network.named_parameters()}
    x_np, noise_np = plain(x, noise)
    ours = network.bound(x, noise).detach().numpy()
    for i in range(BATCH):
        h = np.tanh(weights["encoder.0.weight"] @ x_np[i] + weights["encoder.0.bias"])
        outputs = weights["encoder.1.weight"] @ h + weights["encoder.1.bias"]
        mean, raw = outputs[:LATENT], outputs[LATENT:]
        decoder = [weights[f"decoder.{k}.{part}"] for k in (0, 1) for part in ("weight", "bias")]
        likelihood = [
            oracle.equation_11(x_np[i], oracle.equation_4(e, mean, np.exp(0.5 * raw)), *decoder)
            for e in noise_np[:, i]
        ]
        np.testing.assert_allclose(ours[i], oracle.equation_10(mean, raw, likelihood), **EXACT)


def test_equation_11_bernoulli_decoder(draw):
    x, z = (draw(BATCH, PIXELS) > 0).double(), draw(BATCH, LATENT)
    weights = draw(HIDDEN, LATENT), draw(HIDDEN), draw(PIXELS, HIDDEN), draw(PIXELS)

    def ours(z, W_1, b_1, W_2, b_2):
        return vae.bernoulli_decoder(z, [vae.Layer(W_1, b_1)], vae.Layer(W_2, b_2)).log_prob(x)

    x_np, z_np = plain(x, z)
    for i in range(BATCH):
        expected = oracle.equation_11(x_np[i], z_np[i], *plain(*weights))
        np.testing.assert_allclose(ours(z, *weights)[i].item(), expected, **EXACT)
    assert gradcheck(ours, (z, *weights))


def test_equation_12_gaussian_decoder(draw):
    x, z = draw(BATCH, PIXELS), draw(BATCH, LATENT)
    W_3, b_3, W_4, b_4 = draw(HIDDEN, LATENT), draw(HIDDEN), draw(PIXELS, HIDDEN), draw(PIXELS)
    W_5, b_5 = draw(PIXELS, HIDDEN), draw(PIXELS)

    def ours(x, z, W_3, b_3, W_4, b_4, W_5, b_5):
        output = vae.Layer(torch.cat((W_4, W_5)), torch.cat((b_4, b_5)))
        return vae.gaussian_perceptron(z, [vae.Layer(W_3, b_3)], output).log_prob(x)

    code = (x, z, W_3, b_3, W_4, b_4, W_5, b_5)
    x_np, z_np, *weights = plain(*code)
    for i in range(BATCH):
        np.testing.assert_allclose(
            ours(*code)[i].item(), oracle.equation_12(x_np[i], z_np[i], *weights), **EXACT
        )
    assert gradcheck(ours, code)


def test_appendix_b_divergence(draw):
    mean, raw = draw(BATCH, LATENT), draw(BATCH, LATENT)
    ours = gaussian_kl(gaussian(mean, raw)).detach().numpy()
    for i, (m, r) in enumerate(zip(*plain(mean, raw), strict=True)):
        expected = oracle.divergence_between(m, np.diag(np.exp(r)), np.zeros(LATENT), np.eye(LATENT))
        np.testing.assert_allclose(ours[i], expected, **EXACT)
    assert gradcheck(lambda *a: gaussian_kl(gaussian(*a)), (mean, raw))


def test_appendix_d_marginal_likelihood(draw):
    log_q, log_prior, log_likelihood = draw(SAMPLES), draw(SAMPLES), draw(SAMPLES)
    ours = log_marginal(log_q, log_prior + log_likelihood).exp().item()
    expected = oracle.appendix_d(*(np.exp(a) for a in plain(log_q, log_prior, log_likelihood)))
    np.testing.assert_allclose(ours, expected, **EXACT)
    assert gradcheck(log_marginal, (log_q, log_prior))
