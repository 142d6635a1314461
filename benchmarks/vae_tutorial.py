"""The conditional auto-encoder against its matrix products alone, and against a plain script."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from unrolled.papers.vae_tutorial.model import CVAE

BATCH, GIVEN, PIXELS, LATENT = 100, 28, 756, 30
WIDE, MIDDLE, NARROW = 1000, 500, 250
Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


class TextbookCVAE(nn.Module):
    """As one would write it first: the same layers in one method, and probabilities, not logits."""

    def __init__(self) -> None:
        super().__init__()
        self.x_1, self.x_2 = nn.Linear(GIVEN, WIDE), nn.Linear(WIDE, MIDDLE)
        self.x_3, self.x_4 = nn.Linear(MIDDLE, NARROW), nn.Linear(NARROW, NARROW)
        self.y_1, self.y_2, self.y_3 = (
            nn.Linear(PIXELS, WIDE),
            nn.Linear(WIDE, MIDDLE),
            nn.Linear(MIDDLE, NARROW),
        )
        self.mean, self.log_variance = nn.Linear(NARROW, LATENT), nn.Linear(NARROW, LATENT)
        self.z_1, self.z_2, self.z_3 = (
            nn.Linear(LATENT, NARROW),
            nn.Linear(NARROW, MIDDLE),
            nn.Linear(MIDDLE, WIDE),
        )
        self.output = nn.Linear(WIDE, PIXELS)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Minus the mean bound."""
        second = self.x_2(torch.relu(self.x_1(x)))
        fourth = self.x_4(torch.relu(self.x_3(torch.relu(second))))
        h = torch.relu(self.y_3(torch.relu(self.y_2(torch.relu(self.y_1(y))) + second)))
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        h = torch.relu(self.z_3(torch.relu(self.z_2(torch.relu(self.z_1(z) + fourth)))))
        divergence = -0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum()
        pixels = torch.sigmoid(self.output(h))
        return (functional.binary_cross_entropy(pixels, y, reduction="sum") + divergence) / len(x)


def _pictures(device: str) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(BATCH, GIVEN, device=device).round(), torch.rand(BATCH, PIXELS, device=device).round()


def products(steps: int, device: str) -> Built:
    """The limit: the products of condition, encoder and decoder with their biases, and nothing between."""
    chains = (
        (GIVEN, WIDE, MIDDLE, NARROW, NARROW),
        (PIXELS, WIDE, MIDDLE, NARROW, 2 * LATENT),
        (LATENT, NARROW, MIDDLE, WIDE, PIXELS),
    )
    layers = nn.ModuleList(
        nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(sizes))) for sizes in chains
    ).to(device)
    x, y = _pictures(device)

    def loss() -> torch.Tensor:
        codes = layers[1](y)
        return layers[0](x).sum() + codes.sum() + layers[2](codes[:, :LATENT]).sum()

    return layers, loss


def textbook(steps: int, device: str) -> Built:
    """The plain script."""
    model, (x, y) = TextbookCVAE().to(device), _pictures(device)
    return model, lambda: model(x, y)


def ours(steps: int, device: str) -> Built:
    """`CVAE.bound` with one sample a picture."""
    model = CVAE(GIVEN, PIXELS, WIDE, LATENT).to(device)
    x, y = _pictures(device)
    return model, lambda: -model.bound(x, y, torch.randn(1, BATCH, LATENT, device=x.device)).mean()
