"""DKT against torch's LSTM alone, and against a network that computes every exercise to look one up."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from unrolled.papers.dkt.model import DKT

BATCH, HIDDEN = 32, 200
Built = tuple[nn.Module, Callable[[], torch.Tensor]]
"""A model, and the loss of one update."""


class TextbookDKT(nn.Module):
    """DKT as one would write it first: the probability of every exercise at every step, then a look-up."""

    def __init__(self, exercises: int) -> None:
        super().__init__()
        self.exercises = exercises
        self.pairs = nn.Embedding(2 * exercises, HIDDEN)
        self.layer = nn.LSTM(HIDDEN, HIDDEN, batch_first=True)
        self.readout = nn.Linear(HIDDEN, exercises)

    def forward(self, exercises: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
        """The mean loss of all answers but the first."""
        h, _ = self.layer(self.pairs(exercises + self.exercises * answers))
        y = torch.sigmoid(self.readout(h))[:, :-1]
        asked = functional.one_hot(exercises[:, 1:], self.exercises)
        return functional.binary_cross_entropy((y * asked).sum(-1), answers[:, 1:].to(y.dtype))


def _students(exercises: int, steps: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    shape = BATCH, steps
    return torch.randint(exercises, shape, device=device), torch.randint(2, shape, device=device)


def core(steps: int, device: str) -> Built:
    """The limit: the LSTM alone, on inputs that are there already but get gradients, as learned ones do."""
    x = torch.rand(BATCH, steps, HIDDEN, device=device, requires_grad=True)
    model = nn.LSTM(HIDDEN, HIDDEN, batch_first=True).to(device)
    return model, lambda: model(x)[0].sum()


def textbook(exercises: int) -> Callable[[int, str], Built]:
    """The textbook network."""

    def build(steps: int, device: str) -> Built:
        model, students = TextbookDKT(exercises).to(device), _students(exercises, steps, device)
        return model, lambda: model(*students)

    return build


def dkt(exercises: int) -> Callable[[int, str], Built]:
    """Ours: only what was asked is read out."""

    def build(steps: int, device: str) -> Built:
        model = DKT(exercises, hidden_size=HIDDEN, inputs="learned", input_size=HIDDEN).to(device)
        students = _students(exercises, steps, device)
        return model, lambda: model.losses(*students).sum() / (BATCH * (steps - 1))

    return build
