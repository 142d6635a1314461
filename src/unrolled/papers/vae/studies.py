"""What is computed with trained networks: two estimates of the likelihood, and the grid over the latents.

The paper's estimate takes Hamiltonian Monte Carlo, a fitted density, and a mean. The importance-weighted one
is later work (burda2016importance).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.distributions import MultivariateNormal

from unrolled.nn.bounds import importance_bound_chunked
from unrolled.papers.vae.model import VAE

LogDensity = Callable[[Tensor], Tensor]
"""From positions ``[..., d]`` to their log-densities ``[...]``, up to a constant."""

ROWS, SAMPLES = 20, 50
"""Data points, and samples of each, whose importance weights are computed at once."""

ACCEPTANCE = 0.9
"""The share of accepted proposals at which the step size is aimed, as in the paper's Monte Carlo EM."""


def latent_grid(size: int, dtype: torch.dtype = torch.float32) -> Float[Tensor, "points two"]:
    """A square grid over a latent plane, equally likely cells of the prior apart, row by row.

    *Paper*: kingma2014auto, Appendix A and Figure 4: the unit square through the inverse of the normal
    distribution function.

    *Shapes*: ``[size * size, 2]``; the first coordinate falls from row to row, the second grows along a row.

    >>> latent_grid(2).round(decimals=4)
    tensor([[ 0.6745, -0.6745],
            [ 0.6745,  0.6745],
            [-0.6745, -0.6745],
            [-0.6745,  0.6745]])
    """
    ticks = torch.special.ndtri((torch.arange(size, dtype=dtype) + 0.5) / size)
    return torch.cartesian_prod(ticks.flip(0), ticks)


def log_weights(
    model: VAE, x: Float[Tensor, "batch pixels"], noise: Float[Tensor, "samples batch latent"]
) -> Float[Tensor, "samples batch"]:
    """log p(x, z) - log q(z | x) of every sample: what equation 6 averages, and importance bounds use."""
    posterior = model.encode(x)
    z = posterior.from_noise(noise)
    return model.log_prior(z) + model.decode(z).log_prob(x) - posterior.log_prob(z)


def importance_bounds(
    model: VAE, x: Float[Tensor, "batch pixels"], samples: int, rows: int = ROWS, chunk: int = SAMPLES
) -> Float[Tensor, " batch"]:
    """The importance-weighted bound of each data point, with the memory of a few of them."""
    found = []
    for part in x.split(rows):

        def draw(n: int, part: Tensor = part) -> Tensor:
            return log_weights(model, part, torch.randn(n, len(part), model.latent, device=x.device))

        found.append(importance_bound_chunked(draw, samples, chunk))
    return torch.cat(found)


class Chains(NamedTuple):
    """Where many Markov chains stand: positions, and the log-density and its gradient there."""

    z: Float[Tensor, "*chains latent"]
    log_density: Float[Tensor, "*chains"]
    gradient: Float[Tensor, "*chains latent"]


