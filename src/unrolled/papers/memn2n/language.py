"""The memory network as a language model: memories are the words before the one that is to be guessed."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from unrolled.base.errors import UsageError
from unrolled.nn.checks import check_indices
from unrolled.papers.memn2n.model import attention, next_state, read
from unrolled.papers.memn2n.sentences import with_time

START = 0.1
"""Every number of the first state: there is no question."""


def half_rectified(u: Float[Tensor, "batch embedding"]) -> Float[Tensor, "batch embedding"]:
    """The state with a rectifier on its second half.

    *Paper*: sukhbaatar2015end, language modelling.

    >>> half_rectified(torch.tensor([[-1.0, -1.0]]))
    tensor([[-1.,  0.]])
    """
    linear = u.shape[-1] // 2
    return torch.cat((u[..., :linear], torch.relu(u[..., linear:])), -1)


class MemoryLanguageModel(nn.Module):
    """A memory network that guesses the next word, with layer-wise tying.

    *Paper*: sukhbaatar2015end, language modelling: equations 1, 2 and 4 with H; no question, each memory one
    word, half of the state rectified after every hop.

    *Shapes*: ``words`` is ``[batch, memory]``, the last word first. The result is logits.

    *Raises*: `UsageError` for an odd embedding, or words that are not as many as the memory.

    >>> MemoryLanguageModel(50, embedding=6, memory=4, hops=2)(torch.ones(3, 4, dtype=torch.int64)).shape
    torch.Size([3, 50])
    """

    def __init__(
        self, vocabulary: int, embedding: int = 150, memory: int = 100, hops: int = 6, deviation: float = 0.05
    ) -> None:
        super().__init__()
        if embedding % 2:
            raise UsageError(f"embedding is {embedding}; half of it is rectified, so it must be even")
        self.embedding, self.memory, self.hops = embedding, memory, hops

        def normal(*shape: int) -> nn.Parameter:
            return nn.Parameter(deviation * torch.randn(*shape))

        self.embed_input, self.embed_output = normal(vocabulary, embedding), normal(vocabulary, embedding)
        self.time_input, self.time_output = normal(memory, embedding), normal(memory, embedding)
        self.between_hops, self.readout = normal(embedding, embedding), normal(vocabulary, embedding)

    def forward(self, words: Int[Tensor, "batch memory"]) -> Float[Tensor, "batch vocabulary"]:
        """The logits of the next word."""
        if words.shape[1] != self.memory:
            raise UsageError(f"there are {words.shape[1]} words; the memory has {self.memory}")
        check_indices("words", words, len(self.readout))
        memory = with_time(nn.functional.embedding(words, self.embed_input), self.time_input)
        output = with_time(nn.functional.embedding(words, self.embed_output), self.time_output)
        u = memory.new_full((words.shape[0], self.embedding), START)
        for _ in range(self.hops):
            context = read(attention(u, memory), output)
            u = half_rectified(next_state(u, context, self.between_hops))
        return u @ self.readout.T


class WordTrainee(nn.Module):
    """A language model and its corpus; a batch holds places of words, and the number of their split."""

    def __init__(self, network: MemoryLanguageModel, splits: dict[str, Tensor], halve_every: int) -> None:
        super().__init__()
        if halve_every < 1:
            raise UsageError(f"halve_every is {halve_every}; it must be at least 1")
        self.network, self.halve_every = network, halve_every
        for code, words in enumerate(splits.values()):
            self.register_buffer(f"words_{code}", words, persistent=False)
        self.register_buffer("updates", torch.tensor(0))
        for parameter in network.parameters():
            parameter.register_post_accumulate_grad_hook(self._temper)

    def losses(self, places: Tensor, words: Tensor) -> Tensor:
        """The cross-entropy of the words at some places, in nats."""
        before = places.unsqueeze(1) - 1 - torch.arange(self.network.memory, device=places.device)
        return nn.functional.cross_entropy(self.network(words[before]), words[places], reduction="none")

    def loss(self, places: Tensor, split: Tensor) -> Tensor:
        """Summed over the batch."""
        with torch.no_grad():
            self.updates += 1
        return self.losses(places, self.words_0).sum()

    def evaluate(self, places: Tensor, split: Tensor, chunk: int = 512) -> dict[str, float]:
        """Perplexity, and the mean loss in nats as ``error``."""
        words = getattr(self, f"words_{int(split[0])}")
        loss = sum(self.losses(part, words).sum().item() for part in places.split(chunk)) / len(places)
        return {"error": loss, "perplexity": float(torch.tensor(loss).exp())}

    @torch.no_grad()
    def _temper(self, parameter: Tensor) -> None:
        parameter.grad *= torch.pow(0.5, (self.updates - 1) // self.halve_every)
