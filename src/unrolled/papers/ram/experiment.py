"""RAM on digits, in place, translated or among clutter: data, loss, metrics and the three profiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import unknown
from unrolled.data import canvases, digits, mnist, registry
from unrolled.papers.ram.baselines import Convolutional, FullyConnected
from unrolled.papers.ram.catch import CatchAgent, catch_evaluate, catch_loss, catch_starts
from unrolled.papers.ram.learning import hybrid_loss
from unrolled.papers.ram.model import RAM, Rollout
from unrolled.papers.ram.retina import pyramid
from unrolled.training.experiment import Arrays, Splits, TrainingConfig

CHUNK = 500
"""Images that are evaluated at once."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    model: Literal["ram", "fully_connected", "convolutional"] = "ram"
    """The attention model, or a network that reads every pixel."""
    source: Literal["digits", "mnist", "catch"]
    """8x8 digits, which scikit-learn ships, MNIST, or the game of catch, which makes its own screens."""
    scene: Literal["plain", "translated", "cluttered"]
    """The digit alone, at a random place on a black canvas, or there among crops of other digits."""
    size: int
    """Width of the canvas in pixels."""
    distractors: int = 0
    """Crops on a cluttered canvas."""
    crop: int = 8
    """Width of a crop in pixels."""
    glimpses: int = 6
    """Looks at an image."""
    glimpse_size: int = 8
    """Width of the finest patch in pixels."""
    scales: int = 1
    """Patches of a glimpse."""
    reach: float
    """Pixels from the centre to a location of 1."""
    location_std: float
    """Standard deviation of the location policy, in units of [-1, 1]."""
    start: Literal["random", "centre", "learned"] = "random"
    """The first location."""
    policy: Literal["learned", "random", "centre"] = "learned"
    """Who chooses the other locations."""
    through_core: bool = False
    """Whether REINFORCE trains the core as well."""
    location_gain: float = 1.0
    """What the output of the location network is multiplied by."""
    reward_weight: float = 1.0
    """Lambda, the weight of the REINFORCE term."""
    hidden: int = 256
    """Units of the core, or of each layer of a network that reads every pixel."""
    test_rollouts: int = 16
    """Looks at each test image whose class probabilities are averaged for ``error_averaged``."""
    split_seed: int | None = None
    """The seed of the 8x8 digits' split; None takes the run's own seed."""

    def for_seed(self, seed: int) -> Config:
        """The 8x8 digits are split anew for each seed, so that the spread over seeds holds the split's."""
        own = self.source == "digits" and self.split_seed is None
        return replace(self, split_seed=seed) if own else self

    @classmethod
    def smoke(cls) -> Config:
        """Does it run: six updates of a tiny RAM on translated 8x8 digits."""
        return cls(
            source="digits",
            scene="translated",
            size=20,
            glimpses=3,
            glimpse_size=4,
            scales=2,
            reach=10.0,
            location_std=0.1,
            hidden=16,
            test_rollouts=2,
            updates=6,
            batch_size=16,
            optimiser="adam",
            learning_rate=1e-3,
            evaluate_every=3,
            checkpoint_every=100,
        )

    @classmethod
    def book(cls) -> Config:
        """Six glimpses of 4x4 pixels at two scales on 8x8 digits, translated on 20x20."""
        return replace(cls.smoke(), glimpses=6, hidden=64, updates=300, batch_size=64, evaluate_every=100)

    @classmethod
    def catch(cls) -> Config:
        """Catch on 8x8 pixels, where a resting paddle gets a quarter of the balls."""
        return cls(
            source="catch",
            scene="plain",
            size=8,
            glimpse_size=4,
            scales=2,
            reach=4.0,
            location_std=0.25,
            location_gain=0.1,
            hidden=32,
            updates=280,
            batch_size=512,
            optimiser="adam",
            learning_rate=5e-3,
            schedule="linear",
            clip_norm=1.0,
            evaluate_every=50,
            checkpoint_every=1000,
        )

    @classmethod
    def paper(cls) -> Config:
        """Six glimpses of 8x8 pixels on MNIST, at the length that one processor core allows."""
        return cls(
            source="mnist",
            scene="plain",
            size=28,
            reach=13.0,
            location_std=0.05,
            location_gain=0.1,
            updates=15_000,
            batch_size=128,
            optimiser="adam",
            learning_rate=1e-3,
            schedule="cosine",
            evaluate_every=1000,
            checkpoint_every=1000,
        )


