"""What needs no training of its own: sampling the prior, and the appendix's example in one dimension."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Normal
from torch.nn.functional import logsigmoid

from unrolled.nn.bounds import importance_bound_chunked
from unrolled.papers.vae.model import VAE
from unrolled.papers.vae_tutorial.model import gaussian_log_likelihood, identity

CHUNK = 1000
"""Samples of the prior that are decoded at once."""


def prior_estimate(model: VAE, x: Float[Tensor, "batch pixels"], samples: int) -> Float[Tensor, " batch"]:
    """The naive estimate of log P(X): the mean likelihood over samples of the prior, the same for all X.

    *Paper*: doersch2016tutorial, Section 1, under equation 1: P(X) = 1/n sum_i P(X | z_i).

    With n samples it is, on average, a lower bound, and rises to log P(X) as n grows.
    """

    def draw(n: int) -> Tensor:
        logits = model.decode(torch.randn(n, model.latent, dtype=x.dtype, device=x.device)).logits
        return logits @ x.T + logsigmoid(-logits).sum(-1, keepdim=True)

    return importance_bound_chunked(draw, samples, CHUNK)


class Gaps(NamedTuple):
    """The appendix's example at points of the data, ``[points]``."""

    x: Tensor
    density: Tensor  # of the data
    evidence: Tensor  # log P(X) of the model
    bound: Tensor
    gap: Tensor  # log P(X) minus the bound


CENTRE, SPREAD = 1.0, 0.5
"""The data: an equal mixture of N(1, 0.5^2) and N(-1, 0.5^2)."""


def data_distribution(x: Tensor) -> tuple[Tensor, Tensor]:
    """The data's distribution function and density."""
    parts = [Normal(centre * torch.ones_like(x), SPREAD) for centre in (-CENTRE, CENTRE)]
    cumulative = sum(part.cdf(x) for part in parts) / 2
    return cumulative, sum(part.log_prob(x).exp() for part in parts) / 2


def appendix(deviation: float, points: int = 81, latents: int = 40_001) -> Gaps:
    """The bound and the evidence of the appendix's example, by sums over a grid of the latent.

    *Paper*: doersch2016tutorial, Appendix A. The decoder maps a normal variable to one with the data's
    distribution, f = F^-1(Phi(z)); the encoder is N(f^-1(X), (sigma dz/dx)^2).

    The grid is one of X = f(z), from which z follows without an inverse of F.
    """
    grid = torch.linspace(-4.2, 4.2, latents, dtype=torch.float64)
    cumulative, slope = data_distribution(grid)
    z = torch.special.ndtri(cumulative)
    normal = Normal(torch.zeros((), dtype=torch.float64), 1.0)
    step = (slope / normal.log_prob(z).exp()).log() + math.log(8.4 / (latents - 1))  # log of dz
    x = torch.linspace(-2.5, 2.5, points, dtype=torch.float64)
    at, density = data_distribution(x)
    centre = torch.special.ndtri(at)
    width = deviation * density / normal.log_prob(centre).exp()
    log_q = Normal(centre, width).log_prob(z[:, None]) + step[:, None]
    log_q = log_q - torch.logsumexp(log_q, 0)
    log_prior = normal.log_prob(z)[:, None] + step[:, None]
    log_likelihood = gaussian_log_likelihood(x[:, None], grid[:, None, None], deviation)
    sides = identity(log_likelihood, log_prior, log_q)
    evidence = torch.logsumexp(log_likelihood + log_prior, 0)
    return Gaps(x, density, evidence, sides.right, evidence - sides.right)


def mean_gap(deviation: float) -> float:
    """The gap between evidence and bound, averaged over the data."""
    found = appendix(deviation)
    return float((found.density * found.gap).sum() / found.density.sum())
