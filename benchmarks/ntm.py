"""The neural Turing machine against its controller alone on torch's fused layer, and a textbook loop."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from unrolled.papers.ntm.model import NTM

BITS, HIDDEN, ROWS, COLUMNS = 8, 100, 128, 20
Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


class TextbookHead(nn.Module):
    """One head as one would write it first, with a product for everything that it asks."""

    def __init__(self, writes: bool) -> None:
        super().__init__()
        self.writes = writes
        sizes = {"key": COLUMNS, "strength": 1, "gate": 1, "shift": 3, "sharpness": 1}
        sizes |= {"erase": COLUMNS, "add": COLUMNS} if writes else {}
        self.asks = nn.ModuleDict({name: nn.Linear(HIDDEN, size) for name, size in sizes.items()})

    def look(self, h: torch.Tensor, before: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """The weighting, with the shift sequence by sequence."""
        similar = functional.cosine_similarity(memory + 1e-16, self.asks["key"](h).unsqueeze(1), dim=-1)
        content = torch.softmax(functional.softplus(self.asks["strength"](h)) * similar, 1)
        gate = torch.sigmoid(self.asks["gate"](h))
        gated = gate * content + (1 - gate) * before
        shift = torch.softmax(self.asks["shift"](h), 1)
        moved = []
        for w, s in zip(gated, shift, strict=True):
            ring = torch.cat((w[-1:], w, w[:1]))
            moved.append(functional.conv1d(ring.view(1, 1, -1), s.flip(0).view(1, 1, -1)).view(-1))
        powers = torch.stack(moved) ** (1 + functional.softplus(self.asks["sharpness"](h)))
        return powers / (powers.sum(1, keepdim=True) + 1e-16)

    def write(self, h: torch.Tensor, w: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """The memory after erasing and adding."""
        erased = torch.matmul(w.unsqueeze(2), torch.sigmoid(self.asks["erase"](h)).unsqueeze(1))
        added = torch.matmul(w.unsqueeze(2), self.asks["add"](h).unsqueeze(1))
        return memory * (1 - erased) + added


class TextbookNTM(nn.Module):
    """A machine as one would write it first: a cell in a loop, and heads one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.controller = nn.LSTMCell(BITS + 1 + COLUMNS, HIDDEN)
        self.reader, self.writer = TextbookHead(writes=False), TextbookHead(writes=True)
        self.readout = nn.Linear(HIDDEN + COLUMNS, BITS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of every step, ``[batch, time, bits]``."""
        batch = len(x)
        h, c, r = x.new_zeros(batch, HIDDEN), x.new_zeros(batch, HIDDEN), x.new_zeros(batch, COLUMNS)
        memory = x.new_full((batch, ROWS, COLUMNS), 1e-6)
        reading = writing = functional.one_hot(torch.zeros(batch, dtype=torch.long), ROWS).to(x)
        outputs = []
        for t in range(x.shape[1]):
            h, c = self.controller(torch.cat((x[:, t], r), 1), (h, c))
            reading = self.reader.look(h, reading, memory)
            writing = self.writer.look(h, writing, memory)
            memory = self.writer.write(h, writing, memory)
            r = torch.bmm(reading.unsqueeze(1), memory).squeeze(1)
            outputs.append(self.readout(torch.cat((h, r), 1)))
        return torch.stack(outputs, 1)


def _task(batch: int, length: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.rand(batch, 2 * length + 1, BITS + 1, device=device)
    return x, torch.randint(0, 2, (batch, length, BITS), device=device).float()


def core(batch: int) -> Callable[[int, str], Built]:
    """The limit: the controller without a memory, on torch's fused layer."""

    def build(length: int, device: str) -> Built:
        layer, (x, _) = (
            nn.LSTM(BITS + 1 + COLUMNS, HIDDEN, batch_first=True).to(device),
            _task(batch, length, device),
        )
        given = torch.cat((x, x.new_zeros(*x.shape[:2], COLUMNS)), 2)
        return layer, lambda: layer(given)[0].sum()

    return build


def _built(make: Callable[[], nn.Module], batch: int) -> Callable[[int, str], Built]:
    def build(length: int, device: str) -> Built:
        model, (x, targets) = make().to(device), _task(batch, length, device)

        def loss() -> torch.Tensor:
            return functional.binary_cross_entropy_with_logits(model(x)[:, length + 1 :], targets)

        return model, loss

    return build


def textbook(batch: int) -> Callable[[int, str], Built]:
    """The textbook loop at one batch size."""
    return _built(TextbookNTM, batch)


def ntm(batch: int, *, fast: bool = False) -> Callable[[int, str], Built]:
    """The book's machine at one batch size; ``fast`` compiles its step."""
    return _built(lambda: NTM(BITS + 1, BITS, fast=fast), batch)
