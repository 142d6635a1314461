"""The parts of the recurrent attention model: the glimpse network and the core."""

import math
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.cells import LSTMState, lstm_step
from unrolled.nn.checks import check_option

Kind = Literal["rectified", "lstm"]
"""Of the core: rectified units (classification) or an LSTM."""


class GlimpseWeights(NamedTuple):
    """The parameters of the glimpse network; the second layer's two maps share one bias."""

    W_rho: Float[Tensor, "what glimpse"]
    b_rho: Float[Tensor, " what"]
    W_l: Float[Tensor, "where 2"]
    b_l: Float[Tensor, " where"]
    W_g: Float[Tensor, "units what_and_where"]
    b_g: Float[Tensor, " units"]


def what_and_where(
    rho: Float[Tensor, "batch glimpse"], location: Float[Tensor, "batch 2"], weights: GlimpseWeights
) -> tuple[Float[Tensor, "batch what"], Float[Tensor, "batch where"]]:
    """Features of what the retina sees, and of where it looks.

    *Paper*: mnih2014recurrent, the glimpse network, first layer.

        h_g = Rect(Lin(rho)),  h_l = Rect(Lin(l))

    *Shapes*: as annotated.
    """
    what = torch.relu(functional.linear(rho, weights.W_rho, weights.b_rho))
    where = torch.relu(functional.linear(location, weights.W_l, weights.b_l))
    return what, where


def glimpse_vector(
    rho: Float[Tensor, "batch glimpse"], location: Float[Tensor, "batch 2"], weights: GlimpseWeights
) -> Float[Tensor, "batch units"]:
    """The glimpse vector g_t.

    *Paper*: mnih2014recurrent, the glimpse network, second layer.

        g_t = Rect(Lin(h_g) + Lin(h_l))

    Both maps are one product with [h_g; h_l]: the columns of ``W_g`` are those of the two matrices.

    *Shapes*: as annotated.
    """
    features = torch.cat(what_and_where(rho, location, weights), dim=1)
    return torch.relu(functional.linear(features, weights.W_g, weights.b_g))


def core_step(
    h: Float[Tensor, "batch hidden"],
    glimpse: Float[Tensor, "batch units"],
    W_h: Float[Tensor, "hidden hidden"],
    W_x: Float[Tensor, "hidden units"],
    b: Float[Tensor, " hidden"],
) -> Float[Tensor, "batch hidden"]:
    """One step of the rectified core.

    *Paper*: mnih2014recurrent, the core network of the classification experiments.

        h_t = Rect(Lin(h_{t-1}) + Lin(g_t))

    *Shapes*: as annotated.

    >>> core_step(torch.ones(1, 1), torch.ones(1, 1), torch.ones(1, 1), -3 * torch.eye(1), torch.zeros(1))
    tensor([[0.]])
    """
    return torch.relu(functional.linear(h, W_h) + functional.linear(glimpse, W_x, b))


class RectifiedState(NamedTuple):
    """The state of the rectified core."""

    h: Float[Tensor, "batch hidden"]


class Core(nn.Module):
    """The recurrent core: rectified units (classification) or an LSTM (the game).

    *Paper*: mnih2014recurrent, the core network.

    *Raises*: `UsageError` for another kind.
    """

    def __init__(self, units: int, hidden_size: int, kind: Kind = "rectified") -> None:
        super().__init__()
        check_option("core", kind, Kind)
        self.kind, self.hidden_size = kind, hidden_size
        rows = 4 * hidden_size if kind == "lstm" else hidden_size
        self.W_h = nn.Parameter(torch.empty(rows, hidden_size))
        self.W_x = nn.Parameter(torch.empty(rows, units))
        self.b = nn.Parameter(torch.zeros(rows))
        if kind == "lstm":
            for weight in (self.W_h, self.W_x):
                nn.init.uniform_(weight, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))
            nn.init.ones_(self.b[hidden_size : 2 * hidden_size])
        else:
            nn.init.orthogonal_(self.W_h)
            nn.init.kaiming_uniform_(self.W_x, nonlinearity="relu")

    def initial(self, batch: int) -> RectifiedState | LSTMState:
        """The state before the first glimpse: zeros."""
        zeros = self.b.new_zeros(batch, self.hidden_size)
        return LSTMState(zeros, zeros) if self.kind == "lstm" else RectifiedState(zeros)

    def forward(
        self, state: RectifiedState | LSTMState, glimpse: Float[Tensor, "batch units"]
    ) -> RectifiedState | LSTMState:
        """The state after one more glimpse."""
        if self.kind == "lstm":
            return lstm_step(state, glimpse, self.W_x, self.W_h, self.b)
        return RectifiedState(core_step(state.h, glimpse, self.W_h, self.W_x, self.b))


class GlimpseNetwork(nn.Module):
    """The glimpse network: what the retina sees and where it looks, in one vector.

    *Paper*: mnih2014recurrent, the glimpse network; 128, 128 and 256 units there.
    """

    def __init__(self, length: int, what: int = 128, where: int = 128, units: int = 256) -> None:
        super().__init__()
        self.what, self.where = nn.Linear(length, what), nn.Linear(2, where)
        self.both = nn.Linear(what + where, units)
        for layer in (self.what, self.where, self.both):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    @property
    def weights(self) -> GlimpseWeights:
        """The parameters as `glimpse_vector` takes them."""
        layers = (self.what, self.where, self.both)
        return GlimpseWeights(*(part for layer in layers for part in (layer.weight, layer.bias)))

    def forward(
        self, rho: Float[Tensor, "batch glimpse"], location: Float[Tensor, "batch 2"]
    ) -> Float[Tensor, "batch units"]:
        """The glimpse vector."""
        return glimpse_vector(rho, location, self.weights)
