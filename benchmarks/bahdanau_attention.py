"""RNNsearch against torch's fused GRU of the same sizes, and what one would write in plain PyTorch."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from unrolled.papers.bahdanau_attention.model import RNNsearch

WORDS, EMBEDDING, HIDDEN = 2000, 256, 256
"""Vocabulary size; size of an embedding; units of encoder, decoder and alignment."""

SENTENCES = 64

Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


class TextbookRNNsearch(nn.Module):
    """Attention as one would write it first: keys, embedding, output and projection in every step."""

    def __init__(self) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(WORDS, EMBEDDING), nn.Embedding(WORDS, EMBEDDING)
        self.encoder = nn.GRU(EMBEDDING, HIDDEN, bidirectional=True)
        self.start = nn.Linear(2 * HIDDEN, HIDDEN)
        self.attention = nn.Linear(3 * HIDDEN, HIDDEN)
        self.v_a = nn.Linear(HIDDEN, 1, bias=False)
        self.decoder = nn.GRU(2 * HIDDEN + EMBEDDING, HIDDEN)
        self.output = nn.Linear(3 * HIDDEN + EMBEDDING, HIDDEN)
        self.readout = nn.Linear(HIDDEN // 2, WORDS)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits [time, batch, words] for words [time, batch]."""
        h, last = self.encoder(self.source(source))
        s = torch.tanh(self.start(torch.cat((last[0], last[1]), 1)))
        found, before = [], torch.ones_like(target[0])
        for words in target:
            y = self.target(before)
            repeated = s.unsqueeze(0).expand(len(h), -1, -1)
            energy = self.v_a(torch.tanh(self.attention(torch.cat((repeated, h), 2)))).squeeze(2)
            alpha = torch.softmax(energy, 0)
            context = torch.bmm(alpha.t().unsqueeze(1), h.transpose(0, 1)).squeeze(1)
            _, new = self.decoder(torch.cat((y, context), 1).unsqueeze(0), s.unsqueeze(0))
            pairs = self.output(torch.cat((s, y, context), 1)).view(len(y), -1, 2)
            found.append(self.readout(pairs.amax(2)))
            s, before = new[0], words
        return torch.stack(found)


class IdiomaticRNNsearch(TextbookRNNsearch):
    """By someone who knows PyTorch: what does not feed back stands outside the loop. Its gated units are
    torch's, with the reset after the product: for the paper's there is no fused layer."""

    def __init__(self) -> None:
        super().__init__()
        self.keys, self.query = nn.Linear(2 * HIDDEN, HIDDEN), nn.Linear(HIDDEN, HIDDEN, bias=False)
        self.cell = nn.GRUCell(2 * HIDDEN + EMBEDDING, HIDDEN)
        del self.attention, self.decoder

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits [time, batch, words] for words [time, batch]."""
        h, last = self.encoder(self.source(source))
        s, keys, annotations = torch.tanh(self.start(torch.cat((*last,), 1))), self.keys(h), h.transpose(0, 1)
        embedded = self.target(torch.cat((torch.ones_like(target[:1]), target[:-1])))
        states, contexts = [], []
        for y in embedded:
            alpha = self.v_a(torch.tanh(self.query(s) + keys)).softmax(0)
            context = torch.bmm(alpha.permute(1, 2, 0), annotations).squeeze(1)
            states.append(s)
            contexts.append(context)
            s = self.cell(torch.cat((y, context), 1), s)
        total = self.output(torch.cat((torch.stack(states), embedded, torch.stack(contexts)), 2))
        return self.readout(total.unflatten(2, (-1, 2)).amax(3))


def _words(steps: int, device: str) -> torch.Tensor:
    return torch.randint(4, WORDS, (SENTENCES, steps), device=device)


def gru(steps: int, device: str) -> Built:
    """The limit: three recurrences of as many units on the fused layer, and the projection on the words."""
    both = nn.GRU(EMBEDDING, HIDDEN, bidirectional=True)
    parts = nn.ModuleList([both, nn.GRU(2 * HIDDEN, HIDDEN), nn.Linear(HIDDEN, WORDS)]).to(device)
    x, target = torch.randn(steps, SENTENCES, EMBEDDING, device=device), _words(steps, device).t()

    def loss() -> torch.Tensor:
        logits = parts[2](parts[1](parts[0](x)[0])[0])
        return functional.cross_entropy(logits.flatten(0, 1), target.flatten())

    return parts, loss


def plain(kind: type[TextbookRNNsearch]) -> Callable[[int, str], Built]:
    """The loop with everything inside, or the one with little inside."""

    def build(steps: int, device: str) -> Built:
        model = kind().to(device)
        source, target = _words(steps, device).t(), _words(steps, device).t()
        return model, lambda: functional.cross_entropy(model(source, target).flatten(0, 1), target.flatten())

    return build


def rnnsearch(*, fixed: bool = False) -> Callable[[int, str], Built]:
    """The package's model, with attention or with one vector."""

    def build(steps: int, device: str) -> Built:
        sizes = {"embedding": EMBEDDING, "hidden": HIDDEN, "maxout": HIDDEN // 2}
        model = RNNsearch((WORDS, WORDS), fixed=fixed, **sizes).to(device)
        source, target = _words(steps, device), _words(steps, device)

        def loss() -> torch.Tensor:
            logits = model(source, target).logits
            return functional.cross_entropy(logits.flatten(0, 1), target.flatten())

        return model, loss

    return build
