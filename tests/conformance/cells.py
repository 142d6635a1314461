"""The cells that the conformance suite runs over: one line a cell."""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from unrolled.nn.cells import LSTM, RNN
from unrolled.papers.bn_lstm.model import BNLSTM


class Cell(NamedTuple):
    """A layer as the suite takes it: ``make(input_size, hidden_size, **options)``, with ``batch_first``.

    Its ``forward(x, lengths=None, initial=None)`` returns `unrolled.nn.cells.Unrolled`.
    """

    name: str
    make: Callable[..., nn.Module]
    has_fast: bool = False  # takes fast=True


CELLS = [
    Cell("rnn", RNN),
    Cell("lstm", LSTM),
    Cell("lstm stepwise", lambda *sizes, **options: LSTM(*sizes, fused=False, **options)),
    Cell("bn_lstm", lambda *sizes, **options: BNLSTM(*sizes, max_length=9, **options), has_fast=True),
    Cell(
        "bn_lstm without bn",
        lambda *sizes, **options: BNLSTM(*sizes, max_length=9, normalise=False, **options),
    ),
]
