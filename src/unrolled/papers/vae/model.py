"""Auto-encoding variational Bayes: the estimators of the bound, the two networks, and wake-sleep beside it.

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
    squash: bool = False,
    smallest_log_variance: float | None = None,
) -> DiagonalGaussian:
    """A diagonal Gaussian whose mean and log-variance a perceptron gives: the encoder, or a decoder.

    *Paper*: kingma2014auto, Appendix C.2, equation 12 (one hidden layer, tanh), equation 9.

        h = tanh(W_3 x + b_3),  mu = W_4 h + b_4,  log sigma^2 = W_5 h + b_5

    *Options*: ``squash`` puts the means into (0, 1), as the paper does for Frey Face; the log-variance is
    cut off below ``smallest_log_variance``: where pixels are constant the bound has no other limit.

    *Shapes*: ``output`` stacks W_4 over W_5, ``[2 * event, hidden]``; the distribution's event is the last
    axis.

    >>> output = Layer(torch.tensor([[1.0], [0.0]]), torch.zeros(2))
    >>> gaussian_perceptron(torch.zeros(1, 1), [Layer(torch.ones(1, 1), torch.zeros(1))], output).deviation
    tensor([[1.]])
    """
    mean, log_variance = functional.linear(hidden_layers(x, hidden, activation), *output).chunk(2, -1)
    if smallest_log_variance is not None:
        log_variance = log_variance.clamp(min=smallest_log_variance)
    return DiagonalGaussian.from_log_variance(torch.sigmoid(mean) if squash else mean, log_variance)


def expectation(
    f: Callable[[Tensor], Tensor],
    posterior: DiagonalGaussian,
    noise: Float[Tensor, "samples *batch latent"],
) -> Float[Tensor, "*batch"]:
    """The Monte Carlo estimate of the mean of ``f`` under the posterior, through which gradients flow.

    *Paper*: kingma2014auto, Section 2.3, equation 5, with equation 4 as g.

        1/L sum_l f(g(epsilon_l, x))
    """
    return f(posterior.from_noise(noise)).mean(0)


def first_estimator(
    log_joint: Float[Tensor, "samples ..."], log_posterior: Float[Tensor, "samples ..."]
) -> Float[Tensor, "*batch"]:
    """The first estimator of the bound, for any pair of distributions.

    *Paper*: kingma2014auto, Section 2.3, equation 6.

        L^A = 1/L sum_l log p(x, z_l) - log q(z_l | x)

    *Shapes*: as annotated; the first axis counts the L samples.

    >>> first_estimator(torch.tensor([[-3.0], [-5.0]]), torch.tensor([[-1.0], [-1.0]]))
    tensor([-3.])
    """
    return (log_joint - log_posterior).mean(0)


def second_estimator(
    divergence: Float[Tensor, "*batch"], log_likelihood: Float[Tensor, "samples ..."]
) -> Float[Tensor, "*batch"]:
    """The second estimator of the bound, where the divergence KL(q || p) is known in closed form.

    *Paper*: kingma2014auto, Section 2.3, equation 7.

        L^B = -KL(q(z | x) || p(z)) + 1/L sum_l log p(x | z_l)

    *Shapes*: as annotated; the first axis counts the L samples.

    >>> second_estimator(torch.tensor([2.0]), torch.tensor([[-3.0], [-5.0]]))
    tensor([-6.])
    """
    return log_likelihood.mean(0) - divergence


def gaussian_bound(
    mean: Float[Tensor, "*batch latent"],
    log_variance: Float[Tensor, "*batch latent"],
    log_likelihood: Float[Tensor, "samples ..."],
) -> Float[Tensor, "*batch"]:
    """The bound of the variational auto-encoder: equation 7 for a Gaussian q and a standard normal prior.

    *Paper*: kingma2014auto, Section 3, equation 10; the divergence is Appendix B.

        L = 1/2 sum_j (1 + log sigma_j^2 - mu_j^2 - sigma_j^2) + 1/L sum_l log p(x | z_l)

    >>> gaussian_bound(torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor([[-4.0]]))
    tensor([-4.])
    """
    return second_estimator(
        gaussian_kl(DiagonalGaussian.from_log_variance(mean, log_variance)), log_likelihood
    )


def data_set_bound(bounds: Float[Tensor, " batch"], points: int) -> Float[Tensor, ""]:
    """The bound of a whole data set of N points, estimated from a minibatch of M.

    *Paper*: kingma2014auto, Section 2.3, equation 8.

        N/M sum_i L(x_i)

    >>> data_set_bound(torch.tensor([-1.0, -3.0]), points=10)
    tensor(-20.)
    """
    return points * bounds.mean()


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


class VAE(nn.Module):
    """The variational auto-encoder: Gaussian encoder, Bernoulli or Gaussian decoder, standard normal prior.

    *Paper*: kingma2014auto, Section 3 and Appendix C. The decoder's hidden layers have the encoder's sizes
    in reverse order.

    *Options*: ``deviation`` draws every weight and bias from a normal distribution around 0, as the paper
    does; None keeps torch's initial values. ``smallest_log_variance`` is the Gaussian decoder's.

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
        smallest_log_variance: float = -8.0,
    ) -> None:
        super().__init__()
        check_option("activation", activation, Activation)
        check_option("likelihood", likelihood, Likelihood)
        self.pixels = pixels
        self.latent, self.activation, self.likelihood = latent, ACTIVATIONS[activation], likelihood
        self.smallest_log_variance = smallest_log_variance
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
        return gaussian_perceptron(
            z,
            *self._weights(self.decoder),
            self.activation,
            squash=True,
            smallest_log_variance=self.smallest_log_variance,
        )

    def prior(self, like: Float[Tensor, "*batch latent"]) -> DiagonalGaussian:
        """The prior p(z) = N(0, I), as wide as ``like``."""
        return DiagonalGaussian(torch.zeros_like(like), torch.ones_like(like))

    def log_weights(
        self,
        x: Float[Tensor, "batch pixels"],
        noise: Float[Tensor, "samples batch latent"],
    ) -> Float[Tensor, "samples batch"]:
        """log p(x, z) - log q(z | x) of every sample: what equation 6 averages, and importance bounds use."""
        self._check(x, noise)
        posterior = self.encode(x)
        z = posterior.from_noise(noise)
        log_joint = self.prior(z).log_prob(z) + self.decode(z).log_prob(x)
        return log_joint - posterior.log_prob(z)

    def bound(
        self,
        x: Float[Tensor, "batch pixels"],
        noise: Float[Tensor, "samples batch latent"],
        estimator: Estimator = "B",
    ) -> Float[Tensor, " batch"]:
        """The variational bound of every data point, by equation 6 (A) or 10 (B); differentiable."""
        check_option("estimator", estimator, Estimator)
        self._check(x, noise)
        posterior = self.encode(x)
        z = posterior.from_noise(noise)
        log_likelihood = self.decode(z).log_prob(x)
        if estimator == "A":
            return first_estimator(self.prior(z).log_prob(z) + log_likelihood, posterior.log_prob(z))
        return second_estimator(gaussian_kl(posterior), log_likelihood)

    def wake_sleep(
        self,
        x: Float[Tensor, "batch pixels"],
        noise: Float[Tensor, "batch latent"],
        dream: Float[Tensor, "batch latent"],
        dream_pixels: Float[Tensor, "batch pixels"],
    ) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
        """The two losses of wake-sleep; each has gradients in one of the two networks only.

        *Paper*: kingma2014auto, Section 5 (the baseline of Figures 2 and 3); hinton1995wake.

            wake:  -log p(x, z),      z ~ q(z | x)      (moves the decoder)
            sleep: -log q(z' | x'),   (x', z') ~ p      (moves the encoder)

        *Shapes*: as annotated; ``dream`` is z', and ``dream_pixels`` the noise that makes x' from it.
        """
        with torch.no_grad():
            z = self.encode(x).from_noise(noise)
            dreamt = self.decode(dream).from_noise(dream_pixels)
        wake = -(self.prior(z).log_prob(z) + self.decode(z).log_prob(x))
        return wake, -self.encode(dreamt).log_prob(dream)
