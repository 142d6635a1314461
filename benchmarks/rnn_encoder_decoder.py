"""The RNN Encoder-Decoder against torch's fused GRU of the same sizes, and against plain PyTorch."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from unrolled.papers.rnn_encoder_decoder.model import RNNEncoderDecoder

WORDS, EMBEDDING, HIDDEN = 2000, 100, 256
"""Vocabulary size; size of an embedding; units of encoder and decoder."""

PHRASES = 64

Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


class TextbookEncoderDecoder(nn.Module):
    """As one would write it first: embedding, summary, output and projection in every step."""

    def __init__(self) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(WORDS, EMBEDDING), nn.Embedding(WORDS, EMBEDDING)
        self.encoder = nn.GRUCell(EMBEDDING, HIDDEN)
        self.summary, self.start = nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.decoder = nn.GRUCell(EMBEDDING + HIDDEN, HIDDEN)
        self.output = nn.Linear(2 * HIDDEN + EMBEDDING, HIDDEN)
        self.readout = nn.Linear(HIDDEN // 2, WORDS)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits [time, batch, words] for words [time, batch]."""
        h = torch.zeros(source.shape[1], HIDDEN, device=source.device)
        for words in source:
            h = self.encoder(self.source(words), h)
        c = torch.tanh(self.summary(h))
        s, before, found = torch.tanh(self.start(c)), torch.ones_like(target[0]), []
        for words in target:
            y = self.target(before)
            s = self.decoder(torch.cat((y, c), 1), s)
            pairs = self.output(torch.cat((s, y, c), 1)).view(len(y), -1, 2)
            found.append(self.readout(pairs.amax(2)))
            before = words
        return torch.stack(found)


class IdiomaticEncoderDecoder(TextbookEncoderDecoder):
    """The same by someone who knows PyTorch: output and projection stand outside the loop."""

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits [time, batch, words] for words [time, batch]."""
        h = torch.zeros(source.shape[1], HIDDEN, device=source.device)
        for x in self.source(source):
            h = self.encoder(x, h)
        c = torch.tanh(self.summary(h))
        s, states = torch.tanh(self.start(c)), []
        embedded = self.target(torch.cat((torch.ones_like(target[:1]), target[:-1])))
        for y in embedded:
            s = self.decoder(torch.cat((y, c), 1), s)
            states.append(s)
        total = self.output(torch.cat((torch.stack(states), embedded, c.expand(len(embedded), -1, -1)), 2))
        return self.readout(total.unflatten(2, (-1, 2)).amax(3))


def _words(steps: int, device: str) -> torch.Tensor:
    return torch.randint(4, WORDS, (PHRASES, steps), device=device)


def gru(steps: int, device: str) -> Built:
    """The limit: two recurrences of as many units on the fused layer, and the projection on the words."""
    parts = nn.ModuleList([nn.GRU(EMBEDDING, HIDDEN), nn.GRU(HIDDEN, HIDDEN), nn.Linear(HIDDEN // 2, WORDS)])
    parts.to(device)
    x, target = torch.randn(steps, PHRASES, EMBEDDING, device=device), _words(steps, device).t()

    def loss() -> torch.Tensor:
        s = parts[1](parts[0](x)[0])[0]
        logits = parts[2](s[..., : HIDDEN // 2])
        return functional.cross_entropy(logits.flatten(0, 1), target.flatten())

    return parts, loss


def plain(kind: type[TextbookEncoderDecoder]) -> Callable[[int, str], Built]:
    """The loop with everything inside, or the one with little inside."""

    def build(steps: int, device: str) -> Built:
        model = kind().to(device)
        source, target = _words(steps, device).t(), _words(steps, device).t()
        return model, lambda: functional.cross_entropy(model(source, target).flatten(0, 1), target.flatten())

    return build


def encoder_decoder(steps: int, device: str) -> Built:
    """The package's model."""
    sizes = {"embedding": EMBEDDING, "hidden": HIDDEN, "maxout": HIDDEN // 2}
    model = RNNEncoderDecoder((WORDS, WORDS), **sizes).to(device)
    source, target = _words(steps, device), _words(steps, device)

    def loss() -> torch.Tensor:
        logits = model(source, target).logits
        return functional.cross_entropy(logits.flatten(0, 1), target.flatten())

    return model, loss
