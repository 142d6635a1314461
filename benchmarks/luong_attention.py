"""Luong's model against torch's fused LSTM of the same sizes, and what one would write in plain PyTorch."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from unrolled.papers.luong_attention.model import LuongAttention

WORDS, EMBEDDING, HIDDEN = 2000, 256, 256
"""Vocabulary size; size of an embedding; units of the decoder and of an encoder's direction."""

SENTENCES = 64

Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


class TextbookLuong(nn.Module):
    """Input feeding as one would write it first: keys, embedding and projection in every step."""

    def __init__(self) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(WORDS, EMBEDDING), nn.Embedding(WORDS, EMBEDDING)
        self.encoder = nn.LSTM(EMBEDDING, HIDDEN, bidirectional=True)
        self.start = nn.Linear(2 * HIDDEN, 2 * HIDDEN)
        self.W_a = nn.Linear(2 * HIDDEN, HIDDEN, bias=False)
        self.decoder = nn.LSTMCell(EMBEDDING + HIDDEN, HIDDEN)
        self.W_c = nn.Linear(3 * HIDDEN, HIDDEN, bias=False)
        self.readout = nn.Linear(HIDDEN, WORDS, bias=False)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits [time, batch, words] for words [time, batch]."""
        annotations, (last, _) = self.encoder(self.source(source))
        h, c = self.start(torch.cat((last[0], last[1]), 1)).chunk(2, 1)
        found, before, attentional = [], torch.ones_like(target[0]), torch.zeros_like(h)
        for words in target:
            x = torch.cat((self.target(before), attentional), 1)
            h, c = self.decoder(x, (h, c))
            alpha = torch.softmax((self.W_a(annotations) * h).sum(2), 0)
            context = torch.bmm(alpha.t().unsqueeze(1), annotations.transpose(0, 1)).squeeze(1)
            attentional = torch.tanh(self.W_c(torch.cat((context, h), 1)))
            found.append(self.readout(attentional))
            before = words
        return torch.stack(found)


class IdiomaticLuong(TextbookLuong):
    """With feeding, by someone who knows PyTorch: what does not feed back stands outside the loop."""

    def start_of(self, source: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Annotations, their keys, and the decoder's first state."""
        annotations, (last, _) = self.encoder(self.source(source))
        h, c = self.start(torch.cat((*last,), 1)).chunk(2, 1)
        return (
            annotations.transpose(0, 1),
            self.W_a(annotations).transpose(0, 1),
            h.contiguous(),
            c.contiguous(),
        )

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits [time, batch, words] for words [time, batch]."""
        annotations, keys, h, c = self.start_of(source)
        embedded = self.target(torch.cat((torch.ones_like(target[:1]), target[:-1])))
        attentional, found = torch.zeros_like(h), []
        for y in embedded:
            h, c = self.decoder(torch.cat((y, attentional), 1), (h, c))
            alpha = torch.bmm(keys, h.unsqueeze(2)).softmax(1)
            context = torch.bmm(alpha.mT, annotations).squeeze(1)
            attentional = torch.tanh(self.W_c(torch.cat((context, h), 1)))
            found.append(attentional)
        return self.readout(torch.stack(found))


class IdiomaticLuongWithoutFeeding(IdiomaticLuong):
    """Without feeding: `torch.nn.LSTM` decodes, and attention sees all its states at once."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.LSTM(EMBEDDING, HIDDEN)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits [time, batch, words] for words [time, batch]."""
        annotations, keys, h, c = self.start_of(source)
        embedded = self.target(torch.cat((torch.ones_like(target[:1]), target[:-1])))
        states = self.decoder(embedded, (h.unsqueeze(0), c.unsqueeze(0)))[0].transpose(0, 1)
        context = torch.bmm(torch.bmm(states, keys.mT).softmax(2), annotations)
        attentional = torch.tanh(self.W_c(torch.cat((context, states), 2)))
        return self.readout(attentional).transpose(0, 1)


def _words(steps: int, device: str) -> torch.Tensor:
    return torch.randint(4, WORDS, (SENTENCES, steps), device=device)


def lstm(steps: int, device: str) -> Built:
    """The limit: three recurrences of as many units on the fused layer, and the projection on the words."""
    both = nn.LSTM(EMBEDDING, HIDDEN, bidirectional=True)
    parts = nn.ModuleList([both, nn.LSTM(2 * HIDDEN, HIDDEN), nn.Linear(HIDDEN, WORDS)]).to(device)
    x, target = torch.randn(steps, SENTENCES, EMBEDDING, device=device), _words(steps, device).t()

    def loss() -> torch.Tensor:
        logits = parts[2](parts[1](parts[0](x)[0])[0])
        return functional.cross_entropy(logits.flatten(0, 1), target.flatten())

    return parts, loss


def plain(kind: type[TextbookLuong]) -> Callable[[int, str], Built]:
    """The loop with everything inside, or what has little inside."""

    def build(steps: int, device: str) -> Built:
        model = kind().to(device)
        source, target = _words(steps, device).t(), _words(steps, device).t()
        return model, lambda: functional.cross_entropy(model(source, target).flatten(0, 1), target.flatten())

    return build


def luong(*, feeding: bool = True) -> Callable[[int, str], Built]:
    """The package's model, general scores."""

    def build(steps: int, device: str) -> Built:
        sizes = {"embedding": EMBEDDING, "hidden": HIDDEN, "annotation": 2 * HIDDEN, "bidirectional": True}
        model = LuongAttention((WORDS, WORDS), feeding=feeding, **sizes).to(device)
        source, target = _words(steps, device), _words(steps, device)

        def loss() -> torch.Tensor:
            logits = model(source, target).logits
            return functional.cross_entropy(logits.flatten(0, 1), target.flatten())

        return model, loss

    return build
