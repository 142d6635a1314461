"""What a paper's ``experiment.py`` provides for ``fit``: configuration, data, model, loss and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self, runtime_checkable

from unrolled.base.errors import UsageError, unknown

if TYPE_CHECKING:
    from torch import Tensor, nn

PROFILES = ("smoke", "book", "paper")
"""How large a run is: does it run · what the committed outputs show · the paper's data and sizes."""

Arrays = tuple["Tensor", ...]
"""Tensors whose first axis counts examples."""


class Splits(NamedTuple):
    """The data of a run. ``test`` is None for sets that are too small for a third part."""

    train: Arrays
    valid: Arrays
    test: Arrays | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """What every run needs to know; the base of each paper's ``Config``."""

    updates: int
    """Length of the schedule, in updates of the parameters."""
    batch_size: int
    """Examples an update; what is left over at the end of an epoch waits for the next shuffle."""
    optimiser: Literal["adam", "adagrad", "rmsprop", "sgd"]
    """The rule of the update."""
    optimiser_options: tuple[tuple[str, float], ...] = ()
    """Further options of torch's optimiser, by its names; Adam's betas are ``beta1`` and ``beta2``."""
    learning_rate: float
    """The largest learning rate, after the warm-up."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate falls from the end of the warm-up to the last update."""
    final_learning_rate_share: float = 0.0
    """The share of ``learning_rate`` at which the schedule ends."""
    warmup: int = 0
    """Updates over which the learning rate rises from zero in equal steps."""
    clip_norm: float | None = None
    """The global norm at which gradients are clipped; None leaves them."""
    evaluate_every: int
    """Updates between two evaluations on the validation data (one more at the end)."""
    checkpoint_every: int
    """Updates between two checkpoints."""
    fast: bool = False
    """Capture the whole update as one CUDA graph, where there is a GPU."""

    def __post_init__(self) -> None:
        for name in ("updates", "batch_size", "evaluate_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not self.learning_rate > 0:
            raise UsageError(f"learning_rate is {self.learning_rate}; it must be positive")

    def for_seed(self, seed: int) -> Self:
        """The configuration of one seed: papers that split their data anew for each seed say so here."""
        return self

    def changed(self, values: Mapping[str, str]) -> Self:
        """A copy with fields set from text, as the command line gives them (``{"hidden": "64"}``).

        Raises:
            UsageError: for an unknown field, or a text that does not fit the field's type.
        """
        from dataclasses import replace

        known = {field.name: str(field.type) for field in fields(self)}
        parsed = {}
        for name, text in values.items():
            if name not in known:
                raise unknown("setting", name, known)
            parsed[name] = _parsed(name, text, known[name], getattr(self, name))
        return replace(self, **parsed)

    def plain(self) -> dict:
        """The configuration as values that fit JSON."""
        import json

        return json.loads(json.dumps(asdict(self)))


def _parsed(name: str, text: str, annotation: str, current: object) -> object:
    if text.lower() == "none" and "None" in annotation:
        return None
    try:
        if annotation == "bool":
            return {"true": True, "false": False}[text.lower()]
        if annotation.startswith("int"):
            return int(text)
        if annotation.startswith("float"):
            return float(text)
        if annotation.startswith("tuple"):  # alpha=0.9,momentum=0.5
            pairs = [pair.split("=") for pair in text.split(",") if pair]
            return tuple((key.strip(), float(value)) for key, value in pairs)
    except (KeyError, ValueError):
        raise UsageError(f"{name}: {text!r} is no {annotation}", hint=f"it is {current!r} now") from None
    if annotation.startswith("Literal") and repr(text).strip("'") not in annotation.replace('"', "'").split(
        "'"
    ):
        raise UsageError(f"{name}: {text!r} is none of {annotation.removeprefix('Literal')}")
    return text


@runtime_checkable
class Experiment(Protocol):
    """One a paper, named ``EXPERIMENT`` in ``papers/<slug>/experiment.py``."""

    slug: str
    selection: tuple[str, Literal["min", "max"]]
    """The metric that picks the best weights, and its better direction: ``("valid_error", "min")``."""

    def variants(self, profile: str) -> dict[str, TrainingConfig]:
        """Every run of a profile, by name."""
        ...

    def datasets(self, config: TrainingConfig) -> tuple[str, ...]:
        """The registry's data sets that a run reads; none for embedded and generated data."""
        ...

    def checksums(self, config: TrainingConfig) -> dict[str, dict[str, str]]:
        """The SHA-256 of every file of these sets, which enter the run's key:
        ``unrolled.data.registry.checksums(self.datasets(config))``. Asked only where there are data sets."""
        ...

    def model(self, config: TrainingConfig) -> nn.Module:
        """A model with fresh weights, drawn from torch's global generator."""
        ...

    def data(self, config: TrainingConfig) -> Splits:
        """The data; a pure function of the configuration."""
        ...

    def loss(self, model: nn.Module, batch: Arrays) -> Tensor:
        """The mean loss of a batch, a scalar; of static shapes and without a look at a value, so that it can
        be captured as a CUDA graph."""
        ...

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """Metrics over a split, ``{"error": …, "loss": …}``; ``fit`` puts the split's name before each.

        An experiment may have a method ``test`` of the same form beside it: it measures the chosen weights on
        the test data once, at the end, and may be dear (many importance samples, many roll-outs)."""
        ...


def variant_of(experiment: Experiment, profile: str, config: TrainingConfig) -> str:
    """The name of the variant that has this configuration, or ``"custom"``.

    Raises:
        UsageError: for an unknown profile.
    """
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    for name, known in experiment.variants(profile).items():
        if known == config:
            return name
    return "custom"
