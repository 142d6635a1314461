"""LSTM against BN-LSTM on pictures read one pixel a step: data, loss, metrics and the three profiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import unknown
from unrolled.data import digits, mnist, registry
from unrolled.papers.bn_lstm.classifier import SequenceClassifier
from unrolled.training.experiment import Arrays, Splits, TrainingConfig

CHUNK = 1000
"""Examples that are evaluated at once."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    model: Literal["lstm", "bn_lstm"]
    """Which of the two networks."""
    task: Literal["digits", "pmnist", "mnist"]
    """8x8 digits in one fixed random order, MNIST in one fixed random order, or MNIST row by row."""
    hidden: int = 100
    """Units of the recurrent layer."""
    gamma: float = 0.1
    """The initial scale of every batch normalisation; unused by the LSTM."""
    h0_noise: float = 0.0
    """Standard deviation of the Gaussian noise on h_0 in training; unused by the LSTM."""
    momentum: float = 0.01
    """Weight of the newest batch in the running averages of the statistics; unused by the LSTM."""
    permutation_seed: int = 0
    """The seed of the one order in which all pictures are read; unused for ``mnist``."""
    split_seed: int | None = None
    """The seed of the digits' split; None takes the run's own seed."""

    def for_seed(self, seed: int) -> Config:
        """The digits are split anew for each seed, so that the spread over seeds holds the split's too."""
        return replace(self, split_seed=seed) if self.task == "digits" and self.split_seed is None else self

    @property
    def length(self) -> int:
        """Steps of a sequence."""
        return 64 if self.task == "digits" else 784

    @classmethod
    def smoke(cls) -> Config:
        """Does it run: six updates of a tiny BN-LSTM."""
        return cls(
            model="bn_lstm",
            task="digits",
            hidden=8,
            updates=6,
            batch_size=16,
            optimiser="rmsprop",
            learning_rate=1e-2,
            clip_norm=1.0,
            evaluate_every=3,
            checkpoint_every=100,
        )

    @classmethod
    def book(cls) -> Config:
        """A small BN-LSTM on the digits: about two seconds on one core.

        The learning rate is constant, so that the first updates of a longer run are a shorter run. Of the
        rates 0.02 and 0.03, tried over five seeds, 0.03 is better for both networks after 50 updates, and
        0.02 somewhat better for the LSTM after 150. Longer runs at falling rates get much further (they take
        more than the minute that a chapter has).
        """
        return cls(
            model="bn_lstm",
            task="digits",
            hidden=32,
            updates=40,
            batch_size=100,
            optimiser="rmsprop",
            optimiser_options=(("alpha", 0.9),),
            learning_rate=0.03,
            clip_norm=1.0,
            h0_noise=0.1,
            momentum=0.1,
            evaluate_every=10,
            checkpoint_every=1000,
        )

    @classmethod
    def paper(cls) -> Config:
        """The paper's BN-LSTM on permuted MNIST: 200 epochs of 500 updates.

        The text says RMSProp with "0.9 momentum" and learning rate 1e-3. The released code has no momentum
        and a decay rate of 0.5, and the paper's table of searched values calls 0.5 and 0.9 "RMSProp
        momentum": we read 0.9 as the decay rate. Validation is after every epoch, and its best weights are
        tested.
        """
        return cls(
            model="bn_lstm",
            task="pmnist",
            hidden=100,
            updates=100_000,
            batch_size=100,
            optimiser="rmsprop",
            optimiser_options=(("alpha", 0.9),),
            learning_rate=1e-3,
            clip_norm=1.0,
            evaluate_every=500,
            checkpoint_every=500,
            fast=True,
        )


class BNLSTMExperiment:
    """The experiment of Section 5.1: does the normalised LSTM learn faster, and end better?"""

    slug = "bn_lstm"
    selection: tuple[str, Literal["min", "max"]] = ("valid_error", "min")

    def variants(self, profile: str) -> dict[str, Config]:
        """Every run of a profile, by name.

        >>> list(EXPERIMENT.variants("book"))
        ['lstm', 'bn_lstm', 'bn_lstm_gamma_0.3', 'bn_lstm_gamma_1.0']
        """
        if profile in ("smoke", "book"):
            config = Config.smoke() if profile == "smoke" else Config.book()
            # A step of torch's fused LSTM takes a third of the time: three times the updates are equal time.
            half = config.updates // 2
            lstm = replace(
                config, model="lstm", h0_noise=0.0, updates=3 * config.updates, evaluate_every=half
            )
            # The sweep asks for the loss after few updates; so far, bn_lstm itself is its case 0.1.
            short = replace(config, updates=half, evaluate_every=half)
            sweep = {f"bn_lstm_gamma_{gamma}": replace(short, gamma=gamma) for gamma in (0.3, 1.0)}
            return {"lstm": lstm, "bn_lstm": config} | sweep
        if profile == "paper":
            config = Config.paper()
            # Noise on h_0 for the pictures in order alone: their first pixels are black in all of them, so
            # that the variances of the first steps are zero without it.
            in_order = replace(config, task="mnist", h0_noise=0.1)
            return {
                "lstm": replace(config, model="lstm"),
                "bn_lstm": config,
                "lstm_mnist": replace(in_order, model="lstm", h0_noise=0.0),
                "bn_lstm_mnist": in_order,
            }
        raise unknown("profile", profile, ("smoke", "book", "paper"))

    def datasets(self, config: Config) -> tuple[str, ...]:
        """MNIST; none for the digits, which scikit-learn ships."""
        return () if config.task == "digits" else ("mnist",)

    def checksums(self, config: Config) -> dict[str, dict[str, str]]:
        """The SHA-256 of every file that a run reads."""
        return registry.checksums(self.datasets(config))

    def model(self, config: Config) -> nn.Module:
        """A classifier with fresh weights."""
        if config.model == "lstm":
            return SequenceClassifier("lstm", hidden_size=config.hidden)
        return SequenceClassifier(
            "bn_lstm",
            hidden_size=config.hidden,
            max_length=config.length,
            gamma=config.gamma,
            momentum=config.momentum,
            noise=config.h0_noise,
            fast=config.fast,
        )

    def data(self, config: Config) -> Splits:
        """Sequences ``[n, length, 1]`` and labels ``[n]``; the digits, few, have no test split."""
        if config.task == "digits":
            split = config.split_seed or 0
            return Splits(**digits.sequential(split=split, permuted=config.permutation_seed))
        order = config.permutation_seed if config.task == "pmnist" else None
        return Splits(**mnist.sequential(permuted=order))

    def loss(self, model: nn.Module, batch: Arrays) -> Tensor:
        """The mean cross-entropy of the labels, in nats."""
        sequences, labels = batch
        return functional.cross_entropy(model(sequences), labels)

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """The share of wrong labels (``error``), of right ones (``accuracy``), and the mean ``loss``."""
        wrong, total = 0.0, 0.0
        for sequences, labels in zip(*(array.split(CHUNK) for array in arrays), strict=True):
            logits = model(sequences)
            wrong += (logits.argmax(1) != labels).sum().item()
            total += functional.cross_entropy(logits, labels, reduction="sum").item()
        examples = len(arrays[0])
        error = wrong / examples
        return {"error": error, "accuracy": 1.0 - error, "loss": total / examples}


EXPERIMENT = BNLSTMExperiment()
