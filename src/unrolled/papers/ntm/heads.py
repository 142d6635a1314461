"""The heads of a neural Turing machine: how many there are, and what the controller sets at them."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from unrolled.nn.memory import Head


class HeadLayout(NamedTuple):
    """How many heads read, how many write, the memory's columns, and the shifts of each head."""

    readers: int
    writers: int
    columns: int
    shifts: int = 3

    @property
    def heads(self) -> int:
        """All heads; those that read come first."""
        return self.readers + self.writers

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Outputs of the controller by what bounds them: tanh, softplus, sigmoid, softmax."""
        return (
            (self.heads + self.writers) * self.columns,
            2 * self.heads,
            self.heads + self.writers * self.columns,
            self.heads * self.shifts,
        )


class HeadParameters(NamedTuple):
    """What the controller sets at the heads in one step."""

    head: Head
    erase: Float[Tensor, "batch writers columns"]  # e_t in (0, 1)
    add: Float[Tensor, "batch writers columns"]  # a_t


def head_parameters(outputs: Float[Tensor, "batch parameters"], layout: HeadLayout) -> HeadParameters:
    """The controller's outputs, brought to the ranges that the heads need.

    *Paper*: graves2014neural, Section 3.3.2.

        k_t, a_t = tanh(.)    beta_t = softplus(.)    gamma_t = 1 + softplus(.)
        g_t, e_t = sigma(.)   s_t = softmax(.)

    *Shapes*: as annotated; ``parameters`` is the sum of ``layout.sizes``.

    *Departures*: unspecified: the paper gives ranges; tanh, which bounds keys and added vectors, is ours.

    >>> given = head_parameters(torch.zeros(1, 24), HeadLayout(1, 1, columns=3))
    >>> given.head.gate.tolist(), given.head.query.shape, given.erase.tolist()
    ([[0.5, 0.5]], torch.Size([1, 2, 3]), [[[0.5, 0.5, 0.5]]])
    """
    heads, writers, columns = layout.heads, layout.writers, layout.columns
    bounded, positive, shares, shifts = outputs.split(layout.sizes, -1)
    query, add = torch.tanh(bounded).unflatten(-1, (-1, columns)).split((heads, writers), -2)
    strength, sharper = functional.softplus(positive).split((heads, heads), -1)
    gate, erase = torch.sigmoid(shares).split((heads, writers * columns), -1)
    shift = shifts.unflatten(-1, (heads, -1)).softmax(-1)
    head = Head(query, strength, gate, shift, 1 + sharper)
    return HeadParameters(head, erase.unflatten(-1, (writers, columns)), add)
