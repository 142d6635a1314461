"""The rules of the update."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from unrolled.base.errors import UsageError
from unrolled.training.experiment import TrainingConfig

FUSED = ("adam", "adagrad", "sgd")
"""The rules that torch has as one pass over each parameter on a CPU: an update of a network of large layers
(784-500-500) takes about two thirds of the time."""


def build(
    config: TrainingConfig, parameters: Iterable[nn.Parameter], *, captured: bool = False
) -> torch.optim.Optimizer:
    """The optimiser of a configuration. ``captured`` makes one that a CUDA graph can hold.

    Inside a graph a Python number would be frozen at its first value, so the learning rate is a tensor there.

    Raises:
        UsageError: for an option that the optimiser does not know.
    """
    parameters = list(parameters)
    options = dict(config.optimiser_options)
    rate: float | torch.Tensor = config.learning_rate
    if captured:
        rate = torch.tensor(config.learning_rate, dtype=torch.float32, device=parameters[0].device)
        if config.optimiser in ("adam", "rmsprop"):
            options["capturable"] = True
    elif config.optimiser in FUSED and parameters[0].device.type == "cpu":
        options.setdefault("fused", True)
    if config.optimiser == "adam" and ("beta1" in options or "beta2" in options):
        options["betas"] = (options.pop("beta1", 0.9), options.pop("beta2", 0.999))
    kind = {
        "adam": torch.optim.Adam,
        "adagrad": torch.optim.Adagrad,
        "rmsprop": torch.optim.RMSprop,
        "sgd": torch.optim.SGD,
    }[config.optimiser]
    try:
        return kind(parameters, lr=rate, **options)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"optimiser {config.optimiser}: {error}", hint="correct optimiser_options"
        ) from error


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every group, in place where it is a tensor."""
    for group in optimiser.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def clip(
    config: TrainingConfig, parameters: list[Tensor], *, members: bool = False, foreach: bool = False
) -> None:
    """Clip gradients as a configuration says; with ``members``, those of each network (first axis) alone."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if config.clip_value is not None:
        nn.utils.clip_grad_value_(parameters, config.clip_value, foreach=foreach)
    if config.clip_each is not None:
        for gradient in gradients:
            _scale(gradient, config.clip_each, _squares(gradient, members))
    if config.clip_norm is not None:
        if not members:
            nn.utils.clip_grad_norm_(parameters, config.clip_norm, foreach=foreach)
            return
        squares = sum(_squares(gradient, members) for gradient in gradients)
        for gradient in gradients:
            _scale(gradient, config.clip_norm, squares)


def _squares(gradient: Tensor, members: bool) -> Tensor:
    return (
        gradient.square().flatten(1).sum(1)
        if members and gradient.ndim > 1
        else (gradient.square() if members else gradient.square().sum())
    )


def _scale(gradient: Tensor, norm: float, squares: Tensor) -> None:
    share = (norm / (squares.sqrt() + 1e-6)).clamp(max=1.0)
    gradient.mul_(share.view(-1, *([1] * (gradient.ndim - 1))) if share.ndim else share)
