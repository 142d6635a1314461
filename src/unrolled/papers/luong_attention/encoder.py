"""The encoder: layers of LSTMs that read in one direction or in both, over the source or over its reverse."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.cells import LSTMState
from unrolled.nn.lstm import lstm_states
from unrolled.nn.scan import ShapeError, length_mask


class Read(NamedTuple):
    """What a source gives: the top layer's state at every word, and the last states of all layers."""

    annotations: Float[Tensor, "batch source annotation"]
    last: LSTMState  # each [batch, layers, annotation]


class Encoder(nn.Module):
    """A stack of LSTM layers that starts at zero.

    *Paper*: luong2015effective, Section 3 and its training details.

    *Options*: ``bidirectional`` splits a layer's ``units`` over two directions; ``reverse`` reads the source
    from its end, and annotations then stand at the words' own places.

    *Shapes*: words ``[batch, source]``, ``lengths`` ``[batch]`` of at least 1.

    *Departures*: architecture: the paper reads in one direction.

    *Raises*: `ShapeError` where ``units`` cannot be split.

    >>> Encoder(9, embedding=3, units=4, layers=2)(torch.tensor([[5, 6, 2]])).last.h.shape
    torch.Size([1, 2, 4])
    """

    def __init__(
        self,
        words: int,
        *,
        embedding: int,
        units: int,
        layers: int = 1,
        bidirectional: bool = False,
        reverse: bool = False,
    ) -> None:
        super().__init__()
        sides = 2 if bidirectional else 1
        if units % sides:
            raise ShapeError(f"two directions share an even number of units, not {units}")
        self.reverse, self.half = reverse, units // sides
        self.embedding = nn.Embedding(words, embedding)
        sizes = [embedding] + [units] * (layers - 1)
        rows, bound = 4 * self.half, self.half**-0.5
        self.W_x = nn.ParameterList(
            [torch.empty(sides, rows, size).uniform_(-bound, bound) for size in sizes]
        )
        self.W_h = nn.ParameterList(
            [torch.stack([orthogonal(self.half) for _ in range(sides)]) for _ in sizes]
        )
        self.b = nn.ParameterList([torch.zeros(sides, rows) for _ in sizes])

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        lengths: Int[Tensor, " batch"] | None = None,
        dropout: float = 0.0,
    ) -> Read:
        """Read sources; with ``dropout``, in training, on what enters each layer."""
        batch, time = source.shape
        if not time:
            raise ShapeError(f"a source has at least one word, not {list(source.shape)}")
        if lengths is None:
            lengths = source.new_full((batch,), time)
        at = torch.arange(time, device=source.device)[:, None]
        mask = length_mask(lengths, time)
        rows, last = torch.arange(batch, device=source.device), lengths.clamp(min=1) - 1
        mirror = torch.where(mask, lengths - 1 - at, at)  # each about its own length: padding stays behind
        x = self.embedding(source).transpose(0, 1)
        if self.reverse:
            x = x[mirror, rows]
        h, c = [], []
        for W_x, W_h, b in zip(self.W_x, self.W_h, self.b, strict=True):
            x = functional.dropout(x, dropout, self.training)
            x = torch.where(mask.unsqueeze(2), x, x.new_zeros(()))  # a NaN in padding would reach gradients
            sides = x.unsqueeze(1) if len(W_x) == 1 else torch.stack((x, x[mirror, rows]), 1)
            zeros = x.new_zeros(len(W_x), batch, self.half)
            states = lstm_states(sides, LSTMState(zeros, zeros), W_x, W_h, b)
            h.append(states.h[last, :, rows].flatten(1))
            c.append(states.c[last, :, rows].flatten(1))
            x = states.h[:, 0]
            if len(W_x) == 2:
                x = torch.cat((x, states.h[:, 1][mirror, rows]), 2)
        if self.reverse:
            x = x[mirror, rows]
        return Read(x.transpose(0, 1), LSTMState(torch.stack(h, 1), torch.stack(c, 1)))


def orthogonal(hidden: int) -> Float[Tensor, "four_hidden hidden"]:
    """Recurrent weights of an LSTM, one orthogonal matrix a gate."""
    return torch.cat([nn.init.orthogonal_(torch.empty(hidden, hidden)) for _ in range(4)])
