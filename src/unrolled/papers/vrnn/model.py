"""The VRNN: the mathematics of equations 5 to 7 and 9, and the model.

Weights have torch's layout, one row a unit; rows of gates are in torch's order i, f, g, o. Only what feeds
back stands in the loop: features of the data come before it, prior, decoder and probabilities after it.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.nn import functional

from unrolled.nn.cells import LSTMState
from unrolled.nn.checks import Lengths, ShapeError, check_features, check_lengths
from unrolled.nn.distributions import FLOOR, DiagonalGaussian
from unrolled.nn.scan import expand_state, map_tensors, scan
from unrolled.papers.vrnn.inference import Inference, standard_normal, without_padding
from unrolled.papers.vrnn.networks import (
    Layers,
    Output,
    Perceptron,
    decoder_network,
    family,
    features,
    gaussian_network,
    linear,
    perceptron,
)


class StepInput(NamedTuple):
    """What a step reads: the observation's features, as the two products that take them, and the noise."""

    encoder: Float[Tensor, "*#batch encoder"]
    gates: Float[Tensor, "*#batch four_hidden"]
    noise: Float[Tensor, "*batch latent"]


class StepWeights(NamedTuple):
    """The parameters of a step; all that reads h_{t-1} is one matrix, the encoder's rows first."""

    W_h: Float[Tensor, "encoder_and_four_hidden hidden"]
    W_z: Float[Tensor, "four_hidden features"]
    encoder: Layers
    z_features: Layers


class Latent(NamedTuple):
    """The latent variable of a step, its features, and the posterior that it was drawn from."""

    z: Float[Tensor, "*batch latent"]
    z_features: Float[Tensor, "*batch features"]
    mean: Float[Tensor, "*batch latent"]
    deviation: Float[Tensor, "*batch latent"]


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
    from_x: Float[Tensor, "*#batch encoder"], from_h: Float[Tensor, "*batch encoder"], layers: Layers
) -> tuple[Float[Tensor, "*batch latent"], Float[Tensor, "*batch latent"]]:
    """Mean and deviation of z_t given x_t and the past; its first layer comes as its two products.

    *Paper*: chung2015recurrent, Section 3.1, equation 9.

        z_t | x_t ~ N(mu_z, diag(sigma_z^2)),  [mu_z, sigma_z] = phi^enc(phi^x(x_t), h_{t-1})

    *Shapes*: as annotated; ``layers`` are those after the first.
    """
    mean, raw = perceptron(functional.relu(from_x + from_h), layers).chunk(2, -1)
    return mean, functional.softplus(raw) + FLOOR


def transition(
    c: Float[Tensor, "*batch hidden"],
    from_x: Float[Tensor, "*#batch four_hidden"],
    from_h: Float[Tensor, "*batch four_hidden"],
    z_features: Float[Tensor, "*batch features"],
    W_z: Float[Tensor, "*copies four_hidden features"],
) -> LSTMState:
    """The new state of the LSTM that reads the observation's and the latent's features.

    *Paper*: chung2015recurrent, Section 3.1, equation 7.

        h_t = f(phi^x(x_t), phi^z(z_t), h_{t-1})

    *Shapes*: as annotated; ``from_x`` (with the bias) and ``from_h`` are the products of the gates
    with the other two.
    """
    i, f, g, o = (from_x + from_h + linear(z_features, W_z)).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return LSTMState(h=torch.sigmoid(o) * torch.tanh(c), c=c)


def vrnn_step(state: LSTMState, x_t: StepInput, weights: StepWeights) -> tuple[LSTMState, Latent]:
    """One step: the posterior, a latent variable drawn from it, and the new state.

    *Paper*: chung2015recurrent, Section 3.1, equations 7 and 9; the sample as in kingma2014auto.

    *Shapes*: ``[batch, ...]``; or with several samples a sequence ``[batch, samples, ...]``, where
    ``x_t``'s products have 1 in their place; or ``[copies, batch, ...]``, with weights for each copy.
    """
    encoder = x_t.encoder.shape[-1]
    from_h = linear(state.h, weights.W_h)
    mean, deviation = posterior(x_t.encoder, from_h[..., :encoder], weights.encoder)  # (9)
    z = mean + deviation * x_t.noise
    z_features = features(z, weights.z_features)
    new = transition(state.c, x_t.gates, from_h[..., encoder:], z_features, weights.W_z)  # (7)
    return new, Latent(z, z_features, mean, deviation)


def states_before(states: Tensor, initial: Tensor) -> Tensor:
    """The state before each step: the sequence of states, one step later."""
    return torch.cat((initial.unsqueeze(1), states[:, :-1]), 1)


