"""The memory network for text: I reads, G writes, O finds supporting memories hop by hop, R answers.

A sentence is a row of word numbers, 0 is no word. A story is a row of numbers of sentences, the oldest first;
sentence 0 is empty and marks a slot that is not filled. Slot 0 of every memory says "no further memory is
needed". A slot's number is the time at which it was written.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.checks import check_indices
from unrolled.papers.memory_networks.hashing import candidates
from unrolled.papers.memory_networks.scores import (
    Hop,
    margin_loss,
    query_features,
    scan,
    score,
    time_features,
    time_score,
    with_matches,
)
from unrolled.papers.memory_networks.words import CHOSEN, QUESTION, Dictionary, Y


class Memory(NamedTuple):
    """All sentences and a batch of memories that hold them, as O sees them."""

    table: Float[Tensor, "copy vocabulary embedding"]
    sentences: Float[Tensor, "sentence vocabulary"]
    story: Int[Tensor, "batch slot"]
    vectors: Float[Tensor, "sentence embedding"]
    filled: Bool[Tensor, "batch slot"]

    def at(self, slot: Int[Tensor, " batch"]) -> Float[Tensor, "batch vocabulary"]:
        """The features of a slot in each memory; slot 0 has none, since it says that nothing is needed."""
        sentence = self.story.gather(1, slot.unsqueeze(1)).squeeze(1)
        features = functional.embedding(sentence, self.sentences)
        return features * (slot > 0).unsqueeze(-1)


class Examples(NamedTuple):
    """Questions with their true memories, and the wrong memories and answers to rank below the true ones."""

    sentences: Int[Tensor, "sentence word"]
    story: Int[Tensor, "batch slot"]
    query: Int[Tensor, " batch"]
    support: Int[Tensor, "batch hop"]
    answer: Int[Tensor, " batch"]
    negative: Int[Tensor, "batch hop sample"]
    wrong: Int[Tensor, "batch sample"]


class Trace(NamedTuple):
    """What a network did: the scores of all answers, the slots that it chose, and the scores of each hop."""

    answer: Float[Tensor, "batch word"]
    chosen: Int[Tensor, "batch hop"]
    scores: Float[Tensor, "batch hop slot"]
    order: Float[Tensor, "batch hop 3"]


def read(
    words: Int[Tensor, "*sentences word"],
    vocabulary: int,
) -> Float[Tensor, "*sentences vocabulary"]:
    """I: the features of a sentence, a bag of its words.

    *Paper*: weston2015memory, Section 3.1; word 0 is padding and counts nothing.

    >>> read(torch.tensor([1, 3, 3, 0]), 4)
    tensor([0., 1., 0., 2.])
    """
    counts = functional.one_hot(words, vocabulary).sum(-2)
    real = torch.arange(vocabulary, device=words.device) > 0
    return counts * real * 1.0


def write(
    found: Shaped[Tensor, "batch sentence"],
    story: Int[Tensor, "batch slot"],
) -> Shaped[Tensor, "batch slot"]:
    """G: every sentence of a story goes to the next free slot, and nothing is changed later.

    *Paper*: weston2015memory, equation 1.

        m_H(x) = I(x),  H(x) = N

    *Shapes*: stories repeat their sentences, so what was found of each is computed once: ``found`` has a
    column per different sentence, and ``story`` names the sentence of every slot.

    >>> write(torch.tensor([[0.0, 5.0, 6.0]]), torch.tensor([[1, 2, 1]])).tolist()
    [[5.0, 6.0, 5.0]]
    """
    return found.gather(-1, story)


class MemoryNetwork(nn.Module):
    """I, G, O and R, each of which can be replaced; O and R have dictionaries of their own.

    *Paper*: weston2015memory, Sections 2 and 3.

    *Shapes*: ``sentences`` is ``[sentences, words]``, ``story`` ``[batch, slots]``, ``query`` ``[batch]``,
    both numbers of sentences; ``unseen`` marks words of the vocabulary that count as never seen.

    *Options*: ``time`` for equation 9 in place of 5; ``match`` for equation 10; ``context`` the words beside
    each word (`words.contexts`), which stand for it while it is unseen.

    *Departures*: unspecified: initial weights are N(0, 0.1^2); a question that needs fewer memories than
    there are hops ends with slot 0; lambda of equation 10 is learned.

    >>> network = MemoryNetwork(9, embedding=4, hops=2)
    >>> words, story = torch.tensor([[0, 0], [8, 0], [1, 2], [3, 4]]), torch.tensor([[1, 2, 3, 2]])
    >>> network(words, story, torch.tensor([3])).chosen.shape
    torch.Size([1, 2])
    """

    def __init__(
        self,
        vocabulary: int,
        embedding: int = 100,
        hops: int = 2,
        *,
        time: bool = True,
        match: bool = False,
        context: Float[Tensor, "2 vocabulary vocabulary"] | None = None,
        I: Callable | None = None,
        G: Callable | None = None,
        O: nn.Module | None = None,
        R: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.vocabulary, self.hops, self.time = vocabulary, hops, time
        self.I, self.G = I or read, G or write
        options = {"match": match, "context": context}
        self.O = O or Dictionary(vocabulary, embedding, time=time, **options)
        self.R = R or Dictionary(vocabulary, embedding, **options)

    def hop(self, memory: Memory, question: Tensor, chosen: Tensor) -> Hop:
        """The scores of all memories, for a question and what was chosen before."""
        x = query_features(question, chosen)
        query = self.O.embed(x, memory.table[QUESTION : CHOSEN + 1])
        scores = score(query, memory.vectors)
        if self.O.match is not None:
            scores = with_matches(scores, x, memory.sentences, self.O.match)
        order = scores.new_zeros(scores.shape[0], 3)
        if self.O.U_t is not None:
            order = score(query, self.O.U_t)
        return Hop(self.G(scores, memory.story), order)

    def respond(
        self,
        question: Tensor,
        chosen: Tensor,
        unseen: Tensor | None = None,
    ) -> Tensor:
        """R: the scores of all words as the answer; equation 4 takes the best."""
        x, table = query_features(question, chosen), self.R.table(unseen)
        query = self.R.embed(x, table[QUESTION : CHOSEN + 1])
        scores = score(query, table[Y])
        if self.R.match is not None:  # Phi_y of a single word is one-hot
            scores = scores + self.R.match * x.sum(-2)
        return scores

    def remember(
        self,
        sentences: Tensor,
        story: Tensor,
        unseen: Tensor | None = None,
    ) -> Memory:
        """I: features and vectors of all sentences, and the slots that hold them."""
        check_indices("sentences", sentences, self.vocabulary)
        check_indices("story", story, sentences.shape[0])
        table = self.O.table(unseen)
        features = self.I(sentences, self.vocabulary).to(self.O.U)
        return Memory(table, features, story, features @ table[Y], story > 0)

    def forward(
        self,
        sentences: Int[Tensor, "sentence word"],
        story: Int[Tensor, "batch slot"],
        query: Int[Tensor, " batch"],
        unseen: Bool[Tensor, " vocabulary"] | None = None,
        buckets: Float[Tensor, "vocabulary bucket"] | None = None,
    ) -> Trace:
        """Choose a memory in each hop, each on what the network itself chose before, and answer.

        With ``buckets`` (`unrolled.papers.memory_networks.hashing`) only memories in the query's count.
        """
        check_indices("query", query, sentences.shape[0])
        m = self.remember(sentences, story, unseen)
        question, x = m.sentences[query], torch.full_like(query, story.shape[1])
        known = question.new_zeros(query.shape[0], 0, self.vocabulary)
        chosen, hops = [], []
        for _ in range(self.hops):
            hops.append(self.hop(m, question, known))
            allowed = m.filled
            if buckets is not None:  # slot 0 is in all of them
                found = candidates(question, known, m.sentences, buckets)
                found = self.G(found, story) | (story == story[:, :1])
                allowed = allowed & found
            slot = scan(hops[-1], x, allowed, self.time)
            if chosen:  # after slot 0 nothing follows
                slot = torch.where(chosen[-1] == 0, 0, slot)
            x = slot
            chosen.append(x)
            known = torch.cat((known, m.at(x).unsqueeze(1)), 1)
        answer = self.respond(question, known, unseen)
        every = (torch.stack(part, 1) for part in zip(*hops, strict=True))
        return Trace(answer, torch.stack(chosen, 1), *every)

    def loss(
        self,
        batch: Examples,
        *,
        margin: float = 0.1,
        unseen: Bool[Tensor, " vocabulary"] | None = None,
    ) -> Float[Tensor, ""]:
        """Equations 6 to 8, summed over a batch; every hop is given the true memories of the hops before."""
        sentences, story, query, support, answer, negative, wrong = batch
        m = self.remember(sentences, story, unseen)
        question, x = m.sentences[query], torch.full_like(query, story.shape[1])
        known = [m.at(slot) for slot in support.clamp(min=0).unbind(1)]
        known, total = torch.stack(known, 1), question.new_zeros(())
        for k in range(self.hops):
            hop = self.hop(m, question, known[:, :k])
            true, false = support[:, k : k + 1], negative[:, k]
            counts = (true >= 0) & (false != true) & m.filled.gather(1, false)
            true = true.clamp(min=0)
            y, z = hop.scores.gather(1, true), hop.scores.gather(1, false)
            if self.time:  # both orders: one is preferred, the other not
                order, now = hop.order.unsqueeze(1), x.unsqueeze(1)
                first = time_features(now, true, false)
                second = time_features(now, false, true)
                preferred = time_score(y, z, order, first)
                none = torch.zeros_like(z)
                total = total + margin_loss(preferred, none, margin, counts)
                y, z = none, time_score(z, y, order, second)
            total = total + margin_loss(y, z, margin, counts)
            x = true.squeeze(1)
        said = self.respond(question, known, unseen)
        answer = answer.unsqueeze(1)
        y, z = said.gather(1, answer), said.gather(1, wrong)
        return total + margin_loss(y, z, margin, wrong != answer)
