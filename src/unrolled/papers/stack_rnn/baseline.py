"""The LSTM that networks with stacks are compared with."""

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UnrolledError
from unrolled.nn.checks import check_indices, under_vmap


class LSTMBaseline(nn.Module):
    """Layers of torch's LSTM over one-hot symbols, with logits of the next symbol.

    *Paper*: joulin2015inferring, Section 5: one or two layers of 50, 100 or 200 units.

    *Shapes*: ``x``, ``[batch, time]``, are whole numbers below ``symbols``.

    *Raises*: `ShapeError` for symbols out of range; `UnrolledError` under `torch.func.vmap`: torch's
    fused LSTM has no batched form.

    >>> import torch
    >>> LSTMBaseline(3, hidden_size=8)(torch.tensor([[0, 0, 1, 1]])).shape
    torch.Size([1, 4, 3])
    """

    def __init__(self, symbols: int, *, hidden_size: int = 100, layers: int = 1) -> None:
        super().__init__()
        self.lstm = nn.LSTM(symbols, hidden_size, layers, batch_first=True)
        self.readout = nn.Linear(hidden_size, symbols)

    def forward(self, x: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time symbols"]:
        """The logits of every step, from a state of zeros."""
        check_indices("symbols", x, self.lstm.input_size)
        if under_vmap(x, *self.parameters()):
            raise UnrolledError("torch's fused LSTM has no batched form", hint="train its seeds one by one")
        one_hot = functional.one_hot(x, self.lstm.input_size).to(self.readout.weight.dtype)
        return self.readout(self.lstm(one_hot)[0])
