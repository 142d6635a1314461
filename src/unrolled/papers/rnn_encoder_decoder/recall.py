"""Recall over a lag: what the gates of equations 5 to 8 are for, against a plain recurrent network."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.cells import RNN
from unrolled.nn.checks import check_indices, check_option
from unrolled.nn.gru import GRU

Cell = Literal["gated", "tanh"]
"""The unit that recalls."""


class Recaller(nn.Module):
    """Reads a sequence of symbols and says at its end which one came first.

    *Options*: ``cell`` is the gated unit of equations 5 to 8 or a plain tanh; recurrent weights are
    orthogonal in both. ``keep`` is the first bias of the update gate: 3 keeps 95 % of a state at every step.

    *Shapes*: ``sequence`` ``[batch, time]``; logits ``[batch, symbols]``.

    >>> import torch
    >>> Recaller("gated", symbols=4, hidden=3)(torch.zeros(2, 5, dtype=torch.int64)).shape
    torch.Size([2, 4])
    """

    def __init__(self, cell: Cell, symbols: int, hidden: int, *, keep: float = 0.0) -> None:
        super().__init__()
        check_option("cell", cell, Cell)
        self.symbols = symbols
        if cell == "gated":
            self.layer: nn.Module = GRU(symbols, hidden, reset="before", update="keep")
            nn.init.constant_(self.layer.b.data[hidden : 2 * hidden], keep)
        else:
            self.layer = RNN(symbols, hidden)
            nn.init.orthogonal_(self.layer.W_h)
            nn.init.zeros_(self.layer.b)
        self.readout = nn.Linear(hidden, symbols)

    def forward(self, sequence: Int[Tensor, "batch time"]) -> Float[Tensor, "batch symbols"]:
        """The logits of the first symbol."""
        check_indices("sequence", sequence, self.symbols)
        one_hot = functional.one_hot(sequence, self.symbols).to(self.readout.weight.dtype)
        return self.readout(self.layer(one_hot).last)
