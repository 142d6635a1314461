"""The memory network against modules of torch's own layers: one for a batch, and one question at a time."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from unrolled.papers.memory_networks.model import Examples, MemoryNetwork

BATCH, SLOTS, WORDS, VOCABULARY, SENTENCES, EMBEDDING, MARGIN = 50, 36, 6, 50, 200, 100, 0.1
Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


def _examples(hops: int, negatives: str, device: str) -> Examples:
    draw = torch.Generator().manual_seed(0)

    def whole(low: int, high: int, *shape: int) -> torch.Tensor:
        return torch.randint(low, high, shape, generator=draw).to(device)

    sentences = whole(1, VOCABULARY, SENTENCES, WORDS)
    sentences[0] = 0
    support, answer = whole(1, SLOTS, BATCH, hops), whole(1, VOCABULARY, BATCH)
    if negatives == "all":
        negative = torch.arange(SLOTS, device=device).expand(BATCH, hops, -1)
        wrong = torch.arange(VOCABULARY, device=device).expand(BATCH, -1)
    else:
        negative, wrong = whole(0, SLOTS, BATCH, hops, 1), whole(0, VOCABULARY, BATCH, 1)
    story, query = whole(1, SENTENCES, BATCH, SLOTS), whole(1, SENTENCES, BATCH)
    return Examples(sentences, story, query, support, answer, negative, wrong)


class Bags(nn.Module):
    """The network by `torch.nn.EmbeddingBag`: every sentence of every story is embedded where it stands."""

    def __init__(self, hops: int) -> None:
        super().__init__()
        self.hops = hops
        self.output = nn.ModuleList(self.bag() for _ in range(3))
        self.response = nn.ModuleList(self.bag() for _ in range(3))
        self.times = nn.Parameter(0.1 * torch.randn(3, EMBEDDING))

    @staticmethod
    def bag() -> nn.EmbeddingBag:
        """One copy of the dictionary."""
        return nn.EmbeddingBag(VOCABULARY, EMBEDDING, mode="sum", padding_idx=0)

    def query(self, bags: nn.ModuleList, question: torch.Tensor, known: list[torch.Tensor]) -> torch.Tensor:
        """The vector of the question and of what was chosen."""
        return sum((bags[2](words) for words in known), bags[1](question))

    def forward(
        self,
        story: torch.Tensor,
        question: torch.Tensor,
        support: torch.Tensor,
        answer: torch.Tensor,
        negative: torch.Tensor,
        wrong: torch.Tensor,
    ) -> torch.Tensor:
        """The loss of some questions; ``story`` and ``question`` are words."""
        batch, slots = story.shape[:2]
        rows = torch.arange(batch, device=story.device)
        vectors = self.output[0](story.flatten(0, 1)).unflatten(0, (batch, slots))
        known, now, total = [], torch.full((batch, 1), slots, device=story.device), 0.0
        for hop in range(self.hops):
            query = self.query(self.output, question, known)
            scores = torch.einsum("bd,bsd->bs", query, vectors)
            true, other = support[:, hop : hop + 1], negative[:, hop]
            y, z, order = scores.gather(1, true), scores.gather(1, other), query @ self.times.T
            for sign, a, b in ((1, true, other), (-1, other, true)):
                a, b = torch.broadcast_tensors(a, b)
                times = torch.stack((now < a, now < b, a < b), -1).to(order)
                preferred = sign * (y - z) + (times * order.unsqueeze(1)).sum(-1)
                total = total + (torch.relu(MARGIN - sign * preferred) * (true != other)).sum()
            known, now = [*known, story[rows, true.squeeze(1)]], true
        said = self.query(self.response, question, known) @ self.response[0].weight.T
        missing = torch.relu(MARGIN - said.gather(1, answer.unsqueeze(1)) + said.gather(1, wrong))
        return total + (missing * (wrong != answer.unsqueeze(1))).sum()


def bags(negatives: str, *, one_by_one: bool = False) -> Callable[[int, str], Built]:
    """The module of bags, for a whole batch or for one question after another."""

    def build(steps: int, device: str) -> Built:
        sentences, story, query, *rest = _examples(steps, negatives, device)
        model, given = Bags(steps).to(device), (sentences[story], sentences[query], *rest)
        if not one_by_one:
            return model, lambda: model(*given)

        def loss() -> torch.Tensor:
            each = [model(*(part[row : row + 1] for part in given)) for row in range(BATCH)]
            return torch.stack(each).sum()

        return model, loss

    return build


def memory_network(negatives: str) -> Callable[[int, str], Built]:
    """The book's network, which embeds every different sentence once."""

    def build(steps: int, device: str) -> Built:
        examples = _examples(steps, negatives, device)
        model = MemoryNetwork(VOCABULARY, EMBEDDING, steps).to(device)
        return model, lambda: model.loss(examples, margin=MARGIN)

    return build


def products(negatives: str) -> Callable[[int, str], Built]:
    """The limit: the products with U alone, of all different sentences and of every query."""

    def build(steps: int, device: str) -> Built:
        model = nn.Linear(VOCABULARY, EMBEDDING, bias=False).to(device)
        sentences = torch.randn(SENTENCES, VOCABULARY, device=device)
        queries = torch.randn(BATCH * (steps + 1), VOCABULARY, device=device)

        def loss() -> torch.Tensor:
            return functional.linear(model(queries), model(sentences)).sum()

        return model, loss

    return build
