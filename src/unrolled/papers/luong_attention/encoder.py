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
        x = self.embedding(source).transpose(0, 1)
        ends = None if lengths is None else _Ends(lengths, time)
        if self.reverse:
            x = _mirrored(x, ends)
        h, c = [], []
        for W_x, W_h, b in zip(self.W_x, self.W_h, self.b, strict=True):
            x = functional.dropout(x, dropout, self.training)
            if ends is not None:  # a NaN in padding would reach gradients
                x = torch.where(ends.mask.unsqueeze(2), x, x.new_zeros(()))
            sides = x.unsqueeze(1) if len(W_x) == 1 else torch.stack((x, _mirrored(x, ends)), 1)
            zeros = x.new_zeros(len(W_x), batch, self.half)
            states = lstm_states(sides, LSTMState(zeros, zeros), W_x, W_h, b)
            h.append(_last(states.h, ends))
            c.append(_last(states.c, ends))
            x, *backwards = states.h.unbind(1)
            if backwards:
                x = torch.cat((x, _mirrored(backwards[0], ends)), 2)
        if self.reverse:
            x = _mirrored(x, ends)
        return Read(x.transpose(0, 1), LSTMState(torch.stack(h, 1), torch.stack(c, 1)))


class _Ends:
    """Where sentences of different lengths end, and which word stands at the mirrored place."""

    def __init__(self, lengths: Int[Tensor, " batch"], time: int) -> None:
        at = torch.arange(time, device=lengths.device)[:, None]
        self.mask = length_mask(lengths, time)
        self.rows, self.last = torch.arange(len(lengths), device=lengths.device), lengths.clamp(min=1) - 1
        self.mirror = torch.where(self.mask, lengths - 1 - at, at)  # padding stays behind


def _mirrored(
    x: Float[Tensor, "source batch size"], ends: _Ends | None
) -> Float[Tensor, "source batch size"]:
    """Sentences from their ends, each about its own length."""
    return x.flip(0) if ends is None else x[ends.mirror, ends.rows]


def _last(
    states: Float[Tensor, "source side batch half"], ends: _Ends | None
) -> Float[Tensor, "batch annotation"]:
    """The last states of all sides, side by side."""
    found = states[-1].transpose(0, 1) if ends is None else states[ends.last, :, ends.rows]
    return found.flatten(1)


def orthogonal(hidden: int) -> Float[Tensor, "four_hidden hidden"]:
    """Recurrent weights of an LSTM, one orthogonal matrix a gate."""
    return torch.cat([nn.init.orthogonal_(torch.empty(hidden, hidden)) for _ in range(4)])
