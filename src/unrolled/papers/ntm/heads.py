"""What the controller asks of the memory's heads, and the gradient of this by hand."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from unrolled.nn.memory import Head


class Layout(NamedTuple):
    """The heads: how many read, how many write, the memory's columns, and the shifts of each."""

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


class Asked(NamedTuple):
    """What the controller asks of the memory in one step."""

    head: Head
    erase: Float[Tensor, "*batch writers columns"]  # e_t in (0, 1)
    add: Float[Tensor, "*batch writers columns"]  # a_t


def ask(outputs: Float[Tensor, "*batch asked"], layout: Layout) -> Asked:
    """The controller's outputs, brought to the ranges that the heads need.

    *Paper*: graves2014neural, Section 3.3.2.

        k_t, a_t = tanh(.)    beta_t = softplus(.)    gamma_t = 1 + softplus(.)
        g_t, e_t = sigma(.)   s_t = softmax(.)

    *Shapes*: as annotated; ``asked`` is the sum of ``layout.sizes``.

    *Departures*: unspecified: the paper gives ranges; tanh, which bounds keys and added vectors, is ours.

    >>> asked = ask(torch.zeros(1, 24), Layout(1, 1, columns=3))
    >>> asked.head.gate.tolist(), asked.head.query.shape, asked.erase.tolist()
    ([[0.5, 0.5]], torch.Size([1, 2, 3]), [[[0.5, 0.5, 0.5]]])
    """
    heads, writers, columns = layout.heads, layout.writers, layout.columns
    bounded, positive, shares, shifts = outputs.split(layout.sizes, -1)
    query, add = torch.tanh(bounded).unflatten(-1, (-1, columns)).split((heads, writers), -2)
    strength, sharper = functional.softplus(positive).split((heads, heads), -1)
    gate, erase = torch.sigmoid(shares).split((heads, writers * columns), -1)
    shift = shifts.unflatten(-1, (heads, -1)).softmax(-1)
    head = Head(query, strength, gate, shift, 1 + sharper)
    return Asked(head, erase.unflatten(-1, (writers, columns)), add)


def ask_gradient(asked: Asked, d_asked: Asked) -> Float[Tensor, "*batch asked"]:
    """The gradient of the controller's outputs, from that of what `ask` made of them.

    *Shapes*: as annotated.
    """
    (query, strength, gate, shift, sharpness), erase, add = asked
    d_head, d_erase, d_add = d_asked
    shares = torch.cat((gate, erase.flatten(-2)), -1)
    d_shares = torch.cat((d_head.gate, d_erase.flatten(-2)), -1)
    return torch.cat(
        (
            (d_head.query * (1 - query.square())).flatten(-2),
            (d_add * (1 - add.square())).flatten(-2),
            d_head.strength * -torch.expm1(-strength),
            d_head.sharpness * -torch.expm1(1 - sharpness),
            d_shares * shares * (1 - shares),
            (shift * (d_head.shift - (shift * d_head.shift).sum(-1, keepdim=True))).flatten(-2),
        ),
        -1,
    )
