"""The LSTM that the neural Turing machine is compared with."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.base.errors import UnrolledError
from unrolled.nn.checks import check_features, under_vmap


class LSTMBaseline(nn.Module):
    """Stacked LSTM layers with learned initial states, and logits of the output bits at every step.

    *Paper*: graves2014neural, Section 4: three layers in every task.

    *Shapes*: ``x`` is ``[batch, time, input]``, with at least one step.

    *Departures*: unspecified: the paper does not say whether layers skip one another; here they do not.

    *Raises*: `ShapeError` for a wrong number of features; `UnrolledError` under `torch.func.vmap`: torch's
    fused LSTM has no batched form.

    >>> LSTMBaseline(9, 8, hidden_size=16, layers=3)(torch.zeros(2, 7, 9)).shape
    torch.Size([2, 7, 8])
    """

    def __init__(self, input_size: int, output_size: int, *, hidden_size: int = 256, layers: int = 3) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, layers, batch_first=True)
        self.h_0 = nn.Parameter(torch.zeros(layers, 1, hidden_size))
        self.c_0 = nn.Parameter(torch.zeros(layers, 1, hidden_size))
        self.readout = nn.Linear(hidden_size, output_size)

    def forward(self, x: Float[Tensor, "batch time input"]) -> Float[Tensor, "batch time output"]:
        """The logits of every step."""
        check_features(x, self.lstm.input_size)
        if under_vmap(x, *self.parameters()):
            raise UnrolledError("torch's fused LSTM has no batched form", hint="train its seeds one by one")
        initial = tuple(part.expand(-1, x.shape[0], -1).contiguous() for part in (self.h_0, self.c_0))
        return self.readout(self.lstm(x, initial)[0])
