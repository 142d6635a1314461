"""The schedule of the learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unrolled.training.experiment import TrainingConfig


def learning_rate(config: TrainingConfig, update: int) -> float:
    """The learning rate of one update, counted from 0.

    >>> from unrolled.training.experiment import TrainingConfig
    >>> config = TrainingConfig(updates=12, batch_size=1, optimiser="sgd", learning_rate=1.0, warmup=2,
    ...                         schedule="linear", final_learning_rate_share=0.5, evaluate_every=1,
    ...                         checkpoint_every=1)
    >>> [round(learning_rate(config, update), 2) for update in (0, 1, 2, 7, 12)]
    [0.5, 1.0, 1.0, 0.75, 0.5]
    """
    if update < config.warmup:
        return config.learning_rate * (update + 1) / config.warmup
    start = max(config.warmup, config.hold * config.updates)
    progress = max(0.0, (update - start) / max(1, config.updates - start))
    floor = config.final_learning_rate_share
    fallen = {
        "constant": 0.0,
        "linear": progress,
        "cosine": (1.0 - math.cos(math.pi * progress)) / 2.0,
    }[config.schedule]
    return config.learning_rate * (1.0 - (1.0 - floor) * fallen)
