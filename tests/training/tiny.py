"""A model that trains in a millisecond an update: a little network with dropout (the generator's state
matters) and a buffer (state that no gradient reaches)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from unrolled.training.experiment import Splits, TrainingConfig


@dataclass(frozen=True, kw_only=True)
class TinyConfig(TrainingConfig):
    updates: int = 40
    batch_size: int = 8
    optimiser: Literal["adam", "adagrad", "rmsprop", "sgd"] = "rmsprop"
    optimiser_options: tuple[tuple[str, float], ...] = (("momentum", 0.9),)
    learning_rate: float = 3e-3
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    warmup: int = 3
    clip_norm: float | None = 1.0
    evaluate_every: int = 7
    checkpoint_every: int = 5
    hidden: int = 6


class TinyModel(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(3, hidden), nn.Linear(hidden, 2)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.seen.add_(1)
        return self.last(functional.dropout(torch.tanh(self.first(x)), 0.2, self.training))


class TinyExperiment:
    slug = "tiny"
    selection = ("valid_error", "min")

    def variants(self, profile: str) -> dict[str, TinyConfig]:
        return {"plain": TinyConfig(), "adam": TinyConfig(optimiser="adam", optimiser_options=())}

    def datasets(self, config: TinyConfig) -> tuple[str, ...]:
        return ()

    def model(self, config: TinyConfig) -> nn.Module:
        return TinyModel(config.hidden)

    def data(self, config: TinyConfig) -> Splits:
        generator = torch.Generator().manual_seed(5)
        x = torch.randn(60, 3, generator=generator)
        y = (x.sum(1) > 0).long()
        return Splits((x[:40], y[:40]), (x[40:50], y[40:50]), (x[50:], y[50:]))

    def loss(self, model: nn.Module, batch: tuple) -> torch.Tensor:
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

    def __init__(self, at: int) -> None:
        self.at, self.calls = at, 0

    def loss(self, model: nn.Module, batch: tuple) -> torch.Tensor:
        self.calls += 1
        if self.calls == self.at:
            raise Interrupted
        return super().loss(model, batch)


EXPERIMENT = TinyExperiment()
