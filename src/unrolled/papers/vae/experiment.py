"""Variational auto-encoders and wake-sleep on binary digits, MNIST and Frey Face, in the three profiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from unrolled.base.errors import unknown
from unrolled.data import binarised, faces, registry
from unrolled.nn.bounds import importance_bound_chunked
from unrolled.nn.distributions import kl_per_dimension
from unrolled.papers.vae.model import VAE
from unrolled.training.experiment import Arrays, Splits, TrainingConfig

ROWS = 1000
"""Data points whose bound is computed at once."""

WEIGHTED_ROWS, WEIGHTED_SAMPLES = 20, 50
"""Data points, and samples of each, whose importance weights are computed at once."""

UNUSED = 0.01
"""Nats of divergence, averaged over the data, below which a latent counts as switched off."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    algorithm: Literal["aevb", "wake_sleep"] = "aevb"
    """Which of the two trainings of the same two networks."""
    estimator: Literal["A", "B"] = "B"
    """The bound's estimator: equation 6 or 7; unused by wake-sleep."""
    task: Literal["digits", "mnist", "frey"]
    """Pages of binary 8x8 digits, MNIST in its fixed binarisation, or Frey Face."""
    latent: int
    """Latent dimensions: J, and N_z in the paper's figures."""
    hidden: int = 500
    """Units of a hidden layer."""
    layers: int = 1
    """Hidden layers of the encoder, and of the decoder."""
    activation: Literal["tanh", "relu"] = "tanh"
    """Of the hidden layers."""
    deviation: float | None = None
    """Standard deviation of all initial weights and biases; None keeps torch's own."""
    canvas: int = 12
    """Pixels of a page's side, for ``digits``: 8 is one digit, 16 four."""
    copies: int = 8
    """Pages on which each digit appears, for ``digits``."""
    test_samples: int = 1
    """Samples of the bound for each test row."""
    importance_samples: int = 0
    """Samples of the importance-weighted estimate on test rows; 0 leaves it out."""
    importance_every: int = 10
    """It takes every so many test rows (the first thousand rows of MNIST are harder than the rest)."""
    split_seed: int | None = None
    """The seed of the split of digits and frames; None takes the run's own seed for the digits."""

    def for_seed(self, seed: int) -> Config:
        """The digits are split and put on pages anew for each seed."""
        return replace(self, split_seed=seed) if self.task == "digits" and self.split_seed is None else self

    @property
    def pixels(self) -> int:
        """Pixels of a picture."""
        return {"digits": self.canvas**2, "mnist": 784, "frey": 560}[self.task]

    @classmethod
    def smoke(cls) -> Config:
        """Does it run: six updates of a tiny network."""
        return replace(cls.book(), hidden=16, latent=3, copies=2, updates=6, batch_size=50, evaluate_every=3)

    @classmethod
    def book(cls) -> Config:
        """A small network on pages of four digits, for 10 epochs: about a second on one core.

        Of Adam's rates 0.002, 0.004 and 0.008, tried with 100 units, the largest was best for every number of
        latents. Where the rate falls to 0 within these 10 epochs, the bounds are worse and no latent is
        switched off.
        """
        return cls(
            task="digits",
            latent=10,
            hidden=64,
            canvas=16,
            copies=16,
            updates=510,
            batch_size=100,
            optimiser="adam",
            learning_rate=1e-2,
            evaluate_every=102,
            checkpoint_every=10_000,
        )

    @classmethod
    def elbo(cls) -> Config:
        """784-500-500-50 with ReLU on fixed binarised MNIST, 100 epochs: larger than the paper's."""
        return cls(
            task="mnist",
            latent=50,
            hidden=500,
            layers=2,
            activation="relu",
            updates=50_000,
            batch_size=100,
            optimiser="adam",
            learning_rate=1e-3,
            schedule="cosine",
            final_learning_rate_share=0.01,
            evaluate_every=2500,
            checkpoint_every=2500,
            test_samples=5,
            importance_samples=5000,
        )

    @classmethod
    def figure_2(cls) -> Config:
        """The paper's network and optimiser, for 10,000 updates: 1e6 training samples, where it goes to 1e8.

        Of the paper's three rates, 0.01, 0.02 and 0.1, after 400 updates 0.02 was best for AEVB and 0.01 for
        wake-sleep; 0.1 diverges. The weight decay is the prior N(0, I) of the weights, shared among 50,000
        data points.
        """
        return cls(
            task="mnist",
            latent=20,
            updates=10_000,
            batch_size=100,
            deviation=0.01,
            optimiser="adagrad",
            optimiser_options=(("weight_decay", 1 / 50_000),),
            learning_rate=0.02,
            evaluate_every=500,
            checkpoint_every=2500,
        )

    @classmethod
    def frey(cls) -> Config:
        """The paper's network for Frey Face: 200 units, a Gaussian decoder with its means in (0, 1).

        5,000 updates are 320 epochs. Of the three rates 0.01 was best for both algorithms.
        """
        return replace(
            cls.figure_2(),
            task="frey",
            hidden=200,
            split_seed=0,
            updates=5_000,
            learning_rate=0.01,
            optimiser_options=(("weight_decay", 1 / 1565),),
        )


