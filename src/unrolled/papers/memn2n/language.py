"""The memory network as a language model: memories are the words before the one that is to be predicted."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.nn.checks import check_indices
from unrolled.papers.memn2n.memories import with_time
from unrolled.papers.memn2n.model import Trace, answer, attention, next_state, read


def half_rectified(u: Float[Tensor, "*batch embedding"]) -> Float[Tensor, "*batch embedding"]:
    """The state with a rectifier on its second half.

    *Paper*: sukhbaatar2015end, language modelling.

    >>> half_rectified(torch.tensor([[-1.0, -1.0]]))
    tensor([[-1.,  0.]])
    """
    linear, rest = u.tensor_split([u.shape[-1] // 2], -1)
    return torch.cat((linear, torch.relu(rest)), -1)


class MemoryLanguageModel(nn.Module):
    """A memory network that predicts the next word, with layer-wise tying.

    *Paper*: sukhbaatar2015end, language modelling: equations 1, 2 and 4 with H; no question, each memory one
    word, half of the state rectified after every hop; weights are N(0, 0.05^2).

    *Shapes*: ``words`` is ``[batch, memory]``, the last word first.

    *Raises*: `UsageError` for an odd embedding, or words that are not as many as the memory.

    >>> model = MemoryLanguageModel(50, embedding=6, memory=4, hops=2)
    >>> model(torch.ones(3, 4, dtype=torch.int64)).alpha.shape
    torch.Size([3, 2, 4])
    """

    def __init__(
        self, vocabulary: int, embedding: int = 150, memory: int = 100, hops: int = 6, deviation: float = 0.05
    ) -> None:
        super().__init__()
        if embedding % 2:
            raise UsageError(f"embedding is {embedding}; half of it is rectified, so it must be even")
        self.memory, self.hops = memory, hops

        def normal(rows: int) -> nn.Parameter:
            return nn.Parameter(deviation * torch.randn(rows, embedding))

        self.A, self.C, self.W = normal(vocabulary), normal(vocabulary), normal(vocabulary)
        self.T_A, self.T_C, self.H = normal(memory), normal(memory), normal(embedding)

    def forward(self, words: Int[Tensor, "batch memory"]) -> Trace:
        """The next word, and what every hop attended to."""
        if words.shape[1] != self.memory:
            raise UsageError(f"there are {words.shape[1]} words; the memory has {self.memory}")
        check_indices("words", words, len(self.A))
        memory = with_time(functional.embedding(words, self.A), self.T_A)
        output = with_time(functional.embedding(words, self.C), self.T_C)
        u = memory.new_full((words.shape[0], memory.shape[-1]), 0.1)  # there is no question
        states, weights = [u], []
        for _ in range(self.hops):
            alpha = attention(u, memory)
            u = half_rectified(next_state(u, read(alpha, output), self.H))
            states.append(u)
            weights.append(alpha)
        return Trace(answer(u, self.W), torch.stack(weights, 1), torch.stack(states, 1))
