"""Memories by reference: stories repeat their sentences, so a slot names the vectors that it adds up."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad


class Memories(NamedTuple):
    """The memories of a batch: slot i holds ``vectors[story[i]]``, and with a time ``times[when[i]]`` more.

    `match` and `weighted_sum` take these in place of a tensor ``[batch, slot, embedding]`` with one vector
    per slot, which `dense` makes: that tensor is never needed, and would cost several times as much.
    """

    vectors: Float[Tensor, "sentence embedding"]
    story: Int[Tensor, "batch slot"]
    times: Float[Tensor, "time embedding"] | None = None
    when: Int[Tensor, "batch slot"] | None = None

    def dense(self) -> Float[Tensor, "batch slot embedding"]:
        """One vector per slot."""
        found = self.vectors[self.story]
        return found if self.times is None else found + self.times[self.when]


def with_time(
    memory: Memories | Float[Tensor, "*batch slot embedding"],
    time: Float[Tensor, "slots embedding"],
    when: Int[Tensor, "batch slot"] | None = None,
) -> Memories | Tensor:
    """Memories with their time added; time 0 is right before the question.

    *Paper*: sukhbaatar2015end, temporal encoding.

        m_i = sum_j A x_ij + T_A(i),    c_i = sum_j C x_ij + T_C(i)

    *Options*: for `Memories`, ``when`` is the time of each slot; a slot whose time is ``len(time)`` has none.

    >>> with_time(torch.zeros(1, 2, 1), torch.tensor([[1.0], [2.0], [3.0]])).flatten()
    tensor([1., 2.])
    """
    if isinstance(memory, Memories):
        return memory._replace(times=pad(time, (0, 0, 0, 1)), when=when)
    return memory + time[: memory.shape[-2]]


def match(
    u: Float[Tensor, "*batch embedding"], memory: Memories | Float[Tensor, "*batch slot embedding"]
) -> Float[Tensor, "*batch slot"]:
    """The products u^T m_i with all memories.

    >>> match(torch.tensor([[2.0]]), Memories(torch.tensor([[0.0], [3.0]]), torch.tensor([[1, 1, 0]])))
    tensor([[6., 6., 0.]])
    """
    if not isinstance(memory, Memories):
        return (memory @ u.unsqueeze(-1)).squeeze(-1)
    scores = (u @ memory.vectors.T).gather(1, memory.story)
    return scores if memory.times is None else scores + (u @ memory.times.T).gather(1, memory.when)


def weighted_sum(
    alpha: Float[Tensor, "*batch slot"], memory: Memories | Float[Tensor, "*batch slot embedding"]
) -> Float[Tensor, "*batch embedding"]:
    """The sum of all memories under some weights.

    >>> memory = Memories(torch.tensor([[0.0], [3.0]]), torch.tensor([[1, 1, 0]]))
    >>> weighted_sum(torch.tensor([[0.5, 0.25, 0.25]]), memory)
    tensor([[2.2500]])
    """
    if not isinstance(memory, Memories):
        return (alpha.unsqueeze(-2) @ memory).squeeze(-2)

    def of(vectors: Tensor, numbers: Tensor) -> Tensor:
        return torch.zeros_like(alpha[:, :1]).repeat(1, len(vectors)).scatter_add(1, numbers, alpha) @ vectors

    found = of(memory.vectors, memory.story)
    return found if memory.times is None else found + of(memory.times, memory.when)
