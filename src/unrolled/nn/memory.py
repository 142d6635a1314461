"""An external memory: where its heads look (by content, by place), how they read, and how they write.

Every function takes any number of leading axes and treats all heads of all sequences at once. A weighting
is a distribution over the memory's rows, one a head.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from unrolled.nn.checks import ShapeError
from unrolled.nn.precision import at_least_float32

SMALLEST_NORM = 1e-8
"""Added to lengths, as the root of the sum of squares: the cosine with an all-zero row is then 0."""


class Head(NamedTuple):
    """The parameters of a head, each ``[*batch, heads, ...]``."""

    query: Float[Tensor, "*batch heads columns"]  # k_t
    strength: Float[Tensor, "*batch heads"]  # beta_t > 0
    gate: Float[Tensor, "*batch heads"]  # g_t in (0, 1)
    shift: Float[Tensor, "*batch heads shifts"]  # s_t, a distribution over -r, ..., 0, ..., r
    sharpness: Float[Tensor, "*batch heads"]  # gamma_t >= 1


class Addressing(NamedTuple):
    """A head's weighting after each of the four stages, each ``[*batch, heads, rows]``."""

    by_content: Float[Tensor, "*batch heads rows"]  # w^c_t
    gated: Float[Tensor, "*batch heads rows"]  # w^g_t
    shifted: Float[Tensor, "*batch heads rows"]  # w~_t
    weighting: Float[Tensor, "*batch heads rows"]  # w_t


def cosine_similarity(
    query: Float[Tensor, "*batch heads columns"], memory: Float[Tensor, "*batch rows columns"]
) -> Float[Tensor, "*batch heads rows"]:
    """How alike each head's key and each row are, from -1 to 1.

    *Paper*: graves2014neural, Section 3.3.1, equation 6.

        K[u, v] = u . v / (||u|| ||v||)

    *Shapes*: as annotated.

    *Departures*: unspecified: `SMALLEST_NORM` keeps the cosine with a vector of zeros finite.

    >>> cosine_similarity(torch.tensor([[3.0, 4.0]]), torch.tensor([[6.0, 8.0], [0.0, 1.0], [0.0, 0.0]]))
    tensor([[1.0000, 0.8000, 0.0000]])
    """
    # Only the key is divided by its length, so that the memory is not copied. In at least float32: one over
    # the length of a nearly empty row is more than float16 holds.
    query, memory = at_least_float32(query), at_least_float32(memory)
    along = query * _inverse_norm(query).unsqueeze(-1)
    return along @ memory.mT * _inverse_norm(memory).unsqueeze(-2)


def content_weighting(
    query: Float[Tensor, "*batch heads columns"],
    strength: Float[Tensor, "*batch heads"],
    memory: Float[Tensor, "*batch rows columns"],
) -> Float[Tensor, "*batch heads rows"]:
    """A weighting by content: the rows most like the key, the more exclusively the greater the strength.

    *Paper*: graves2014neural, Section 3.3.1, equation 5.

        w^c_t(i) = exp(beta_t K[k_t, M_t(i)]) / sum_j exp(beta_t K[k_t, M_t(j)])

    *Shapes*: as annotated.

    >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> content_weighting(rows[:1], torch.tensor([2.0]), rows)
    tensor([[0.8808, 0.1192]])
    """
    return (strength.unsqueeze(-1) * cosine_similarity(query, memory)).softmax(-1).to(query.dtype)


def interpolate(
    by_content: Float[Tensor, "*batch heads rows"],
    before: Float[Tensor, "*batch heads rows"],
    gate: Float[Tensor, "*batch heads"],
) -> Float[Tensor, "*batch heads rows"]:
    """A weighting between that by content (gate 1) and the one of the step before (gate 0).

    *Paper*: graves2014neural, Section 3.3.2, equation 7.

        w^g_t = g_t w^c_t + (1 - g_t) w_{t-1}

    *Shapes*: as annotated.

    >>> interpolate(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([0.25])).tolist()
    [[0.25, 0.75]]
    """
    gate = gate.unsqueeze(-1)
    return gate * by_content + (1 - gate) * before


