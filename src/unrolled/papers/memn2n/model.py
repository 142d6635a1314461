"""End-to-end memory networks: hops of soft attention over the sentences of a story.

Several restarts (the paper trains ten, and keeps the best) are one model: their parameters stand side by
side, and they read the same batches.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unrolled.base.errors import UsageError
from unrolled.nn.checks import check_indices, check_option
from unrolled.papers.memn2n.noise import Kind, Timed, in_order, with_noise
from unrolled.papers.memn2n.sentences import (
    Bags,
    Encoding,
    Slope,
    embed,
    sentence_bags,
    slope_of,
    stacked,
    time_scale,
)
from unrolled.papers.memn2n.tying import Tied, Tying, adjacent, layer_wise


def attention(
    u: Float[Tensor, "*batch embedding"],
    memory: Float[Tensor, "*batch slot embedding"],
    mask: Bool[Tensor, "*batch slot"] | None = None,
) -> Float[Tensor, "*batch slot"]:
    """The weight of every memory; empty slots have none.

    *Paper*: sukhbaatar2015end, equation 1.

        p_i = Softmax(u^T m_i)

    >>> attention(torch.ones(1, 1), torch.tensor([[[0.0], [0.0]]]))
    tensor([[0.5000, 0.5000]])
    """
    return normalised((memory @ u.unsqueeze(-1)).squeeze(-1), mask)


def normalised(
    scores: Float[Tensor, "*batch slot"], mask: Bool[Tensor, "*#batch slot"] | None = None
) -> Float[Tensor, "*batch slot"]:
    """The softmax of equation 1 over the slots that ``mask`` admits; zeros, where it admits none."""
    if mask is None:
        return torch.softmax(scores, -1)
    smallest = torch.finfo(scores.dtype).min
    return torch.softmax(scores.masked_fill(~mask, smallest), -1) * mask


def read(
    alpha: Float[Tensor, "*batch slot"], output_memory: Float[Tensor, "*batch slot embedding"]
) -> Float[Tensor, "*batch embedding"]:
    """What a hop reads.

    *Paper*: sukhbaatar2015end, equation 2.

        o = sum_i p_i c_i

    >>> read(torch.tensor([[0.25, 0.75]]), torch.tensor([[[4.0], [8.0]]]))
    tensor([[7.]])
    """
    return (alpha.unsqueeze(-2) @ output_memory).squeeze(-2)


def next_state(
    u: Float[Tensor, "*batch embedding"],
    context: Float[Tensor, "*batch embedding"],
    between_hops: Float[Tensor, "*restarts embedding embedding"] | None = None,
) -> Float[Tensor, "*batch embedding"]:
    """The state of the next hop.

    *Paper*: sukhbaatar2015end, equation 4; with ``between_hops`` the form of layer-wise tying.

        u^{k+1} = u^k + o^k,    u^{k+1} = H u^k + o^k

    >>> next_state(torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([[3.0]]))
    tensor([[5.]])
    """
    return context + (u if between_hops is None else u @ between_hops.transpose(-1, -2))


def answer(
    u: Float[Tensor, "*batch embedding"], readout: Float[Tensor, "*restarts vocabulary embedding"]
) -> Float[Tensor, "*batch vocabulary"]:
    """The probabilities of the answers, from the state after the last hop.

    *Paper*: sukhbaatar2015end, equation 3 (there u^{K+1} is written out, o + u) and its form for K hops.

        a^ = Softmax(W (o + u)),    a^ = Softmax(W u^{K+1})

    >>> answer(torch.zeros(1, 2), torch.ones(4, 2))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """
    return torch.softmax(u @ readout.transpose(-1, -2), -1)


def linear_hop(
    u: Float[Tensor, "*batch embedding"],
    memory: Float[Tensor, "*batch slot embedding"],
    output_memory: Float[Tensor, "*batch slot embedding"],
) -> Float[Tensor, "*batch embedding"]:
    """A hop during the linear start: equations 1, 2 and 4 without the softmax.

    *Paper*: sukhbaatar2015end, linear start training.

        u^{k+1} = (I + sum_i c_i m_i^T) u^k

    >>> linear_hop(torch.tensor([[2.0]]), torch.tensor([[[3.0]]]), torch.tensor([[[1.0]]]))
    tensor([[8.]])
    """
    return next_state(u, read((memory @ u.unsqueeze(-1)).squeeze(-1), output_memory))


class Trace(NamedTuple):
    """What a network did; restarts come first."""

    logits: Float[Tensor, "restart batch vocabulary"]
    weights: tuple[Tensor, ...]  # of every hop, [restart, batch, slot]
    u: tuple[Tensor, ...]  # before every hop and after the last, [restart, batch, embedding]
    mask: Bool[Tensor, "batch slot"]

    @property
    def alpha(self) -> Float[Tensor, "restart batch hop slot"]:
        """The weights of the memories; shown as zero in empty slots."""
        return torch.stack(self.weights, 2) * self.mask[:, None]


class MemN2N(nn.Module):
    """An end-to-end memory network, or several restarts of one side by side.

    *Paper*: sukhbaatar2015end, equations 1 to 4, both tyings, all encodings; weights are N(0, 0.1^2).

    Each different sentence of a batch is embedded once, under all matrices of all restarts; slots hold
    numbers of sentences. So u^T m_i is looked up among the products of u with the different sentences, and
    what is read is a sum over these.

    *Options*: ``words`` is the longest sentence (of which the released position encoding makes its J).
    ``noise`` is the share of empty memories in training, ``noise_kind`` how they come in (see `with_noise`).
    With ``attend_empty`` the empty slots are memories too, zero vectors without a time: attention can rest on
    them, and `Trace.alpha` sums to less than 1. The buffer ``linear`` removes the softmax of the hops: the
    linear start.

    *Shapes*: a batch is ``table``, the `bags` of all sentences, whose first is the empty one; ``story``,
    ``[batch, slot]``, numbers of sentences with 0 for an empty slot; and ``query``, ``[batch]``. Fewer slots
    than ``memory`` are filled up, so that padding never changes a result.

    *Departures*: unspecified: with layer-wise tying B and W are matrices of their own.

    *Raises*: `UsageError` for sizes below 1, an unknown option, or a story of more than ``memory`` slots;
    `ShapeError` for the number of a sentence that is not in the table.

    >>> model = MemN2N(vocabulary=12, embedding=8, memory=5, words=4, restarts=2)
    >>> table = model.bags(torch.tensor([[0, 0], [1, 2], [3, 4]]))
    >>> trace = model(table, torch.tensor([[1, 2, 0]]), torch.tensor([2]))
    >>> trace.logits.shape, trace.alpha.shape
    (torch.Size([2, 1, 12]), torch.Size([2, 1, 3, 5]))
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
        noise: float = 0.0,
        noise_kind: Kind = "empty",
        restarts: int = 1,
        deviation: float = 0.1,
        attend_empty: bool = False,
    ) -> None:
        super().__init__()
        for name, size in (("vocabulary", vocabulary), ("embedding", embedding), ("memory", memory)):
            if size < 1:
                raise UsageError(f"{name} is {size}; it must be at least 1")
        if hops < 1 or restarts < 1:
            raise UsageError(f"hops is {hops} and restarts is {restarts}; both must be at least 1")
        for name, value, known in (
            ("encoding", encoding, Encoding),
            ("tying", tying, Tying),
            ("noise_kind", noise_kind, Kind),
        ):
            check_option(name, value, known)
        self.vocabulary, self.memory, self.hops, self.time = vocabulary, memory, hops, time
        self.encoding, self.tying, self.restarts = encoding, tying, restarts
        self.noise, self.noise_kind, self.attend_empty = noise, noise_kind, attend_empty
        self.longest = words + (encoding == "code")
        matrices, times = (hops + 1, hops + 1) if tying == "adjacent" else (4, 2)

        def normal(*shape: int) -> nn.Parameter:
            return nn.Parameter(deviation * torch.randn(*shape))

        self.embeddings = normal(matrices, restarts, vocabulary, embedding)
        self.times = normal(times, restarts, memory, embedding) if time else None
        self.between_hops = normal(restarts, embedding, embedding) if tying == "layer-wise" else None
        self.register_buffer("linear", torch.tensor(False))

    @property
    def slope(self) -> Slope:
        """The encoding's constant, and its function of the embedding index."""
        like = self.embeddings
        constant, index = slope_of(self.encoding, like.shape[-1], like.dtype)
        return Slope(constant, index.to(like.device))

    @property
    def scale(self) -> Float[Tensor, " embedding"]:
        """What a time vector is multiplied by."""
        like = self.times
        return time_scale(self.encoding, like.shape[-1], self.longest, like.dtype).to(like.device)

    def bags(self, sentences: Int[Tensor, "sentence word"]) -> Bags:
        """The bags of words of a table of sentences, made once for all of training."""
        return sentence_bags(sentences, self.vocabulary, self.encoding, self.longest, self.embeddings.dtype)

    def tied(self, matrices: Tensor) -> Tied:
        """Matrices, first axis, as the equations name them."""
        if self.tying == "adjacent":
            return adjacent(matrices)
        return layer_wise(matrices, self.between_hops, self.hops)

    def tied_times(self) -> tuple[list[Tensor], list[Tensor]]:
        """T_A and T_C of each hop, shared as A and C are."""
        times = list((self.times * self.scale).transpose(2, 3))  # [restart, embedding, slot]
        if self.tying == "adjacent":
            return times[:-1], times[1:]
        return times[:1] * self.hops, times[1:] * self.hops

    def forward(self, table: Bags, story: Int[Tensor, "batch slot"], query: Int[Tensor, " batch"]) -> Trace:
        """The logits of the answers, and what every hop attended to."""
        check_indices("story", story, len(table.rows))
        check_indices("query", query, len(table.rows))
        timed = self._timed(story)
        different, places = self._different(timed.story)
        everything = torch.cat((different, query))
        rows = stacked(self.embeddings.permute(2, 0, 1, 3), self.slope, self.encoding)
        vectors = embed(table.pick(everything), rows).permute(1, 2, 0, 3)  # [matrix, restart, sentence, :]
        sentences, questions = vectors.tensor_split([different.shape[0]], 2)
        tied, times = self.tied(sentences), self.tied_times() if self.time else None
        u = self.tied(questions).B
        places = places.expand(self.restarts, *story.shape[:1], self.memory)
        numbers = None if timed.numbers is None else timed.numbers.expand_as(places)
        bias = (~timed.mask).to(u.dtype) * (0.0 if self.attend_empty else torch.finfo(u.dtype).min)
        states, weights = [u], []
        for hop in range(self.hops):
            products = torch.bmm(u, tied.A[hop].transpose(1, 2))  # u^T A x of the different sentences
            scores = products.gather(2, places)
            if times is not None:
                of_times = torch.bmm(u, times[0][hop])
                scores = scores + (of_times if numbers is None else of_times.gather(2, numbers))
            alpha = self._weights(scores, bias, timed.mask)  # (1)
            context = torch.bmm(
                torch.zeros_like(products).scatter_add(2, places, alpha.to(products)), tied.C[hop]
            )  # (2)
            if times is not None:
                by_time = alpha if numbers is None else torch.zeros_like(alpha).scatter_add(2, numbers, alpha)
                context = context + torch.bmm(by_time, times[1][hop].transpose(1, 2))
            u = next_state(u, context, tied.H)  # (4)
            states.append(u)
            weights.append(alpha)
        logits = torch.bmm(u, self.embeddings[-1].transpose(1, 2))  # W u
        return Trace(logits, tuple(weights), tuple(states), timed.mask)

    def _timed(self, story: Tensor) -> Timed:
        """The story filled up to the memory, in training with noise."""
        missing = self.memory - story.shape[1]
        if missing < 0:
            raise UsageError(f"a story has {story.shape[1]} slots; the memory has {self.memory}")
        story = nn.functional.pad(story, (0, missing))
        if self.training and self.noise and self.time:
            return with_noise(story, self.noise, self.noise_kind)
        return in_order(story)

    def _different(self, story: Tensor) -> tuple[Tensor, Tensor]:
        """The different sentences of a batch, and where among them each slot's is."""
        if story.is_cuda or torch.compiler.is_compiling():  # a graph needs static shapes
            return story.flatten(), torch.arange(story.numel(), device=story.device).view_as(story)
        return torch.unique(story, return_inverse=True)

    def _weights(self, scores: Tensor, bias: Tensor, mask: Tensor) -> Tensor:
        """The softmax, in full slots; in the linear start the scores themselves."""
        if self.attend_empty:
            scores = scores * mask  # an empty memory has no time either
        return torch.where(self.linear, scores, torch.softmax(scores + bias, -1)) * mask
