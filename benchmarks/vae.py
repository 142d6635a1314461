"""The variational auto-encoder against its matrix products alone, and against the usual two-class script."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from unrolled.papers.vae.model import VAE

BATCH, PIXELS, HIDDEN, LATENT = 100, 784, 500, 50
Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


class TextbookVAE(nn.Module):
    """As one would write it first: two layers for mean and log-variance, and probabilities, not logits."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(PIXELS, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.mean, self.log_variance = nn.Linear(HIDDEN, LATENT), nn.Linear(HIDDEN, LATENT)
        self.third, self.fourth = nn.Linear(LATENT, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.output = nn.Linear(HIDDEN, PIXELS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Minus the mean bound."""
        h = torch.relu(self.second(torch.relu(self.first(x))))
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        y = torch.sigmoid(self.output(torch.relu(self.fourth(torch.relu(self.third(z))))))
        divergence = -0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum()
        return (functional.binary_cross_entropy(y, x, reduction="sum") + divergence) / len(x)


def _pictures(device: str) -> torch.Tensor:
    return torch.rand(BATCH, PIXELS, device=device).round()


def products(steps: int, device: str) -> Built:
    """The limit: the same six products with their biases, and nothing between or after them."""
    sizes = (PIXELS, HIDDEN, HIDDEN, LATENT, HIDDEN, HIDDEN, PIXELS)
    layers = nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(sizes))).to(device)
    x = _pictures(device)
    return layers, lambda: layers(x).sum()


def textbook(steps: int, device: str) -> Built:
    """The usual script."""
    model, x = TextbookVAE().to(device), _pictures(device)
    return model, lambda: model(x)


def ours(steps: int, device: str) -> Built:
    """`VAE.bound` with one sample a picture."""
    model = VAE(PIXELS, LATENT, (HIDDEN, HIDDEN), activation="relu").to(device)
    x = _pictures(device)
    return model, lambda: -model.bound(x, torch.randn(1, BATCH, LATENT, device=x.device)).mean()
