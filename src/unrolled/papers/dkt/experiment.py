"""Knowledge tracing on simulated and on real students: data, loss, metrics and the three profiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from unrolled.base.errors import unknown
from unrolled.data import assistments, registry
from unrolled.data.assistments import Students, select, windows
from unrolled.data.sequences import permutation
from unrolled.papers.dkt.metrics import auc, auc_by_exercise
from unrolled.papers.dkt.model import DKT, asked_logits, predicted_mask
from unrolled.training.experiment import Arrays, Splits, TrainingConfig

CHUNK = 500
"""Windows that are evaluated at once."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    data: Literal["simulated", "raw", "no_duplicates", "no_scaffolding", "merged", "corrected", "2015"]
    """Simulated students, or one of the sets of `unrolled.data.assistments`."""
    cell: Literal["rnn", "lstm", "appendix"] = "lstm"
    """The plain recurrent network, the usual LSTM, or the paper's own form of it."""
    inputs: Literal["one_hot", "gaussian", "learned"] = "learned"
    """How a pair of exercise and answer becomes a vector."""
    input_size: int = 100
    """The length of this vector, where it is not one-hot."""
    hidden: int = 200
    """Units of the recurrent layer."""
    dropout: float = 0.4
    """The share of what is read out that is dropped in training."""
    window: int = 100
    """Steps of a sequence of real students; longer ones are cut into several."""
    students: int = 2000
    """Simulated students to train on."""
    test_students: int = 2000
    """Simulated students to test on."""
    concepts: int = 5
    """Hidden concepts of the simulation."""
    exercises: int = 50
    """Exercises of the simulation."""
    valid_share: float = 0.1
    """The share of training students that choose the best weights."""
    data_seed: int | None = None
    """The seed of the simulation and of the validation students; None takes the run's own seed."""

    def for_seed(self, seed: int) -> Config:
        """Every seed has simulated students, or validation students, of its own."""
        return replace(self, data_seed=seed) if self.data_seed is None else self

    @property
    def tags(self) -> int:
        """How many exercises there are."""
        return self.exercises if self.data == "simulated" else assistments.SOURCES[self.data].tags
