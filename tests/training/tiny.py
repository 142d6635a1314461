"""A model that trains in a millisecond per update: a little network with dropout (the generator's state
matters) and a buffer (state that no gradient reaches)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from unrolled.training.experiment import Experiment, Pairs, Splits, TrainingConfig


@dataclass(frozen=True, kw_only=True)
class TinyConfig(TrainingConfig):
    updates: int = 40
    batch_size: int = 8
    optimiser: Literal["adam", "adagrad", "rmsprop", "sgd"] = "rmsprop"
    optimiser_options: Pairs = (("momentum", 0.9),)
    learning_rate: float = 3e-3
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    warmup: int = 3
    clip_norm: float | None = 1.0
    evaluate_every: int = 7
    checkpoint_every: int = 5
    hidden: int = 6
    dropout: float = 0.2
    counts: bool = True


class TinyModel(nn.Module):
    def __init__(self, hidden: int, dropout: float, counts: bool) -> None:
        super().__init__()
        self.first, self.last, self.dropout = nn.Linear(3, hidden), nn.Linear(hidden, 2), dropout
        self.counts = counts
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and self.counts:
            self.seen.add_(1)
        return self.last(functional.dropout(torch.tanh(self.first(x)), self.dropout, self.training))


class TinyExperiment(Experiment[TinyConfig]):
    slug = "tiny"
    Config = TinyConfig
    selection = ("valid_error", "min")

    def model(self) -> nn.Module:
        return TinyModel(self.config.hidden, self.config.dropout, self.config.counts)

    def data(self) -> Splits:
        generator = torch.Generator().manual_seed(5)
        x = torch.randn(60, 3, generator=generator)
        y = (x.sum(1) > 0).long()
        return Splits((x[:40], y[:40]), (x[40:50], y[40:50]), (x[50:], y[50:]))

    def batch(self, batch, at):
        x, y = batch
        return x + 0.01 * torch.randn(x.shape, generator=at.generator, dtype=x.dtype), y

    def loss(self, model: nn.Module, batch: tuple, at) -> torch.Tensor:
        return functional.cross_entropy(model(batch[0]), batch[1])

    def evaluate(self, model: nn.Module, arrays: tuple) -> dict[str, float]:
        logits = model(arrays[0])
        return {
            "error": (logits.argmax(1) != arrays[1]).float().mean().item(),
            "loss": functional.cross_entropy(logits, arrays[1]).item(),
        }


class Interrupted(Exception):
    """What a test raises inside a training, in place of a fault of the machine."""


class InterruptedExperiment(TinyExperiment):
    """The same experiment, stopped by an exception in the loss of one update."""

    def __init__(self, config: TinyConfig, seed: int, at: int) -> None:
        super().__init__(config, seed)
        self.at, self.calls = at, 0

    def loss(self, model: nn.Module, batch: tuple, at) -> torch.Tensor:
        self.calls += 1
        if self.calls == self.at:
            raise Interrupted
        return super().loss(model, batch, at)


EXPERIMENT = TinyExperiment
