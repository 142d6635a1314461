"""Attention: how well each annotation fits a query, the weights that follow, and the context they make.

One interface serves every score. `Attention.memory` computes once what does not depend on the query;
calling the layer with a query then costs one step. Annotations lie time first: sums over source positions
then add in the order of the positions, so that padding changes no bit of a result.
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.checks import Lengths, ShapeError, check_lengths, check_option, length_mask

Score = Literal["dot", "general", "concat", "additive", "location"]
"""The scores of Luong et al. (dot, general, concat, location) and of Bahdanau et al. (additive)."""


class Memory(NamedTuple):
    """What attention looks at, computed once a source: annotations, their keys, and where there are none."""

    annotations: Float[Tensor, "source batch annotation"]
    keys: Float[Tensor, "source batch key"]
    padding: Bool[Tensor, "source batch"]

    def repeated(self, copies: int) -> "Memory":
        """Each sentence ``copies`` times in a row, as a beam of so many hypotheses needs it."""
        return Memory(*(part.repeat_interleave(copies, 1) for part in self))


class Attended(NamedTuple):
    """What attention gives for one query: the context, the weights, and the energies before the softmax."""

    context: Float[Tensor, "batch annotation"]
    alpha: Float[Tensor, "source batch"]
    energy: Float[Tensor, "source batch"]


def masked_softmax(
    energy: Float[Tensor, "source batch"], padding: Bool[Tensor, "source batch"] | None = None
) -> Float[Tensor, "source batch"]:
    """The softmax over source positions, exactly 0 where ``padding`` is true.

    *Paper*: bahdanau2015neural, equation 6.

        alpha_ij = exp(e_ij) / sum_k exp(e_ik)

    A sentence without a position gets zeros, not NaN. Whatever stands at padded positions, a NaN even,
    reaches neither the weights nor a gradient.

    *Shapes*: as annotated, source positions first.

    >>> masked_softmax(torch.tensor([[0.0], [0.0], [9.0]]), torch.tensor([[False], [False], [True]])).T
    tensor([[0.5000, 0.5000, 0.0000]])
    """
    if padding is None:
        return torch.softmax(energy, 0)
    lowest = torch.finfo(energy.dtype).min  # not -inf, whose softmax is NaN where nothing is left
    return torch.softmax(energy.masked_fill(padding, lowest), 0).masked_fill(padding, 0.0)


def context_vector(
    alpha: Float[Tensor, "source batch"], annotations: Float[Tensor, "source batch annotation"]
) -> Float[Tensor, "batch annotation"]:
    """The mean of the annotations under the weights.

    *Paper*: bahdanau2015neural, equation 5.

        c_i = sum_j alpha_ij h_j

    *Shapes*: as annotated.
    """
    return (alpha.unsqueeze(-1) * annotations).sum(0)


def dot_energy(
    query: Float[Tensor, "batch key"], keys: Float[Tensor, "source batch key"]
) -> Float[Tensor, "source batch"]:
    """The inner product of the query with each key.

    *Paper*: luong2015effective, Section 3.1, "dot"; "general" too, with the keys W_a h_j.

        e_j = s^T key_j

    *Shapes*: as annotated.
    """
    return (query * keys).sum(-1)


def additive_energy(
    from_query: Float[Tensor, "batch alignment"],
    keys: Float[Tensor, "source batch alignment"],
    v_a: Float[Tensor, " alignment"],
) -> Float[Tensor, "source batch"]:
    """A network with one hidden layer over query and annotation, both products already made.

    *Paper*: bahdanau2015neural, Appendix A.1.2; luong2015effective, Section 3.1, "concat", whose W_a [s; h]
    is the sum of two products.

        e_j = v_a^T tanh(W_a s + U_a h_j),  from_query = W_a s,  keys = U_a h_j

    *Shapes*: as annotated.
    """
    return (torch.tanh(from_query + keys) * v_a).sum(-1)


class Attention(nn.Module):
    """Scores, weights and context behind one interface, whatever the score.

    *Paper*: bahdanau2015neural, equations 5 and 6 and Appendix A.2.2; luong2015effective, Section 3.1.

    *Options*: "dot" has no parameters; "general" one matrix from annotation to query; "additive" and "concat"
    an alignment layer of ``alignment_size`` units (the two are one function, and differ in what the papers
    put into it); "location" scores ``positions`` places from the query alone.

    *Shapes*: ``annotations`` ``[batch, source, annotation]``; a query ``[batch, query]``.

    *Departures*: location: a source longer than ``positions`` is an error, where the paper is silent.

    *Raises*: `UsageError` for an unknown score, `ShapeError` for sizes that "dot" cannot multiply, and for a
    source that is too long.

    >>> attention = Attention("additive", query_size=3, annotation_size=4, alignment_size=5)
    >>> memory = attention.memory(torch.randn(2, 6, 4), torch.tensor([6, 2]))
    >>> context, alpha, _ = attention(torch.randn(2, 3), memory)
    >>> context.shape, alpha[2:, 1].tolist()
    (torch.Size([2, 4]), [0.0, 0.0, 0.0, 0.0])
    """

    def __init__(
        self,
        score: Score,
        *,
        query_size: int,
        annotation_size: int,
        alignment_size: int | None = None,
        positions: int | None = None,
    ) -> None:
        super().__init__()
        check_option("score", score, Score)
        self.score, self.positions = score, positions
        if score == "dot":
            if query_size != annotation_size:
                raise ShapeError(
                    f"score dot multiplies sizes that are equal, not {query_size}, {annotation_size}"
                )
        elif score == "general":
            self.weight_key = _matrix(query_size, annotation_size)
        elif score in ("additive", "concat"):
            size = alignment_size or query_size
            self.weight_query, self.weight_key = _matrix(size, query_size), _matrix(size, annotation_size)
            self.v_a = nn.Parameter(torch.empty(size).uniform_(-(size**-0.5), size**-0.5))
        else:
            if positions is None:
                raise ShapeError("score location needs the number of positions")
            self.weight_query = _matrix(positions, query_size)

    def memory(
        self,
        annotations: Float[Tensor, "batch source annotation"],
        lengths: Lengths | None = None,
    ) -> Memory:
        """The annotations with their keys, and where they are: to be made once, outside the loop."""
        source = annotations.transpose(0, 1)
        time, batch, _ = source.shape
        if self.score == "location" and time > self.positions:
            raise ShapeError(f"score location has {self.positions} positions; the source has {time}")
        if lengths is None:
            padding = torch.zeros(time, batch, dtype=torch.bool, device=source.device)
        else:
            padding = ~length_mask(check_lengths(lengths, batch, time, like=source), time)
            source = source.masked_fill(padding.unsqueeze(-1), 0.0)
        source = source.contiguous()
        if self.score in ("dot", "location"):
            keys = source
        elif lengths is None or not time:
            keys = functional.linear(source, self.weight_key)
        else:  # step by step: one large product may round a row otherwise where the padding has another size
            keys = torch.bmm(source, self.weight_key.t().expand(time, -1, -1))
        return Memory(source, keys, padding)

    def energies(self, query: Float[Tensor, "batch query"], memory: Memory) -> Float[Tensor, "source batch"]:
        """How well each position fits the query; padding still has a value here."""
        if self.score in ("dot", "general"):
            return dot_energy(query, memory.keys)
        from_query = functional.linear(query, self.weight_query)
        if self.score == "location":
            return from_query.t()[: len(memory.padding)]
        return additive_energy(from_query, memory.keys, self.v_a)

    def forward(self, query: Float[Tensor, "batch query"], memory: Memory) -> Attended:
        """The context for a query, with the weights and energies behind it."""
        energy = self.energies(query, memory)
        alpha = masked_softmax(energy, memory.padding)
        return Attended(context_vector(alpha, memory.annotations), alpha, energy)


def _matrix(rows: int, columns: int) -> nn.Parameter:
    """Weights drawn as those of `torch.nn.Linear` are."""
    return nn.Parameter(torch.empty(rows, columns).uniform_(-(columns**-0.5), columns**-0.5))