class Learner(VAE):
    """The networks of a run with its configuration, which says how they learn and how they are measured."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            config.pixels,
            config.latent,
            (config.hidden,) * config.layers,
            activation=config.activation,
            likelihood="gaussian" if config.task == "frey" else "bernoulli",
            deviation=config.deviation,
        )
        self.config = config


class VAEExperiment:
    """How good a bound the auto-encoder reaches, with how many latents, and against wake-sleep."""

    slug = "vae"
    selection: tuple[str, Literal["min", "max"]] = ("valid_bound", "max")

    def variants(self, profile: str) -> dict[str, Config]:
        """Every run of a profile, by name.

        >>> list(EXPERIMENT.variants("book"))
        ['latent_2', 'latent_10', 'latent_50', 'wake_sleep_10', 'plane']
        """
        if profile in ("smoke", "book"):
            config = Config.smoke() if profile == "smoke" else Config.book()
            runs = {f"latent_{latent}": replace(config, latent=latent) for latent in (2, 10, 50)}
            plane = replace(config, latent=2, canvas=8, copies=1)  # one digit a page, two latents to draw
            return runs | {
                "wake_sleep_10": replace(config, latent=10, algorithm="wake_sleep"),
                "plane": plane,
            }
        if profile == "paper":
            runs = {"elbo": Config.elbo()}
            for prefix, config, sizes in (
                ("mnist", Config.figure_2(), (3, 5, 10, 20, 200)),
                ("frey", Config.frey(), (2, 5, 10, 20)),
            ):
                for latent in sizes:
                    aevb = replace(config, latent=latent)
                    runs[f"{prefix}_aevb_{latent}"] = aevb
                    runs[f"{prefix}_wake_sleep_{latent}"] = replace(
                        aevb, algorithm="wake_sleep", learning_rate=0.01
                    )
            return runs
        raise unknown("profile", profile, ("smoke", "book", "paper"))

    def datasets(self, config: Config) -> tuple[str, ...]:
        """The registry's data sets of a run."""
        return {"digits": (), "mnist": (binarised.DATASET,), "frey": (faces.DATASET,)}[config.task]

    def checksums(self, config: Config) -> dict[str, dict[str, str]]:
        """Their files' sums."""
        return registry.checksums(self.datasets(config))

    def model(self, config: Config) -> Learner:
        """The two networks, with fresh weights."""
        return Learner(config)

    def data(self, config: Config) -> Splits:
        """Pictures ``[n, pixels]``, and nothing else; the digits have no test split."""
        if config.task == "digits":
            splits = binarised.digit_pages(
                canvas=config.canvas, copies=config.copies, split=config.split_seed or 0
            )
            return Splits(**{half: (images.float(),) for half, (images, _) in splits.items()})
        if config.task == "mnist":
            return Splits(**{half: (rows.float(),) for half, rows in binarised.mnist().items()})
        splits = faces.load(config.split_seed or 0)
        return Splits(**{half: (rows.float() / 255.0,) for half, rows in splits.items()})

    def loss(self, model: Learner, batch: Arrays) -> Tensor:
        """Minus the mean bound; for wake-sleep the two phases' losses together, which share no gradient."""
        (x,) = batch
        noise = torch.randn(1, len(x), model.latent, device=x.device)
        if model.config.algorithm == "aevb":
            return -model.bound(x, noise, model.config.estimator).mean()
        dream = torch.randn_like(noise[0])
        pixels = torch.rand_like(x) if model.likelihood == "bernoulli" else torch.randn_like(x)
        wake, sleep = model.wake_sleep(x, noise[0], dream, pixels)
        return wake.mean() + sleep.mean()

    def evaluate(self, model: Learner, arrays: Arrays) -> dict[str, float]:
        """The mean ``bound`` with one sample a point, its divergence ``kl``, and the latents ``unused``."""
        return self._measured(model, arrays[0], samples=1)

    def test(self, model: Learner, arrays: Arrays) -> dict[str, float]:
        """The same with more samples; and the ``importance_bound`` on some rows, beside their ``bound``."""
        (x,), config = arrays, model.config
        metrics = self._measured(model, x, samples=config.test_samples)
        if config.importance_samples:
            rows = x[:: config.importance_every]
            metrics["rows_bound"] = self._measured(model, rows, samples=config.test_samples)["bound"]
            metrics["importance_bound"] = (
                importance_bounds(model, rows, config.importance_samples).mean().item()
            )
        return metrics

    @staticmethod
    def _measured(model: Learner, x: Tensor, samples: int) -> dict[str, float]:
        bound, kl = 0.0, torch.zeros(model.latent, device=x.device)
        for rows in x.split(ROWS):
            noise = torch.randn(samples, len(rows), model.latent, device=x.device)
            bound += model.bound(rows, noise).sum().item()
            kl += kl_per_dimension(model.encode(rows)).sum(0)
        kl /= len(x)
        unused = (kl < UNUSED).sum().item()
        return {"bound": bound / len(x), "kl": kl.sum().item(), "unused": float(unused)}


def importance_bounds(
    model: VAE, x: Tensor, samples: int, rows: int = WEIGHTED_ROWS, chunk: int = WEIGHTED_SAMPLES
) -> Tensor:
    """The importance-weighted bound of each data point, ``[n]``, with the memory of a few of them.

    *Shapes*: ``x`` ``[n, pixels]``.
    """
    found = []
    for part in x.split(rows):

        def draw(n: int, part: Tensor = part) -> Tensor:
            return model.log_weights(part, torch.randn(n, len(part), model.latent, device=x.device))

        found.append(importance_bound_chunked(draw, samples, chunk))
    return torch.cat(found)


EXPERIMENT = VAEExperiment()
