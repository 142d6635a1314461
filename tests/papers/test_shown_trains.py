"""What a page shows is what trains: a change of any shown implementation changes the loss of an update."""

import copy
import functools
import importlib
import inspect
import sys

import numpy
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Distribution

import unrolled
from unrolled.library.entries import load_entry
from unrolled.training.experiment import experiment
from unrolled.training.presets import presets
from unrolled.training.trainer import Alone, Trainer, isolated_rng

LOSS_ONLY = "live"


def shown():
    """Every implementation that an entry names, once, with the equations that it stands for."""
    for slug in sorted(unrolled.MODELS.values()):
        entry = load_entry(slug)
        trains = [e for e in entry.equations if e.use == "training" and e.implementation]
        named = {e.implementation for e in trains if e.runs}
        for symbol in dict.fromkeys(e.implementation for e in trains):
            if symbol not in named:
                yield pytest.param(slug, symbol, id=f"{slug}-{symbol.rpartition(':')[2]}")


def scaled(value):
    """The value with every floating tensor in it a little larger, and every mask turned round."""
    if isinstance(value, Tensor) and value.dtype is torch.bool:
        return ~value
    if isinstance(value, Tensor) and value.is_floating_point():
        return value * 1.01 + 0.003
    if isinstance(value, Distribution):
        parts = {n: scaled(p) for n, p in vars(value).items() if isinstance(p, Tensor | Distribution)}
        value = copy.copy(value)
        vars(value).update(parts)
        return value
    if isinstance(value, numpy.ndarray) and value.dtype.kind == "f":
        return value * 1.01 + 0.003
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(scaled(part) for part in value))
    if isinstance(value, tuple | list):
        return type(value)(scaled(part) for part in value)
    return value


def perturb(monkeypatch, symbol):
    """Replace a function, wherever modules of the package have it, or the method of a class."""
    module, _, path = symbol.partition(":")
    owner = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    original = inspect.getattr_static(owner, name)
    if isinstance(original, type):
        owner, name = original, "forward" if issubclass(original, nn.Module) else "__new__"
        original = getattr(original, name)
    function = original.__func__ if isinstance(original, staticmethod | classmethod) else original

    @functools.wraps(function)
    def changed(*arguments, **options):
        return scaled(function(*arguments, **options))

    if isinstance(owner, type):
        monkeypatch.setattr(owner, name, changed)
        return
    for loaded in [m for n, m in sys.modules.items() if n.startswith("unrolled")]:
        for key, value in list(vars(loaded).items()):
            if value is original:
                monkeypatch.setattr(loaded, key, changed)


@functools.cache
def first_losses(slug):
    return {name: losses_of(slug, name) for name in trained(slug)}


def trained(slug):
    """The presets that need no data from outside; the smallest first."""
    kind = experiment(slug)
    found = {n: p for n, p in presets(kind).items() if not kind(p.config).datasets()}
    live = [n for n in found if n.startswith(LOSS_ONLY)]
    return live or list(found)[:1]


def losses_of(slug, name):
    """The losses of the first update and of the one after it."""
    kind = experiment(slug)
    with isolated_rng():
        trainer = Trainer(kind(presets(kind)[name].config, 0), Alone(torch.device("cpu")))
        trainer.step()
        trainer.step()
        return trainer.update.fetch()


@pytest.mark.slow
@pytest.mark.parametrize(("slug", "symbol"), [*shown()])
def test_a_change_of_what_is_shown_changes_the_training(monkeypatch, slug, symbol):
    before = first_losses(slug)
    perturb(monkeypatch, symbol)
    assert any(losses_of(slug, name) != losses for name, losses in before.items()), (
        f"{symbol} is shown, but not on the path of the presets {', '.join(before)}: name what runs instead"
    )