def _after(states: Tensor, initial: Tensor, lengths: Tensor | None) -> Tensor:
    """The state after each sequence's own last step; padding stands after it and cannot reach it."""
    if lengths is None:
        return states[:, -1]
    rows = torch.arange(len(lengths), device=states.device)
    ended = (lengths > 0).reshape(-1, *[1] * (initial.ndim - 1))
    return torch.where(ended, states[rows, (lengths - 1).clamp(min=0)], initial)


def observed(x: Tensor, lengths: Lengths | None, size: int) -> Tensor:
    """The input without its padding, after a look at its shape."""
    check_features(x, size)
    if not x.shape[1]:
        raise ShapeError(f"x needs at least one step; it is {list(x.shape)}")
    return without_padding(x, lengths)


@torch.no_grad()
def initialise(W_x: Tensor, W_h: Tensor, b: Tensor) -> None:
    """Set an LSTM's weights: uniform from the input, orthogonal by gates from the state, forget bias 1."""
    hidden = W_h.shape[1]
    nn.init.xavier_uniform_(W_x)
    for gate in W_h.chunk(4):
        nn.init.orthogonal_(gate)
    b.zero_()[hidden : 2 * hidden].fill_(1)


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
        self.W_x = nn.Parameter(torch.empty(4 * hidden_size, features))
        self.W_z = nn.Parameter(torch.empty(4 * hidden_size, features))
        self.W_h = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.b = nn.Parameter(torch.empty(4 * hidden_size))
        self.h_0 = nn.Parameter(torch.zeros(hidden_size))
        self.c_0 = nn.Parameter(torch.zeros(hidden_size))
        initialise(self.W_x, self.W_h, self.b)
        nn.init.xavier_uniform_(self.W_z)

    def initial(self, batch: int) -> LSTMState:
        """The learned state before the first step."""
        return expand_state(LSTMState(self.h_0, self.c_0), batch)

    @property
    def weights(self) -> StepWeights:
        """The parameters as `vrnn_step` takes them."""
        (W, _), *rest = self.encoder.layers
        split = self.x_features.parts[-1].out_features
        W_h = torch.cat((W[:, split:], self.W_h))
        return StepWeights(W_h, self.W_z, tuple(rest), self.z_features.layers)

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        lengths: Lengths | None = None,
        noise: Float[Tensor, "batch time *samples latent"] | None = None,
        initial: LSTMState | None = None,
    ) -> Inference:
        """Draw latents from the posterior along observed sequences.

        ``noise`` is standard normal and drawn where it is not given; with an axis of samples, so many
        trajectories a sequence run side by side.
        """
        x = observed(x, lengths, self.input_size)
        batch, time = x.shape[:2]
        if lengths is not None:
            lengths = check_lengths(lengths, batch, time, like=x)
        if noise is None:
            noise = torch.randn(batch, time, self.latent_size, dtype=x.dtype, device=x.device)
        if noise.shape[-1] != self.latent_size or noise.ndim > 4:
            raise ShapeError(
                f"noise must be [batch, time, latent = {self.latent_size}], or with samples before the last "
                f"axis, not {list(noise.shape)}"
            )
        noise = without_padding(noise, lengths)
        if initial is None:
            initial = self.initial(batch)
            if noise.ndim == 4:
                initial = map_tensors(lambda part: part.unsqueeze(1).expand(-1, noise.shape[2], -1), initial)
        x_features = features(x, self.x_features.layers)
        W, b = self.encoder.layers[0]
        products = [
            linear(x_features, W[:, : x_features.shape[-1]], b),
            linear(x_features, self.W_x, self.b),
        ]
        if noise.ndim == 4:
            products = [part.unsqueeze(2) for part in products]
        states, _, latents = scan(
            vrnn_step, StepInput(*products, noise), initial, self.weights, batch_first=True
        )
        before = states_before(states.h, initial.h)
        return Inference(
            decode(latents.z_features, before, self.decoder.layers, self.output, self.components),  # (6)
            latents.z,
            DiagonalGaussian(latents.mean, latents.deviation),
            prior(before, self.prior.layers) if self.learned_prior else None,  # (5)
            states.h,
            LSTMState(*(_after(*pair, lengths) for pair in zip(states, initial, strict=True))),
        )

    def draw(self, state: LSTMState) -> tuple[LSTMState, Tensor, Tensor]:
        """One step of generation, from the prior: the new state, x_t and z_t (torch's global noise)."""
        p = standard_normal(state.h.new_empty(*state.h.shape[:-1], self.latent_size))
        if self.learned_prior:
            p = prior(state.h, self.prior.layers)
        z = p.from_noise(*p.noise())
        z_features = features(z, self.z_features.layers)
        output = decode(z_features, state.h, self.decoder.layers, self.output, self.components)
        x_t = output.from_noise(*output.noise())
        from_x = linear(features(x_t, self.x_features.layers), self.W_x, self.b)
        from_h = linear(state.h, self.W_h)
        return transition(state.c, from_x, from_h, z_features, self.W_z), x_t, z
