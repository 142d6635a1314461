"""RAM on digits, in place, translated or among clutter: data, loss and metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from unrolled.data import canvases, digits, mnist
from unrolled.papers.ram.baselines import Convolutional, FullyConnected
from unrolled.papers.ram.learning import hybrid_loss
from unrolled.papers.ram.model import RAM
from unrolled.papers.ram.retina import pyramid
from unrolled.training.experiment import Arrays, At, Experiment, Splits, TrainingConfig

CHUNK = 500
"""Images that are evaluated at once."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    model: Literal["ram", "fully_connected", "convolutional"] = "ram"
    """The attention model, or a network that reads every pixel."""
    source: Literal["digits", "mnist"]
    """8x8 digits, which scikit-learn ships, or MNIST."""
    scene: Literal["plain", "translated", "cluttered"]
    """The digit alone, at a random place on a black canvas, or there among crops of other digits."""
    size: int
    """Width of the canvas in pixels."""
    distractors: int = 0
    """Crops on a cluttered canvas."""
    crop: int = 8
    """Width of a crop in pixels."""
    glimpses: int = 6
    """Looks at an image."""
    glimpse_size: int = 8
    """Width of the finest patch in pixels."""
    scales: int = 1
    """Patches of a glimpse."""
    reach: float
    """Pixels from the centre to a location of 1."""
    location_std: float
    """Standard deviation of the location policy, in units of [-1, 1]."""
    start: Literal["random", "centre", "learned"] = "random"
    """The first location."""
    policy: Literal["learned", "random", "centre"] = "learned"
    """Who chooses the other locations."""
    through_core: bool = False
    """Whether REINFORCE trains the core as well."""
    location_gain: float = 1.0
    """What the output of the location network is multiplied by."""
    reward_weight: float = 1.0
    """Lambda, the weight of the REINFORCE term."""
    hidden: int = 256
    """Units of the core, or of each layer of a network that reads every pixel."""
    test_rollouts: int = 16
    """Looks at each test image whose class probabilities are averaged for ``error_averaged``."""


class RAMExperiment(Experiment[Config]):
    """The classification experiments of Section 4.1."""

    slug = "ram"
    Config = Config
    selection = ("valid_error", "min")

    def datasets(self) -> tuple[str, ...]:
        """MNIST; none for the 8x8 digits, which scikit-learn ships."""
        return ("mnist",) if self.config.source == "mnist" else ()

    def place(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images ``[batch, height, width]`` in bytes or in [0, 1] on canvases in [0, 1]."""
        config, images = self.config, _shares(images)
        if config.scene == "translated":
            return canvases.translated(images, config.size, generator)
        if config.scene == "cluttered":
            return canvases.cluttered(images, config.size, config.distractors, config.crop, generator)
        return images

    def data(self) -> Splits:
        """Images and labels. Training images are placed anew in every update; the others once, by a seed.

        The 8x8 digits are split anew for each seed, so that the spread over seeds holds the split's.
        """
        splits = digits.pictures(split=self.seed) if self.config.source == "digits" else mnist.load()
        held_out = {}
        for seed, name in enumerate(("valid", "test")):
            if name in splits:
                images, labels = splits[name]
                if self.config.scene != "plain":
                    placed = self.place(images, torch.Generator().manual_seed(seed))
                    images = (255 * placed).round().byte()
                held_out[name] = images, labels
        return Splits(splits["train"], held_out["valid"], held_out.get("test"))

    def model(self) -> nn.Module:
        """A network with fresh weights."""
        config = self.config
        if config.model == "fully_connected":
            return FullyConnected(config.size**2, config.hidden)
        if config.model == "convolutional":
            return Convolutional(config.size)
        return RAM(
            config.glimpse_size,
            config.scales,
            reach=config.reach,
            location_std=config.location_std,
            hidden_size=config.hidden,
            start=config.start,
            policy=config.policy,
            through_core=config.through_core,
            gain=config.location_gain,
        )

    def batch(self, batch: Arrays, at: At) -> Arrays:
        """Training images on fresh canvases."""
        images, labels = batch
        return self.place(images.cpu(), at.generator), labels

    def loss(self, model: nn.Module, batch: Arrays, at: At) -> Tensor:
        """The hybrid loss; cross-entropy alone for networks that read every pixel or choose no location."""
        images, labels = batch
        if self.config.model != "ram":
            return functional.cross_entropy(model(images), labels)
        parts = hybrid_loss(model(images, self.config.glimpses), labels)
        if self.config.policy != "learned":
            return parts.classification
        return parts.classification + parts.baseline + self.config.reward_weight * parts.location

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """The share of wrong classes (``error``) and the mean cross-entropy in nats (``loss``).

        Locations are the policy's means; where the first one is random, it is drawn once an image.
        """
        return self._measured(model, arrays, looks=1)

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """The same, and with probabilities averaged over several looks at locations drawn from the policy."""
        looks = self.config.test_rollouts if self.config.model == "ram" else 1
        averaged = self._measured(model, arrays, looks=looks)
        return self.evaluate(model, arrays) | {f"{name}_averaged": value for name, value in averaged.items()}

    def _measured(self, model: nn.Module, arrays: Arrays, looks: int) -> dict[str, float]:
        wrong, total = 0.0, 0.0
        kind = next(model.parameters()).dtype  # fingerprints are measured in double precision
        for images, labels in zip(*(array.split(CHUNK) for array in arrays), strict=True):
            log_probs = self._log_probs(model, _shares(images).to(kind), looks)
            wrong += (log_probs.argmax(1) != labels).sum().item()
            total += functional.nll_loss(log_probs, labels, reduction="sum").item()
        return {"error": wrong / len(arrays[1]), "loss": total / len(arrays[1])}

    def _log_probs(self, model: nn.Module, images: Tensor, looks: int) -> Tensor:
        """The log of the class probabilities, averaged over looks; a single one is at the policy's means."""
        if self.config.model != "ram":
            return functional.log_softmax(model(images), dim=1)
        levels, several = pyramid(images, model.scales), looks > 1
        found = [
            model.roll(levels, *images.shape[1:], self.config.glimpses, sample=several).log_probs
            for _ in range(looks)
        ]
        return torch.stack(found).logsumexp(0) - math.log(looks)


def _shares(images: Tensor) -> Tensor:
    """Pixels in [0, 1]."""
    return images.float() / 255 if images.dtype == torch.uint8 else images


EXPERIMENT = RAMExperiment
