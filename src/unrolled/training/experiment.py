"""What a paper's ``experiment.py`` provides for ``fit``: a ``Config``, and one ``Experiment`` bound to it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, NamedTuple, Self, TypeVar

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from unrolled.base.errors import UsageError, unknown
from unrolled.base.paths import sources
from unrolled.training import schedules

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Arrays = tuple["Tensor", ...]
"""Tensors whose first axis counts examples."""


class Splits(NamedTuple):
    """The data of a run. ``test`` is None for sets that are too small for a third part."""

    train: Arrays
    valid: Arrays
    test: Arrays | None = None


class At(NamedTuple):
    """Where a training stands when it takes a batch: what may depend on the update, and random numbers.

    Both generators follow from the update alone, so that a resumed run draws what it would have drawn.
    """

    update: int
    """How many updates came before."""
    generator: torch.Generator
    """Random numbers of this update and this seed, on the CPU."""
    shared: torch.Generator
    """Random numbers of this update that all seeds share: for what gives tensors their shapes (a length)."""


def _pairs(value: Any) -> Any:
    """A table, or text like ``alpha=0.9,momentum=0.5``, as pairs."""
    if isinstance(value, str):
        return tuple(tuple(part.strip().split("=")) for part in value.split(",") if part)
    return tuple(value.items()) if isinstance(value, Mapping) else value


Pairs = Annotated[tuple[tuple[str, float], ...], BeforeValidator(_pairs)]


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """What every run needs to know; the base of each paper's ``Config``."""

    updates: int
    """Length of the schedule, in updates of the parameters."""
    batch_size: int
    """Examples per update; what is left over at the end of an epoch waits for the next shuffle."""
    optimiser: Literal["adam", "adagrad", "rmsprop", "sgd"]
    """The rule of the update."""
    optimiser_options: Pairs = ()
    """Further options of torch's optimiser, by its names; Adam's betas are ``beta1`` and ``beta2``."""
    learning_rate: float
    """The largest learning rate, after the warm-up."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate falls after the warm-up (and ``hold``) until the last update."""
    hold: float = 0.0
    """The share of the updates for which the learning rate stays at its largest before it falls."""
    final_learning_rate_share: float = 0.0
    """The share of ``learning_rate`` at which the schedule ends."""
    warmup: int = 0
    """Updates over which the learning rate rises from zero in equal steps."""
    clip_norm: float | None = None
    """The global norm at which gradients are clipped; None leaves them."""
    clip_each: float | None = None
    """The norm at which the gradient of each parameter is clipped by itself."""
    clip_value: float | None = None
    """The absolute value at which each component of the gradient is clipped."""
    evaluate_every: int
    """Updates between two evaluations on the validation data (one more at the end)."""
    checkpoint_every: int
    """Updates between two checkpoints."""
    fast: bool = False
    """Use the faster form of the model where it has one, and on a GPU one CUDA graph per update."""

    def __post_init__(self) -> None:
        for name in ("updates", "batch_size", "evaluate_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not self.learning_rate > 0:
            raise UsageError(f"learning_rate is {self.learning_rate}; it must be positive")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """A configuration from plain values (of a TOML table, or of text), each checked by its field's type.

        Raises:
            UsageError: for an unknown or missing field, or a value that does not fit the field's type.
        """
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise unknown("setting", name, known)
        try:
            return _adapter(cls).validate_python(dict(values))
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else cls.__name__
            raise UsageError(f"{name}: {first['msg']}, not {first['input']!r}") from None

    def changed(self, values: Mapping[str, str]) -> Self:
        """A copy with fields set from text, as the command line gives them (``{"hidden": "64"}``).

        Raises:
            UsageError: for an unknown field, or a text that does not fit the field's type.
        """
        given = {name: None if text.lower() == "none" else text for name, text in values.items()}
        return type(self).of({field.name: getattr(self, field.name) for field in fields(self)} | given)

    def plain(self) -> dict:
        """The configuration as values that fit JSON."""
        return json.loads(json.dumps(asdict(self)))


C = TypeVar("C", bound=TrainingConfig)


@cache
def _adapter(config: type) -> TypeAdapter:
    return TypeAdapter(config)


class Experiment(Generic[C]):
    """One training of a paper, bound to its configuration and seed. A paper's ``experiment.py`` derives from
    it and names the class ``EXPERIMENT``; its presets are in ``runs.toml`` beside it.

    ``data``, ``model`` and ``evaluate`` are pure functions of configuration and seed (and of torch's global
    generator, which ``fit`` seeds).
    """

    slug: ClassVar[str]
    Config: ClassVar[type[TrainingConfig]]
    selection: ClassVar[tuple[str, Literal["min", "max"]]]
    """The metric that picks the best weights, and its better direction: ``("valid_error", "min")``."""
    capturable: ClassVar[bool] = False
    """Whether a CUDA graph can hold ``loss``: of static shapes, without a look at a value or at ``at``."""

    def __init__(self, config: C, seed: int = 0) -> None:
        self.config, self.seed = config, seed

    def datasets(self) -> tuple[str, ...]:
        """The registry's data sets that the run reads; none for embedded and generated data."""
        return ()

    def data(self) -> Splits:
        """The data."""
        raise NotImplementedError

    def model(self) -> nn.Module:
        """A model with fresh weights, drawn from torch's global generator."""
        raise NotImplementedError

    def batch(self, batch: Arrays, at: At) -> Arrays:
        """What ``loss`` is given, from the chosen training examples: for data drawn anew in every update."""
        return batch

    def loss(self, model: nn.Module, batch: Arrays, at: At) -> Tensor:
        """The loss of a batch, a scalar. Noise comes from torch's global generator."""
        raise NotImplementedError

    def learning_rate(self, update: int) -> float:
        """The learning rate of an update, counted from 0."""
        return schedules.learning_rate(self.config, update)

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """Metrics over a split, ``{"error": …, "loss": …}``; ``fit`` puts the split's name before each."""
        raise NotImplementedError

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """Metrics of the chosen weights over the test data, once at the end; may be expensive."""
        return self.evaluate(model, arrays)


def experiment(slug: str) -> type[Experiment]:
    """The experiment of a paper.

    Raises:
        UsageError: if no paper of that name can be trained.
    """
    known = sorted(path.parent.name for path in (sources() / "papers").glob("*/experiment.py"))
    if slug not in known:
        raise unknown("paper with an experiment", slug, known, listing=f"there are {', '.join(known)}")
    return importlib.import_module(f"unrolled.papers.{slug}.experiment").EXPERIMENT
