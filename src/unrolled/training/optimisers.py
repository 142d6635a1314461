"""The rules of the update and the schedule of the learning rate."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from unrolled.base.errors import UsageError
from unrolled.training.experiment import TrainingConfig

FUSED = ("adam", "adagrad", "sgd")
"""The rules that torch has as one pass over each parameter on a CPU: an update of a network of large layers
(784-500-500) takes about two thirds of the time."""


def build(
    config: TrainingConfig, parameters: Iterable[nn.Parameter], *, captured: bool = False
) -> torch.optim.Optimizer:
    """The optimiser of a configuration. ``captured`` makes one that a CUDA graph can hold.

    Inside a graph a Python number would be frozen at its first value, so the learning rate is a tensor there.

    Raises:
        UsageError: for an option that the optimiser does not know.
    """
    parameters = list(parameters)
    options = dict(config.optimiser_options)
    rate: float | torch.Tensor = config.learning_rate
    if captured:
        rate = torch.tensor(config.learning_rate, dtype=torch.float32, device=parameters[0].device)
        if config.optimiser in ("adam", "rmsprop"):
            options["capturable"] = True
    elif config.optimiser in FUSED and parameters[0].device.type == "cpu":
        options.setdefault("fused", True)
    if config.optimiser == "adam" and ("beta1" in options or "beta2" in options):
        options["betas"] = (options.pop("beta1", 0.9), options.pop("beta2", 0.999))
    kind = {
        "adam": torch.optim.Adam,
        "adagrad": torch.optim.Adagrad,
        "rmsprop": torch.optim.RMSprop,
        "sgd": torch.optim.SGD,
    }[config.optimiser]
    try:
        return kind(parameters, lr=rate, **options)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"optimiser {config.optimiser}: {error}", hint="correct optimiser_options"
        ) from error


def learning_rate(config: TrainingConfig, update: int) -> float:
    """The learning rate of one update, counted from 0.

    >>> config = TrainingConfig(updates=12, batch_size=1, optimiser="sgd", learning_rate=1.0, warmup=2,
    ...                         schedule="linear", final_learning_rate_share=0.5, evaluate_every=1,
    ...                         checkpoint_every=1)
    >>> [round(learning_rate(config, update), 2) for update in (0, 1, 2, 7, 12)]
    [0.5, 1.0, 1.0, 0.75, 0.5]
    """
    if update < config.warmup:
        return config.learning_rate * (update + 1) / config.warmup
    share, progress = 1.0, (update - config.warmup) / max(1, config.updates - config.warmup)
    if config.schedule == "linear":
        share = 1.0 - (1.0 - config.final_learning_rate_share) * progress
    elif config.schedule == "cosine":
        floor = config.final_learning_rate_share
        share = floor + (1.0 - floor) * (1.0 + math.cos(math.pi * progress)) / 2.0
    return config.learning_rate * share


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every group, in place where it is a tensor."""
    for group in optimiser.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate
