"""Does the code still do the same, on this machine and on others?

A trajectory cannot tell: rounding grows to per cents within twenty updates where an optimiser divides by
gradients that are nearly zero. So a fingerprint holds, in float64, losses and gradient norms of the first
batches *at the initial weights*, the loss after one update from there, and the metrics on the validation data
*at the trained weights*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from unrolled.training import optimisers
from unrolled.training.experiment import Experiment
from unrolled.training.trainer import Alone, Trainer, isolated_rng

BATCHES = 5
TOLERANCE, AFTER_UPDATE = 1e-6, 1e-4
"""Relative differences that rounding may make: of what is measured at given weights, and after one update."""


def measure(experiment: Experiment, trained: Mapping[str, Tensor] | None = None) -> dict:
    """The fingerprint of an experiment, on the CPU; with trained weights, their validation metrics too.

    Nothing is read from or written to a store, and random generators stay as they were.
    """
    usual = torch.get_default_dtype()
    with isolated_rng():
        trainer = Trainer(experiment, Alone(torch.device("cpu")))
        model = trainer.model.double().train()
        # What an experiment draws by itself is of single precision: a model takes it as double all the same.
        model.register_forward_pre_hook(lambda _, given: _double(given))
        torch.set_default_dtype(torch.float64)
        try:
            return _measured(trainer, model, trained)
        finally:
            torch.set_default_dtype(usual)


def _measured(trainer: Trainer, model: nn.Module, trained: Mapping[str, Tensor] | None) -> dict:
    experiment = trainer.experiment
    trainer.train = _double(trainer.train)
    trainer.batches.arrays = trainer.train
    losses, norms = [], []
    for update in range(BATCHES):
        trainer.done = update
        loss = _backward(trainer, model)
        losses.append(loss)
        gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
        norms.append(torch.cat(gradients).norm().item())
    trainer.done = 0
    _backward(trainer, model)
    optimiser = optimisers.build(experiment.config, model.parameters())
    optimisers.set_learning_rate(optimiser, experiment.learning_rate(0))
    optimisers.clip(experiment.config, list(model.parameters()))
    optimiser.step()
    found = {"losses": losses, "gradient_norms": norms, "after_update": _backward(trainer, model)}
    if trained is not None:
        model.load_state_dict(trained)
        trainer.valid = _double(trainer.valid)
        found["metrics"] = trainer.evaluate("valid")
    return found


def _double(given: tuple) -> tuple:
    return tuple(
        one.double() if isinstance(one, Tensor) and one.is_floating_point() else one for one in given
    )


def _backward(trainer: Trainer, model: nn.Module) -> float:
    batch, at = trainer.next_batch()
    torch.manual_seed(trainer.seed)
    model.zero_grad(set_to_none=True)
    loss = trainer.experiment.loss(model, _double(batch), at)
    loss.backward()
    return loss.item()


def compare(old: Mapping, new: Mapping) -> list[str]:
    """How two fingerprints differ, one line each; none where they agree within rounding.

    What only one of them holds is left out, but losses and gradient norms must be in both.

    >>> compare({"losses": [1.0]}, {"losses": [1.0 + 1e-9]})
    []
    >>> compare({"losses": [1.0]}, {"losses": [1.001]})
    ['losses 1: 1 became 1.001']
    """
    lines = []
    for name in ("losses", "gradient_norms"):
        for place, (a, b) in enumerate(zip(old.get(name, ()), new.get(name, ()), strict=True), 1):
            lines += _differs(f"{name} {place}", a, b, TOLERANCE)
    if "after_update" in old:
        lines += _differs("loss after one update", old["after_update"], new["after_update"], AFTER_UPDATE)
    both = set(old.get("metrics") or {}) & set(new.get("metrics") or {})
    for name in sorted(both):
        lines += _differs(name, old["metrics"][name], new["metrics"][name], TOLERANCE)
    return lines


def _differs(name: str, old: float, new: float, tolerance: float) -> list[str]:
    equal = math.isclose(old, new, rel_tol=tolerance, abs_tol=tolerance * 1e-3)
    return [] if equal else [f"{name}: {old:.8g} became {new:.8g}"]
