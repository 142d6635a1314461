"""Steps of recurrences, compiled: for those that consist of many small operations."""

import inspect
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

import torch

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


@cache
def _say(line: str) -> None:
    """Log a line once a process."""
    logging.getLogger(__name__).warning(line)
