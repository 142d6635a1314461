"""One loop for every recurrence: a pure step, a state, and a sequence to run it over."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from unrolled.nn.checks import Lengths, ShapeError, check_lengths, length_mask


class Scanned(NamedTuple):
    """What `scan` returns: the states after each step, the last state, and what the steps gave out."""

    states: Any  # the state's structure, every tensor with a time axis; None with keep="last"
    last: Any  # the state after the last step that was not padding
    outputs: Any  # the outputs' structure with a time axis; None where the step gives no outputs


def map_tensors(function: Callable[..., Any], *trees: Any) -> Any:
    """Apply ``function`` to the tensors at the same place of equal structures; None stays None.

    >>> class State(NamedTuple):
    ...     h: Tensor
    ...     c: Tensor
    >>> map_tensors(torch.add, State(torch.ones(1), torch.zeros(1)), State(torch.ones(1), torch.ones(1)))
    State(h=tensor([2.]), c=tensor([1.]))
    """
    first = trees[0]
    if first is None:
        return None
    if isinstance(first, Tensor):
        return function(*trees)
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(map_tensors(function, *parts) for parts in zip(*trees, strict=True)))
    raise ShapeError(f"a state is a tensor or a NamedTuple of tensors, not {type(first).__name__}")


def tensors(tree: Any) -> list[Tensor]:
    """The tensors of a structure of NamedTuples, in the order of its fields."""
    found: list[Tensor] = []
    map_tensors(found.append, tree)
    return found


def expand_state(state: Any, batch: int) -> Any:
    """A learned initial state, without a batch axis, as the state of ``batch`` sequences.

    >>> expand_state(torch.zeros(3), batch=2).shape
    torch.Size([2, 3])
    """
    return map_tensors(lambda part: part.expand(batch, *part.shape), state)


def scan(
    step: Callable[..., Any],
    x: Any,
    initial: Any,
    *weights: Any,
    lengths: Lengths | None = None,
    mask: Tensor | None = None,
    batch_first: bool = False,
    reverse: bool = False,
    keep: Literal["states", "last"] = "states",
    padding: Literal["carry", "zero"] = "carry",
) -> Scanned:
    """Run ``step(state, x_t, *weights)`` over a sequence, from an initial state.

    A step returns the new state, or the pair (state, output). The state is a tensor or a NamedTuple of
    tensors, nested as needed, each ``[batch, ...]``. A padded step leaves the state untouched, so that every
    sequence ends with the state of its own last step, bit for bit that of the shorter sequence; gradients do
    not see padding, whatever stands there. Outputs at padded steps are what the step made of zeros.

    *Shapes*: ``x`` is a tensor ``[time, batch, ...]`` (``[batch, time, ...]`` with ``batch_first``) or a
    NamedTuple of such tensors, where a batch axis of size 1 marks what all sequences share. ``initial``:
    ``[batch, ...]`` (`expand_state` makes it from a learned one). ``lengths``: ``[batch]``; or ``mask``: true
    where there is a step, with the same two leading axes as ``x``. Results have ``x``'s order of axes.

    *Options*: ``reverse`` runs from the last step to the first; with padding, over each sequence's own steps
    only, and results stay at their steps' places. ``keep="last"`` keeps no states. ``padding`` says what the
    returned states hold at padded steps: the state that is carried over, or zeros.

    *Raises*: `ShapeError`, with the shapes that do not fit.

    >>> def add(state, x_t):
    ...     return state + x_t
    >>> x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> result = scan(add, x, torch.zeros(2), lengths=torch.tensor([3, 1]), batch_first=True)
    >>> result.states.tolist(), result.last.tolist()
    ([[1.0, 3.0, 6.0], [4.0, 4.0, 4.0]], [6.0, 4.0])
    """
    if batch_first:
        x = map_tensors(lambda part: part.transpose(0, 1), x)
        mask = None if mask is None else mask.transpose(0, 1)
    time, batch = _sizes(x, initial)
    if lengths is not None:
        if mask is not None:
            raise ShapeError("give lengths or a mask, not both")
        mask = length_mask(check_lengths(lengths, batch, time, like=tensors(x)[0]), time)
    if mask is not None:
        if mask.shape != (time, batch) or mask.dtype is not torch.bool:
            raise ShapeError(
                f"mask must be bool [time, batch] = [{time}, {batch}], not {mask.dtype} {list(mask.shape)}"
            )
        # Zeros in place of padding: a NaN there would reach the gradients even through torch.where.
        x = map_tensors(lambda part: torch.where(_like(mask, part), part, part.new_zeros(())), x)

    parts = [part.unbind(0) for part in tensors(x)]
    state, states, outputs = initial, [None] * time, [None] * time
    for t in reversed(range(time)) if reverse else range(time):
        steps = iter(parts)
        new = step(state, map_tensors(lambda _, t=t, steps=steps: next(steps)[t], x), *weights)
        if type(new) is tuple:
            new, outputs[t] = new
        _same_shapes(state, new)
        state = new if mask is None else _choose(mask[t], new, state)
        if keep == "states":
            states[t] = state if mask is None or padding == "carry" else _choose(mask[t], state, None)

    order = 1 if batch_first else 0
    kept = None
    if keep == "states":
        kept = (
            map_tensors(lambda *part: torch.stack(part, order), *states)
            if time
            else map_tensors(
                lambda part: part.new_zeros(part.shape).unsqueeze(order).narrow(order, 0, 0), initial
            )
        )
    given = None
    if time and outputs[0] is not None:
        given = map_tensors(lambda *part: torch.stack(part, order if part[0].ndim else 0), *outputs)
    return Scanned(kept, state, given)


def _sizes(x: Any, initial: Any) -> tuple[int, int]:
    """Time and batch size, after a look at every leading axis."""
    inputs, states = tensors(x), tensors(initial)
    if (
        not inputs
        or not states
        or any(part.ndim < 1 for part in states)
        or any(part.ndim < 2 for part in inputs)
    ):
        shapes = [list(part.shape) for part in inputs], [list(part.shape) for part in states]
        raise ShapeError(f"x needs a time and a batch axis and the state a batch axis; shapes are {shapes}")
    time, batch = inputs[0].shape[0], states[0].shape[0]
    for part in inputs:
        if part.shape[0] != time or part.shape[1] not in (batch, 1):
            raise ShapeError(f"x must be [time, batch, ...] = [{time}, {batch}, ...], not {list(part.shape)}")
    for part in states:
        if part.shape[0] != batch:
            raise ShapeError(
                f"the initial state must be [batch, ...] = [{batch}, ...], not {list(part.shape)}"
            )
    return time, batch


def _same_shapes(old: Any, new: Any) -> None:
    """A step that changes the state's shape would broadcast in silence later; say so at once."""
    before, after = [part.shape for part in tensors(old)], [part.shape for part in tensors(new)]
    if before != after:
        raise ShapeError(f"the step changed the state's shapes from {before} to {after}")


def _like(mask: Tensor, part: Tensor) -> Tensor:
    """The mask with as many axes as ``part``; all true where ``part`` is shared by the batch."""
    if part.shape[1] != mask.shape[1]:
        return mask.new_ones(())
    return mask.view(*mask.shape, *([1] * (part.ndim - 2)))


def _choose(valid: Tensor, new: Any, old: Any) -> Any:
    """Row by row the new state where there is a step, else the old one (zeros where there is no old one)."""

    def pick(part: Tensor, other: Tensor) -> Tensor:
        return torch.where(valid.view(-1, *([1] * (part.ndim - 1))), part, other)

    if old is None:
        return map_tensors(lambda part: pick(part, part.new_zeros(())), new)
    return map_tensors(pick, new, old)
