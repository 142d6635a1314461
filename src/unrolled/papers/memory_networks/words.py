"""Vectors of words: one for each copy of the dictionary, and what stands for a word that was never seen."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

Y, QUESTION, CHOSEN, LEFT, RIGHT = range(5)
"""Copies of the dictionary: memories and answers; questions; chosen memories; words to the left and right."""


def contexts(
    sentences: Int[Tensor, "sentence word"], vocabulary: int
) -> Float[Tensor, "2 vocabulary vocabulary"]:
    """The words to the left and to the right of every word, as shares that add up to 1 (or to 0).

    *Paper*: weston2015memory, Section 3.5: the bags of words that a word has been seen with.

    >>> contexts(torch.tensor([[1, 2, 0], [1, 3, 0]]), 4)[1, 1]
    tensor([0.0000, 0.0000, 0.5000, 0.5000])
    """
    counts = torch.zeros(2, vocabulary, vocabulary)
    for side, (word, beside) in enumerate(
        ((sentences[:, 1:], sentences[:, :-1]), (sentences[:, :-1], sentences[:, 1:]))
    ):
        both = (word > 0) & (beside > 0)
        counts[side].index_put_((word[both], beside[both]), torch.ones(()), accumulate=True)
    return counts / counts.sum(-1, keepdim=True).clamp(min=1)


def with_context(
    U: Float[Tensor, "5 vocabulary embedding"],
    unseen: Bool[Tensor, " vocabulary"],
    context: Float[Tensor, "2 vocabulary vocabulary"],
) -> Float[Tensor, "3 vocabulary embedding"]:
    """The vectors of all words, where those of unseen words come from the words beside them.

    *Paper*: weston2015memory, Section 3.5: D grows from 3 |W| to 5 |W|.

    >>> U = torch.arange(5.0).reshape(5, 1, 1).expand(5, 2, 1)
    >>> with_context(U, torch.tensor([False, True]), torch.ones(2, 2, 2))[:, 1, 0]
    tensor([7., 7., 7.])
    """
    # An unseen word's own vectors vanish, also beside others.
    known = U * ~unseen.unsqueeze(-1)
    beside = context[0] @ known[LEFT] + context[1] @ known[RIGHT]
    return torch.where(unseen.unsqueeze(-1), beside, U[: CHOSEN + 1])


class Dictionary(nn.Module):
    """U with its copies of the dictionary, and the three features of time: the scores of equations 5 and 10.

    *Paper*: weston2015memory, Section 3.1.

    >>> dictionary = Dictionary(9, embedding=4)
    >>> dictionary.embed(torch.ones(7, 2, 9), dictionary.table()[1:]).shape
    torch.Size([7, 4])
    """

    def __init__(
        self,
        vocabulary: int,
        embedding: int,
        *,
        match: bool = False,
        context: Tensor | None = None,
        time: bool = False,
        deviation: float = 0.1,
    ) -> None:
        super().__init__()

        def normal(*shape: int) -> nn.Parameter:
            return nn.Parameter(deviation * torch.randn(*shape, embedding))

        self.U, self.U_t = normal(3 if context is None else 5, vocabulary), normal(3) if time else None
        self.match = nn.Parameter(torch.zeros(())) if match else None
        self.register_buffer("context", context)

    def table(
        self, unseen: Bool[Tensor, " vocabulary"] | None = None
    ) -> Float[Tensor, "3 vocabulary embedding"]:
        """The vectors of all words in the three copies."""
        if self.context is None or unseen is None:
            return self.U[: CHOSEN + 1]
        return with_context(self.U, unseen, self.context)

    def embed(
        self,
        features: Float[Tensor, "batch copy vocabulary"],
        table: Float[Tensor, "copy vocabulary embedding"],
    ) -> Float[Tensor, "batch embedding"]:
        """U Phi: the sum of the vectors of all words in all copies."""
        return features.flatten(1) @ table.flatten(0, 1)
