"""The VRNN: the mathematics of equations 5 to 7 and 9, and the model.

Only what feeds back stands in the loop over the steps: the features of the data come before it, and prior,
output and probabilities after it, from the states of the step before (`states_before`).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.nn import functional

from unrolled.nn.cells import LSTMState, lstm_step
from unrolled.nn.checks import Lengths, ShapeError
from unrolled.nn.distributions import FLOOR, DiagonalGaussian
from unrolled.nn.scan import expand_state, scan
from unrolled.papers.vrnn.inference import Inference, last_states, observed, standard_normal, without_padding
from unrolled.papers.vrnn.networks import (
    Layers,
    Output,
    Perceptron,
    decoder_network,
    family,
    features,
    gaussian_network,
    initialise,
    perceptron,
)


class StepInput(NamedTuple):
    """What a step reads: the observation's features, and the noise."""

    x_features: Float[Tensor, "batch features"]
    noise: Float[Tensor, "batch latent"]


class StepWeights(NamedTuple):
    """The parameters of a step."""

    encoder: Layers
    z_features: Layers
    W_x: Float[Tensor, "four_hidden two_features"]
    W_h: Float[Tensor, "four_hidden hidden"]
    b: Float[Tensor, " four_hidden"]


class Latent(NamedTuple):
    """The latent variable of a step, its features, and the posterior that it was drawn from."""

    z: Float[Tensor, "batch latent"]
    z_features: Float[Tensor, "batch features"]
    mean: Float[Tensor, "batch latent"]
    deviation: Float[Tensor, "batch latent"]


def prior(h: Float[Tensor, "*batch hidden"], layers: Layers) -> DiagonalGaussian:
    """The prior of z_t, from the state before the step.

    *Paper*: chung2015recurrent, Section 3.1, equation 5.

        z_t ~ N(mu_0, diag(sigma_0^2)),  [mu_0, sigma_0] = phi^prior(h_{t-1})

    *Shapes*: ``h`` ``[..., hidden]``; a distribution over ``[..., latent]``.
    """
    return DiagonalGaussian.from_outputs(perceptron(h, layers))


def decode(
    z_features: Float[Tensor, "*batch features"],
    h: Float[Tensor, "*batch hidden"],
    layers: Layers,
    output: Output = "gaussian",
    components: int = 1,
) -> Distribution:
    """The distribution of x_t, from the latent's features and the state before the step.

    *Paper*: chung2015recurrent, Section 3.1, equation 6; Section 4 for outputs that are no Gaussian.

        x_t | z_t ~ N(mu_x, diag(sigma_x^2)),  [mu_x, sigma_x] = phi^dec(phi^z(z_t), h_{t-1})

    *Shapes*: as annotated; a distribution over ``[..., input]``.
    """
    return family(output).make(perceptron(torch.cat((z_features, h), -1), layers), components)


def posterior(
    x_features: Float[Tensor, "*batch features"], h: Float[Tensor, "*batch hidden"], layers: Layers
) -> tuple[Float[Tensor, "*batch latent"], Float[Tensor, "*batch latent"]]:
    """Mean and deviation of z_t, given x_t and the state before the step.

    *Paper*: chung2015recurrent, Section 3.1, equation 9.

        z_t | x_t ~ N(mu_z, diag(sigma_z^2)),  [mu_z, sigma_z] = phi^enc(phi^x(x_t), h_{t-1})
    """
    mean, raw = perceptron(torch.cat((x_features, h), -1), layers).chunk(2, -1)
    return mean, functional.softplus(raw) + FLOOR


def transition(
    state: LSTMState,
    x_features: Float[Tensor, "*batch features"],
    z_features: Float[Tensor, "*batch features"],
    W_x: Float[Tensor, "four_hidden two_features"],
    W_h: Float[Tensor, "four_hidden hidden"],
    b: Float[Tensor, " four_hidden"],
) -> LSTMState:
    """The new state of the LSTM that reads the observation's and the latent's features.

    *Paper*: chung2015recurrent, Section 3.1, equation 7.

        h_t = f(phi^x(x_t), phi^z(z_t), h_{t-1})
    """
    return lstm_step(state, torch.cat((x_features, z_features), -1), W_x, W_h, b)


def vrnn_step(state: LSTMState, x_t: StepInput, weights: StepWeights) -> tuple[LSTMState, Latent]:
    """One step: the posterior, a latent variable drawn from it, and the new state.

    *Paper*: chung2015recurrent, Section 3.1, equations 7 and 9; the sample as in kingma2014auto.
    """
    encoder, phi_z, *lstm = weights
    mean, deviation = posterior(x_t.x_features, state.h, encoder)  # (9)
    z = mean + deviation * x_t.noise
    z_features = features(z, phi_z)
    new = transition(state, x_t.x_features, z_features, *lstm)  # (7)
    return new, Latent(z, z_features, mean, deviation)


