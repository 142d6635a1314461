"""The cells that the conformance suite runs over: one line a cell."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from unrolled.nn.cells import LSTM, RNN, Unrolled, check_features
from unrolled.nn.gru import GRU
from unrolled.nn.scan import scan
from unrolled.papers.bn_lstm.model import BNLSTM
from unrolled.papers.ntm.model import NTM, ntm_step
from unrolled.papers.vrnn.inference import without_padding
from unrolled.papers.vrnn.model import VRNN, StepInput, vrnn_step
from unrolled.papers.vrnn.networks import features


class Cell(NamedTuple):
    """A layer as the suite takes it: ``make(input_size, hidden_size, **options)``, with ``batch_first``.

    Its ``forward(x, lengths=None, initial=None)`` returns `unrolled.nn.cells.Unrolled`.
    """

    name: str
    make: Callable[..., nn.Module]


class StepOfVRNN(nn.Module):
    """The recurrence of a VRNN as a layer: its step in `scan`, with the first inputs in place of noise."""

    def __init__(self, input_size: int, hidden_size: int, *, batch_first: bool = True) -> None:
        super().__init__()
        self.batch_first, self.latent_size = batch_first, input_size - 1
        model = VRNN(input_size, hidden_size=hidden_size, latent_size=self.latent_size, features=4)
        del model.prior, model.decoder  # which do not feed back
        self.model = model

    def forward(self, x, lengths=None, initial=None):
        model = self.model
        check_features(x, model.input_size)
        x = x if self.batch_first else x.transpose(0, 1)
        x = without_padding(x, lengths)
        if initial is None:
            initial = model.initial(len(x))
        x_features = features(x, model.x_features.layers)
        inputs = StepInput(x_features, noise=x[..., : self.latent_size])
        steps = scan(vrnn_step, inputs, initial, model.weights, lengths=lengths, batch_first=True)
        h = steps.states.h
        return Unrolled(h if self.batch_first else h.transpose(0, 1), steps.last)


class StepOfNTM(nn.Module):
    """The recurrence of a neural Turing machine as a layer; its memory is part of the state."""

    def __init__(self, input_size: int, hidden_size: int, *, batch_first: bool = True) -> None:
        super().__init__()
        self.batch_first = batch_first
        # A memory that starts at nearly nothing has derivatives that no finite difference can follow.
        sizes = {"hidden_size": hidden_size, "rows": 6, "columns": 4, "memory": "learned"}
        self.model = NTM(input_size, 1, **sizes)
        del self.model.readout  # which does not feed back

    def forward(self, x, lengths=None, initial=None):
        model = self.model
        check_features(x, model.input_size)
        x = x if self.batch_first else x.transpose(0, 1)
        x = without_padding(x, lengths)
        terms = functional.linear(x, model.W_x, model.b).transpose(0, 1).contiguous()
        initial = model.initial(len(x)) if initial is None else initial
        steps = scan(ntm_step, terms, initial, model.weights, model.layout, lengths=lengths)
        h = steps.states.h
        return Unrolled(h.transpose(0, 1) if self.batch_first else h, steps.last)


def bn_lstm(input_size: int, hidden_size: int, **options: object) -> BNLSTM:
    """A BN-LSTM that can be evaluated: with statistics of some batch."""
    layer = BNLSTM(input_size, hidden_size, max_length=9, **options)
    layer.estimate_statistics([torch.randn(9, 9, input_size)])
    return layer


CELLS = [
    Cell("rnn", RNN),
    Cell("lstm", LSTM),
    Cell("lstm stepwise", lambda *sizes, **options: LSTM(*sizes, fused=False, **options)),
    Cell("gru", GRU),
    Cell("gru as cho's", lambda *sizes, **options: GRU(*sizes, reset="before", **options)),
    Cell(
        "gru as bahdanau's", lambda *sizes, **options: GRU(*sizes, reset="before", update="take", **options)
    ),
    Cell("bn_lstm", bn_lstm),
    Cell("vrnn", StepOfVRNN),
    Cell("ntm", StepOfNTM),
]
