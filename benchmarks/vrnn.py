"""The VRNN against torch's fused GRU of the same sizes, and against a loop with all its networks inside."""

from collections.abc import Callable

import torch
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

from unrolled.papers.vrnn.inference import bound
from unrolled.papers.vrnn.model import VRNN

INPUT, HIDDEN, LATENT = 88, 100, 16
"""Keys of a piano roll; units of every layer and of the recurrence; dimensions of the latent variable."""

Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


class TextbookVRNN(nn.Module):
    """A VRNN as one would write it first: all networks and both terms of the bound in each step."""

    def __init__(self) -> None:
        super().__init__()
        self.from_x = nn.Sequential(nn.Linear(INPUT, HIDDEN), nn.ReLU())
        self.from_z = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU())
        self.prior = self._network(HIDDEN, 2 * LATENT)
        self.encoder = self._network(2 * HIDDEN, 2 * LATENT)
        self.decoder = self._network(2 * HIDDEN, INPUT)
        self.cell = nn.LSTMCell(2 * HIDDEN, HIDDEN)

    @staticmethod
    def _network(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs))

    @staticmethod
    def _gaussian(outputs: torch.Tensor) -> Normal:
        mean, raw = outputs.chunk(2, 1)
        return Normal(mean, functional.softplus(raw) + 1e-4, validate_args=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The bound of ``x``, [time, batch, input], summed over everything."""
        h = c = x.new_zeros(x.shape[1], HIDDEN)
        bound = x.new_zeros(())
        for x_t in x:
            from_x = self.from_x(x_t)
            p, q = self._gaussian(self.prior(h)), self._gaussian(self.encoder(torch.cat((from_x, h), 1)))
            from_z = self.from_z(q.rsample())
            logits = self.decoder(torch.cat((from_z, h), 1))
            likelihood = -functional.binary_cross_entropy_with_logits(logits, x_t, reduction="sum")
            bound = bound + likelihood - kl_divergence(q, p).sum()
            h, c = self.cell(torch.cat((from_x, from_z), 1), (h, c))
        return bound


def _rolls(*shape: int, device: str) -> torch.Tensor:
    """Four of the 88 keys down at a step, on average."""
    return (torch.rand(*shape, INPUT, device=device) < 4 / INPUT).float()


def gru(batch: int) -> Callable[[int, str], Built]:
    """The limit: a recurrence of as many units on the fused layer, and nothing else."""

    def build(steps: int, device: str) -> Built:
        model, x = nn.GRU(INPUT, HIDDEN).to(device), _rolls(steps, batch, device=device)
        return model, lambda: model(x)[0].sum()

    return build


def textbook(batch: int) -> Callable[[int, str], Built]:
    """The loop with everything inside."""

    def build(steps: int, device: str) -> Built:
        model, x = TextbookVRNN().to(device), _rolls(steps, batch, device=device)
        return model, lambda: -model(x)

    return build


def vrnn(batch: int) -> Callable[[int, str], Built]:
    """The package's model, with the same networks and the same bound."""

    def build(steps: int, device: str) -> Built:
        sizes = {"hidden_size": HIDDEN, "latent_size": LATENT, "features": HIDDEN}
        model = VRNN(INPUT, output="bernoulli", **sizes).to(device)
        x = _rolls(batch, steps, device=device)
        return model, lambda: -bound(model(x), x).bound.sum()

    return build
