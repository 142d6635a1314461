"""LSTM against BN-LSTM on pictures read one pixel per step: configuration, data, loss and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from unrolled.data import digits, mnist
from unrolled.papers.bn_lstm.classifier import SequenceClassifier
from unrolled.training.experiment import Arrays, At, Experiment, Splits, TrainingConfig

CHUNK = 500
"""Examples that are evaluated at once."""
STATISTICS = 5000, 100
"""From how many training examples, and in batches of which size, population statistics are estimated."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    model: Literal["lstm", "bn_lstm"]
    """Which of the two networks."""
    task: Literal["digits", "pmnist14", "pmnist", "mnist"]
    """Pictures in one fixed random order: 8x8 digits, MNIST averaged to 14x14, or MNIST; or MNIST row by
    row."""
    hidden: int
    """Units of the recurrent layer."""
    gamma: float = 0.1
    """The initial scale of every batch normalisation; unused by the LSTM."""
    h0_noise: float = 0.0
    """Standard deviation of the Gaussian noise on h_0 in training; unused by the LSTM."""
    permutation_seed: int = 0
    """The seed of the one order in which all pictures are read; unused for ``mnist``."""


class BNLSTMExperiment(Experiment[Config]):
    """The experiment of Section 5.1: does the normalised LSTM learn faster, and end better?"""

    slug = "bn_lstm"
    Config = Config
    selection = ("valid_error", "min")
    capturable = True

    def datasets(self) -> tuple[str, ...]:
        """MNIST; none for the digits, which scikit-learn ships."""
        return () if self.config.task == "digits" else ("mnist",)

    @cached_property
    def _splits(self) -> Splits:
        order = None if self.config.task == "mnist" else self.config.permutation_seed
        if self.config.task == "digits":
            return Splits(**digits.sequential(split=self.seed, permuted=order))
        return Splits(**mnist.sequential(permuted=order, pool=2 if self.config.task == "pmnist14" else 1))

    def data(self) -> Splits:
        """Sequences ``[n, length, 1]`` and labels ``[n]``.

        The digits are split anew for each seed, so that the spread over seeds holds the split's too; few as
        they are, they have no test split.
        """
        return self._splits

    def model(self) -> SequenceClassifier:
        """A classifier with fresh weights."""
        config = self.config
        if config.model == "lstm":
            return SequenceClassifier("lstm", hidden_size=config.hidden)
        length = self.data().train[0].shape[1]
        return SequenceClassifier(
            "bn_lstm",
            hidden_size=config.hidden,
            max_length=length,
            gamma=config.gamma,
            noise=config.h0_noise,
        )

    def loss(self, model: nn.Module, batch: Arrays, at: At) -> Tensor:
        """The mean cross-entropy of the labels, in nats."""
        sequences, labels = batch
        return functional.cross_entropy(model(sequences), labels)

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """The share of wrong labels (``error``), of right ones (``accuracy``), and the mean ``loss``.

        Population statistics are estimated for the present weights first.
        """
        examples, size = STATISTICS
        batches = self.data().train[0][:examples].split(size)
        model.estimate_statistics(batch.to(arrays[0]) for batch in batches if len(batch) == size)
        wrong, total = 0.0, 0.0
        for sequences, labels in zip(*(array.split(CHUNK) for array in arrays), strict=True):
            logits = model(sequences)
            wrong += (logits.argmax(1) != labels).sum().item()
            total += functional.cross_entropy(logits, labels, reduction="sum").item()
        error = wrong / len(arrays[0])
        return {"error": error, "accuracy": 1.0 - error, "loss": total / len(arrays[0])}


EXPERIMENT = BNLSTMExperiment
