"""End-to-end memory networks: hops of soft attention over the sentences of a story, or over words."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.nn.checks import check_indices, check_option
from unrolled.papers.memn2n.memories import Memories, match, weighted_sum, with_time
from unrolled.papers.memn2n.noise import in_order
from unrolled.papers.memn2n.sentences import (
    Encoding,
    bag_of_words,
    position_encoding,
    position_weights_code,
    weights_by_length,
)
from unrolled.papers.memn2n.tying import Tied, Tying, adjacent, layer_wise


def attention(
    u: Float[Tensor, "*batch embedding"],
    memory: Memories | Float[Tensor, "*batch slot embedding"],
    mask: Bool[Tensor, "*batch slot"] | None = None,
) -> Float[Tensor, "*batch slot"]:
    """The weight of every memory; with a ``mask`` of those that it admits, and zeros where it admits none.

    *Paper*: sukhbaatar2015end, equation 1.

        p_i = Softmax(u^T m_i)

    >>> attention(torch.ones(1, 1), torch.tensor([[[0.0], [0.0]]]))
    tensor([[0.5000, 0.5000]])
    """
    scores = match(u, memory)
    if mask is None:
        return torch.softmax(scores, -1)
    return torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), -1) * mask


def read(
    alpha: Float[Tensor, "*batch slot"], output_memory: Memories | Float[Tensor, "*batch slot embedding"]
) -> Float[Tensor, "*batch embedding"]:
    """What a hop reads.

    *Paper*: sukhbaatar2015end, equation 2.

        o = sum_i p_i c_i

    >>> read(torch.tensor([[0.25, 0.75]]), torch.tensor([[[4.0], [8.0]]]))
    tensor([[7.]])
    """
    return weighted_sum(alpha, output_memory)


def next_state(
    u: Float[Tensor, "*batch embedding"],
    context: Float[Tensor, "*batch embedding"],
    between_hops: Float[Tensor, "embedding embedding"] | None = None,
) -> Float[Tensor, "*batch embedding"]:
    """The state of the next hop.

    *Paper*: sukhbaatar2015end, equation 4; with ``between_hops`` the form of layer-wise tying.

        u^{k+1} = u^k + o^k,    u^{k+1} = H u^k + o^k

    >>> next_state(torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([[3.0]]))
    tensor([[5.]])
    """
    return context + (u if between_hops is None else u @ between_hops.T)


def answer(
    u: Float[Tensor, "*batch embedding"], readout: Float[Tensor, "vocabulary embedding"]
) -> Float[Tensor, "*batch vocabulary"]:
    """The log-probabilities of the answers, from the state after the last hop.

    *Paper*: sukhbaatar2015end, equation 3 (there u^{K+1} is written out, o + u) and its form for K hops.

        a^ = Softmax(W (o + u)),    a^ = Softmax(W u^{K+1})

    >>> answer(torch.zeros(1, 2), torch.ones(4, 2)).exp()
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """
    return torch.log_softmax(u @ readout.T, -1)


def linear_hop(
    u: Float[Tensor, "*batch embedding"],
    memory: Memories | Float[Tensor, "*batch slot embedding"],
    output_memory: Memories | Float[Tensor, "*batch slot embedding"],
    between_hops: Float[Tensor, "embedding embedding"] | None = None,
) -> Float[Tensor, "*batch embedding"]:
    """A hop during the linear start: equations 1, 2 and 4 without the softmax.

    *Paper*: sukhbaatar2015end, linear start training.

        u^{k+1} = (I + sum_i c_i m_i^T) u^k

    >>> linear_hop(torch.tensor([[2.0]]), torch.tensor([[[3.0]]]), torch.tensor([[[1.0]]]))
    tensor([[8.]])
    """
    return next_state(u, read(match(u, memory), output_memory), between_hops)


class Trace(NamedTuple):
    """What a network did with a batch."""

    answer: Float[Tensor, "batch vocabulary"]  # log-probabilities
    alpha: Float[Tensor, "batch hop slot"]  # in the linear start zeros: no hop has weights
    u: Float[Tensor, "batch state embedding"]  # before every hop and after the last


class MemN2N(nn.Module):
    """An end-to-end memory network.

    *Paper*: sukhbaatar2015end, equations 1 to 4, both tyings, all encodings; weights are N(0, 0.1^2).

    *Options*: ``words`` is the longest sentence. With ``attend_empty``, as in the released code, the empty
    slots are memories too, zero vectors without a time; without it they are masked. The call's ``linear``
    removes the softmax of the hops: the linear start.

    *Shapes*: ``sentences`` is ``[sentence, word]``, each different one once, the first empty; ``story``,
    ``[batch, slot]``, and ``query``, ``[batch]``, name rows of it, 0 for an empty slot; ``when`` is the time
    of each slot, by default its number. Missing slots are filled up, so that padding never changes a result.

    *Departures*: unspecified: with layer-wise tying B and W are matrices of their own.

    *Raises*: `UsageError` for sizes below 1, an unknown option, too many slots or words.

    >>> model = MemN2N(vocabulary=12, embedding=8, memory=5, words=2)
    >>> sentences = torch.tensor([[0, 0], [1, 2], [3, 4]])
    >>> trace = model(sentences, torch.tensor([[1, 2, 0]]), torch.tensor([2]))
    >>> trace.answer.shape, trace.alpha.shape
    (torch.Size([1, 12]), torch.Size([1, 3, 5]))
    """

    def __init__(
        self,
        vocabulary: int,
        embedding: int = 20,
        memory: int = 50,
        *,
        words: int,
        hops: int = 3,
        encoding: Encoding = "printed",
        tying: Tying = "adjacent",
        time: bool = True,
        attend_empty: bool = False,
        deviation: float = 0.1,
    ) -> None:
        super().__init__()
        sizes = {"vocabulary": vocabulary, "embedding": embedding, "memory": memory, "hops": hops}
        for name, size in sizes.items():
            if size < 1:
                raise UsageError(f"{name} is {size}; it must be at least 1")
        check_option("encoding", encoding, Encoding)
        check_option("tying", tying, Tying)
        self.memory, self.hops, self.words, self.time = memory, hops, words, time
        self.encoding, self.tying, self.attend_empty = encoding, tying, attend_empty
        matrices, times = (hops + 1, hops + 1) if tying == "adjacent" else (4, 2)

        def normal(*shape: int) -> nn.Parameter:
            return nn.Parameter(deviation * torch.randn(*shape))

        self.embeddings = nn.ParameterList([normal(vocabulary, embedding) for _ in range(matrices)])
        self.times = nn.ParameterList([normal(memory, embedding) for _ in range(times * time)])
        self.between_hops = normal(embedding, embedding) if tying == "layer-wise" else None
        # Constants in double precision, as exact as whatever they multiply; no memory of the model's device.
        with torch.device("cpu"):
            self.weights = weights_by_length(encoding, words, embedding, torch.float64)
            scale = position_weights_code(words + 1, embedding, torch.float64)[-1]
        self.time_weights = scale if encoding == "code" else None

    def tied(self, matrices: list[Tensor]) -> Tied:
        """Matrices as the equations name them."""
        return adjacent(matrices) if self.tying == "adjacent" else layer_wise(matrices, self.hops)

    def encode(self, sentences: Int[Tensor, "sentence word"]) -> Float[Tensor, "sentence matrix embedding"]:
        """Sentences as vectors under all matrices."""
        matrices = torch.stack(list(self.embeddings), 1)
        if self.encoding == "bag":
            return bag_of_words(sentences, matrices)
        weights = self.weights.to(matrices)[(sentences != 0).sum(-1), : sentences.shape[-1]]
        return position_encoding(sentences, matrices, weights)

    def forward(
        self,
        sentences: Int[Tensor, "sentence word"],
        story: Int[Tensor, "batch slot"],
        query: Int[Tensor, " batch"],
        when: Int[Tensor, "batch slot"] | None = None,
        *,
        linear: bool = False,
    ) -> Trace:
        """The answers, and what every hop attended to."""
        check_indices("sentences", sentences, len(self.embeddings[0]))
        check_indices("story", story, len(sentences))
        check_indices("query", query, len(sentences))
        missing = self.memory - story.shape[1]
        if missing < 0:
            raise UsageError(f"a story has {story.shape[1]} slots; the memory has {self.memory}")
        if sentences.shape[1] > self.words:
            raise UsageError(f"a sentence has {sentences.shape[1]} words; the network takes {self.words}")
        story = functional.pad(story, (0, missing))
        when = in_order(story).when if when is None else functional.pad(when, (0, missing), value=self.memory)
        mask = None if self.attend_empty else when < self.memory

        vectors, H = self.tied(list(self.encode(sentences).unbind(1))), self.between_hops
        memories, outputs = ([Memories(v, story) for v in by_hop] for by_hop in (vectors.A, vectors.C))
        if self.time:
            scale = 1.0 if self.time_weights is None else self.time_weights.to(vectors.B)
            times = self.tied([time * scale for time in self.times])
            memories = [with_time(m, T_A, when) for m, T_A in zip(memories, times.A, strict=True)]
            outputs = [with_time(c, T_C, when) for c, T_C in zip(outputs, times.C, strict=True)]
        u = functional.embedding(query, vectors.B)
        states, weights = [u], []
        for memory, output in zip(memories, outputs, strict=True):
            if linear:
                u = linear_hop(u, memory, output, H)
            else:
                alpha = attention(u, memory, mask)
                u = next_state(u, read(alpha, output), H)
                weights.append(alpha)
            states.append(u)
        readout = self.tied(list(self.embeddings)).W
        alpha = torch.stack(weights, 1) if weights else u.new_zeros(u.shape[0], self.hops, self.memory)
        return Trace(answer(u, readout), alpha, torch.stack(states, 1))
