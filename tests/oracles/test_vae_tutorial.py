"""Every equation of the tutorial: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from unrolled.nn.distributions import DiagonalGaussian, gaussian_kl
from unrolled.papers.vae.model import gaussian_bound
from unrolled.papers.vae_tutorial import model as tutorial

_spec = importlib.util.spec_from_file_location(
    "oracle_vae_tutorial", Path(__file__).with_name("vae_tutorial.py")
)
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

VALUES, BATCH, LATENT, PIXELS = 7, 3, 2, 5
EXACT = {"rtol": 0, "atol": 1e-10}


@pytest.fixture
def draw():
    """Random float64 tensors that take gradients."""
    generator = torch.Generator().manual_seed(20160619)

    def normal(*shape, scale=1.0):
        return (scale * torch.randn(*shape, dtype=torch.float64, generator=generator)).requires_grad_()

    return normal


def plain(*tensors):
    return [tensor.detach().numpy() for tensor in tensors]


def grid(draw, own_q):
    """Log-likelihoods, log-prior and log-Q over a finite set of latents, for a batch of points."""
    log_likelihood = -draw(VALUES, BATCH).square()
    log_prior = draw(VALUES, 1).log_softmax(0)
    return log_likelihood, log_prior, draw(VALUES, BATCH if own_q else 1).log_softmax(0)


def test_equation_1_marginal(draw):
    log_likelihood, log_prior, _ = grid(draw, own_q=True)
    likelihood, prior = (np.exp(part) for part in plain(log_likelihood, log_prior))
    found = tutorial.log_marginal(log_likelihood, log_prior)
    np.testing.assert_allclose(*plain(found), oracle.marginal(likelihood, prior), **EXACT)
    assert gradcheck(tutorial.log_marginal, (log_likelihood, log_prior))


def test_equation_2_divergence(draw):
    log_q, log_p = draw(VALUES, BATCH).log_softmax(0), draw(VALUES, BATCH).log_softmax(0)
    q, p = (np.exp(part) for part in plain(log_q, log_p))
    found = tutorial.divergence(log_q, log_p)
    np.testing.assert_allclose(*plain(found), oracle.divergence(q, p), **EXACT)
    assert gradcheck(tutorial.divergence, (log_q, log_p))


def _both_sides(terms):
    likelihood, prior, q = (np.exp(part) for part in plain(*terms))
    sides = tutorial.identity(*terms)
    np.testing.assert_allclose(*plain(sides.left), oracle.left_side(likelihood, prior, q), **EXACT)
    np.testing.assert_allclose(*plain(sides.right), oracle.right_side(likelihood, prior, q), **EXACT)
    assert gradcheck(lambda *terms: tuple(tutorial.identity(*terms)), terms)


def test_equation_4_identity_for_one_density(draw):
    terms = grid(draw, own_q=False)
    assert terms[2].shape == (VALUES, 1)
    likelihood, prior, q = (np.exp(part) for part in plain(*terms))
    np.testing.assert_allclose(
        *plain(tutorial.identity(*terms).right), oracle.right_side(likelihood, prior, q), **EXACT
    )
    _both_sides(terms)


def test_equation_5_identity_for_a_density_per_point(draw):
    terms = grid(draw, own_q=True)
    likelihood, prior, q = (np.exp(part) for part in plain(*terms))
    np.testing.assert_allclose(
        *plain(tutorial.identity(*terms).left), oracle.left_side(likelihood, prior, q), **EXACT
    )
    _both_sides(terms)


def covariance(root):
    return root @ root.T + torch.eye(len(root), dtype=root.dtype)


def test_equation_6_two_gaussians(draw):
    m_0, m_1, roots = draw(LATENT), draw(LATENT), (draw(LATENT, LATENT), draw(LATENT, LATENT))
    terms = (m_0, covariance(roots[0]), m_1, covariance(roots[1]))
    found = tutorial.gaussian_divergence(*terms)
    np.testing.assert_allclose(*plain(found), oracle.gaussian_divergence(*plain(*terms)), **EXACT)
    assert gradcheck(
        lambda m, a, n, b: tutorial.gaussian_divergence(m, covariance(a), n, covariance(b)),
        (m_0, roots[0], m_1, roots[1]),
    )


def test_equation_7_standard_normal(draw):
    mean, raw = draw(BATCH, LATENT), draw(BATCH, LATENT)
    found = gaussian_kl(DiagonalGaussian(mean, raw.exp()))
    expected = [
        oracle.standard_divergence(m, np.diag(np.exp(r) ** 2)) for m, r in zip(*plain(mean, raw), strict=True)
    ]
    np.testing.assert_allclose(*plain(found), expected, **EXACT)
    assert gradcheck(lambda m, r: gaussian_kl(DiagonalGaussian(m, r.exp())), (mean, raw))


def test_equation_10_objective(draw):
    W, x, mean, raw, epsilon = (
        draw(PIXELS, LATENT), draw(BATCH, PIXELS), draw(BATCH, LATENT), draw(BATCH, LATENT),
        draw(4, BATCH, LATENT).detach(),
    )  # fmt: skip

    def bound(W, x, mean, raw):
        def log_likelihood(z):
            return tutorial.gaussian_log_likelihood(x, z @ W.T, 0.7)

        return gaussian_bound(log_likelihood, DiagonalGaussian(mean, raw.exp()), epsilon)

    w, *points = plain(W, x, mean, raw)
    expected = [
        oracle.objective(lambda z, x_i=x_i: oracle.weighted_error(x_i, w @ z, 0.7), e, m, np.exp(r))
        for x_i, m, r, e in zip(*points, epsilon.numpy().swapaxes(0, 1), strict=True)
    ]
    np.testing.assert_allclose(*plain(bound(W, x, mean, raw)), expected, **EXACT)
    assert gradcheck(bound, (W, x, mean, raw))


def test_output_variance_as_weight(draw):
    x, f = draw(BATCH, PIXELS), draw(BATCH, PIXELS)
    found = tutorial.gaussian_log_likelihood(x, f, 0.3)
    expected = [oracle.weighted_error(a, b, 0.3) for a, b in zip(*plain(x, f), strict=True)]
    np.testing.assert_allclose(*plain(found), expected, **EXACT)
    assert gradcheck(lambda x, f: tutorial.gaussian_log_likelihood(x, f, 0.3), (x, f))


@pytest.fixture
def network():
    torch.manual_seed(1)
    return tutorial.CVAE(given=3, pixels=PIXELS, hidden=8, latent=LATENT).double()


def layers(network):
    return {
        name: lambda x, layer=layer: layer.weight.detach().numpy() @ x + layer.bias.detach().numpy()
        for name, layer in network.named_children()
    }


def test_conditional_model(network, draw):
    fourth, z = draw(BATCH, 2), draw(BATCH, LATENT)
    found = network.decode(fourth, z).logits
    expected = [oracle.decoder(layers(network), a, b) for a, b in zip(*plain(fourth, z), strict=True)]
    np.testing.assert_allclose(*plain(found), expected, **EXACT)
    assert gradcheck(lambda fourth, z: network.decode(fourth, z).logits, (fourth, z))


def test_conditional_bound(network, draw):
    x, epsilon = draw(BATCH, 3), draw(BATCH, LATENT)
    y = (draw(BATCH, PIXELS) > 0).double()
    found = network.bound(x, y, epsilon)
    points = zip(*plain(x, y, epsilon), strict=True)
    expected = [oracle.conditional_bound(layers(network), *point) for point in points]
    np.testing.assert_allclose(*plain(found), expected, **EXACT)
    assert gradcheck(lambda x, epsilon: network.bound(x, y, epsilon), (x, epsilon))


def test_code_divergence(draw):
    mean, log_deviation = draw(BATCH, LATENT), draw(BATCH, LATENT)
    found = tutorial.code_divergence(mean, log_deviation)
    expected = [oracle.code_divergence(*point) for point in zip(*plain(mean, log_deviation), strict=True)]
    np.testing.assert_allclose(*plain(found), expected, **EXACT)
    assert gradcheck(tutorial.code_divergence, (mean, log_deviation))
