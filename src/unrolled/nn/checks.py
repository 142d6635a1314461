"""What a model checks before it computes: shapes, lengths, indices and options, each refused in one line."""

from collections.abc import Iterable, Sequence
from typing import Any, get_args

import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError, unknown

Lengths = Tensor | Sequence[int]
"""How many steps of each sequence are no padding: whole numbers ``[batch]``, or a list of them."""


class ShapeError(UnrolledError, ValueError):
    """A tensor does not have the shape, type or range that a model needs; the message names both."""


def check_features(x: Tensor, input_size: int) -> None:
    """Say which shape a layer expected where the last axis of ``x`` is another."""
    if x.ndim < 2 or x.shape[-1] != input_size:
        raise ShapeError(f"x must have {input_size} features in its last axis, not {list(x.shape)}")


def check_lengths(
    lengths: Lengths, batch: int, time: int, *, minimum: int = 0, like: Tensor | None = None
) -> Tensor:
    """Lengths in any form as a tensor ``[batch]``, on the device of ``like``.

    *Raises*: `ShapeError` where ``lengths`` is not one whole number a sequence, between ``minimum`` and
    ``time``. The range is looked at on a CPU only (on a GPU that would make the program wait), and not while
    `torch.compile`, `torch.export` or `torch.func.vmap` traces.

    >>> check_lengths([3, 1], batch=2, time=3)
    tensor([3, 1])
    """
    device = like.device if like is not None else None
    if not isinstance(lengths, Tensor):
        lengths = torch.as_tensor(lengths, device=device)
        if not lengths.numel():
            lengths = lengths.long()  # torch takes an empty list for one of floats
    if lengths.shape != (batch,):
        raise ShapeError(f"lengths must be [batch] = [{batch}], not {list(lengths.shape)}")
    if not is_whole(lengths):
        raise ShapeError(f"lengths must be whole numbers, not {lengths.dtype} {list(lengths.shape)}")
    check_range("lengths", lengths, minimum, time)
    return lengths.to(device=device, dtype=torch.int64)


def length_mask(lengths: Lengths, time: int) -> Tensor:
    """The mask ``[time, batch]`` that is true where a sequence of that length has a step.

    *Raises*: `ShapeError` where ``lengths`` is not a vector of whole numbers between 0 and ``time``.

    >>> length_mask(torch.tensor([2, 0]), time=3).int().tolist()
    [[1, 0], [1, 0], [0, 0]]
    """
    batch = lengths.numel() if isinstance(lengths, Tensor) else len(lengths)
    lengths = check_lengths(lengths, batch, time)
    return torch.arange(time, device=lengths.device)[:, None] < lengths


def check_indices(name: str, indices: Tensor, count: int) -> None:
    """Refuse indices that are no whole numbers below ``count``; they are looked at as lengths are.

    *Raises*: `ShapeError`, with the range that was found.

    >>> check_indices("words", torch.tensor([3, -1]), 9)
    Traceback (most recent call last):
    unrolled.nn.checks.ShapeError: words must lie in 0..8, not -1..3
    """
    if not is_whole(indices):
        raise ShapeError(f"{name} must be whole numbers, not {indices.dtype} {list(indices.shape)}")
    check_range(name, indices, 0, count - 1)


def check_range(name: str, values: Tensor, smallest: int, largest: int) -> None:
    """Refuse whole numbers outside of ``smallest`` to ``largest``, where they can be looked at.

    *Raises*: `ShapeError`, with the range that was found.
    """
    if values.device.type != "cpu" or torch.compiler.is_compiling() or not values.numel():
        return
    try:
        low, high = (int(part) for part in values.aminmax())
    except RuntimeError:  # inside torch.func.vmap the values of one sample cannot be looked at
        return
    if low < smallest or high > largest:
        raise ShapeError(f"{name} must lie in {smallest}..{largest}, not {low}..{high}")


def check_option(name: str, value: str, known: Any) -> None:
    """Refuse an option that does not exist, and name those that are near.

    *Options*: ``known`` is a `typing.Literal` of the values, or the values.

    *Raises*: `UsageError`.

    >>> check_option("cell", "ltsm", ("rnn", "lstm"))
    Traceback (most recent call last):
    unrolled.base.errors.UsageError: no cell 'ltsm' (did you mean lstm?)
    """
    values: Iterable[str] = get_args(known) or known
    if value not in values:
        raise unknown(name, str(value), values, listing=f"there are {', '.join(values)}")


def under_vmap(*given: Tensor) -> bool:
    """Whether `torch.func.vmap` runs over one of these tensors: torch's fused recurrent layers cannot follow.

    >>> torch.func.vmap(lambda x: x * under_vmap(x))(torch.ones(2))
    tensor([1., 1.])
    """
    if torch.compiler.is_compiling():
        return False
    return any(torch.func.debug_unwrap(part).ndim != part.ndim for part in given)


def is_whole(values: Tensor) -> bool:
    """Whether a tensor's type is one of whole numbers (and not of truth values)."""
    return not (values.is_floating_point() or values.is_complex() or values.dtype is torch.bool)
