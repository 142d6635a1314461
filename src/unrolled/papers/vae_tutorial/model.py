"""The tutorial's identity, summed over a grid of latents, and its conditional auto-encoder with a regressor.

Everything is in nats and summed over pixels and over latents. X is the condition and Y the output of the
conditional model; the model without a condition is `unrolled.papers.vae.model.VAE`.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.nn.checks import check_features
from unrolled.nn.distributions import Bernoulli, DiagonalGaussian


def log_marginal(
    log_likelihood: Float[Tensor, "latents ..."], log_prior: Float[Tensor, "latents ..."]
) -> Float[Tensor, "..."]:
    """The log-probability of data, log P(X), summed over values of the latent.

    *Paper*: doersch2016tutorial, Section 1, equation 1.

        P(X) = sum_z P(X | z) P(z)

    *Shapes*: the first axis runs over all values of z on a grid, or over n samples of the prior; each sample
    then has the weight 1/n.

    >>> log_marginal(torch.tensor([0.2, 0.6]).log(), torch.tensor([0.5, 0.5]).log()).exp()
    tensor(0.4000)
    """
    return torch.logsumexp(log_likelihood + log_prior, 0)


def divergence(
    log_q: Float[Tensor, "latents ..."], log_p: Float[Tensor, "latents ..."]
) -> Float[Tensor, "..."]:
    """The divergence between two densities over a grid of latents.

    *Paper*: doersch2016tutorial, Section 2.1, equation 2.

        D[Q(z) || P(z | X)] = sum_z Q(z) (log Q(z) - log P(z | X))

    >>> divergence(torch.tensor([0.5, 0.5]).log(), torch.tensor([0.2, 0.8]).log())
    tensor(0.2231)
    """
    return (log_q.exp() * (log_q - log_p)).sum(0)


class Sides(NamedTuple):
    """Both sides of the tutorial's identity."""

    left: Tensor
    right: Tensor


def identity(
    log_likelihood: Float[Tensor, "latents ..."],
    log_prior: Float[Tensor, "latents ..."],
    log_q: Float[Tensor, "latents ..."],
) -> Sides:
    """Evidence minus the error of Q, and the bound that one can compute, for any Q over a grid.

    *Paper*: doersch2016tutorial, Section 2.1, equation 4 (one Q for all X), equation 5 (a Q for each X).

        log P(X) - D[Q || P(z | X)] = E_Q[log P(X | z)] - D[Q || P(z)]

    >>> half = torch.tensor([0.5, 0.5]).log()
    >>> identity(torch.tensor([0.2, 0.6]).log(), half, half)
    Sides(left=tensor(-1.0601), right=tensor(-1.0601))
    """
    evidence = log_marginal(log_likelihood, log_prior)
    left = evidence - divergence(log_q, log_likelihood + log_prior - evidence)
    right = (log_q.exp() * log_likelihood).sum(0) - divergence(log_q, log_prior)
    return Sides(left, right)


def gaussian_divergence(
    mean_0: Float[Tensor, " latent"],
    covariance_0: Float[Tensor, "latent latent"],
    mean_1: Float[Tensor, " latent"],
    covariance_1: Float[Tensor, "latent latent"],
) -> Float[Tensor, ""]:
    """The divergence between two Gaussians with any covariances.

    *Paper*: doersch2016tutorial, Section 2.2, equation 6.

        1/2 (tr(S_1^-1 S_0) + (m_1 - m_0)^T S_1^-1 (m_1 - m_0) - k + log det S_1 / det S_0)

    >>> one = torch.eye(2)
    >>> gaussian_divergence(torch.ones(2), one, torch.zeros(2), one)
    tensor(1.)
    """
    difference = mean_1 - mean_0
    trace = torch.linalg.solve(covariance_1, covariance_0).trace()
    distance = difference @ torch.linalg.solve(covariance_1, difference)
    volumes = torch.logdet(covariance_1) - torch.logdet(covariance_0)
    return 0.5 * (trace + distance - len(mean_0) + volumes)


def gaussian_log_likelihood(
    x: Float[Tensor, "... pixels"], f: Float[Tensor, "... pixels"], deviation: float
) -> Float[Tensor, "..."]:
    """The log-likelihood of a Gaussian output: the squared error, weighed by the output's variance.

    *Paper*: doersch2016tutorial, Section 2.4.3, unnumbered.

        log P(X | z) = C - 1/2 ||X - f(z)||^2 / sigma^2

    >>> gaussian_log_likelihood(torch.ones(1), torch.zeros(1), 1.0)
    tensor(-1.4189)
    """
    constant = -x.shape[-1] * (math.log(deviation) + 0.5 * math.log(2.0 * math.pi))
    return constant - 0.5 * ((x - f) / deviation).square().sum(-1)


def code_divergence(
    mean: Float[Tensor, "*batch latent"], log_deviation: Float[Tensor, "*batch latent"]
) -> Float[Tensor, "..."]:
    """The divergence from N(0, I) by the log of the standard deviation, as the released networks give it.

    *Paper*: doersch2016tutorial, released code (mnist_vae.prototxt).

        sum_j 1/2 mu_j^2 + 1/2 sigma_j^2 - log sigma_j - 1/2

    >>> code_divergence(torch.tensor([1.0]), torch.tensor([0.0]))
    tensor(0.5000)
    """
    variance = (2.0 * log_deviation).exp()
    return (0.5 * mean**2 + 0.5 * variance - log_deviation - 0.5).sum(-1)


