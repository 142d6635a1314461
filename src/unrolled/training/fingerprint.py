"""Does the code still do the same? The first losses of a run, repeated in seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from unrolled.base.errors import UsageError
from unrolled.training.experiment import Experiment, TrainingConfig
from unrolled.training.trainer import Trainer, isolated_rng, launched

TOLERANCE = 1e-6


class Comparison(NamedTuple):
    """Whether losses agree, and their largest relative difference."""

    equal: bool
    difference: float
    losses: tuple[float, ...]


def verify_fingerprint(
    experiment: Experiment, config: TrainingConfig, seed: int, device: str, losses: Sequence[float]
) -> Comparison:
    """Repeat a run's first updates and compare their losses with those on record, relative ``1e-6``.

    Nothing is read from or written to a store.

    Raises:
        UsageError: if there are no losses to compare with.
    """
    if not losses:
        raise UsageError("the fingerprint is empty", hint="train the run again")
    with isolated_rng():
        trainer = Trainer(experiment, config.for_seed(seed), seed, launched(device))
        found: list[float] = []
        while len(found) + trainer.update.pending < len(losses):
            trainer.step()
            if trainer.full:
                found += trainer.update.fetch()
        found += trainer.update.fetch()
    differences = [
        abs(new - old) / max(abs(old), 1e-12) if math.isfinite(new) else math.inf
        for new, old in zip(found, losses, strict=True)
    ]
    largest = max(differences)
    return Comparison(largest <= TOLERANCE, largest, tuple(found))
