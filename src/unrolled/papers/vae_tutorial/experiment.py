"""Completions of digits by the conditional auto-encoder and by a regressor; the model without a condition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from unrolled.data import digits, mnist
from unrolled.nn.bounds import importance_bound
from unrolled.papers.vae.model import VAE
from unrolled.papers.vae.studies import importance_bounds
from unrolled.papers.vae_tutorial.model import CVAE, Regressor
from unrolled.papers.vae_tutorial.studies import prior_estimate
from unrolled.training.experiment import Arrays, At, Experiment, Splits, TrainingConfig

ROWS = 1000
"""Pictures that are evaluated at once."""

EVERY = 10
"""Importance-weighted and prior estimates take every so many test pictures."""

SAMPLES = 64
"""Posterior samples of the importance-weighted estimate."""

ANSWERS = 20
"""Completions of each condition, from which their variance is taken."""

BINARISATION = 2016
"""The seed of the one draw of binary pictures that all runs are evaluated on."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    model: Literal["cvae", "regressor", "vae"] = "cvae"
    """The conditional auto-encoder, the regressor, or the auto-encoder of whole pictures."""
    task: Literal["mnist", "digits"]
    """MNIST, or the embedded 8x8 digits."""
    given: Literal["column", "quarter"] = "column"
    """What the condition is: the middle column (index 13 of 28) or the lower left quarter."""
    latent: int = 30
    """Latent dimensions: k in the paper."""
    hidden: int = 1000
    """Units of the widest hidden layer; the others have a half and a quarter."""
    quirk: bool = True
    """Whether the log of the standard deviation reads its layer before the ReLU, as in the released code."""
    prior_samples: int = 10_000
    """Samples of the prior in the naive estimate, for the model without a condition."""

    @property
    def side(self) -> int:
        """Pixels of a picture's side."""
        return 28 if self.task == "mnist" else 8


def given_pixels(given: str, side: int) -> Tensor:
    """Which pixels are the condition, ``[side * side]`` of booleans.

    >>> given_pixels("column", 28).sum(), given_pixels("quarter", 28).sum()
    (tensor(28), tensor(196))
    """
    mask = torch.zeros(side, side, dtype=torch.bool)
    if given == "column":
        mask[:, side // 2 - 1] = True
    else:
        mask[side // 2 :, : side // 2] = True
    return mask.flatten()


class TutorialExperiment(Experiment[Config]):
    """How sharp, how varied and how likely completions are, and what the encoder brings."""

    slug = "vae_tutorial"
    Config = Config
    selection = ("valid_bound", "max")

    def datasets(self) -> tuple[str, ...]:
        """The registry's data sets of the run."""
        return ("mnist",) if self.config.task == "mnist" else ()

    def data(self) -> Splits:
        """Pictures ``[n, pixels]``: brightness in [0, 1] to train, one binary draw to evaluate."""
        found = mnist.load() if self.config.task == "mnist" else digits.pictures(split=0)
        pictures = {split: images.flatten(1).float() for split, (images, _) in found.items()}
        generator = torch.Generator().manual_seed(BINARISATION)
        for split, x in pictures.items():
            if self.config.task == "mnist":
                x /= 255.0
            if split != "train":
                pictures[split] = (torch.rand(x.shape, generator=generator) < x).float()
        return Splits(**{split: (x,) for split, x in pictures.items()})

    def model(self) -> nn.Module:
        """The network, with fresh weights."""
        c = self.config
        given = int(given_pixels(c.given, c.side).sum())
        rest = c.side**2 - given
        if c.model == "vae":
            widths = (c.hidden, c.hidden // 2, c.hidden // 4)
            return VAE(c.side**2, c.latent, widths, activation="relu")
        if c.model == "regressor":
            return Regressor(given, rest, c.hidden)
        return CVAE(given, rest, c.hidden, c.latent, quirk=c.quirk)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures as condition and output."""
        mask = given_pixels(self.config.given, self.config.side).to(x.device)
        return x[:, mask], x[:, ~mask]

    def batch(self, batch: Arrays, at: At) -> Arrays:
        """Binary pictures, drawn anew in every update with each pixel's brightness as its probability."""
        (x,) = batch
        return ((torch.rand(x.shape, generator=at.generator).to(x.device) < x).float(),)

    def _bound(self, model: nn.Module, x: Tensor) -> Tensor:
        """The bound of each picture from one sample; the regressor's is its log-likelihood."""
        if self.config.model == "regressor":
            condition, y = self.parts(x)
            return model(condition).log_prob(y)
        noise = torch.randn(len(x), model.latent, device=x.device)
        return (
            model.bound(x, noise[None]) if self.config.model == "vae" else model.bound(*self.parts(x), noise)
        )

    def loss(self, model: nn.Module, batch: Arrays, at: At) -> Tensor:
        """Minus the mean bound."""
        return -self._bound(model, batch[0]).mean()

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """The mean ``bound``, and how sharp an answer is: the mean distance of its pixels from one half."""
        (x,) = arrays
        bound = sum(self._bound(model, rows).sum().item() for rows in x.split(ROWS)) / len(x)
        rows = x[::EVERY]
        answers = self.answers(model, rows, 1)
        return {"bound": bound, "sharpness": (answers - 0.5).abs().mean().item()}

    def answers(self, model: nn.Module, x: Tensor, samples: int) -> Tensor:
        """Answers to the conditions of pictures, ``[samples, n, pixels]``, by latents from the prior."""
        condition, _ = self.parts(x)
        if self.config.model == "regressor":
            return torch.sigmoid(model(condition).logits)[None]
        z = torch.randn(samples, len(x), model.latent, device=x.device)
        found = model.decode(z) if self.config.model == "vae" else model(condition, z)
        return torch.sigmoid(found.logits)

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """`evaluate`, and of every tenth picture: the importance-weighted bound, and the naive estimate.

        ``variance`` is that of a pixel over the answers to one condition, and ``mean_likelihood`` the
        log-likelihood under the mean of the answers, every pixel on its own as the regressor has it.
        """
        metrics, rows = self.evaluate(model, arrays), arrays[0][::EVERY]
        if self.config.model == "vae":
            metrics["importance_bound"] = importance_bounds(model, rows, SAMPLES).mean().item()
            naive = prior_estimate(model, rows, self.config.prior_samples).mean().item()
            metrics["prior_estimate"] = naive
            metrics["encoder_gain"] = metrics["importance_bound"] - naive
            return metrics
        condition, y = self.parts(rows)
        answers = self.answers(model, rows, ANSWERS)
        metrics["variance"] = answers.var(0, correction=0).mean().item()
        mean = answers.mean(0).clamp(1e-6, 1 - 1e-6)
        metrics["mean_likelihood"] = (y * mean.log() + (1 - y) * (-mean).log1p()).sum(-1).mean().item()
        if self.config.model == "cvae":
            metrics["importance_bound"] = self._importance(model, condition, y)
        else:
            metrics["importance_bound"] = model(condition).log_prob(y).mean().item()
        return metrics

    def _importance(self, model: CVAE, condition: Tensor, y: Tensor) -> float:
        found = []
        for x_rows, y_rows in zip(condition.split(100), y.split(100), strict=True):
            noise = torch.randn(SAMPLES, len(x_rows), model.latent, device=y.device)
            found.append(importance_bound(model.log_weights(x_rows, y_rows, noise)))
        return torch.cat(found).mean().item()


EXPERIMENT = TutorialExperiment
