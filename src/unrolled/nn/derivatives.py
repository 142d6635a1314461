"""Second derivatives of functions whose gradient is written by hand: refused, never silently wrong."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from unrolled.base.errors import UsageError


def first_derivative_only(backward: Callable[..., Any]) -> Callable[..., Any]:
    """For the ``backward`` of an autograd function whose result cannot be differentiated again.

    torch's own `once_differentiable` refuses a second derivative only where the incoming gradient has a
    history. A gradient penalty gives it a constant one; the result then looks like a constant itself, and
    the second derivative by what the function saved is silently left out. Here the result depends on all
    that the function was given and saved, and whoever differentiates it gets one clear error.

    *Raises*: `UsageError`, when a second derivative is taken.
    """

    @wraps(backward)
    def wrapper(ctx: Any, *gradients: Tensor | None) -> Any:
        with torch.no_grad():
            found = backward(ctx, *gradients)
        if not torch.is_grad_enabled():
            return found
        behind = [
            part for part in (*gradients, *ctx.saved_tensors) if part is not None and part.requires_grad
        ]
        if not behind:
            return found
        parts = found if isinstance(found, tuple) else (found,)
        refused = tuple(part if part is None else _Refused.apply(part, *behind) for part in parts)
        return refused if isinstance(found, tuple) else refused[0]

    return wrapper


class _Refused(Function):
    """A gradient that has none itself."""

    generate_vmap_rule = True

    @staticmethod
    def forward(gradient: Tensor, *behind: Tensor) -> Tensor:
        return gradient.view_as(gradient)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        raise UsageError(
            "this layer's gradient is written by hand and has no second derivative",
            hint='build the model with backend="reference", which autograd follows step by step',
        )
