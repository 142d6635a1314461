"""VRNN, VRNN-I and a network without latents on the same sequences: data, bound, and the three profiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from unrolled.base.errors import unknown
from unrolled.data import audio, chorales, digits, piano_rolls, registry, strokes, waves
from unrolled.papers.vrnn.baseline import OutputRNN
from unrolled.papers.vrnn.ensemble import Ensemble
from unrolled.papers.vrnn.estimates import importance_bounds, sequence_bounds
from unrolled.papers.vrnn.inference import bound
from unrolled.papers.vrnn.model import VRNN
from unrolled.training.experiment import Arrays, Splits, TrainingConfig

ROLLS = {"jsb": "JSB_Chorales", "nottingham": "Nottingham", "musedata": "MuseData", "piano": "Piano_midi"}
"""The four piano-roll sets, by the names that runs have."""

REGISTERED = {"speech": ("fsdd",), "strokes": ("omniglot-strokes",)} | dict.fromkeys(
    ROLLS, ("polyphonic-music",)
)
"""The registry's sets of each task; the others are generated, or shipped with scikit-learn."""

SAMPLES = 40
"""Samples of the importance-weighted estimate on the test data, as in the paper's table."""

WAVES = {"train": 512, "valid": 200}
"""Generated sequences of each split, for each copy."""

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

