"""VRNN, VRNN-I and networks without latents on the same sequences: data, loss and metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from unrolled.data import audio, chorales, digits, piano_rolls, strokes, waves
from unrolled.papers.vrnn.baseline import OutputRNN
from unrolled.papers.vrnn.inference import bound
from unrolled.papers.vrnn.model import VRNN
from unrolled.papers.vrnn.studies import importance_bounds, sequence_bounds
from unrolled.training.experiment import Arrays, At, Experiment, Splits, TrainingConfig

SAMPLES = 40
"""Samples of the importance-weighted estimate on the test data, as in the paper's table."""

WAVES = {"train": 512, "valid": 200}
"""Generated sequences of each split."""

STEPS = 40
"""Their length."""

GENERATED: dict[str, Callable[[int, int, int], Tensor]] = {
    "waves": lambda *drawn: waves.regime_waves(*drawn).x,
    "amplitudes": lambda *drawn: (
        waves.regime_waves(*drawn, regimes=waves.AMPLITUDES, switch=1 / 16, noise=0.05).x
    ),
    "bimodal": waves.bimodal,
}
"""Of sequences, steps and seed: the sequences of each generated task."""


class Task(NamedTuple):
    """What one step of a task's sequences has, and where they come from."""

    input_size: int
    dataset: str | None = None  # the registry's; none for what is generated or shipped with scikit-learn
    file: str | None = None  # the set among several


TASKS = dict.fromkeys(GENERATED, Task(1)) | {
    "digits": Task(8),
    "chorales": Task(88),
    "jsb": Task(88, "polyphonic-music", "JSB_Chorales"),
    "nottingham": Task(88, "polyphonic-music", "Nottingham"),
    "musedata": Task(88, "polyphonic-music", "MuseData"),
    "piano": Task(88, "polyphonic-music", "Piano_midi"),
    "speech": Task(audio.FRAME, "fsdd"),
    "strokes": Task(3, "omniglot-strokes"),
    "kanji": Task(3, "kanji-strokes"),
    "pendigits": Task(3, "pendigits"),
}


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    model: Literal["rnn", "vrnn", "vrnn_i"]
    """An LSTM without latents, the VRNN, or the VRNN whose prior is N(0, I)."""
    task: Literal[
        "waves",
        "amplitudes",
        "bimodal",
        "digits",
        "chorales",
        "jsb",
        "nottingham",
        "musedata",
        "piano",
        "speech",
        "strokes",
        "kanji",
        "pendigits",
    ]
    """Which sequences."""
    output: Literal["gaussian", "mixture", "bernoulli", "pen"]
    """The family of the output distribution."""
    components: int = 1
    """Components of a mixture, or of a pen's; unused by the others."""
    hidden: int
    """Units of the LSTM."""
    latent: int = 0
    """Dimensions of z; unused by the network without latents."""
    features: int
    """Units of every hidden layer and feature extractor."""
    window: int | None = None
    """Steps of a training sequence of a piano roll, cut from longer ones; None takes sequences whole."""
    kl_warm_up: float = 0.0
    """The share of the updates over which the divergence's weight rises from 0 to 1."""


class VRNNExperiment(Experiment[Config]):
    """The experiments of Section 4: do latents help, and does their prior have to know the state?

    Every seed has generated sequences of its own.
    """

    slug = "vrnn"
    Config = Config
    selection = ("valid_bound", "max")

    def datasets(self) -> tuple[str, ...]:
        """The registry's set that the run reads; none for generated sequences and the digits."""
        dataset = TASKS[self.config.task].dataset
        return (dataset,) if dataset else ()

    def model(self) -> VRNN | OutputRNN:
        """A network with fresh weights."""
        c = self.config
        sizes = {"hidden_size": c.hidden, "features": c.features}
        output = {"output": c.output, "components": c.components}
        if c.model == "rnn":
            return OutputRNN(TASKS[c.task].input_size, **sizes, **output, fused=c.fast)
        learned = c.model == "vrnn"
        size = TASKS[c.task].input_size
        return VRNN(size, latent_size=c.latent, learned_prior=learned, **sizes, **output)

    def data(self) -> Splits:
        """Sequences ``[n, time, input]``; with their lengths ``[n]``, and then padded, where these differ."""
        c, task = self.config, TASKS[self.config.task]
        if c.task in GENERATED:
            return Splits(*((generated(c.task, split, self.seed),) for split in WAVES))
        if c.task == "digits":
            return Splits(**{split: (x,) for split, (x, _) in digits.rows().items()})
        if c.task == "chorales":
            return Splits(chorales.generate(150, 32, 0), chorales.generate(50, 32, 1))
        if c.task == "speech":
            return Splits(**audio.spoken_digits())
        if task.file is None:
            return Splits(**strokes.load(task.dataset))
        splits = piano_rolls.load(task.file)
        if c.window is not None:
            splits["train"] = piano_rolls.windows(*splits["train"], c.window)
        return Splits(**splits)

    def batch(self, batch: Arrays, at: At) -> Arrays:
        """Sequences of different lengths, cut to the longest of the batch."""
        if len(batch) == 1:
            return batch
        x, lengths = batch
        return x[:, : int(lengths.max())], lengths

    def loss(self, model: nn.Module, batch: Arrays, at: At) -> Tensor:
        """Minus the bound in nats a step: the mean over the real steps of the batch.

        Over the first updates the divergence weighs less (``kl_warm_up``): while the decoder ignores z, using
        it a little costs as much divergence as it gains, and a short training would stay there.
        """
        x, lengths = batch if len(batch) == 2 else (*batch, None)
        parts = bound(model(x.float(), lengths), x.float(), lengths)
        steps = len(x) * x.shape[1] if lengths is None else lengths.sum()
        warm_up = self.config.kl_warm_up * self.config.updates
        missing = max(0.0, 1.0 - at.update / warm_up) if warm_up else 0.0
        return -(parts.bound + missing * parts.kl).sum() / steps

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """The ``bound`` of whole sequences and its two terms, in nats a step, each step counted once."""
        x, lengths = with_lengths(arrays)
        parts = sequence_bounds(model, x, lengths)._asdict()
        return {name: (part.sum() / lengths.sum()).item() for name, part in parts.items()}

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """As `evaluate`, and the importance-weighted estimate (``importance``) in nats a step."""
        x, lengths = with_lengths(arrays)
        estimates = importance_bounds(model, x, lengths, SAMPLES)
        return self.evaluate(model, arrays) | {"importance": (estimates.sum() / lengths.sum()).item()}


def with_lengths(arrays: Arrays) -> tuple[Tensor, Tensor]:
    """Sequences and their lengths, also where all are equal."""
    x, *lengths = arrays
    return x, lengths[0] if lengths else torch.full((len(x),), x.shape[1], device=x.device)


def generated(task: str, split: str, seed: int) -> Tensor:
    """The generated sequences of one seed and split, ``[n, time, 1]``."""
    number = 2 * seed + list(WAVES).index(split)
    return GENERATED[task](WAVES[split], STEPS, number)


EXPERIMENT = VRNNExperiment
