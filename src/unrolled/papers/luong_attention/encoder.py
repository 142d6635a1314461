"""The encoder: layers of LSTMs that read in one direction or in both, over the source or over its reverse."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from unrolled.base.errors import UnrolledError
from unrolled.nn.cells import LSTMState
from unrolled.nn.checks import Lengths, ShapeError, check_indices, check_lengths, under_vmap
from unrolled.nn.padding import mirrored


class Read(NamedTuple):
    """What a source gives: the top layer's state at every word, and the last states of all layers."""

    annotations: Float[Tensor, "batch source annotation"]
    last: LSTMState  # each [batch, layers, annotation]


class Encoder(nn.Module):
    """A stack of LSTM layers that starts at zero, `torch.nn.LSTM`; sentences are packed, so that padding
    reaches no result and no gradient.

    *Paper*: luong2015effective, Section 3 and its training details.

    *Options*: ``bidirectional`` splits a layer's ``units`` over two directions; ``reverse`` reads the source
    from its end, and annotations then stand at the words' own places; ``dropout`` acts on what enters each
    layer.

    *Shapes*: words ``[batch, source]``, ``lengths`` ``[batch]`` of at least 1: annotations then end with the
    longest sentence, and those of padding are 0.

    *Departures*: architecture: the paper reads in one direction.

    *Raises*: `ShapeError` where ``units`` cannot be split, the source is empty, a length is not between 1 and
    the size of the source, or a word is beyond the vocabulary; `UnrolledError` under `torch.func.vmap`:
    torch's fused LSTM has no batched form.

    >>> Encoder(9, embedding=3, units=4, layers=2)(torch.tensor([[5, 6, 2]])).last.h.shape
    torch.Size([1, 2, 4])
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        embedding: int,
        units: int,
        layers: int = 1,
        bidirectional: bool = False,
        reverse: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        if units % directions:
            raise ShapeError(f"two directions share an even number of units, not {units}")
        self.reverse = reverse
        self.embedding = nn.Embedding(vocabulary_size, embedding)
        sizes = {"hidden_size": units // directions, "num_layers": layers, "bidirectional": bidirectional}
        self.layers = lstm(embedding, **sizes, dropout=dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, source: Int[Tensor, "batch source"], lengths: Lengths | None = None) -> Read:
        """Read sources, those of different lengths with ``lengths``."""
        batch, time = source.shape
        if not time:
            raise ShapeError(f"a source has at least one word, not {list(source.shape)}")
        check_indices("source", source, self.embedding.num_embeddings)
        if under_vmap(source, *self.parameters()):
            raise UnrolledError("torch's fused LSTM has no batched form", hint="train its seeds one by one")
        if lengths is not None:
            lengths = check_lengths(lengths, batch, time, minimum=1, like=source)
        if self.reverse:
            source = mirrored(source, lengths)
        x = self.dropout(self.embedding(source))
        if lengths is None or not batch:
            annotations, last = self.layers(x)
        else:
            packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
            states, last = self.layers(packed)
            annotations, _ = pad_packed_sequence(states, batch_first=True)
        if self.reverse:
            annotations = mirrored(annotations, lengths)
        # [layers * directions, batch, half] to [batch, layers, directions * half]
        by_layer = (part.unflatten(0, (self.layers.num_layers, -1)) for part in last)
        return Read(annotations, LSTMState(*(part.permute(2, 0, 1, 3).flatten(2) for part in by_layer)))


@torch.no_grad()
def lstm(input_size: int, *, dropout: float = 0.0, **sizes: int) -> nn.LSTM:
    """torch's LSTM with an orthogonal recurrent matrix per gate, and biases of zero.

    *Departures*: initialisation: the paper draws all weights uniformly.
    """
    layers = nn.LSTM(
        input_size, batch_first=True, dropout=dropout if sizes["num_layers"] > 1 else 0.0, **sizes
    )
    for name, parameter in layers.named_parameters():
        if name.startswith("weight_hh"):
            for gate in parameter.chunk(4):
                nn.init.orthogonal_(gate)
        elif name.startswith("bias"):
            nn.init.zeros_(parameter)
    return layers
