"""Variational auto-encoders and wake-sleep on binary digits, MNIST and Frey Face: data, loss and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unrolled.data import binarised, faces
from unrolled.nn.distributions import kl_per_dimension
from unrolled.papers.vae.model import VAE, data_set_bound
from unrolled.papers.vae.studies import importance_bounds
from unrolled.papers.vae.wake_sleep import wake_sleep
from unrolled.training.experiment import Arrays, At, Experiment, Splits, TrainingConfig

ROWS = 1000
"""Data points whose bound is computed at once."""

TEST_SAMPLES = 5
"""Samples of the bound for each test row."""

EVERY = 10
"""The importance-weighted estimate takes every so many test rows: the first thousand of MNIST are harder."""

UNUSED = 0.01
"""Nats of divergence, averaged over the data, below which a latent counts as switched off."""

FREY_SPLIT = 0
"""The seed of the split of Frey Face, the same for all runs."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    algorithm: Literal["aevb", "wake_sleep"] = "aevb"
    """Which of the two trainings of the same two networks."""
    estimator: Literal["A", "B"] = "B"
    """The bound's estimator: equation 6 or 10; unused by wake-sleep."""
    task: Literal["digits", "mnist", "frey"]
    """Pages of binary 8x8 digits, MNIST in its fixed binarisation, or Frey Face."""
    latent: int
    """Latent dimensions: J, and N_z in the paper's figures."""
    hidden: int
    """Units of a hidden layer."""
    layers: int = 1
    """Hidden layers of the encoder, and of the decoder."""
    activation: Literal["tanh", "relu"] = "tanh"
    """Of the hidden layers."""
    deviation: float | None = None
    """Standard deviation of all initial weights and biases; None keeps torch's own."""
    canvas: int = 16
    """Pixels of a page's side, for ``digits``: 8 is one digit, 16 four."""
    copies: int = 16
    """Pages on which each digit appears, for ``digits``."""
    importance_samples: int = 0
    """Samples of the importance-weighted estimate on test rows; 0 leaves it out."""

    @property
    def pixels(self) -> int:
        """Pixels of a picture."""
        return {"digits": self.canvas**2, "mnist": 784, "frey": 560}[self.task]


class VAEExperiment(Experiment[Config]):
    """How good a bound the auto-encoder reaches, with how many latents, and against wake-sleep.

    The digits are split, and put on pages, anew for each seed.
    """

    slug = "vae"
    Config = Config
    selection = ("valid_bound", "max")

    def datasets(self) -> tuple[str, ...]:
        """The registry's data sets of the run."""
        return {"digits": (), "mnist": (binarised.DATASET,), "frey": (faces.DATASET,)}[self.config.task]

    def data(self) -> Splits:
        """Pictures ``[n, pixels]``, and nothing else; the digits have no test split."""
        c = self.config
        if c.task == "digits":
            found = binarised.digit_pages(canvas=c.canvas, copies=c.copies, split=self.seed)
            return Splits(**{half: (images.float(),) for half, (images, _) in found.items()})
        if c.task == "mnist":
            return Splits(**{half: (rows.float(),) for half, rows in binarised.mnist().items()})
        return Splits(**{half: (rows.float() / 255.0,) for half, rows in faces.load(FREY_SPLIT).items()})

    def model(self) -> VAE:
        """The two networks, with fresh weights."""
        c = self.config
        return VAE(
            c.pixels,
            c.latent,
            (c.hidden,) * c.layers,
            activation=c.activation,
            likelihood="gaussian" if c.task == "frey" else "bernoulli",
            deviation=c.deviation,
        )

    def loss(self, model: VAE, batch: Arrays, at: At) -> Tensor:
        """Minus the bound of equation 8 for a single data point, so that it does not depend on N.

        For wake-sleep the sum of its two losses, which share no gradient.
        """
        (x,) = batch
        noise = torch.randn(1, len(x), model.latent, device=x.device)
        if self.config.algorithm == "aevb":
            return -data_set_bound(model.bound(x, noise, self.config.estimator), points=1)
        dream = torch.randn_like(noise[0])
        pixels = torch.rand_like(x) if model.likelihood == "bernoulli" else torch.randn_like(x)
        wake, sleep = wake_sleep(model, x, noise[0], dream, pixels)
        return wake.mean() + sleep.mean()

    def evaluate(self, model: VAE, arrays: Arrays, samples: int = 1) -> dict[str, float]:
        """The mean ``bound``, its divergence ``kl``, and how many latents are ``unused``."""
        (x,) = arrays
        bound, kl = 0.0, torch.zeros(model.latent, device=x.device)
        for rows in x.split(ROWS):
            noise = torch.randn(samples, len(rows), model.latent, device=x.device)
            bound += model.bound(rows, noise).sum().item()
            kl += kl_per_dimension(model.encode(rows)).sum(0)
        kl /= len(x)
        return {"bound": bound / len(x), "kl": kl.sum().item(), "unused": float((kl < UNUSED).sum())}

    def test(self, model: VAE, arrays: Arrays) -> dict[str, float]:
        """`evaluate` with more samples; of some rows also the ``importance_bound``, and their own bound."""
        metrics = self.evaluate(model, arrays, TEST_SAMPLES)
        if self.config.importance_samples:
            rows = arrays[0][::EVERY]
            metrics["rows_bound"] = self.evaluate(model, (rows,), TEST_SAMPLES)["bound"]
            bounds = importance_bounds(model, rows, self.config.importance_samples)
            metrics["importance_bound"] = bounds.mean().item()
        return metrics


EXPERIMENT = VAEExperiment