WARM_UP = 0.5
"""The share of the updates of an ensemble with latents over which the divergence's weight rises to 1."""


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
    ]
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
    copies: int = 1
    """Networks that are trained as one program, with weights and generated data of their own."""

    @classmethod
    def smoke(cls) -> Config:
        """Does it run: a few updates of two tiny models."""
        return replace(cls.book(), hidden=8, features=8, updates=4, batch_size=8, copies=2, evaluate_every=2)

    @classmethod
    def book(cls) -> Config:
        """Five seeds of a small VRNN on generated waves: a few seconds on one core."""
        return cls(
            model="vrnn",
            task="waves",
            output="gaussian",
            input_size=1,
            hidden=24,
            latent=2,
            features=24,
            copies=5,
            updates=85,
            batch_size=32,
            optimiser="adam",
            learning_rate=1e-2,
            schedule="linear",
            evaluate_every=17,
            checkpoint_every=1000,
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


MATCHED = {128: 190, 24: 40}
"""Units of the network without latents that make it about as large as a VRNN with so many."""


def networks(config: Config) -> dict[str, Config]:
    """The three networks of a comparison, about equal in parameters."""
    plain = replace(config, model="rnn", hidden=MATCHED.get(config.hidden, config.hidden), latent=0)
    return {"rnn": plain, "vrnn": config, "vrnn_i": replace(config, model="vrnn_i")}


class VRNNExperiment:
    """The experiments of Section 4: do latents help, and does their prior have to know the state?"""

    slug = "vrnn"
    selection: tuple[str, Literal["min", "max"]] = ("valid_bound", "max")

    def variants(self, profile: str) -> dict[str, Config]:
        """Every run of a profile, by name.

        >>> list(EXPERIMENT.variants("book"))
        ['waves_rnn', 'waves_vrnn', 'bimodal_rnn', 'bimodal_vrnn', 'digits_vrnn', 'chorales_vrnn']
        """
        if profile in ("smoke", "book"):
            return _small(Config.smoke() if profile == "smoke" else Config.book())
        if profile == "paper":
            return _on_real_data(Config.paper())
        raise unknown("profile", profile, ("smoke", "book", "paper"))

    def datasets(self, config: Config) -> tuple[str, ...]:
        """The registry's sets that a run reads; none for generated sequences and the digits."""
        return REGISTERED.get(config.task, ())

    def checksums(self, config: Config) -> dict[str, dict[str, str]]:
        """The SHA-256 of every file of these sets."""
        return registry.checksums(self.datasets(config))

    def model(self, config: Config) -> nn.Module:
        """A network with fresh weights, or an ensemble of them."""
        if config.copies > 1:
            one = replace(config, copies=1)
            warm_up = 0 if config.model == "rnn" else int(WARM_UP * config.updates)
            return Ensemble([self.model(one) for _ in range(config.copies)], warm_up)
        sizes = {"hidden_size": config.hidden, "features": config.features}
        output = {"output": config.output, "components": config.components}
        if config.model == "rnn":
            return OutputRNN(config.input_size, **sizes, **output)
        prior = config.model == "vrnn"
        return VRNN(config.input_size, latent_size=config.latent, learned_prior=prior, **sizes, **output)

    def data(self, config: Config) -> Splits:
        """Sequences ``[n, time, input]``, padded, and their lengths ``[n]``; to train, cut into windows.

        For copies, generated sequences ``[n, copies, time, input]``, from seeds of their own.
        """
        if config.task in GENERATED:
            made = {
                split: torch.stack([generated(config.task, split, s) for s in range(config.copies)], 1)
                for split in WAVES
            }
            if config.copies > 1:
                return Splits(*((x,) for x in made.values()))
            return Splits(*(_whole(x[:, 0]) for x in made.values()))
        if config.task == "digits":
            return Splits(**{split: _whole(x) for split, (x, _) in digits.rows().items()})
        if config.task == "chorales":
            return Splits(chorales.generate(150, 32, 0), chorales.generate(50, 32, 1))
        if config.task == "speech":
            return Splits(**audio.spoken_digits())
        if config.task == "strokes":
            return Splits(**strokes.load("omniglot-strokes"))
        splits = piano_rolls.load(ROLLS[config.task])
        if config.window is not None:
            splits["train"] = piano_rolls.windows(*splits["train"], config.window)
        return Splits(**splits)

    def loss(self, model: nn.Module, batch: Arrays) -> Tensor:
        """Minus the bound in nats a step: the mean over the real steps of the batch.

        Of an ensemble the sum over copies, with the warm-up of its divergence.
        """
        if isinstance(model, Ensemble):
            (x,) = batch
            return -model.objective(x).sum() / (x.shape[0] * x.shape[2])  # each copy its own mean
        x, lengths = batch
        return -bound(model(x.float(), lengths), x.float(), lengths).bound.sum() / lengths.sum()

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """The ``bound`` of whole sequences and its two terms, in nats a step, each step counted once.

        Of an ensemble the mean, and the bound of each copy as ``bound_0``, ``bound_1``, …
        """
        if isinstance(model, Ensemble):
            (x,) = arrays
            parts = {name: part.mean(1) / x.shape[2] for name, part in model.bounds(x)._asdict().items()}
            each = {f"bound_{copy}": value.item() for copy, value in enumerate(parts["bound"])}
            return {name: part.mean().item() for name, part in parts.items()} | each
        x, lengths = arrays
        steps = lengths.sum()
        parts = sequence_bounds(model, x, lengths)._asdict()
        return {name: (part.sum() / steps).item() for name, part in parts.items()}

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """As `evaluate`, and the importance-weighted estimate (``importance``) in nats a step."""
        x, lengths = arrays
        estimates = importance_bounds(model, x, lengths, SAMPLES)
        return self.evaluate(model, arrays) | {"importance": (estimates.sum() / lengths.sum()).item()}


def _small(config: Config) -> dict[str, Config]:
    """Generated sequences, digits and chorales, at the size of ``config``."""
    found = {}
    for task in ("waves", "bimodal"):
        three = networks(replace(config, task=task))
        found |= {f"{task}_{name}": three[name] for name in ("rnn", "vrnn")}
    one = replace(config, copies=1, output="bernoulli", latent=8, hidden=2 * config.hidden, features=48)
    found["digits_vrnn"] = replace(one, task="digits", input_size=8)
    half = (config.updates + 1) // 2
    found["chorales_vrnn"] = replace(one, task="chorales", input_size=88, batch_size=16, updates=half)
    return found


def _on_real_data(config: Config) -> dict[str, Config]:
    """Piano rolls with the three networks; raw speech and pen strokes as in the paper's table."""
    found = {
        f"{task}_{name}": chosen
        for task in ROLLS
        for name, chosen in networks(replace(config, task=task)).items()
    }
    speech = replace(
        config, task="speech", output="gaussian", input_size=200, window=None, updates=400, learning_rate=1e-3
    )
    three = networks(speech)
    found["speech_rnn"] = three["rnn"]
    found["speech_rnn_mixture"] = replace(three["rnn"], output="mixture", components=20)
    found["speech_vrnn"] = speech
    pen = replace(speech, task="strokes", output="pen", components=20, input_size=3, updates=600)
    found |= {f"strokes_{name}": networks(pen)[name] for name in ("rnn", "vrnn")}
    longer = replace(Config.book(), updates=1000, evaluate_every=100)
    for task in ("waves", "amplitudes"):
        two = networks(replace(longer, task=task))
        found |= {f"{task}_{name}": two[name] for name in ("rnn", "vrnn")}
    return found


def generated(task: str, split: str, seed: int) -> Tensor:
    """The generated sequences of one copy and split, ``[n, time, 1]``."""
    number = 2 * seed + list(WAVES).index(split)
    return GENERATED[task](WAVES[split], STEPS, number)


def _whole(x: Tensor) -> Arrays:
    """Sequences that all have the same length."""
    return x, torch.full((len(x),), x.shape[1])


EXPERIMENT = VRNNExperiment()