def start(log_density: LogDensity, z: Float[Tensor, "*chains latent"]) -> Chains:
    """Chains at these positions."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        value = log_density(z)
        (gradient,) = torch.autograd.grad(value.sum(), z)
    return Chains(z.detach(), value.detach(), gradient)


def leapfrog(
    log_density: LogDensity,
    chains: Chains,
    momentum: Float[Tensor, "*chains latent"],
    step: Float[Tensor, "..."],
    steps: int,
) -> tuple[Chains, Tensor]:
    """The chains and their momenta after so many leapfrog steps: reversible, of nearly constant energy."""
    for _ in range(steps):
        half = momentum + 0.5 * step * chains.gradient
        chains = start(log_density, chains.z + step * half)
        momentum = half + 0.5 * step * chains.gradient
    return chains, momentum


def hamiltonian_step(
    log_density: LogDensity,
    chains: Chains,
    step: Float[Tensor, "..."],
    generator: Generator,
    steps: int = 4,
) -> tuple[Chains, Float[Tensor, "*chains"]]:
    """One proposal for every chain, accepted or not; also the probabilities with which they were accepted.

    *Paper*: kingma2014auto, Appendix D (four leapfrog steps: Section 5).

    *Shapes*: ``step`` is anything that spreads over ``[*chains, 1]``.
    """
    shape, dtype = chains.z.shape, chains.z.dtype
    momentum = torch.randn(shape, dtype=dtype, generator=generator)
    proposed, after = leapfrog(log_density, chains, momentum, step, steps)
    kinetic = 0.5 * (momentum.square().sum(-1) - after.square().sum(-1))
    gain = torch.nan_to_num(proposed.log_density - chains.log_density + kinetic, nan=-math.inf)
    probability = gain.clamp(max=0.0).exp()
    accepted = torch.rand(shape[:-1], dtype=dtype, generator=generator) < probability
    moved = Chains(
        torch.where(accepted[..., None], proposed.z, chains.z),
        torch.where(accepted, proposed.log_density, chains.log_density),
        torch.where(accepted[..., None], proposed.gradient, chains.gradient),
    )
    return moved, probability


def fitted_gaussian(z: Float[Tensor, "samples *batch latent"], diagonal: bool = False) -> MultivariateNormal:
    """The Gaussian with the mean and the covariance of the samples, one for each data point.

    *Options*: ``diagonal`` takes the variances alone. As many samples as dimensions make a covariance that is
    nearly singular.

    *Departures*: unspecified: the paper fits "a density estimator" and does not say which.
    """
    mean = z.mean(0)
    centred = z - mean
    covariance = torch.einsum("s...i,s...j->...ij", centred, centred) / (len(z) - 1)
    if diagonal:
        covariance = torch.diag_embed(covariance.diagonal(0, -2, -1))
    return MultivariateNormal(mean, covariance + 1e-6 * torch.eye(z.shape[-1], dtype=z.dtype))


def log_marginal(
    log_q: Float[Tensor, "samples ..."], log_joint: Float[Tensor, "samples ..."]
) -> Float[Tensor, "..."]:
    """log p(x) from samples of the posterior: the inverse of a mean of inverse weights, in log space.

    *Paper*: kingma2014auto, Appendix D.

        p(x) = ( 1/L sum_l q(z_l) / (p(z_l) p(x | z_l)) )^-1,   z_l ~ p(z | x)

    *Shapes*: as annotated; the first axis counts the L samples.

    >>> log_marginal(torch.tensor([-1.0, -1.0]), torch.tensor([-4.0, -4.0]))
    tensor(-3.)
    """
    return math.log(len(log_q)) - torch.logsumexp(log_q - log_joint, 0)


def marginal_likelihood(
    log_joint: LogDensity,
    z: Float[Tensor, "samples batch latent"],
    *,
    seed: int,
    burn: int = 40,
    apart: int = 10,
    step: float = 0.1,
    diagonal: bool = False,
) -> Float[Tensor, " batch"]:
    """The estimate of log p(x) of every data point, for fewer than five latents.

    *Paper*: kingma2014auto, Appendix D. Posterior samples by Hamiltonian Monte Carlo, a density fitted to
    them, and further samples, over which the mean goes.

    *Shapes*: ``z`` ``[samples, batch, latent]``: where the chains start, one a sample; ``log_joint`` maps
    such positions to log p(x, z), ``[samples, batch]``.

    *Options*: ``diagonal`` as in `fitted_gaussian`.

    *Departures*: unspecified: the paper takes 50 samples a data point; here each is the end of a chain of its
    own. Every data point has its own step size, moved while the chains burn in towards acceptance of 0.9.
    """
    generator = torch.Generator().manual_seed(seed)
    chains = start(log_joint, z)
    sizes = z.new_full((*z.shape[1:-1], 1), step)

    def run(chains: Chains, count: int, sizes: Tensor, adapt: bool) -> tuple[Chains, Tensor]:
        for _ in range(count):
            chains, probability = hamiltonian_step(log_joint, chains, sizes, generator)
            if adapt:
                sizes = sizes * torch.exp(probability.mean(0)[..., None] - ACCEPTANCE)
        return chains, sizes

    chains, sizes = run(chains, burn, sizes, adapt=True)
    density = fitted_gaussian(chains.z, diagonal)
    chains, _ = run(chains, apart, sizes, adapt=False)
    return log_marginal(density.log_prob(chains.z), chains.log_density)
