"""The machine over whole sequences, with its gradient derived by hand.

`unrolled.papers.ntm.model.ntm_step` says what a step is. Here the loop carries only what feeds back, the
memory lies with its rows last, and the gradient of every weight is one product after the loop.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from unrolled.nn.compiled import compiled_step
from unrolled.nn.memory_visit import Visited, Writing, visit, visit_gradient
from unrolled.papers.ntm.controller import Controlled, NTMState, NTMWeights, control, control_gradient, linear
from unrolled.papers.ntm.heads import Asked, Layout, ask, ask_gradient


class Kept(NamedTuple):
    """What the gradient of a step needs, beside the state before it."""

    controlled: Controlled
    asked: Asked
    visited: Visited


def loop_step(
    state: NTMState, x_term: Float[Tensor, "*batch outputs"], weights: NTMWeights, layout: Layout
) -> tuple[NTMState, Kept]:
    """The step of the machine, with ``state.memory`` as ``[*batch, columns, rows]``."""
    controlled = control(state, x_term, weights)
    asked = ask(linear(controlled.output, weights.heads, weights.heads_bias), layout)
    visited = visit(asked.head, Writing(asked.erase, asked.add), state.weighting, state.memory)
    reads = visited.reads.flatten(-2)
    new = NTMState(controlled.h, controlled.c, reads, visited.weighting, visited.memory)
    return new, Kept(controlled, asked, visited)


def loop_step_gradient(
    state: NTMState,
    kept: Kept,
    weights: NTMWeights,
    d_new: NTMState,
    d_output: Float[Tensor, "*batch hidden"],
    d_reads: Float[Tensor, "*batch reads"],
) -> tuple[NTMState, tuple[Tensor, ...], Float[Tensor, "*batch asked"]]:
    """The gradients of the state before, of what each layer's product gave, and of what the heads' gave."""
    asked = kept.asked
    head, writing, d_weighting, d_memory = visit_gradient(
        asked.head,
        Writing(asked.erase, asked.add),
        state.weighting,
        state.memory,
        kept.visited,
        d_new.weighting,
        d_new.memory,
        (d_new.reads + d_reads).unflatten(-1, kept.visited.reads.shape[-2:]),
    )
    d_asked = ask_gradient(asked, Asked(head, *writing))
    d_output = d_output + d_asked @ weights.heads
    d_h, d_c, d_before, d_layers = control_gradient(
        state, kept.controlled, weights, d_output, d_new.h, d_new.c
    )
    return NTMState(d_h, d_c, d_before, d_weighting, d_memory), d_layers, d_asked


def machine_loop(
    terms: Float[Tensor, "time *batch outputs"],
    initial: NTMState,
    weights: NTMWeights,
    layout: Layout,
    *,
    fast: bool = False,
) -> tuple[Float[Tensor, "time *batch hidden"], Float[Tensor, "time *batch reads"]]:
    """The controller's outputs and what was read, of all steps; ``fast`` compiles the step and its gradient.

    *Paper*: graves2014neural, Section 3, as in `ntm_step`.

    *Shapes*: as annotated, at least one step; ``initial`` and ``weights`` as `ntm_step` takes them.
    """
    deeper = [part for layer in weights.deeper for part in layer]
    state = initial._replace(memory=initial.memory.mT)
    learns = torch.is_grad_enabled()  # inside the function, gradients are always off
    given = (*state, weights.first, weights.heads, weights.heads_bias, *deeper)
    return _Loop.apply(layout, fast, learns, terms, *given)


class _Loop(Function):
    @staticmethod
    def forward(
        ctx: Any, layout: Layout, fast: bool, learns: bool, terms: Tensor, *given: Tensor | None
    ) -> Any:
        state = NTMState(*(None if part is None else part.contiguous() for part in given[:5]))
        first, heads, heads_bias, *deeper = given[5:]
        weights = NTMWeights(first, tuple(zip(deeper[::2], deeper[1::2], strict=True)), heads, heads_bias)
        step = compiled_step(loop_step) if fast else loop_step
        terms, states, kept, outputs = terms.contiguous(), [state], [], []
        for term in terms.unbind(0):
            state, left = step(state, term, weights, layout)
            outputs.append((left.controlled.output, state.reads))
            if learns:
                states.append(state)
                kept.append(left)
        outputs = tuple(torch.stack(part) for part in zip(*outputs, strict=True))
        ctx.save_for_backward(outputs[0])
        ctx.run, ctx.fast = (states, kept, weights), fast
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_output: Tensor, d_reads: Tensor) -> Any:
        states, kept, weights = ctx.run
        step = compiled_step(loop_step_gradient) if ctx.fast else loop_step_gradient
        d_state = NTMState(*(None if part is None else torch.zeros_like(part) for part in states[0]))
        d_output, d_reads, found = d_output.contiguous(), d_reads.contiguous(), []
        for t in range(len(kept) - 1, -1, -1):
            d_state, d_layers, d_asked = step(states[t], kept[t], weights, d_state, d_output[t], d_reads[t])
            found.append((d_asked, *d_layers))
        d_asked, d_first, *d_deeper = (torch.stack(part) for part in zip(*found[::-1], strict=True))
        seen = zip(*(left.controlled.seen for left in kept), strict=True)
        first, *deeper = (torch.stack(part) for part in seen)
        d_weights = [
            part
            for d, read in zip(d_deeper, deeper, strict=True)
            for part in (weight_gradient(d, read), d.sum((0, -2)))
        ]
        return (
            None,
            None,
            None,
            d_first,
            *d_state,
            weight_gradient(d_first, first),
            weight_gradient(d_asked, *ctx.saved_tensors),
            d_asked.sum((0, -2)),
            *d_weights,
        )


def weight_gradient(
    d_out: Float[Tensor, "time *side batch out"], inputs: Float[Tensor, "time *side batch in"]
) -> Float[Tensor, "*side out in"]:
    """The gradient of a weight from those of its products at all steps: one product over steps and batch.

    *Shapes*: as annotated, with an axis of sides or without.

    >>> weight_gradient(torch.ones(4, 3, 2), torch.ones(4, 3, 5))[0]
    tensor([12., 12., 12., 12., 12.])
    """
    if d_out.ndim == 3:
        return d_out.flatten(0, 1).mT @ inputs.flatten(0, 1)
    return d_out.transpose(0, 1).flatten(1, 2).mT @ inputs.transpose(0, 1).flatten(1, 2)
