"""The network of the paper's MNIST experiments: either cell, and the class read from its last state."""

from collections.abc import Iterable
from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor, nn

from unrolled.base.errors import unknown
from unrolled.nn.cells import LSTM
from unrolled.papers.bn_lstm.model import BNLSTM, initialise


class SequenceClassifier(nn.Module):
    """Sequences to classes, read from the last hidden state: the network of the paper's MNIST experiments.

    *Paper*: cooijmans2017recurrent, Section 5.1. Both cells, "lstm" (torch's fused layer) and
    "bn_lstm", are initialised alike. Further keywords are those of `BNLSTM`; "lstm" takes none. In training
    "bn_lstm" needs at least two sequences, and before evaluation `estimate_statistics`.

    *Shapes*: ``x`` is ``[batch, time, input]``; the result, logits, ``[batch, classes]``.

    *Departures*: unspecified: the output layer's weights are orthogonal, and its biases 0.

    *Raises*: `UsageError` for another cell.

    >>> import torch
    >>> SequenceClassifier("bn_lstm", hidden_size=8, max_length=49)(torch.rand(4, 49, 1)).shape
    torch.Size([4, 10])
    """

    def __init__(
        self,
        cell: Literal["lstm", "bn_lstm"],
        *,
        input_size: int = 1,
        hidden_size: int = 100,
        classes: int = 10,
        **options: object,
    ) -> None:
        super().__init__()
        if cell not in ("lstm", "bn_lstm"):
            raise unknown("cell", cell, ("lstm", "bn_lstm"), listing="there are lstm, bn_lstm")
        if cell == "bn_lstm":
            self.layer = BNLSTM(input_size, hidden_size, **options)
        else:
            self.layer = LSTM(input_size, hidden_size, **options)
            initialise(*self.layer.weights)
        self.readout = nn.Linear(hidden_size, classes)
        nn.init.orthogonal_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)

    def forward(
        self, x: Float[Tensor, "batch time input"], lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch classes"]:
        """The logits of every class."""
        return self.readout(self.layer(x, lengths).last.h)

    def estimate_statistics(self, batches: Iterable[Tensor | tuple[Tensor, Tensor]]) -> None:
        """What evaluation needs before it: those of the BN-LSTM; an LSTM has none."""
        if isinstance(self.layer, BNLSTM):
            self.layer.estimate_statistics(batches)
