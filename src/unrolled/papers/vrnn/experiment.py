"""VRNN, VRNN-I and a network without latents on the same sequences: data, bound, and the three profiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor, nn

from unrolled.base.errors import unknown
from unrolled.data import piano_rolls, registry
from unrolled.papers.vrnn.baseline import OutputRNN
from unrolled.papers.vrnn.estimates import importance_bounds, sequence_bounds
from unrolled.papers.vrnn.model import VRNN, bound
from unrolled.training.experiment import Arrays, Splits, TrainingConfig

ROLLS = {
    "jsb": "JSB_Chorales",
    "nottingham": "Nottingham",
    "musedata": "MuseData",
    "piano": "Piano_midi",
}
"""The four piano-roll sets, by the names that runs have."""

SAMPLES = 40
"""Samples of the importance-weighted estimate on the test data, as in the paper's table."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    model: Literal["rnn", "vrnn", "vrnn_i"]
    """An LSTM without latents, the VRNN, or the VRNN whose prior is N(0, I)."""
    task: Literal["jsb", "nottingham", "musedata", "piano"]
    """Which sequences."""
    output: Literal["gaussian", "mixture", "bernoulli", "pen"]
    """The family of the output distribution."""
    components: int = 1
    """Components of a mixture; unused by the others."""
    input_size: int
    """Numbers in a step of a sequence."""
    hidden: int
    """Units of the LSTM."""
    latent: int = 0
    """Dimensions of z; unused by the network without latents."""
    features: int
    """Units of every hidden layer and feature extractor."""
    window: int | None = None
    """Steps of a training sequence, cut from longer ones; None takes sequences whole."""

    @classmethod
    def smoke(cls) -> Config:
        """Does it run: a few updates of a tiny model."""
        return cls(
            model="vrnn",
            task="jsb",
            output="bernoulli",
            input_size=88,
            hidden=8,
            latent=2,
            features=8,
            window=10,
            updates=4,
            batch_size=8,
            optimiser="adam",
            learning_rate=1e-3,
            evaluate_every=2,
            checkpoint_every=100,
        )

    @classmethod
    def paper(cls) -> Config:
        """A small VRNN on piano rolls: a minute or two on one core, so far from the paper's 2,000 units."""
        return cls(
            model="vrnn",
            task="jsb",
            output="bernoulli",
            input_size=88,
            hidden=128,
            latent=32,
            features=100,
            window=50,
            updates=800,
            batch_size=16,
            optimiser="adam",
            learning_rate=3e-3,
            schedule="linear",
            clip_norm=1.0,
            evaluate_every=50,
            checkpoint_every=100,
        )


MATCHED = {128: 190}
"""Units of the network without latents that make it as large as a VRNN with so many (260,000 parameters)."""


def networks(config: Config) -> dict[str, Config]:
    """The three networks of a comparison, about equal in parameters."""
    plain = replace(config, model="rnn", hidden=MATCHED.get(config.hidden, config.hidden), latent=0)
    return {"rnn": plain, "vrnn": config, "vrnn_i": replace(config, model="vrnn_i")}


class VRNNExperiment:
    """The experiments of Section 4: do latents help, and does their prior have to know the state?"""

    slug = "vrnn"
    selection: tuple[str, Literal["min", "max"]] = ("valid_bound", "max")

    def variants(self, profile: str) -> dict[str, Config]:
        """Every run of a profile, by name."""
        if profile in ("smoke", "book"):
            return networks(Config.smoke())
        if profile == "paper":
            config = Config.paper()
            return {
                f"{task}_{name}": chosen
                for task in ROLLS
                for name, chosen in networks(replace(config, task=task)).items()
            }
        raise unknown("profile", profile, ("smoke", "book", "paper"))

    def datasets(self, config: Config) -> tuple[str, ...]:
        """The registry's sets that a run reads."""
        return ("polyphonic-music",)

    def checksums(self, config: Config) -> dict[str, dict[str, str]]:
        """The SHA-256 of every file of these sets."""
        return registry.checksums(self.datasets(config))

    def model(self, config: Config) -> nn.Module:
        """A network with fresh weights."""
        sizes = {"hidden_size": config.hidden, "features": config.features}
        output = {"output": config.output, "components": config.components}
        if config.model == "rnn":
            return OutputRNN(config.input_size, **sizes, **output)
        prior = config.model == "vrnn"
        return VRNN(config.input_size, latent_size=config.latent, learned_prior=prior, **sizes, **output)

    def data(self, config: Config) -> Splits:
        """Sequences ``[n, time, input]``, padded, and their lengths ``[n]``; to train, cut into windows."""
        splits = piano_rolls.load(ROLLS[config.task])
        if config.window is not None:
            splits["train"] = piano_rolls.windows(*splits["train"], config.window)
        return Splits(**splits)

    def loss(self, model: nn.Module, batch: Arrays) -> Tensor:
        """Minus the bound in nats a step: the mean over the real steps of the batch."""
        x, lengths = batch
        return -bound(model(x.float(), lengths), x.float(), lengths).bound.sum() / lengths.sum()

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """The ``bound`` of whole sequences and its two terms, in nats a step, each step counted once."""
        x, lengths = arrays
        steps = lengths.sum()
        parts = sequence_bounds(model, x, lengths)
        return {name: (part.sum() / steps).item() for name, part in parts._asdict().items()}

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """As `evaluate`, and the importance-weighted estimate (``importance``) in nats a step."""
        x, lengths = arrays
        estimates = importance_bounds(model, x, lengths, SAMPLES)
        return self.evaluate(model, arrays) | {"importance": (estimates.sum() / lengths.sum()).item()}


EXPERIMENT = VRNNExperiment()
