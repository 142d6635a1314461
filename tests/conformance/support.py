"""What the checks of the suite share: building a model, calling it, and its gradients."""

from contextlib import contextmanager
from typing import Any

import pytest
import torch
from registry import CHECKS, MODELS, Model
from torch import Tensor, nn

from unrolled.base.errors import UnrolledError

BATCH = 3


def models(check: str, **of: Any) -> pytest.MarkDecorator:
    """A test for every model that a check says something about."""
    assert check in CHECKS
    return pytest.mark.parametrize("model", [pytest.param(m, id=m.name) for m in MODELS if m.has(check)])


def build(model: Model, dtype: torch.dtype = torch.float64, seed: int = 1) -> nn.Module:
    """A model whose parameters are all drawn, so that no zero hides a fault."""
    torch.default_generator.manual_seed(seed)
    module = model.make()
    model.prepare(module)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return module.to(dtype)


def examples(model: Model, batch: int = BATCH, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(2)
    return [given.make(batch, generator, dtype) for given in model.inputs]


class Called(nn.Module):
    """A model with the way in which it is run: inputs to a tuple of tensors, the batch first."""

    def __init__(self, model: Model, module: nn.Module) -> None:
        super().__init__()
        self.module, self.run = module, model.run

    def forward(self, *inputs: Tensor, **lengths: Any) -> tuple[Tensor, ...]:
        return tuple(flat(self.run(self.module, *inputs, **lengths)))


def flat(result: Any) -> list[Tensor]:
    """The tensors of real numbers in a result."""
    if isinstance(result, Tensor):
        return [result] if result.is_floating_point() else []
    return [part for one in result if one is not None for part in flat(one)]


def call(model: Model, module: nn.Module, inputs: list[Tensor], **lengths: Any) -> tuple[Tensor, ...]:
    """What the module gives; what it draws, it draws alike every time."""
    torch.default_generator.manual_seed(5)
    return Called(model, module)(*inputs, **lengths)


def weighted(outputs: tuple[Tensor, ...]) -> Tensor:
    """One number that depends on all outputs, with constant weights."""
    return sum((part * _weights(part)).sum() for part in outputs)


def _weights(part: Tensor) -> Tensor:
    return torch.linspace(-1, 1, part.numel(), dtype=part.dtype).view_as(part)


def trained(module: nn.Module) -> dict[str, Tensor]:
    return {name: part for name, part in module.named_parameters() if part.requires_grad}


def gradients(model: Model, module: nn.Module, inputs: list[Tensor], **lengths: Any) -> dict[str, Tensor]:
    """The gradients of the weighted sum of all outputs, by parameters and by inputs."""
    inputs = [x.detach().requires_grad_(x.is_floating_point()) for x in inputs]
    by = trained(module) | {str(place): x for place, x in enumerate(inputs) if x.requires_grad}
    total = weighted(call(model, module, inputs, **lengths))
    found = torch.autograd.grad(total, list(by.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(by, found, strict=True))


def close(ours: Any, expected: Any, rtol: float = 1e-10, atol: float = 1e-10) -> None:
    torch.testing.assert_close(ours, expected, rtol=rtol, atol=atol, check_dtype=False)


@contextmanager
def possible(model: Model, check: str):
    """What is in the block works; or it is refused in one line, which stands in the class's docstring."""
    words = model.impossible.get(check)
    if words is None:
        yield
        return
    with pytest.raises(UnrolledError, match=words) as refused:
        yield
    assert "\n" not in str(refused.value)
    assert words in " ".join(model.make.func.__doc__.split())
