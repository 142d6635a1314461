"""The neural Turing machine against its controller alone on torch's fused layer, and a textbook loop."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from unrolled.papers.ntm.model import NTM

BITS, HIDDEN, ROWS, COLUMNS = 8, 100, 128, 20
Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


class TextbookNTM(nn.Module):
    """A machine as short as PyTorch lets one write it: a head that reads and one that writes."""

    def __init__(self, *, compiled: bool = False) -> None:
        super().__init__()
        self.controller = nn.LSTMCell(BITS + 1 + COLUMNS, HIDDEN)
        self.sizes = (2 * COLUMNS, 2, 2, 6, 2, COLUMNS, COLUMNS)
        self.heads = nn.Linear(HIDDEN, sum(self.sizes))
        self.readout = nn.Linear(HIDDEN + COLUMNS, BITS)
        self.cell = torch.compile(self.step, dynamic=False) if compiled else self.step

    def step(
        self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor, r: torch.Tensor, w: torch.Tensor, memory
    ):
        """One step: controller, addressing by both heads, write, read."""
        h, c = self.controller(torch.cat((x, r), 1), (h, c))
        key, strength, gate, shift, sharpness, erase, add = self.heads(h).split(self.sizes, 1)
        cosine = functional.cosine_similarity(key.view(-1, 2, 1, COLUMNS), memory.unsqueeze(1), dim=-1)
        content = (functional.softplus(strength).unsqueeze(2) * cosine).softmax(-1)
        w = torch.lerp(w, content, gate.sigmoid().unsqueeze(2))
        moved = torch.stack([w.roll(by, -1) for by in (-1, 0, 1)], -1)
        w = (moved * shift.view(-1, 2, 1, 3).softmax(-1)).sum(-1) + 1e-16
        w = ((1 + functional.softplus(sharpness)).unsqueeze(2) * w.log()).softmax(-1)
        where = w[:, 1].unsqueeze(2)
        memory = memory * (1 - where * erase.sigmoid().unsqueeze(1)) + where * add.tanh().unsqueeze(1)
        return h, c, (w[:, :1] @ memory).squeeze(1), w, memory

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of every step, ``[batch, time, bits]``."""
        batch, outputs = len(x), []
        h, c, r = x.new_zeros(batch, HIDDEN), x.new_zeros(batch, HIDDEN), x.new_zeros(batch, COLUMNS)
        memory = x.new_full((batch, ROWS, COLUMNS), 1e-6)
        w = functional.one_hot(torch.zeros(batch, 2, dtype=torch.long, device=x.device), ROWS).to(x)
        for x_t in x.transpose(0, 1).contiguous():
            h, c, r, w, memory = self.cell(x_t, h, c, r, w, memory)
            outputs.append(torch.cat((h, r), 1))
        return self.readout(torch.stack(outputs, 1))


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


def textbook(batch: int, *, compiled: bool = False) -> Callable[[int, str], Built]:
    """The textbook loop at one batch size."""
    return _built(lambda: TextbookNTM(compiled=compiled), batch)


def ntm(batch: int, backend: str = "reference") -> Callable[[int, str], Built]:
    """The book's machine at one batch size."""
    return _built(lambda: NTM(BITS + 1, BITS, backend=backend), batch)
