"""How well a memory or an answer fits a question, which of several memories wins, and the loss of both."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Hop(NamedTuple):
    """The scores of all memories for a question, and what the three features of their order are worth."""

    scores: Float[Tensor, "batch slot"]
    order: Float[Tensor, "batch 3"]


def query_features(
    question: Float[Tensor, "*batch vocabulary"],
    chosen: Float[Tensor, "*batch hop vocabulary"],
) -> Float[Tensor, "*batch 2 vocabulary"]:
    """Phi_x of [x, m_o1, ...]: the question and the chosen memories have a copy of the dictionary each.

    *Paper*: weston2015memory, Section 3.1: D = 3 |W|; the third copy belongs to Phi_y.

    >>> query_features(torch.tensor([1.0, 0.0]), torch.tensor([[0.0, 1.0], [0.0, 1.0]]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    before = chosen.sum(-2) if chosen.shape[-2] else torch.zeros_like(question)
    return torch.stack((question, before), -2)


def score(
    query: Float[Tensor, "*batch embedding"],
    memory: Float[Tensor, "sentence embedding"],
) -> Float[Tensor, "*batch sentence"]:
    """How well every memory, or answer, fits: the product of its vector and that of the query.

    *Paper*: weston2015memory, equation 5, with ``query`` = U Phi_x(x) and ``memory`` = U Phi_y(y).

        s(x, y) = Phi_x(x)^T U^T U Phi_y(y)

    >>> score(torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 1.0], [0.0, 1.0]]))
    tensor([5., 2.])
    """
    return query @ memory.mT


def with_matches(
    scores: Float[Tensor, "*batch sentence"],
    query: Float[Tensor, "*batch 2 vocabulary"],
    memory: Float[Tensor, "sentence vocabulary"],
    weight: Float[Tensor, ""],
) -> Float[Tensor, "*batch sentence"]:
    """Scores that count the words which query and memory share, even if no vector was learned for them.

    *Paper*: weston2015memory, equation 10; the copies of the dictionary are taken as one.

        s(x, y) = Phi_x(x)^T U^T U Phi_y(y) + lambda Phi_x(x)^T Phi_y(y)

    >>> with_matches(torch.zeros(1), torch.ones(2, 3), torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor(0.5))
    tensor([1.])
    """
    return scores + weight * (query.sum(-2) @ memory.mT)


def time_features(
    x: Int[Tensor, "*#b"], y: Int[Tensor, "*#b"], z: Int[Tensor, "*#b"]
) -> Float[Tensor, "*b 3"]:
    """Phi_t(x, y, z): whether x is older than y, x older than z, and y older than z, given their times.

    *Paper*: weston2015memory, Section 3.4; z is the paper's y'.

    >>> time_features(torch.tensor(5), torch.tensor(2), torch.tensor(9))
    tensor([0., 1., 1.])
    """
    facts = torch.broadcast_tensors(x < y, x < z, y < z)
    return torch.stack(facts, -1) * 1.0


def time_score(
    y: Float[Tensor, "*#batch"],
    z: Float[Tensor, "*#batch"],
    order: Float[Tensor, "*#batch 3"],
    times: Float[Tensor, "*#batch 3"],
) -> Float[Tensor, "*batch"]:
    """Above zero where memory y is preferred to memory z.

    *Paper*: weston2015memory, equation 9; s is linear in its second argument.

        s_Ot(x, y, z) = Phi_x^T U^T U (Phi_y(y) - Phi_y(z) + Phi_t(x, y, z)) = s(x, y) - s(x, z) + s(x, Phi_t)

    *Shapes*: ``order`` is Phi_x^T U^T U for each of the three features ``times``.

    >>> time_score(torch.tensor(2.0), torch.tensor(1.5), torch.tensor([0.0, 0.0, -1.0]), torch.ones(3))
    tensor(-0.5000)
    """
    return y - z + (order * times).sum(-1)


def scan(
    hop: Hop,
    x: Int[Tensor, " batch"],
    allowed: Bool[Tensor, "batch slot"],
    timed: bool,
) -> Int[Tensor, " batch"]:
    """The memory that wins: the best score, or with time one walk over all slots that keeps the winner.

    *Paper*: weston2015memory, equations 2 and 3; Section 3.4 for the walk.

    *Shapes*: ``x`` is the time of the query, or of the memory that was chosen last.

    >>> hop = Hop(torch.tensor([[1.0, 3.0, 3.0]]), torch.tensor([[0.0, 0.0, -0.5]]))
    >>> every = torch.ones(1, 3, dtype=torch.bool)
    >>> [scan(hop, torch.tensor([3]), every, timed).item() for timed in (False, True)]
    [1, 2]
    """
    scores, order = hop
    if not timed:
        return scores.masked_fill(~allowed, -torch.inf).argmax(-1)
    winner, best = torch.zeros_like(x), scores[:, 0]
    for slot in range(1, scores.shape[1]):
        times = time_features(x, winner, torch.full_like(x, slot))
        preferred = time_score(best, scores[:, slot], order, times)
        lost = allowed[:, slot] & (preferred <= 0)
        winner = torch.where(lost, slot, winner)
        best = torch.where(lost, scores[:, slot], best)
    return winner


def margin_loss(
    true: Float[Tensor, "*#batch"],
    wrong: Float[Tensor, "*#batch"],
    margin: float,
    counts: Bool[Tensor, "*#batch"],
) -> Float[Tensor, ""]:
    """What wrong choices lack to be a margin below the true one, summed over those that count.

    *Paper*: weston2015memory, equations 6 to 8.

        sum_f [gamma - s(x, m) + s(x, f)]_+

    >>> margin_loss(torch.tensor(1.0), torch.tensor([0.5, 0.95]), 0.1, torch.tensor([True, True]))
    tensor(0.0500)
    """
    return (torch.relu(margin - true + wrong) * counts).sum()
