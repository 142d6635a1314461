"""The Stack RNN against a fused recurrent layer of its size, and a textbook loop."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from unrolled.papers.stack_rnn.model import StackRNN

SYMBOLS, HIDDEN, STACKS, DEPTH = 3, 40, 10, 2
Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


class IdiomaticStackRNN(nn.Module):
    """Ten stacks as short as PyTorch lets one write them: all stacks at once."""

    def __init__(self, cells: int, *, compiled: bool = False) -> None:
        super().__init__()
        self.cells = cells
        self.inputs = nn.Linear(SYMBOLS + STACKS * DEPTH, HIDDEN, bias=False)
        self.actions = nn.Linear(HIDDEN, 2 * STACKS, bias=False)
        self.pushed = nn.Linear(HIDDEN, STACKS, bias=False)
        self.readout = nn.Linear(HIDDEN, SYMBOLS, bias=False)
        self.cell = torch.compile(self.step, dynamic=False) if compiled else self.step

    def step(self, x: torch.Tensor, stack: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One step: hidden units, actions, stacks."""
        h = torch.sigmoid(self.inputs(torch.cat((x, stack[:, :, :DEPTH].flatten(1)), 1)))
        push, pop = self.actions(h).view(-1, STACKS, 2, 1).softmax(2).unbind(2)
        value = torch.sigmoid(self.pushed(h)).unsqueeze(2)
        above = torch.cat((value, stack[:, :, :-1]), 2)
        below = torch.cat((stack[:, :, 1:], torch.full_like(value, -1)), 2)
        return h, push * above + pop * below

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of every step, ``[batch, time, symbols]``."""
        stack = torch.full((len(x), STACKS, self.cells), -1.0, device=x.device)
        hidden = []
        for x_t in functional.one_hot(x.t(), SYMBOLS).float():
            h, stack = self.cell(x_t, stack)
            hidden.append(h)
        return self.readout(torch.stack(hidden, 1))


class TextbookStackRNN(nn.Module):
    """The equations as they are printed, one stack after another."""

    def __init__(self, cells: int) -> None:
        super().__init__()
        self.cells = cells
        self.U = nn.Linear(SYMBOLS, HIDDEN, bias=False)
        self.A = nn.ModuleList(nn.Linear(HIDDEN, 2, bias=False) for _ in range(STACKS))
        self.D = nn.ModuleList(nn.Linear(HIDDEN, 1, bias=False) for _ in range(STACKS))
        self.P = nn.ModuleList(nn.Linear(DEPTH, HIDDEN, bias=False) for _ in range(STACKS))
        self.V = nn.Linear(HIDDEN, SYMBOLS, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of every step, ``[batch, time, symbols]``."""
        stacks = [torch.full((len(x), self.cells), -1.0, device=x.device) for _ in range(STACKS)]
        logits = []
        for x_t in functional.one_hot(x.t(), SYMBOLS).float():
            tops = sum(P(stack[:, :DEPTH]) for P, stack in zip(self.P, stacks, strict=True))
            h = torch.sigmoid(self.U(x_t) + tops)
            for s, stack in enumerate(stacks):
                push, pop = self.A[s](h).softmax(1).split(1, 1)
                top = push * torch.sigmoid(self.D[s](h)) + pop * stack[:, 1:2]
                empty = torch.full_like(push, -1)
                below = push * stack[:, :-1] + pop * torch.cat((stack[:, 2:], empty), 1)
                stacks[s] = torch.cat((top, below), 1)
            logits.append(self.V(h))
        return torch.stack(logits, 1)


def _built(make: Callable[[int], nn.Module], batch: int) -> Callable[[int, str], Built]:
    def build(length: int, device: str) -> Built:
        model = make(length).to(device)
        x = torch.randint(SYMBOLS, (batch, length + 1), device=device)

        def loss() -> torch.Tensor:
            return functional.cross_entropy(model(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())

        return model, loss

    return build


def core(batch: int) -> Callable[[int, str], Built]:
    """The limit: a recurrent layer of the same size without stacks, on torch's fused layer."""

    def build(length: int, device: str) -> Built:
        layer = nn.RNN(SYMBOLS, HIDDEN, batch_first=True).to(device)
        x = functional.one_hot(torch.randint(SYMBOLS, (batch, length), device=device), SYMBOLS).float()
        return layer, lambda: layer(x)[0].sum()

    return build


def textbook(batch: int) -> Callable[[int, str], Built]:
    """The textbook loop, with a container of 200 cells as in the authors' code."""
    return _built(lambda length: TextbookStackRNN(200), batch)


def idiomatic(batch: int, *, compiled: bool = False) -> Callable[[int, str], Built]:
    """The shortest idiomatic form, with the same container."""
    return _built(lambda length: IdiomaticStackRNN(200, compiled=compiled), batch)


def stack_rnn(batch: int, backend: str = "reference") -> Callable[[int, str], Built]:
    """The book's network, whose stacks are as deep as its sequences can reach."""
    return _built(lambda length: StackRNN(SYMBOLS, backend=backend), batch)


def one_by_one(batch: int) -> Callable[[int, str], Built]:
    """The book's network on the same sequences, one at a time."""

    def build(length: int, device: str) -> Built:
        model = StackRNN(SYMBOLS).to(device)
        x = torch.randint(SYMBOLS, (batch, length + 1), device=device)

        def loss() -> torch.Tensor:
            costs = [functional.cross_entropy(model(row[None, :-1])[0], row[1:]) for row in x]
            return torch.stack(costs).mean()

        return model, loss

    return build