def states_before(states: Float[Tensor, "batch time hidden"], initial: Tensor) -> Tensor:
    """The state before each step: the sequence of states, one step later.

    >>> states_before(torch.tensor([[[1.0], [2.0]]]), initial=torch.zeros(1, 1)).flatten().tolist()
    [0.0, 1.0]
    """
    return torch.cat((initial.unsqueeze(1), states[:, :-1]), 1)


class VRNN(nn.Module):
    """A recurrent network with a latent variable in every step, and a prior that depends on the state.

    *Paper*: chung2015recurrent, Section 3.1, equations 5 to 11; ``learned_prior=False`` is the paper's
    VRNN-I, whose prior is N(0, I).

    *Options*: ``features`` units in every hidden layer and feature extractor, ``layers`` hidden layers in
    each of the five networks; ``output`` and ``components`` choose the family of equation 6.

    *Shapes*: ``x`` ``[batch, time, input]``; results as in `Inference`. Padding, given by ``lengths``, has
    no influence on the steps before it.

    *Departures*: initialisation: the state before the first step is learned and starts at 0; the bias of
    the forget gate starts at 1. The released code has zeros for both.

    *Raises*: `ShapeError` for another number of features, for no step, or for noise of another shape.

    >>> from unrolled.papers.vrnn.inference import bound
    >>> model = VRNN(3, hidden_size=8, latent_size=2, features=8)
    >>> x = torch.zeros(4, 7, 3)
    >>> bound(model(x), x).bound.shape
    torch.Size([4])
    """

    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int,
        latent_size: int,
        features: int,
        layers: int = 1,
        output: Output = "gaussian",
        components: int = 1,
        learned_prior: bool = True,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.latent_size = input_size, hidden_size, latent_size
        self.output, self.components, self.learned_prior = output, components, learned_prior
        hidden = (features,) * layers
        self.x_features = Perceptron(input_size, *hidden)
        self.z_features = Perceptron(latent_size, *hidden)
        self.encoder = gaussian_network(features + hidden_size, hidden, latent_size)
        self.decoder = decoder_network(output, features + hidden_size, hidden, input_size, components)
        if learned_prior:
            self.prior = gaussian_network(hidden_size, hidden, latent_size)
        self.W_x = nn.Parameter(torch.empty(4 * hidden_size, 2 * features))
        self.W_h = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.b = nn.Parameter(torch.empty(4 * hidden_size))
        self.h_0 = nn.Parameter(torch.zeros(hidden_size))
        self.c_0 = nn.Parameter(torch.zeros(hidden_size))
        initialise(self.W_x, self.W_h, self.b)

    def initial(self, batch: int) -> LSTMState:
        """The learned state before the first step."""
        return expand_state(LSTMState(self.h_0, self.c_0), batch)

    @property
    def weights(self) -> StepWeights:
        """The parameters as `vrnn_step` takes them."""
        return StepWeights(self.encoder.layers, self.z_features.layers, self.W_x, self.W_h, self.b)

    def prior_from(self, h: Float[Tensor, "*batch hidden"]) -> DiagonalGaussian | None:
        """The prior from states before the steps; None, which stands for N(0, I), in VRNN-I."""
        return prior(h, self.prior.layers) if self.learned_prior else None

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        lengths: Lengths | None = None,
        noise: Float[Tensor, "batch time latent"] | None = None,
        initial: LSTMState | None = None,
    ) -> Inference:
        """Draw latents from the posterior along observed sequences; ``noise`` is drawn if it is not given."""
        x = observed(x, lengths, self.input_size)
        if noise is None:
            noise = torch.randn(*x.shape[:2], self.latent_size, dtype=x.dtype, device=x.device)
        if noise.shape != (*x.shape[:2], self.latent_size):
            expected = f"[{x.shape[0]}, {x.shape[1]}, latent = {self.latent_size}]"
            raise ShapeError(f"noise must be [batch, time, latent] = {expected}, not {list(noise.shape)}")
        noise = without_padding(noise, lengths)
        initial = self.initial(x.shape[0]) if initial is None else initial
        x_t = StepInput(features(x, self.x_features.layers), noise)
        states, _, latents = scan(vrnn_step, x_t, initial, self.weights, batch_first=True)
        before = states_before(states.h, initial.h)
        return Inference(
            decode(latents.z_features, before, self.decoder.layers, self.output, self.components),  # (6)
            latents.z,
            DiagonalGaussian(latents.mean, latents.deviation),
            self.prior_from(before),  # (5)
            states.h,
            last_states(states, initial, lengths),
        )

    def draw(self, state: LSTMState) -> tuple[LSTMState, Tensor, Tensor]:
        """One step of generation, from the prior: the new state, x_t and z_t (torch's global noise)."""
        p = self.prior_from(state.h) or standard_normal(state.h.new_empty(len(state.h), self.latent_size))
        z = p.from_noise(*p.noise())
        z_features = features(z, self.z_features.layers)
        output = decode(z_features, state.h, self.decoder.layers, self.output, self.components)
        x_t = output.from_noise(*output.noise())
        x_features = features(x_t, self.x_features.layers)
        return transition(state, x_features, z_features, self.W_x, self.W_h, self.b), x_t, z