class OnCanvas(nn.Module):
    """A network, and what its training images are placed on."""

    def __init__(self, network: nn.Module, config: Config) -> None:
        super().__init__()
        self.network, self.config = network, config

    def place(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Images ``[batch, height, width]`` in bytes or in [0, 1] on canvases in [0, 1]."""
        config = self.config
        images = images.float() / 255 if images.dtype == torch.uint8 else images
        if config.scene == "translated":
            return canvases.translated(images, config.size, generator)
        if config.scene == "cluttered":
            return canvases.cluttered(images, config.size, config.distractors, config.crop, generator)
        return images

    def log_probs(self, images: Tensor, rollouts: int = 1) -> Tensor:
        """The log of the class probabilities, averaged over looks at each canvas; one look is at the mean."""
        if self.config.model != "ram":
            return functional.log_softmax(self.network(images), dim=1)
        levels, several = pyramid(images, self.network.scales), rollouts > 1
        looks = [
            self.network.roll(levels, *images.shape[1:], self.config.glimpses, sample=several).log_probs
            for _ in range(rollouts)
        ]
        return torch.stack(looks).logsumexp(0) - torch.tensor(float(rollouts)).log()

    def forward(self, images: Tensor) -> Rollout | Tensor:
        """One look at canvases, or logits."""
        if self.config.model == "ram":
            return self.network(images, self.config.glimpses)
        return self.network(images)


class RAMExperiment:
    """The classification experiments of Section 4.1."""

    slug = "ram"
    selection: tuple[str, Literal["min", "max"]] = ("valid_error", "min")

    def variants(self, profile: str) -> dict[str, Config]:
        """Every run of a profile, by name."""
        if profile == "smoke":
            config = Config.smoke()
        elif profile == "book":
            config = Config.book()
        elif profile == "paper":
            return self._paper()
        else:
            raise unknown("profile", profile, ("smoke", "book", "paper"))
        runs = {policy: replace(config, policy=policy) for policy in ("learned", "random", "centre")}
        catch = Config.catch()
        if profile == "smoke":
            catch = replace(catch, updates=6, batch_size=24, evaluate_every=3)
        return runs | {"catch": catch}

    def _paper(self) -> dict[str, Config]:
        plain = Config.paper()
        translated = replace(
            plain,
            scene="translated",
            size=60,
            glimpse_size=12,
            scales=3,
            reach=26.0,
            start="centre",
            location_std=0.1,
            location_gain=0.3,
            updates=18_000,
        )
        cluttered = replace(translated, scene="cluttered", distractors=4, glimpses=8, updates=12_000)
        short = {"updates": 6_000}
        runs = {"28": plain, "translated60": translated, "cluttered60": cluttered}
        for name, config in list(runs.items()):
            runs[f"{name}_fully_connected"] = replace(config, model="fully_connected", **short)
            runs[f"{name}_convolutional"] = replace(config, model="convolutional", **short)
            runs[f"{name}_random"] = replace(config, policy="random", start="random", **short)
            runs[f"{name}_centre"] = replace(config, policy="centre", start="centre", **short)
            runs[f"{name}_short"] = replace(config, **short)
        for glimpses in (2, 4):
            runs[f"28_{glimpses}_glimpses_short"] = replace(plain, glimpses=glimpses, **short)
        runs["catch"] = replace(
            Config.catch(),
            size=24,
            glimpse_size=6,
            scales=3,
            reach=12.0,
            location_std=0.1,
            hidden=64,
            updates=4000,
            batch_size=256,
            learning_rate=4e-3,
            evaluate_every=100,
            checkpoint_every=500,
        )
        return runs

    def datasets(self, config: Config) -> tuple[str, ...]:
        """MNIST; none for the 8x8 digits, which scikit-learn ships."""
        return ("mnist",) if config.source == "mnist" else ()

    def checksums(self, config: Config) -> dict[str, dict[str, str]]:
        """The SHA-256 of every file that a run reads."""
        return registry.checksums(self.datasets(config))

    def model(self, config: Config) -> OnCanvas | CatchAgent:
        """A network with fresh weights."""
        if config.source == "catch":
            return CatchAgent(
                config.size,
                config.glimpse_size,
                config.scales,
                location_std=config.location_std,
                gain=config.location_gain,
                hidden_size=config.hidden,
                through_core=config.through_core,
            )
        if config.model == "fully_connected":
            return OnCanvas(FullyConnected(config.size**2, config.hidden), config)
        if config.model == "convolutional":
            return OnCanvas(Convolutional(config.size), config)
        ram = RAM(
            config.glimpse_size,
            config.scales,
            reach=config.reach,
            location_std=config.location_std,
            hidden_size=config.hidden,
            start=config.start,
            policy=config.policy,
            through_core=config.through_core,
            gain=config.location_gain,
        )
        return OnCanvas(ram, config)

    def data(self, config: Config) -> Splits:
        """Images and labels. Training images are placed anew in every update; the others once, by a seed.

        For catch the ball's first column and speed: all there are, in training often enough for a batch.
        """
        if config.source == "catch":
            every = catch_starts(config.size)
            return Splits(catch_starts(config.size, -(-config.batch_size // len(every[0]))), every)
        small = config.source == "digits"
        splits = digits.pictures(split=config.split_seed or 0) if small else mnist.load()
        scene = OnCanvas(nn.Identity(), config)
        held_out = {}
        for seed, name in enumerate(("valid", "test")):
            if name in splits and config.scene != "plain":
                images, labels = splits[name]
                placed = scene.place(images, torch.Generator().manual_seed(seed))
                held_out[name] = ((255 * placed).round().byte(), labels)
            elif name in splits:
                held_out[name] = splits[name]
        return Splits(splits["train"], held_out["valid"], held_out.get("test"))

    def loss(self, model: OnCanvas | CatchAgent, batch: Arrays) -> Tensor:
        """The hybrid loss on fresh canvases; cross-entropy for the networks that read every pixel.

        For catch, REINFORCE alone: actions and locations both learn from the reward at the end.
        """
        if isinstance(model, CatchAgent):
            return catch_loss(model, batch)
        images, labels = batch
        images = model.place(images)
        if model.config.model != "ram":
            return functional.cross_entropy(model(images), labels)
        parts = hybrid_loss(model(images), labels)
        if model.config.policy != "learned":
            return parts.classification
        return parts.classification + parts.baseline + model.config.reward_weight * parts.location

    def evaluate(self, model: OnCanvas | CatchAgent, arrays: Arrays) -> dict[str, float]:
        """The share of wrong classes (``error``) and the mean cross-entropy in nats (``loss``).

        Locations are the policy's means; where the first one is random, it is drawn once an image.
        For catch, ``error`` is the share of balls that were missed (see `catch_evaluate`).
        """
        if isinstance(model, CatchAgent):
            return catch_evaluate(model, arrays)
        return self._measured(model, arrays, rollouts=1)

    def test(self, model: OnCanvas, arrays: Arrays) -> dict[str, float]:
        """The same, and with probabilities averaged over several looks at locations drawn from the policy."""
        rollouts = model.config.test_rollouts if model.config.model == "ram" else 1
        averaged = self._measured(model, arrays, rollouts=rollouts)
        return self.evaluate(model, arrays) | {
            f"{name}_averaged": averaged[name] for name in ("error", "loss")
        }

    def _measured(self, model: OnCanvas, arrays: Arrays, rollouts: int) -> dict[str, float]:
        wrong, total = 0.0, 0.0
        for images, labels in zip(*(array.split(CHUNK) for array in arrays), strict=True):
            images = images.float() / 255 if images.dtype == torch.uint8 else images
            log_probs = model.log_probs(images, rollouts)
            wrong += (log_probs.argmax(1) != labels).sum().item()
            total += functional.nll_loss(log_probs, labels, reduction="sum").item()
        return {"error": wrong / len(arrays[1]), "loss": total / len(arrays[1])}


EXPERIMENT = RAMExperiment()
