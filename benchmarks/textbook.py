"""The loops that one would write first: readable, one torch call an operation, differentiated by autograd."""

import torch
from torch import nn
from torch.nn import functional


class TextbookBNLSTM(nn.Module):
    """A BN-LSTM as a plain loop over `torch.nn.functional.batch_norm`, running statistics for every step."""

    def __init__(self, input_size: int, hidden_size: int, steps: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.W_x = nn.Parameter(nn.init.orthogonal_(torch.empty(4 * hidden_size, input_size)))
        self.W_h = nn.Parameter(nn.init.orthogonal_(torch.empty(4 * hidden_size, hidden_size)))
        self.b = nn.Parameter(torch.zeros(4 * hidden_size))
        self.gammas = nn.ParameterList([torch.full((n * hidden_size,), 0.1) for n in (4, 4, 1)])
        self.beta = nn.Parameter(torch.zeros(hidden_size))
        for index, n in enumerate((4, 4, 1)):
            self.register_buffer(f"mean_{index}", torch.zeros(steps, n * hidden_size))
            self.register_buffer(f"variance_{index}", torch.ones(steps, n * hidden_size))

    def _norm(self, z: torch.Tensor, t: int, index: int, beta: torch.Tensor | None = None) -> torch.Tensor:
        mean, variance = getattr(self, f"mean_{index}")[t], getattr(self, f"variance_{index}")[t]
        return functional.batch_norm(z, mean, variance, self.gammas[index], beta, training=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The last hidden state of ``x``, [time, batch, input]."""
        h = c = x.new_zeros(x.shape[1], self.hidden_size)
        for t in range(len(x)):
            from_h, from_x = functional.linear(h, self.W_h), functional.linear(x[t], self.W_x)
            gates = self._norm(from_h, t, 0) + self._norm(from_x, t, 1) + self.b
            i, f, g, o = gates.chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(self._norm(c, t, 2, self.beta))
        return h
