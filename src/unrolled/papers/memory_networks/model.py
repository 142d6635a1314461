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
        features = functional.embedding(self.story.gather(1, slot.unsqueeze(1)).squeeze(1), self.sentences)
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


def read(words: Int[Tensor, "*sentences word"], vocabulary: int) -> Float[Tensor, "*sentences vocabulary"]:
    """I: the features of a sentence, a bag of its words.

    *Paper*: weston2015memory, Section 3.1; word 0 is padding and counts nothing.

    >>> read(torch.tensor([1, 3, 3, 0]), 4)
    tensor([0., 1., 0., 2.])
    """
    counts = functional.one_hot(words, vocabulary).sum(-2)
    return counts * (torch.arange(vocabulary, device=words.device) > 0) * 1.0


def write(
    found: Shaped[Tensor, "batch sentence"], story: Int[Tensor, "batch slot"]
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
        """The scores of all memories, given the features of the question and of what was chosen before."""
        x = query_features(question, chosen)
        query = self.O.embed(x, memory.table[QUESTION : CHOSEN + 1])
        scores = score(query, memory.vectors)
        if self.O.match is not None:
            scores = with_matches(scores, x, memory.sentences, self.O.match)
        none = self.O.U_t is None
        order = scores.new_zeros(scores.shape[0], 3) if none else score(query, self.O.U_t)
        return Hop(self.G(scores, memory.story), order)

    def respond(self, question: Tensor, chosen: Tensor, unseen: Tensor | None = None) -> Tensor:
        """R: the scores of all words as the answer (equation 4 takes the best), by the same two features."""
        x, table = query_features(question, chosen), self.R.table(unseen)
        scores = score(self.R.embed(x, table[QUESTION : CHOSEN + 1]), table[Y])
        if self.R.match is not None:
            scores = scores + self.R.match * x.sum(-2)  # Phi_y of a single word is one-hot
        return scores

    def remember(self, sentences: Tensor, story: Tensor, unseen: Tensor | None = None) -> Memory:
        """I and G: the features of all sentences, and what every slot of every story holds."""
        check_indices("sentences", sentences, self.vocabulary)
        check_indices("story", story, sentences.shape[0])
        table, features = self.O.table(unseen), self.I(sentences, self.vocabulary).to(self.O.U)
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
        chosen, hops, known = [], [], question.new_zeros(query.shape[0], 0, self.vocabulary)
        for _ in range(self.hops):
            hops.append(self.hop(m, question, known))
            allowed = m.filled
            if buckets is not None:  # slot 0 is in all of them
                found = candidates(question, known, m.sentences, buckets)
                allowed = allowed & (self.G(found, story) | (story == story[:, :1]))
            slot = scan(hops[-1], x, allowed, self.time)
            x = slot if not chosen else torch.where(chosen[-1] == 0, 0, slot)  # after slot 0 nothing follows
            chosen.append(x)
            known = torch.cat((known, m.at(x).unsqueeze(1)), 1)
        scores, order = (torch.stack(parts, 1) for parts in zip(*hops, strict=True))
        return Trace(self.respond(question, known, unseen), torch.stack(chosen, 1), scores, order)

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
        known = torch.stack([m.at(slot) for slot in support.clamp(min=0).unbind(1)], 1)
        total = question.new_zeros(())
        for k in range(self.hops):
            hop, true, wrong_one = self.hop(m, question, known[:, :k]), support[:, k : k + 1], negative[:, k]
            counts = (true >= 0) & (wrong_one != true) & m.filled.gather(1, wrong_one)
            true = true.clamp(min=0)
            y, z = hop.scores.gather(1, true), hop.scores.gather(1, wrong_one)
            if self.time:  # both orders: the true memory is preferred, and the wrong one is not
                order, now, none = hop.order.unsqueeze(1), x.unsqueeze(1), torch.zeros_like(z)
                preferred = time_score(y, z, order, time_features(now, true, wrong_one))
                total = total + margin_loss(preferred, none, margin, counts)
                y, z = none, time_score(z, y, order, time_features(now, wrong_one, true))
            total, x = total + margin_loss(y, z, margin, counts), true.squeeze(1)
        said, answer = self.respond(question, known, unseen), answer.unsqueeze(1)
        return total + margin_loss(said.gather(1, answer), said.gather(1, wrong), margin, wrong != answer)
