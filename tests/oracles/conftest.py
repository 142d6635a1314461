"""``pytest tests/oracles --broken``: every oracle with its equation's implementation broken on purpose.

Whatever the implementation returns is changed by a hundredth and more, wherever it is called from. An oracle
that passes all the same does not hold the equation, and is reported as failed.
"""

from __future__ import annotations

import copy
import importlib
import types
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy
import pytest
import torch

import unrolled
from unrolled.library.entries import load_all
from unrolled.library.models import Equation

ROOT = Path(__file__).resolve().parents[2]
_calls: dict[str, object] = {}
_noticed: dict[str, bool] = {}  # equation -> whether one of its oracle's tests failed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--broken", action="store_true", help="break each implementation; its oracle must fail")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if not metafunc.config.getoption("--broken"):
        return
    file = Path(metafunc.definition.path).relative_to(ROOT)
    name = f"{file}::{metafunc.definition.originalname}"
    equations = [equation for entry in load_all().values() for equation in entry.equations]
    found = [equation for equation in equations if equation.implementation and equation.oracle == name]
    if found:
        metafunc.parametrize("broken", found, ids=[equation.label for equation in found], indirect=True)


def _equation(item: pytest.Item) -> Equation | None:
    return getattr(getattr(item, "callspec", None), "params", {}).get("broken")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--broken"):
        config.hook.pytest_deselected(items=[item for item in items if _equation(item) is None])
        items[:] = [item for item in items if _equation(item) is not None]


@pytest.fixture(autouse=True)
def broken(request: pytest.FixtureRequest) -> Iterator[None]:
    """Breaks an equation's implementation; being autouse, before the test prepares anything."""
    equation = getattr(request, "param", None)
    with breaking(equation.implementation) if equation else nullcontext():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """A test that fails is a break noticed; of the cases of one equation, one has to fail."""
    report = yield
    equation = _equation(item)
    if equation is None or call.when != "call" or report.outcome == "skipped":
        return report
    _noticed[equation.label] = _noticed.get(equation.label, False) or report.outcome == "failed"
    later = item.session.items[item.session.items.index(item) + 1 :]
    more = any(getattr(_equation(other), "label", None) == equation.label for other in later)
    report.outcome = "passed" if more or _noticed[equation.label] else "failed"
    report.longrepr = None
    if report.outcome == "failed":
        report.longrepr = f"{equation.oracle} passes although {equation.implementation} is broken"
    return report


@contextmanager
def breaking(symbol: str) -> Iterator[None]:
    """The function or method ``package.module:symbol`` gives something else, whoever calls it."""
    function = _function(symbol)
    before = function.__code__, function.__defaults__, function.__kwdefaults__
    right = types.FunctionType(
        before[0], function.__globals__, argdefs=before[1], closure=function.__closure__
    )
    right.__kwdefaults__ = before[2]
    _calls[symbol] = lambda *args, **kwargs: changed(right(*args, **kwargs))
    unrolled._broken = _calls  # the new code can close over nothing of this file
    function.__defaults__ = function.__kwdefaults__ = None
    function.__code__ = _forwarding(symbol, before[0].co_freevars)
    try:
        yield
    finally:
        function.__code__, function.__defaults__, function.__kwdefaults__ = before


def _forwarding(symbol: str, names: tuple[str, ...]) -> types.CodeType:
    """Code that calls what stands under ``symbol``, and closes over the names that the old code did."""
    scope: dict = {}
    exec(
        f"def outer({', '.join(f'{name}=None' for name in names)}):\n"
        " def inner(*args, **kwargs):\n"
        f"  ({''.join(f'{name}, ' for name in names)})\n"
        f"  import unrolled; return unrolled._broken[{symbol!r}](*args, **kwargs)\n"
        " return inner\n",
        scope,
    )
    return scope["outer"]().__code__


def _function(symbol: str) -> types.FunctionType:
    module, _, path = symbol.partition(":")
    found = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    if isinstance(found, type):
        found = found.forward if issubclass(found, torch.nn.Module) else found.__call__
    return getattr(found, "__func__", found)


def changed(value: object) -> object:
    """A value of the same form with other numbers.

    >>> changed((1.0, {"a": 2}, None))
    (1.02, {'a': 3}, None)
    """
    if isinstance(value, torch.Tensor):
        if value.dtype == torch.bool:
            return ~value
        return value * 1.01 + 0.01 if value.is_floating_point() else value + 1
    if isinstance(value, numpy.ndarray | float):
        return value * 1.01 + 0.01
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, tuple):
        parts = [changed(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, list):
        return [changed(part) for part in value]
    if isinstance(value, dict):
        return {name: changed(part) for name, part in value.items()}
    if hasattr(value, "__dict__") and not callable(value):
        other = copy.copy(value)
        for name, part in vars(value).items():
            object.__setattr__(other, name, changed(part))
        return other
    return value