class Regressor(nn.Module):
    """The baseline: the output's pixels straight from the condition, without a latent.

    *Paper*: doersch2016tutorial, Section 4.2 and released code: the condition's four layers and the
    decoder's three of the conditional auto-encoder. Widths are ``hidden``, half and a quarter of it
    (1000, 500, 250).

    *Shapes*: ``x`` ``[..., given]``; the distribution is over ``[..., pixels]``.

    >>> Regressor(given=2, pixels=5, hidden=8)(torch.ones(3, 2)).logits.shape
    torch.Size([3, 5])
    """

    latent = 0

    def __init__(self, given: int, pixels: int, hidden: int = 1000) -> None:
        super().__init__()
        wide, middle, narrow = hidden, hidden // 2, hidden // 4
        self.given, self.pixels = given, pixels
        self.condition_1 = nn.Linear(given, wide)
        self.condition_2 = nn.Linear(wide, middle)
        self.condition_3 = nn.Linear(middle, narrow)
        self.condition_4 = nn.Linear(narrow, narrow)
        self.decoder_2 = nn.Linear(narrow, middle)
        self.decoder_3 = nn.Linear(middle, wide)
        self.output = nn.Linear(wide, pixels)

    def condition(self, x: Float[Tensor, "*batch given"]) -> tuple[Tensor, Tensor]:
        """What the encoder and the decoder are given of X: the second layer and the fourth, before ReLU."""
        check_features(x, self.given)
        second = self.condition_2(self.condition_1(x).relu())
        return second, self.condition_4(self.condition_3(second.relu()).relu())

    def pixels_from(self, first: Float[Tensor, "*batch narrow"]) -> Bernoulli:
        """The output from the decoder's first layer, before its ReLU."""
        h = self.decoder_3(self.decoder_2(first.relu()).relu()).relu()
        return Bernoulli(self.output(h))

    def forward(self, x: Float[Tensor, "*batch given"]) -> Bernoulli:
        """P(Y | X), every pixel on its own."""
        return self.pixels_from(self.condition(x)[1])


class CVAE(Regressor):
    """The conditional variational auto-encoder: the regressor, told by a latent which answer to give.

    *Paper*: doersch2016tutorial, Section 3, and released code (mnist_cvae.prototxt). The condition enters by
    sums: its second layer in the encoder's second, its fourth in the decoder's first.

    *Options*: ``quirk``: the log of the standard deviation reads the encoder's third layer before its ReLU,
    the mean after it, as in the released networks; False reads both after it.

    *Shapes*: ``x`` ``[..., given]``, ``y`` ``[..., pixels]``, ``z`` and ``noise`` ``[..., latent]``.

    *Departures*: torch's initial weights instead of sparse Gaussian ones; no weight decay.

    *Raises*: `ShapeError` for other numbers of pixels.

    >>> model = CVAE(given=2, pixels=5, hidden=8, latent=3)
    >>> model.bound(torch.ones(4, 2), torch.ones(4, 5), torch.zeros(4, 3)).shape
    torch.Size([4])
    """

    def __init__(
        self, given: int, pixels: int, hidden: int = 1000, latent: int = 30, *, quirk: bool = True
    ) -> None:
        super().__init__(given, pixels, hidden)
        wide, middle, narrow = hidden, hidden // 2, hidden // 4
        self.latent, self.quirk = latent, quirk
        self.encoder_1 = nn.Linear(pixels, wide)
        self.encoder_2 = nn.Linear(wide, middle)
        self.encoder_3 = nn.Linear(middle, narrow)
        self.mean = nn.Linear(narrow, latent)
        self.log_deviation = nn.Linear(narrow, latent)
        self.decoder_1 = nn.Linear(latent, narrow)

    def encode(self, second: Tensor, y: Float[Tensor, "*batch pixels"]) -> tuple[Tensor, Tensor]:
        """The mean and the log of the standard deviation of Q(z | Y, X)."""
        check_features(y, self.pixels)
        h = (self.encoder_2(self.encoder_1(y).relu()) + second).relu()
        third = self.encoder_3(h)
        return self.mean(third.relu()), self.log_deviation(third if self.quirk else third.relu())

    def decode(self, fourth: Tensor, z: Float[Tensor, "*batch latent"]) -> Bernoulli:
        """P(Y | z, X), from what `condition` gives the decoder."""
        return self.pixels_from(self.decoder_1(z) + fourth)

    def bound(
        self,
        x: Float[Tensor, "batch given"],
        y: Float[Tensor, "batch pixels"],
        noise: Float[Tensor, "*samples batch latent"],
    ) -> Float[Tensor, "*samples batch"]:
        """The bound on log P(Y | X), one for each sample of the noise."""
        second, fourth = self.condition(x)
        mean, log_deviation = self.encode(second, y)
        z = mean + log_deviation.exp() * noise
        return self.decode(fourth, z).log_prob(y) - code_divergence(mean, log_deviation)

    def log_weights(self, x: Tensor, y: Tensor, noise: Tensor) -> Float[Tensor, "samples batch"]:
        """log P(Y, z | X) - log Q(z | Y, X) of every sample, for importance-weighted bounds."""
        second, fourth = self.condition(x)
        mean, log_deviation = self.encode(second, y)
        q = DiagonalGaussian(mean, log_deviation.exp())
        z = q.from_noise(noise)
        prior = DiagonalGaussian(torch.zeros_like(mean), torch.ones_like(mean))
        return self.decode(fourth, z).log_prob(y) + prior.log_prob(z) - q.log_prob(z)

    def forward(self, x: Float[Tensor, "... given"], z: Float[Tensor, "... latent"]) -> Bernoulli:
        """P(Y | z, X): a completion for each latent, which at test time is drawn from N(0, I)."""
        return self.decode(self.condition(x)[1], z)