def circular_shift(
    gated: Float[Tensor, "*batch heads rows"], shift: Float[Tensor, "*batch heads shifts"]
) -> Float[Tensor, "*batch heads rows"]:
    """A weighting moved along the rows, as a ring: a shift of +1 moves row i's weight to row i + 1.

    *Paper*: graves2014neural, Section 3.3.2, equation 8.

        w~_t(i) = sum_j w^g_t(j) s_t(i - j),  indices modulo N

    *Shapes*: as annotated; ``shift`` is over -r, ..., 0, ..., r, so ``shifts`` = 2 r + 1.

    *Raises*: `ShapeError` for an even number of shifts, or more shifts than rows.

    >>> circular_shift(torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.0, 0.1, 0.9]]))
    tensor([[0.9000, 0.0000, 0.1000]])
    """
    shifts, rows = shift.shape[-1], gated.shape[-1]
    if shifts % 2 == 0 or shifts > rows:
        raise ShapeError(f"shifts must be odd and at most the {rows} rows, not {shifts}")
    # Row i receives from rows i - r, ..., i + r, by the shifts r, ..., -r: hence the reversed order.
    return (neighbours(gated, shifts // 2) * shift.flip(-1).unsqueeze(-2)).sum(-1)


def neighbours(weighting: Float[Tensor, "*batch rows"], radius: int) -> Float[Tensor, "*batch rows shifts"]:
    """The weights of rows i - r, ..., i + r at every row i of a ring.

    >>> neighbours(torch.tensor([1.0, 2.0, 3.0]), radius=1).tolist()
    [[3.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 1.0]]
    """
    if radius == 0:
        return weighting.unsqueeze(-1)
    ring = torch.cat((weighting[..., -radius:], weighting, weighting[..., :radius]), -1)
    return ring.unfold(-1, 2 * radius + 1, 1)


def sharpen(
    shifted: Float[Tensor, "*batch heads rows"], sharpness: Float[Tensor, "*batch heads"]
) -> Float[Tensor, "*batch heads rows"]:
    """A weighting made narrower, which undoes the blur of the shift.

    *Paper*: graves2014neural, Section 3.3.2, equation 9.

        w_t(i) = w~_t(i)^gamma_t / sum_j w~_t(j)^gamma_t

    The largest weight is divided out first. This changes nothing but that powers of small weights cannot
    all vanish, so that no constant has to be added.

    *Shapes*: as annotated.

    >>> sharpen(torch.tensor([[0.8, 0.2]]), torch.tensor([2.0]))
    tensor([[0.9412, 0.0588]])
    """
    largest = shifted.detach().amax(-1, keepdim=True)
    powers = (shifted / largest) ** sharpness.unsqueeze(-1)
    return powers / powers.sum(-1, keepdim=True)


def address(
    head: Head,
    before: Float[Tensor, "*batch heads rows"],
    memory: Float[Tensor, "*batch rows columns"],
) -> Addressing:
    """Where the heads look: equations 5 to 9, one after the other.

    *Paper*: graves2014neural, Section 3.3, Figure 2.

    *Shapes*: as annotated.

    *Departures*: unspecified: the paper leaves open whether ``memory`` is the one before the write.

    >>> memory = torch.eye(3)
    >>> head = Head(memory[:1], *(torch.tensor([v]) for v in (50.0, 1.0)), torch.eye(3)[2:], torch.ones(1))
    >>> address(head, torch.full((1, 3), 1 / 3), memory).weighting.round(decimals=3)
    tensor([[0., 1., 0.]])
    """
    by_content = content_weighting(head.query, head.strength, memory)
    gated = interpolate(by_content, before, head.gate)
    shifted = circular_shift(gated, head.shift)
    return Addressing(by_content, gated, shifted, sharpen(shifted, head.sharpness))


def read(
    weighting: Float[Tensor, "*batch heads rows"], memory: Float[Tensor, "*batch rows columns"]
) -> Float[Tensor, "*batch heads columns"]:
    """What each head reads: the rows, blended by its weighting.

    *Paper*: graves2014neural, Section 3.1, equation 2.

        r_t = sum_i w_t(i) M_t(i)

    *Shapes*: as annotated.

    >>> read(torch.tensor([[0.5, 0.5]]), torch.tensor([[2.0], [4.0]])).tolist()
    [[3.0]]
    """
    return weighting @ memory


def erase_rows(
    memory: Float[Tensor, "*batch rows columns"],
    weighting: Float[Tensor, "*batch heads rows"],
    erase: Float[Tensor, "*batch heads columns"],
) -> Float[Tensor, "*batch rows columns"]:
    """The memory after all heads have erased; the order of the heads does not matter.

    *Paper*: graves2014neural, Section 3.2, equation 3.

        M~_t(i) = M_{t-1}(i) [1 - w_t(i) e_t]

    *Shapes*: as annotated.

    >>> erase_rows(torch.ones(2, 1), torch.tensor([[1.0, 0.5]]), torch.ones(1, 1)).tolist()
    [[0.0], [0.5]]
    """
    for head in range(weighting.shape[-2]):
        share = weighting[..., head, :].unsqueeze(-1) * erase[..., head, :].unsqueeze(-2)
        memory = memory * (1 - share)
    return memory


def add_to_rows(
    memory: Float[Tensor, "*batch rows columns"],
    weighting: Float[Tensor, "*batch heads rows"],
    add: Float[Tensor, "*batch heads columns"],
) -> Float[Tensor, "*batch rows columns"]:
    """The memory after all heads have added.

    *Paper*: graves2014neural, Section 3.2, equation 4.

        M_t(i) = M~_t(i) + w_t(i) a_t

    *Shapes*: as annotated.

    >>> add_to_rows(torch.zeros(2, 1), torch.tensor([[1.0, 0.5]]), torch.tensor([[4.0]])).tolist()
    [[4.0], [2.0]]
    """
    return memory + weighting.transpose(-1, -2) @ add


def write(
    memory: Float[Tensor, "*batch rows columns"],
    weighting: Float[Tensor, "*batch heads rows"],
    erase: Float[Tensor, "*batch heads columns"],
    add: Float[Tensor, "*batch heads columns"],
) -> Float[Tensor, "*batch rows columns"]:
    """The memory after a write: all heads erase before any adds.

    *Paper*: graves2014neural, Section 3.2, equations 3 and 4.

    *Shapes*: as annotated.

    >>> here = torch.tensor([[0.0, 1.0]])
    >>> write(torch.ones(2, 2), here, torch.ones(1, 2), torch.tensor([[5.0, 6.0]])).tolist()
    [[1.0, 1.0], [5.0, 6.0]]
    """
    return add_to_rows(erase_rows(memory, weighting, erase), weighting, add)


def _inverse_norm(vectors: Tensor) -> Tensor:
    """One over the length of each vector, or over `SMALLEST_NORM` for a vector of zeros."""
    return torch.rsqrt(vectors.square().sum(-1) + SMALLEST_NORM**2)
