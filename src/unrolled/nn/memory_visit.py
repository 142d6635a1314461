"""One visit to an external memory, and its gradient derived by hand: address, write, read.

`unrolled.nn.memory` says what each part is. Here the memory lies with its rows last, ``[*batch, columns,
rows]``: everything in a visit then runs along the rows, of which there are many more than columns.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from unrolled.nn.memory import SMALLEST_NORM, Head, check_shifts


class Writing(NamedTuple):
    """What the heads that write ask for; they come behind those that read."""

    erase: Float[Tensor, "*batch writers columns"]
    add: Float[Tensor, "*batch writers columns"]


class Visited(NamedTuple):
    """What a visit leaves, and what its gradient needs."""

    weighting: Float[Tensor, "*batch heads rows"]
    memory: Float[Tensor, "*batch columns rows"]
    reads: Float[Tensor, "*batch readers columns"]
    inverse_norm: Float[Tensor, "*batch 1 rows"]
    likeness: Float[Tensor, "*batch heads rows"]  # strength times cosine
    by_content: Float[Tensor, "*batch heads rows"]
    shifted: Float[Tensor, "*batch heads rows"]


def visit(
    head: Head,
    writing: Writing,
    before: Float[Tensor, "*batch heads rows"],
    memory: Float[Tensor, "*batch columns rows"],
) -> Visited:
    """All heads address the memory, then those at the end write, then the others read.

    *Paper*: graves2014neural, Section 3, equations 2 to 9. Sharpening is a softmax: the power of a weight is
    the exponential of the sharpness times its logarithm.

    *Shapes*: as annotated.
    """
    check_shifts(head.shift.shape[-1], before.shape[-1])
    along, _ = _along(head)
    inverse_norm = torch.rsqrt(memory.square().sum(-2, keepdim=True) + SMALLEST_NORM**2)
    likeness = _product(along, memory) * inverse_norm
    by_content = likeness.softmax(-1)
    gated = _gated(head, by_content, before)
    shifted = _moved(gated, head.shift.flip(-1))
    logarithm = _positive(shifted).log()
    powers = ((logarithm - logarithm.amax(-1, keepdim=True)) * head.sharpness.unsqueeze(-1)).exp()
    weighting = powers / powers.sum(-1, keepdim=True)
    writers = writing.erase.shape[-2]
    reading, where = weighting[..., :-writers, :], weighting[..., -writers:, :]
    written = memory
    for kept in _kept(where, writing.erase):
        written = written * kept
    written = written + _product(writing.add.mT, where)
    return Visited(
        weighting, written, _product(reading, written.mT), inverse_norm, likeness, by_content, shifted
    )


def visit_gradient(
    head: Head,
    writing: Writing,
    before: Float[Tensor, "*batch heads rows"],
    memory: Float[Tensor, "*batch columns rows"],
    visited: Visited,
    d_weighting: Float[Tensor, "*batch heads rows"],
    d_memory: Float[Tensor, "*batch columns rows"],
    d_reads: Float[Tensor, "*batch readers columns"],
) -> tuple[Head, Writing, Float[Tensor, "*batch heads rows"], Float[Tensor, "*batch columns rows"]]:
    """The gradients of what `visit` was given, from those of what it left.

    *Shapes*: as annotated.
    """
    writers = writing.erase.shape[-2]
    reading, where = visited.weighting[..., :-writers, :], visited.weighting[..., -writers:, :]
    d_memory = d_memory + _product(d_reads.mT, reading)
    d_reading = _product(d_reads, visited.memory)
    d_where, d_writing, d_memory = _write_gradient(where, writing, memory, d_memory)
    d_weighting = d_weighting + torch.cat((d_reading, d_where), -2)

    d_power = _softmax_gradient(visited.weighting, d_weighting)
    shifted = _positive(visited.shifted)
    d_sharpness = (d_power * shifted.log()).sum(-1)
    d_shifted = d_power * head.sharpness.unsqueeze(-1) / shifted

    gate = head.gate.unsqueeze(-1)
    gated = _gated(head, visited.by_content, before)
    d_shift = torch.stack([(part * d_shifted).sum(-1) for part in _ring(gated, head.shift.shape[-1])], -1)
    d_gated = _moved(d_shifted, head.shift)
    d_gate = (d_gated * (visited.by_content - before)).sum(-1)

    d_likeness = _softmax_gradient(visited.by_content, d_gated * gate)
    along, inverse = _along(head)
    d_product = d_likeness * visited.inverse_norm
    d_along = _product(d_product, memory.mT)
    lengths = (d_likeness * visited.likeness).sum(-2, keepdim=True) * visited.inverse_norm.square()
    d_memory = d_memory + _product(along.mT, d_product) - memory * lengths
    d_length = (d_along * head.query).sum(-1, keepdim=True) * inverse
    strength = head.strength.unsqueeze(-1)
    d_query = strength * inverse * (d_along - head.query * (d_length * inverse))
    d_head = Head(d_query, d_length.squeeze(-1), d_gate, d_shift.flip(-1), d_sharpness)
    return d_head, d_writing, d_gated * (1 - gate), d_memory


def _along(head: Head) -> tuple[Tensor, Tensor]:
    """Each key divided by its length and times its strength; one over its length."""
    inverse = torch.rsqrt(head.query.square().sum(-1, keepdim=True) + SMALLEST_NORM**2)
    return head.query * (inverse * head.strength.unsqueeze(-1)), inverse


def _product(left: Tensor, right: Tensor) -> Tensor:
    """A product of small matrices: compiled, the sum beats a call, and fuses with what is around it."""
    if not torch.compiler.is_compiling():
        return left @ right
    return (left.unsqueeze(-1) * right.unsqueeze(-3)).sum(-2)


def _positive(weights: Tensor) -> Tensor:
    return weights.clamp(min=torch.finfo(weights.dtype).tiny)


def _ring(weights: Tensor, shifts: int) -> list[Tensor]:
    """Rows i - r, ..., i + r of a ring at every row i, one tensor a place."""
    radius, rows = shifts // 2, weights.shape[-1]
    if not radius:
        return [weights]
    ring = torch.cat((weights[..., -radius:], weights, weights[..., :radius]), -1)
    return [ring[..., place : place + rows] for place in range(shifts)]


def _moved(weights: Tensor, shift: Tensor) -> Tensor:
    """The sum of what `_ring` gives, each times its share in ``shift``."""
    parts = zip(_ring(weights, shift.shape[-1]), shift.unsqueeze(-2).unbind(-1), strict=True)
    return sum(part * share for part, share in parts)


def _softmax_gradient(given: Tensor, d_given: Tensor) -> Tensor:
    d_exponent = given * d_given
    return d_exponent - given * d_exponent.sum(-1, keepdim=True)


def _gated(head: Head, by_content: Tensor, before: Tensor) -> Tensor:
    gate = head.gate.unsqueeze(-1)
    return gate * by_content + (1 - gate) * before


def _kept(where: Tensor, erase: Tensor) -> list[Tensor]:
    """What every head leaves of the memory, ``[*batch, columns, rows]`` each."""
    pairs = zip(where.unbind(-2), erase.unbind(-2), strict=True)
    return [1 - w.unsqueeze(-2) * e.unsqueeze(-1) for w, e in pairs]


def _write_gradient(
    where: Tensor, writing: Writing, memory: Tensor, d_written: Tensor
) -> tuple[Tensor, Writing, Tensor]:
    """Gradients of the weightings, of what was asked, and of the memory before."""
    kept, d_where, d_erase = _kept(where, writing.erase), [], []
    heads = zip(where.unbind(-2), writing.erase.unbind(-2), writing.add.unbind(-2), strict=True)
    for place, (w, e, a) in enumerate(heads):
        reached = memory  # all that the other heads left for this one to erase
        for other in (*kept[:place], *kept[place + 1 :]):
            reached = reached * other
        d_where.append((d_written * (a.unsqueeze(-1) - reached * e.unsqueeze(-1))).sum(-2))
        d_erase.append(-(d_written * reached * w.unsqueeze(-2)).sum(-1))
    d_writing = Writing(torch.stack(d_erase, -2), _product(where, d_written.mT))
    for part in kept:
        d_written = d_written * part
    return torch.stack(d_where, -2), d_writing, d_written
