"""RAM against its core alone on torch's fused layer, and against a loop that cuts every patch by itself."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from unrolled.papers.ram.learning import hybrid_loss
from unrolled.papers.ram.model import RAM

BATCH = 128
Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


class TextbookRAM(nn.Module):
    """RAM as one would write it first: patches are cut image by image, each step has all its products."""

    def __init__(self, glimpse_size: int, scales: int, std: float = 0.1) -> None:
        super().__init__()
        self.glimpse_size, self.scales, self.std = glimpse_size, scales, std
        self.what, self.where = nn.Linear(scales * glimpse_size**2, 128), nn.Linear(2, 128)
        self.from_what, self.from_where = nn.Linear(128, 256), nn.Linear(128, 256)
        self.from_glimpse, self.from_hidden = nn.Linear(256, 256), nn.Linear(256, 256)
        self.location, self.baseline, self.action = nn.Linear(256, 2), nn.Linear(256, 1), nn.Linear(256, 10)

    def glimpse(self, images: torch.Tensor, location: torch.Tensor) -> torch.Tensor:
        """Patches around a location, each twice as wide as the one before, averaged to the same size."""
        patches = []
        for scale in range(self.scales):
            width = self.glimpse_size * 2**scale
            padded = functional.pad(images, (width // 2,) * 4)
            corners = (0.5 * (location + 1) * images.shape[-1]).long()
            patch = torch.stack(
                [x[r : r + width, c : c + width] for x, (r, c) in zip(padded, corners, strict=True)]
            )
            patches.append(functional.avg_pool2d(patch, 2**scale).flatten(1))
        return torch.cat(patches, 1)

    def forward(self, images: torch.Tensor, labels: torch.Tensor, glimpses: int) -> torch.Tensor:
        """The hybrid loss of one look at each image."""
        h, location = (
            images.new_zeros(len(images), 256),
            torch.rand(len(images), 2, device=images.device) * 2 - 1,
        )
        log_probs, baselines = [], []
        for _ in range(glimpses):
            what = torch.relu(self.what(self.glimpse(images, location)))
            where = torch.relu(self.where(location))
            g = torch.relu(self.from_what(what) + self.from_where(where))
            h = torch.relu(self.from_glimpse(g) + self.from_hidden(h))
            policy = torch.distributions.Normal(self.location(h.detach()), self.std)
            sample = policy.sample()
            log_probs.append(policy.log_prob(sample).sum(1))
            baselines.append(self.baseline(h.detach()).squeeze(1))
            location = sample.clamp(-1, 1)
        logits = self.action(h)
        reward = (logits.argmax(1) == labels).float()
        advantage = [reward - b.detach() for b in baselines]
        reinforce = sum(-(p * a).mean() for p, a in zip(log_probs, advantage, strict=True))
        error = sum((b - reward).square().mean() for b in baselines)
        return functional.cross_entropy(logits, labels) + error + reinforce


def _digits(size: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(BATCH, size, size, device=device), torch.randint(10, (BATCH,), device=device)


def core(steps: int, device: str) -> Built:
    """The limit: rectified units on glimpse vectors that are there already, so that nothing is looked at."""
    layer = nn.RNN(256, 256, nonlinearity="relu").to(device)
    glimpses = torch.rand(steps, BATCH, 256, device=device, requires_grad=True)
    return layer, lambda: layer(glimpses)[1].sum()


def textbook(size: int, glimpse_size: int, scales: int) -> Callable[[int, str], Built]:
    """The textbook loop at one size."""

    def build(steps: int, device: str) -> Built:
        model, (images, labels) = TextbookRAM(glimpse_size, scales).to(device), _digits(size, device)
        return model, lambda: model(images, labels, steps)

    return build


def ram(size: int, glimpse_size: int, scales: int) -> Callable[[int, str], Built]:
    """The book's model at one size."""

    def build(steps: int, device: str) -> Built:
        reach = size / 2
        model = RAM(glimpse_size, scales, reach=reach).to(device)
        images, labels = _digits(size, device)

        def loss() -> torch.Tensor:
            parts = hybrid_loss(model(images, steps), labels)
            return parts.classification + parts.baseline + parts.location

        return model, loss

    return build
