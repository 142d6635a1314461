"""The loops that one would write first: readable, one torch call an operation, differentiated by autograd."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional


class TextbookBNLSTM(nn.Module):
    """A BN-LSTM in training, as the shortest loop over `torch.nn.functional.batch_norm`."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.W_x = nn.Parameter(nn.init.orthogonal_(torch.empty(4 * hidden_size, input_size)))
        self.W_h = nn.Parameter(nn.init.orthogonal_(torch.empty(4 * hidden_size, hidden_size)))
        self.b = nn.Parameter(torch.zeros(4 * hidden_size))
        self.gammas = nn.ParameterList([torch.full((n * hidden_size,), 0.1) for n in (4, 4, 1)])
        self.beta = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The last hidden state of ``x``, [time, batch, input]."""
        gamma_h, gamma_x, gamma_c = self.gammas
        norm = partial(functional.batch_norm, running_mean=None, running_var=None, training=True)
        h = c = x.new_zeros(x.shape[1], self.hidden_size)
        for x_t in x:
            from_h, from_x = functional.linear(h, self.W_h), functional.linear(x_t, self.W_x)
            gates = norm(from_h, weight=gamma_h) + norm(from_x, weight=gamma_x) + self.b
            i, f, g, o = gates.chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(norm(c, weight=gamma_c, bias=self.beta))
        return h
