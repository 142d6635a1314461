"""Auto-encoding variational Bayes: the estimators of the bound, and the two networks.

Everything is in nats and summed over pixels and over latents; a mean is taken over data points only.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.checks import ShapeError, check_features, check_option
from unrolled.nn.distributions import Bernoulli, DiagonalGaussian, gaussian_kl

Activation = Literal["tanh", "relu"]
Likelihood = Literal["bernoulli", "gaussian"]
Estimator = Literal["A", "B"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu}

SMALLEST_LOG_VARIANCE = -8.0
"""Of a pixel, by the Gaussian decoder."""


class Layer(NamedTuple):
    """The weight and the bias of one linear layer."""

    W: Float[Tensor, "outputs inputs"]
    b: Float[Tensor, " outputs"]


def hidden_layers(
    x: Float[Tensor, "*batch inputs"],
    layers: Sequence[Layer],
    activation: Callable[[Tensor], Tensor] = torch.tanh,
) -> Float[Tensor, "*batch hidden"]:
    """The last hidden layer of a multilayer perceptron."""
    for W, b in layers:
        x = activation(functional.linear(x, W, b))
    return x


def bernoulli_decoder(
    z: Float[Tensor, "*batch latent"],
    hidden: Sequence[Layer],
    output: Layer,
    activation: Callable[[Tensor], Tensor] = torch.tanh,
) -> Bernoulli:
    """p(x | z) of binary pixels: a perceptron that gives the probability of every pixel.

    *Paper*: kingma2014auto, Appendix C.1, equation 11 (one hidden layer, tanh).

        log p(x | z) = sum_i x_i log y_i + (1 - x_i) log(1 - y_i)
        y = sigma(W_2 tanh(W_1 z + b_1) + b_2)

    *Shapes*: ``z`` ``[..., latent]``; the distribution is over ``[..., pixels]``.

    *Departures*: computed from logits, so that no logarithm of 0 is taken.

    >>> one = Layer(torch.ones(1, 1), torch.zeros(1))
    >>> bernoulli_decoder(torch.zeros(2, 1), [one], one).log_prob(torch.ones(2, 1)).round(decimals=4)
    tensor([-0.6931, -0.6931])
    """
    return Bernoulli(functional.linear(hidden_layers(z, hidden, activation), *output))


def gaussian_perceptron(
    x: Float[Tensor, "*batch inputs"],
    hidden: Sequence[Layer],
    output: Layer,
    activation: Callable[[Tensor], Tensor] = torch.tanh,
    *,
    pixels: bool = False,
) -> DiagonalGaussian:
    """A diagonal Gaussian whose mean and log-variance a perceptron gives: the encoder, or a decoder.

    *Paper*: kingma2014auto, Appendix C.2, equation 12 (one hidden layer, tanh), equation 9.

        h = tanh(W_3 x + b_3),  mu = W_4 h + b_4,  log sigma^2 = W_5 h + b_5

    *Options*: ``pixels`` puts the means into (0, 1), as the paper does for Frey Face, and cuts the
    log-variance off below `SMALLEST_LOG_VARIANCE`: where pixels are constant the bound has no other limit.

    *Shapes*: ``output`` stacks W_4 over W_5, ``[2 * event, hidden]``; the distribution's event is the last
    axis.

    >>> output = Layer(torch.tensor([[1.0], [0.0]]), torch.zeros(2))
    >>> gaussian_perceptron(torch.zeros(1, 1), [Layer(torch.ones(1, 1), torch.zeros(1))], output).deviation
    tensor([[1.]])
    """
    mean, log_variance = functional.linear(hidden_layers(x, hidden, activation), *output).chunk(2, -1)
    if pixels:
        mean, log_variance = torch.sigmoid(mean), log_variance.clamp(min=SMALLEST_LOG_VARIANCE)
    return DiagonalGaussian.from_log_variance(mean, log_variance)


Function = Callable[[Tensor], Tensor]
"""A function of latent samples ``[samples, *batch, latent]``, with values ``[samples, *batch]``."""


def expectation(
    f: Function, posterior: DiagonalGaussian, noise: Float[Tensor, "samples *batch latent"]
) -> Float[Tensor, "*batch"]:
    """The Monte Carlo estimate of the mean of ``f`` under the posterior, through which gradients flow.

    *Paper*: kingma2014auto, Section 2.3, equation 5, with equation 4 as g.

        1/L sum_l f(g(epsilon_l, x))

    >>> at_zero = DiagonalGaussian(torch.zeros(1, 2), torch.ones(1, 2))
    >>> expectation(lambda z: z.sum(-1), at_zero, torch.ones(3, 1, 2))
    tensor([2.])
    """
    return f(posterior.from_noise(noise)).mean(0)


def first_estimator(
    log_joint: Function, posterior: DiagonalGaussian, noise: Float[Tensor, "samples *batch latent"]
) -> Float[Tensor, "*batch"]:
    """The first estimator of the bound, for any pair of distributions.

    *Paper*: kingma2014auto, Section 2.3, equation 6.

        L^A = 1/L sum_l log p(x, z_l) - log q(z_l | x)
    """
    return expectation(lambda z: log_joint(z) - posterior.log_prob(z), posterior, noise)


def second_estimator(
    log_likelihood: Function,
    divergence: Float[Tensor, "*batch"],
    posterior: DiagonalGaussian,
    noise: Float[Tensor, "samples *batch latent"],
) -> Float[Tensor, "*batch"]:
    """The second estimator of the bound, where the divergence KL(q || p) is known in closed form.

    *Paper*: kingma2014auto, Section 2.3, equation 7.

        L^B = -KL(q(z | x) || p(z)) + 1/L sum_l log p(x | z_l)
    """
    return expectation(log_likelihood, posterior, noise) - divergence


def gaussian_bound(
    log_likelihood: Function, posterior: DiagonalGaussian, noise: Float[Tensor, "samples *batch latent"]
) -> Float[Tensor, "*batch"]:
    """The bound of the variational auto-encoder: equation 7 for a Gaussian q and a standard normal prior.

    *Paper*: kingma2014auto, Section 3, equation 10; the divergence is Appendix B.

        L = 1/2 sum_j (1 + log sigma_j^2 - mu_j^2 - sigma_j^2) + 1/L sum_l log p(x | z_l)

    >>> q = DiagonalGaussian(torch.zeros(1, 2), torch.ones(1, 2))
    >>> gaussian_bound(lambda z: -4.0 - z.sum(-1), q, torch.zeros(1, 1, 2))
    tensor([-4.])
    """
    return second_estimator(log_likelihood, gaussian_kl(posterior), posterior, noise)


def data_set_bound(bounds: Float[Tensor, " batch"], points: int) -> Float[Tensor, ""]:
    """The bound of a whole data set of N points, estimated from a minibatch of M.

    *Paper*: kingma2014auto, Section 2.3, equation 8.

        N/M sum_i L(x_i)

    >>> data_set_bound(torch.tensor([-1.0, -3.0]), points=10)
    tensor(-20.)
    """
    return points * bounds.mean()


class VAE(nn.Module):
    """The variational auto-encoder: Gaussian encoder, Bernoulli or Gaussian decoder, standard normal prior.

    *Paper*: kingma2014auto, Section 3 and Appendix C. The decoder's hidden layers have the encoder's sizes
    in reverse order.

    *Options*: ``deviation`` draws every weight and bias from a normal distribution around 0, as the paper
    does; None keeps torch's initial values.

    *Shapes*: ``x`` ``[..., pixels]``, ``z`` and ``noise`` ``[..., latent]``.

    *Departures*: unspecified: the paper's "N(0, 0.01)" is read as standard deviation 0.01.

    *Raises*: `UsageError` for an unknown activation, likelihood or estimator; `ShapeError` for other numbers
    of pixels or latents, and for noise without its axis of samples.

    >>> VAE(pixels=6, latent=2, hidden=(4,)).bound(torch.ones(3, 6), torch.zeros(1, 3, 2)).shape
    torch.Size([3])
    """

    def __init__(
        self,
        pixels: int,
        latent: int,
        hidden: Sequence[int] = (500,),
        *,
        activation: Activation = "tanh",
        likelihood: Likelihood = "bernoulli",
        deviation: float | None = None,
    ) -> None:
        super().__init__()
        check_option("activation", activation, Activation)
        check_option("likelihood", likelihood, Likelihood)
        self.pixels = pixels
        self.latent, self.activation, self.likelihood = latent, ACTIVATIONS[activation], likelihood
        there, outputs = (pixels, *hidden), pixels if likelihood == "bernoulli" else 2 * pixels
        back = (latent, *reversed(hidden))
        self.encoder = nn.ModuleList(nn.Linear(*sizes) for sizes in pairwise(there))
        self.decoder = nn.ModuleList(nn.Linear(*sizes) for sizes in pairwise(back))
        self.encoder.append(nn.Linear(there[-1], 2 * latent))
        self.decoder.append(nn.Linear(back[-1], outputs))
        if deviation is not None:
            for parameter in self.parameters():
                nn.init.normal_(parameter, std=deviation)

    def _check(self, x: Tensor, noise: Tensor) -> None:
        check_features(x, self.pixels)
        if noise.shape[1:] != (x.shape[0], self.latent):
            raise ShapeError(
                f"noise must be [samples, batch, latent] = [samples, {x.shape[0]}, {self.latent}], "
                f"not {list(noise.shape)}"
            )

    @staticmethod
    def _weights(layers: nn.ModuleList) -> tuple[list[Layer], Layer]:
        pairs = [Layer(layer.weight, layer.bias) for layer in layers]
        return pairs[:-1], pairs[-1]

    def encode(self, x: Float[Tensor, "*batch pixels"]) -> DiagonalGaussian:
        """The approximate posterior q(z | x)."""
        return gaussian_perceptron(x, *self._weights(self.encoder), self.activation)

    def decode(self, z: Float[Tensor, "*batch latent"]) -> Bernoulli | DiagonalGaussian:
        """The likelihood p(x | z)."""
        if self.likelihood == "bernoulli":
            return bernoulli_decoder(z, *self._weights(self.decoder), self.activation)
        return gaussian_perceptron(z, *self._weights(self.decoder), self.activation, pixels=True)

    @staticmethod
    def log_prior(z: Float[Tensor, "*batch latent"]) -> Float[Tensor, "*batch"]:
        """log p(z) of the prior N(0, I)."""
        return DiagonalGaussian(torch.zeros_like(z), torch.ones_like(z)).log_prob(z)

    def bound(
        self,
        x: Float[Tensor, "batch pixels"],
        noise: Float[Tensor, "samples batch latent"],
        estimator: Estimator = "B",
    ) -> Float[Tensor, " batch"]:
        """The variational bound of every data point, by equation 6 (A) or 10 (B); differentiable."""
        check_option("estimator", estimator, Estimator)
        self._check(x, noise)
        posterior = self.encode(x)  # (9)

        def log_likelihood(z: Tensor) -> Tensor:
            return self.decode(z).log_prob(x)  # (11), (12)

        if estimator == "A":
            return first_estimator(lambda z: self.log_prior(z) + log_likelihood(z), posterior, noise)
        return gaussian_bound(log_likelihood, posterior, noise)
