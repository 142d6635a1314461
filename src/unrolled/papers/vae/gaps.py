"""Two gaps of a trained network: between estimates of the likelihood, and of codes that are not the best."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from unrolled.nn.distributions import DiagonalGaussian
from unrolled.papers.vae.model import VAE, gaussian_bound
from unrolled.papers.vae.studies import importance_bounds, marginal_likelihood


def chains_minus_weights(trained: VAE, x: Float[Tensor, "batch pixels"], *, diagonal: bool = False) -> float:
    """The estimate of `marginal_likelihood` minus the bound of 1,000 weighted samples, mean over ``x``.

    *Options*: ``diagonal`` as in `fitted_gaussian`.
    """

    def log_joint(z: Tensor) -> Tensor:
        return trained.log_prior(z) + trained.decode(z).log_prob(x)

    trained.requires_grad_(False)
    torch.manual_seed(0)
    weighted = importance_bounds(trained, x, 1_000, rows=len(x), chunk=200)
    z = trained.encode(x).from_noise(torch.randn(50, len(x), trained.latent))
    chains = marginal_likelihood(log_joint, z, seed=0, diagonal=diagonal)
    return (chains - weighted).mean().item()


class Gain(NamedTuple):
    """How much the bound rises, in nats per data point."""

    used: float  # measured on the noise that the codes were improved on
    fresh: float  # measured on other noise


def amortisation_gain(model: VAE, x: Float[Tensor, "batch pixels"], updates: int = 60) -> Gain:
    """What is gained if the encoder's answer for each data point is improved by gradient ascent on its own
    bound; the decoder stays."""
    frozen = model.requires_grad_(False)
    used, fresh = (
        torch.randn(n, len(x), frozen.latent, generator=Generator().manual_seed(n)) for n in (16, 64)
    )
    start = frozen.encode(x)
    mean, raw = (t.clone().requires_grad_() for t in (start.mean, start.deviation.log()))

    def bound(q: DiagonalGaussian, noise: Tensor) -> Tensor:
        return gaussian_bound(lambda z: frozen.decode(z).log_prob(x), q, noise).mean()

    optimiser = torch.optim.Adam([mean, raw], lr=0.03)
    for _ in range(updates):
        optimiser.zero_grad()
        (-bound(DiagonalGaussian(mean, raw.exp()), used)).backward()
        optimiser.step()
    better = DiagonalGaussian(mean, raw.exp())
    with torch.no_grad():
        return Gain(*((bound(better, n) - bound(start, n)).item() for n in (used, fresh)))
