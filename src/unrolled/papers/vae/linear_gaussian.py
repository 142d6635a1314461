"""A model in which everything is known: linear decoder, Gaussian noise, exact posterior and likelihood."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from unrolled.nn.distributions import DiagonalGaussian, gaussian_kl


class LinearGaussian(NamedTuple):
    """p(z) = N(0, I) and p(x | z) = N(W z + b, s^2 I): the probabilistic PCA model.

    Here the two sides of equation 1 of kingma2014auto can be computed exactly, each by itself.

    *Shapes*: ``W`` ``[pixels, latent]``, ``b`` ``[pixels]``, ``deviation`` s; ``x`` ``[batch, pixels]``.

    >>> model = LinearGaussian(torch.ones(1, 1), torch.zeros(1), 1.0)
    >>> model.log_evidence(torch.zeros(1, 1)).round(decimals=4)
    tensor([-1.2655])
    """

    W: Float[Tensor, "pixels latent"]
    b: Float[Tensor, " pixels"]
    deviation: float

    @classmethod
    def random(cls, pixels: int, latent: int, seed: int, *, orthogonal: bool = False) -> "LinearGaussian":
        """Weights from the seed, float64; orthogonal columns make the exact posterior a diagonal Gaussian."""
        generator = torch.Generator().manual_seed(seed)
        W = torch.randn(pixels, latent, dtype=torch.float64, generator=generator)
        if orthogonal:
            W = torch.linalg.qr(W).Q * torch.linspace(0.5, 2.0, latent, dtype=torch.float64)
        b = torch.randn(pixels, dtype=torch.float64, generator=generator)
        return cls(W, b, 0.5)

    def decode(self, z: Float[Tensor, "*batch latent"]) -> DiagonalGaussian:
        """p(x | z)."""
        mean = z @ self.W.T + self.b
        return DiagonalGaussian(mean, torch.full_like(mean, self.deviation))

    def log_joint(
        self, x: Float[Tensor, "batch pixels"], z: Float[Tensor, "*samples batch latent"]
    ) -> Float[Tensor, "*samples batch"]:
        """log p(x, z)."""
        prior = DiagonalGaussian(torch.zeros_like(z), torch.ones_like(z))
        return prior.log_prob(z) + self.decode(z).log_prob(x)

    def log_evidence(self, x: Float[Tensor, "batch pixels"]) -> Float[Tensor, " batch"]:
        """log p(x), exactly: x is normal with mean b and covariance W W^T + s^2 I.

        *Paper*: kingma2014auto, Section 2.2, the left side of equation 1.
        """
        identity = torch.eye(len(self.b), dtype=self.b.dtype)
        covariance = self.W @ self.W.T + self.deviation**2 * identity
        return MultivariateNormal(self.b, covariance).log_prob(x)

    def posterior(self, x: Float[Tensor, "batch pixels"]) -> MultivariateNormal:
        """p(z | x), exactly."""
        precision = torch.eye(self.W.shape[1], dtype=self.W.dtype) + self.W.T @ self.W / self.deviation**2
        mean = torch.linalg.solve(precision, self.W.T @ (x - self.b).T / self.deviation**2).T
        return MultivariateNormal(mean, precision_matrix=precision)

    def divergence(self, x: Float[Tensor, "batch pixels"], q: DiagonalGaussian) -> Float[Tensor, " batch"]:
        """KL(q || p(z | x)), exactly: the gap of equation 1."""
        full = MultivariateNormal(q.mean, scale_tril=torch.diag_embed(q.deviation))
        return kl_divergence(full, self.posterior(x))

    def bound(self, x: Float[Tensor, "batch pixels"], q: DiagonalGaussian) -> Float[Tensor, " batch"]:
        """The variational bound, exactly, with no sample drawn.

        *Paper*: kingma2014auto, Section 2.2, equations 2 and 3.

            L = -KL(q || p(z)) + E_q[log p(x | z)]
        """
        variance = self.deviation**2
        spread = (q.deviation**2) @ (self.W**2).sum(0)  # the trace of W diag(sigma^2) W^T
        error = (x - self.b - q.mean @ self.W.T).square().sum(-1)
        log_likelihood = -0.5 * (len(self.b) * math.log(2 * math.pi * variance) + (error + spread) / variance)
        return log_likelihood - gaussian_kl(q)
