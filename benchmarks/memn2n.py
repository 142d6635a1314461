"""The memory network against its attention alone, and against a module that embeds every word it sees."""

from collections.abc import Callable

import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from unrolled.papers.memn2n.model import MemN2N

BATCH, SLOTS, WORDS, VOCABULARY, SENTENCES = 32, 50, 7, 175, 400
Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


def _stories(device: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sentences, stories of numbers of sentences, questions and answers."""
    draw = torch.Generator().manual_seed(0)
    sentences = torch.randint(1, VOCABULARY, (SENTENCES, WORDS), generator=draw)
    sentences[0] = 0
    story = torch.randint(1, SENTENCES, (BATCH, SLOTS), generator=draw)
    query, answer = torch.randint(1, VOCABULARY, (2, BATCH), generator=draw)
    return tuple(tensor.to(device) for tensor in (sentences, story, query, answer))


class TextbookMemN2N(nn.Module):
    """The network as one would write it first: in each hop all words are embedded, weighted and summed."""

    def __init__(self, embedding: int, hops: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(VOCABULARY, embedding) for _ in range(hops + 1))
        self.times = nn.ParameterList([0.1 * torch.randn(SLOTS, embedding) for _ in range(hops + 1)])
        j = torch.arange(1, WORDS + 1).unsqueeze(1) / WORDS
        k = torch.arange(1, embedding + 1) / embedding
        self.register_buffer("weights", (1 - j) - k * (1 - 2 * j))

    def sentence(self, words: torch.Tensor, matrix: int) -> torch.Tensor:
        """The vectors of sentences."""
        real = (words != 0).unsqueeze(-1)
        return (self.embeddings[matrix](words) * real * self.weights).sum(-2)

    def forward(self, story: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits."""
        u = self.sentence(query, 0)
        for hop in range(len(self.times) - 1):
            memory = self.sentence(story, hop) + self.times[hop]
            output = self.sentence(story, hop + 1) + self.times[hop + 1]
            alpha = torch.softmax((memory * u.unsqueeze(1)).sum(2), 1)
            u = u + (alpha.unsqueeze(2) * output).sum(1)
        return u @ self.embeddings[-1].weight.T


def attention_alone(embedding: int) -> Callable[[int, str], Built]:
    """The limit: the hops' attention by torch's own function, on memories that are vectors already."""

    def build(steps: int, device: str) -> Built:
        model = nn.Linear(embedding, VOCABULARY, bias=False).to(device)
        memory = torch.randn(BATCH, 1, SLOTS, embedding, device=device, requires_grad=True)
        query = torch.randn(BATCH, 1, 1, embedding, device=device, requires_grad=True)

        def loss() -> torch.Tensor:
            u = query
            for _ in range(steps):
                u = u + functional.scaled_dot_product_attention(u, memory, memory, scale=1.0)
            return model(u).sum()

        return model, loss

    return build


def textbook(embedding: int) -> Callable[[int, str], Built]:
    """The module that one would write first."""

    def build(steps: int, device: str) -> Built:
        sentences, story, query, answer = _stories(device)
        model = TextbookMemN2N(embedding, steps).to(device)
        words, question = sentences[story], sentences[query]
        return model, lambda: functional.cross_entropy(model(words, question), answer, reduction="sum")

    return build


class Restarts(nn.Module):
    """Several networks as one program, as ``unrolled train --ensemble`` trains them."""

    def __init__(self, networks: list[nn.Module]) -> None:
        super().__init__()
        stacked, self.buffers_ = stack_module_state(networks)
        self.names, self.stacked = list(stacked), nn.ParameterList(stacked.values())
        self.network = [networks[0]]  # in a list: its own parameters are not trained

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The answers of every network."""

        def one(parameters: dict, buffers: dict) -> torch.Tensor:
            return functional_call(self.network[0], (parameters, buffers), inputs).answer

        return vmap(one)(dict(zip(self.names, self.stacked, strict=True)), self.buffers_)


def memn2n(embedding: int, restarts: int = 1) -> Callable[[int, str], Built]:
    """The book's network, or several restarts of it as one program; a batch embeds each sentence once."""

    def build(steps: int, device: str) -> Built:
        sentences, story, query, answer = _stories(device)
        networks = [
            MemN2N(VOCABULARY, embedding, SLOTS, words=WORDS, hops=steps).to(device) for _ in range(restarts)
        ]
        model = Restarts(networks) if restarts > 1 else networks[0]

        def loss() -> torch.Tensor:
            everything = torch.cat((torch.zeros_like(query[:1]), query, story.flatten()))
            different, places = torch.unique(everything, return_inverse=True)
            queries, stories = places[1 : BATCH + 1], places[BATCH + 1 :].view_as(story)
            found = model(sentences[different], stories, queries)
            answers = found if restarts > 1 else found.answer.unsqueeze(0)
            targets = answer.expand(restarts, BATCH).flatten()
            return functional.nll_loss(answers.flatten(0, 1), targets, reduction="sum")

        return model, loss

    return build
