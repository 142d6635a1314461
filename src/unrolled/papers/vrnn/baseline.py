"""The network without latents that the VRNN is compared with (equations 1 to 3)."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from unrolled.nn.cells import LSTM, LSTMState, lstm_step
from unrolled.nn.checks import Lengths
from unrolled.nn.scan import expand_state
from unrolled.papers.vrnn.inference import Inference, observed
from unrolled.papers.vrnn.model import states_before
from unrolled.papers.vrnn.networks import (
    Output,
    Perceptron,
    decoder_network,
    family,
    features,
    initialise,
    perceptron,
)


class OutputRNN(nn.Module):
    """The network that the VRNN is compared with: an LSTM whose only randomness is in its output.

    *Paper*: chung2015recurrent, Section 2.1, equations 1 to 3: RNN-Gauss and RNN-GMM of Table 1. It is the
    VRNN without its latent parts.

    *Options*: as `VRNN`; ``fused`` takes torch's fused layer in place of `lstm_step`.

    *Shapes*, *Raises*: as `VRNN`; the log-likelihood is exact. With ``lengths``, ``last`` is None: the fused
    layer keeps no cells of sequences that ended earlier.

    >>> import torch
    >>> from unrolled.papers.vrnn.inference import bound
    >>> model, x = OutputRNN(3, hidden_size=8, features=8), torch.zeros(4, 7, 3)
    >>> bound(model(x), x).kl.tolist()
    [0.0, 0.0, 0.0, 0.0]
    """

    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int,
        features: int,
        layers: int = 1,
        output: Output = "gaussian",
        components: int = 1,
        fused: bool = False,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.output, self.components = output, components
        hidden = (features,) * layers
        self.x_features = Perceptron(input_size, *hidden)
        self.decoder = decoder_network(output, hidden_size, hidden, input_size, components)
        self.layer = LSTM(features, hidden_size, fused=fused)
        initialise(*self.layer.weights)

    def initial(self, batch: int) -> LSTMState:
        """The learned state before the first step."""
        return expand_state(LSTMState(self.layer.h_0, self.layer.c_0), batch)

    def output_from(self, h: Float[Tensor, "*batch hidden"]) -> Distribution:
        """The distribution of x_t, from the state before the step."""
        return family(self.output).make(perceptron(h, self.decoder.layers), self.components)  # (3)

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        lengths: Lengths | None = None,
        initial: LSTMState | None = None,
    ) -> Inference:
        """The distribution of every x_t given what was before it."""
        x = observed(x, lengths, self.input_size)
        initial = self.initial(x.shape[0]) if initial is None else initial
        h, last = self.layer(features(x, self.x_features.layers), initial=initial)  # (1)
        output = self.output_from(states_before(h, initial.h))
        return Inference(output, None, None, None, h, last if lengths is None else None)

    def draw(self, state: LSTMState) -> tuple[LSTMState, Tensor, None]:
        """One step of generation: the new state and x_t (torch's global noise); there is no latent."""
        output = self.output_from(state.h)
        x_t = output.from_noise(*output.noise())
        x_features = features(x_t, self.x_features.layers)
        return lstm_step(state, x_features, *self.layer.weights), x_t, None
