"""How hops share their matrices: each with the next one, or all of them alike."""

from typing import Literal, NamedTuple

from torch import Tensor

Tying = Literal["adjacent", "layer-wise"]


class Tied(NamedTuple):
    """The matrices of K hops, as the equations name them, or what each has made; times have no B and W."""

    A: list[Tensor]
    C: list[Tensor]
    B: Tensor | None
    W: Tensor | None


def adjacent(matrices: list[Tensor]) -> Tied:
    """The matrices of K hops from K + 1: each hop's output embedding is the next one's input embedding.

    *Paper*: sukhbaatar2015end, adjacent tying.

        A^{k+1} = C^k,    W^T = C^K,    B = A^1

    >>> import torch
    >>> tied = adjacent(list(torch.randn(4, 10, 5)))
    >>> len(tied.A), tied.A[1] is tied.C[0], tied.W is tied.C[2], tied.B is tied.A[0]
    (3, True, True, True)
    """
    return Tied(matrices[:-1], matrices[1:], matrices[0], matrices[-1])


def layer_wise(matrices: list[Tensor], hops: int) -> Tied:
    """The matrices of K hops from A, C, B and W: all hops have the same; H is in `next_state`.

    *Paper*: sukhbaatar2015end, layer-wise tying.

        A^k = A,    C^k = C,    u^{k+1} = H u^k + o^k

    >>> import torch
    >>> tied = layer_wise(list(torch.randn(4, 10, 5)), 3)
    >>> len(tied.A), tied.A[2] is tied.A[0]
    (3, True)
    """
    A, C, B, W = (*matrices, None, None)[:4]
    return Tied([A] * hops, [C] * hops, B, W)
