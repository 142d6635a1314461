"""Steps of recurrences, compiled: for those that consist of many small operations."""

import inspect
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from unrolled.base.errors import UsageError
from unrolled.nn.scan import map_tensors

_OPTIONS = {
    # Checks of every call that a step does not need: functions in a module do not change while it runs.
    "guard_filter_fn": torch.compiler.skip_guard_on_globals_unsafe,
    "size_asserts": False,
}


@cache
def compiled_step(step: Callable[..., Any]) -> Callable[..., Any]:
    """``step``, compiled at its first call; where that fails (no C++ compiler), it runs eager and says so.

    The compiler makes one version for each set of shapes, without and with gradients.
    """
    plain = inspect.unwrap(step)  # without the run-time shape checks of the tests, which do not compile
    chosen: list[Callable[..., Any]] = []

    def call(*arguments: object) -> object:
        if chosen:
            return chosen[0](*arguments)
        try:
            compiled = torch.compile(plain, dynamic=False, options=_OPTIONS)
            result = compiled(*arguments)
        except RuntimeError as error:
            # An error of the step itself comes again, uncaught, from the call below.
            reason = str(error).strip().splitlines() or [type(error).__name__]
            _say(f"not compiled, runs eager: {reason[0]}")
            chosen.append(plain)
            return plain(*arguments)
        chosen.append(compiled)
        return result

    return call


def transformed(*given: Tensor) -> bool:
    """Whether `torch.func` transforms one of these tensors: compiled steps cannot follow.

    >>> torch.func.grad(lambda x: x * transformed(x))(torch.ones(()))
    tensor(1.)
    """
    return any(torch.func.debug_unwrap(part) is not part for part in given)


def first_state(state: Any) -> Any:
    """A state before the first step in the form of later ones: each form would be compiled for itself."""
    learns = torch.is_grad_enabled()
    return map_tensors(lambda part: part.clone().requires_grad_(learns), state)


def first_derivative(x: Tensor) -> Tensor:
    """``x``, made by compiled steps: its gradient cannot be differentiated again.

    *Raises*: `UsageError`, when a gradient is taken with ``create_graph=True``; torch's own error comes from
    somewhere inside of the compiled code.
    """
    return _FirstDerivative.apply(x)


class _FirstDerivative(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            raise UsageError(
                "compiled steps have no second derivative",
                hint='build the model with backend="reference", which autograd follows step by step',
            )
        return gradient


@cache
def _say(line: str) -> None:
    """Log a line once a process."""
    logging.getLogger(__name__).warning(line)
