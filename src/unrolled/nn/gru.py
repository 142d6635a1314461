"""The gated recurrent unit in its four spellings: the reset before or after the product, z keeping or taking.

Weights have torch's layout, one row a unit; rows of gates are in torch's order r, z, n (reset, update,
candidate).
"""

import math
from functools import partial
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.cells import Unrolled, check_features
from unrolled.nn.scan import ShapeError, expand_state, length_mask, scan

Reset = Literal["before", "after"]
"""Whether the reset gate multiplies the old state, or the product of the old state with its weights."""

Update = Literal["keep", "take"]
"""What an update gate of 1 does: it keeps the old state (Cho et al., torch) or takes the candidate."""


class GRUWeights(NamedTuple):
    """The parameters of a GRU step; ``b_n``, inside the reset product, is zero in most papers."""

    W_x: Float[Tensor, "three_hidden input"]
    W_h: Float[Tensor, "three_hidden hidden"]
    b: Float[Tensor, " three_hidden"]
    b_n: Float[Tensor, " hidden"] | None = None


def gru_update(
    h: Float[Tensor, "batch hidden"],
    given: Float[Tensor, "batch three_hidden"],
    W_h: Float[Tensor, "three_hidden hidden"],
    b_n: Float[Tensor, " hidden"] | None = None,
    *,
    reset: Reset = "after",
    update: Update = "keep",
) -> Float[Tensor, "batch hidden"]:
    """The part of a GRU step that feeds back: everything that does not read ``h`` is ``given``.

        r = sigma(given_r + U_r h)      z = sigma(given_z + U_z h)
        n = tanh(given_n + U_n (r * h))            with the reset before the product
        n = tanh(given_n + r * (U_n h + b_n))      with the reset after it
        h_t = z * h + (1 - z) * n                  where an update gate of 1 keeps
        h_t = (1 - z) * h + z * n                  where it takes the candidate

    *Paper*: cho2014learning, equations 5 to 8 ("before", "keep"); bahdanau2015neural, Appendix A.2.1
    ("before", "take"); torch's layer is "after", "keep".

    *Shapes*: as annotated, ``three_hidden`` = 3 ``hidden``, in the order r, z, n.

    >>> given = torch.tensor([[0.0, 20.0, 1.0]])  # an update gate of 1
    >>> h, U = torch.tensor([[0.5]]), torch.zeros(3, 1)
    >>> gru_update(h, given, U, update="keep"), gru_update(h, given, U, update="take").round(decimals=4)
    (tensor([[0.5000]]), tensor([[0.7616]]))
    """
    size = h.shape[1]
    if reset == "after":
        from_r, from_z, from_n = functional.linear(h, W_h).split(size, 1)
        given_r, given_z, given_n = given.split(size, 1)
        r, z = torch.sigmoid(given_r + from_r), torch.sigmoid(given_z + from_z)
        n = torch.tanh(given_n + r * (from_n if b_n is None else from_n + b_n))
    else:
        gates = torch.sigmoid(given[:, : 2 * size] + functional.linear(h, W_h[: 2 * size]))
        r, z = gates.split(size, 1)
        product = functional.linear(r * h, W_h[2 * size :], b_n)
        n = torch.tanh(given[:, 2 * size :] + product)
    return torch.lerp(n, h, z) if update == "keep" else torch.lerp(h, n, z)


def gru_step(
    h: Float[Tensor, "batch hidden"],
    x_t: Float[Tensor, "batch input"],
    weights: GRUWeights,
    *,
    reset: Reset = "after",
    update: Update = "keep",
) -> Float[Tensor, "batch hidden"]:
    """One step of the gated recurrent unit: `gru_update` with W_x x_t + b given.

    *Paper*: cho2014learning, equations 5 to 8.

    *Shapes*: as annotated.

    >>> zeros = GRUWeights(torch.zeros(3, 1), torch.zeros(3, 1), torch.zeros(3))
    >>> gru_step(torch.ones(1, 1), torch.ones(1, 1), zeros)
    tensor([[0.5000]])
    """
    given = functional.linear(x_t, weights.W_x, weights.b)
    return gru_update(h, given, weights.W_h, weights.b_n, reset=reset, update=update)


class GRU(nn.Module):
    """A layer of gated recurrent units that starts at zero.

    With the reset after the product and an update gate that keeps it is `torch.nn.GRU`, and whole sequences
    go through torch's fused loop. The products with the input are made for all steps at once elsewhere.

    *Paper*: cho2014learning, Section 2.3; bahdanau2015neural, Appendix A.2.1.

    *Options*: ``reverse`` reads from each sequence's last step to its first; states stay at their places.
    Recurrent weights are orthogonal, block by block.

    *Shapes*: ``x`` is ``[batch, time, input]``, or ``[time, batch, input]`` with ``batch_first=False``.

    *Raises*: `ShapeError` where ``x`` does not have ``input_size`` features, or for an unknown convention.

    >>> GRU(3, 5, reset="before", update="take")(torch.zeros(2, 7, 3)).h.shape
    torch.Size([2, 7, 5])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        reset: str = "after",
        update: str = "keep",
        reverse: bool = False,
        batch_first: bool = True,
        fused: bool = True,
    ) -> None:
        super().__init__()
        if reset not in ("before", "after") or update not in ("keep", "take"):
            raise ShapeError(f"reset is before or after, update keep or take; not {reset!r}, {update!r}")
        self.input_size, self.hidden_size, self.batch_first = input_size, hidden_size, batch_first
        self.reset, self.update, self.reverse = reset, update, reverse
        self.fused = fused and (reset, update, reverse) == ("after", "keep", False)
        self.W_x = nn.Parameter(torch.empty(3 * hidden_size, input_size))
        self.W_h = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.b = nn.Parameter(torch.zeros(3 * hidden_size))
        self.b_n = nn.Parameter(torch.zeros(hidden_size)) if reset == "after" else None
        nn.init.uniform_(self.W_x, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))
        with torch.no_grad():
            self.W_h.copy_(torch.cat([nn.init.orthogonal_(part) for part in self.W_h.clone().chunk(3)]))

    @property
    def weights(self) -> GRUWeights:
        """The parameters as `gru_step` takes them."""
        return GRUWeights(self.W_x, self.W_h, self.b, self.b_n)

    def forward(
        self,
        x: Float[Tensor, "axis0 axis1 input"],
        lengths: Int[Tensor, " batch"] | None = None,
        initial: Float[Tensor, "batch hidden"] | None = None,
    ) -> Unrolled:
        """Run over a sequence, from ``initial`` or zero."""
        check_features(x, self.input_size)
        if initial is None:
            initial = expand_state(x.new_zeros(self.hidden_size), x.shape[0 if self.batch_first else 1])
        if self.fused and lengths is None and x.shape[1 if self.batch_first else 0]:
            bias = torch.cat((torch.zeros_like(self.b[: 2 * self.hidden_size]), self.b_n))
            flat = [self.W_x, self.W_h, self.b, bias]
            start = initial.unsqueeze(0).contiguous()
            h, last = torch.gru(x, start, flat, True, 1, 0.0, False, False, self.batch_first)
            return Unrolled(h, last[0])
        step = partial(gru_update, reset=self.reset, update=self.update)
        states, last, _ = scan(
            step,
            self._given(x, lengths),
            initial,
            self.W_h,
            self.b_n,
            lengths=lengths,
            batch_first=self.batch_first,
            reverse=self.reverse,
        )
        return Unrolled(states, last)

    def _given(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        """W_x x_t + b of all steps. With lengths, step by step: one large product may round a row otherwise
        where the padding has another size."""
        if lengths is None:
            return functional.linear(x, self.W_x, self.b)
        axis = 1 if self.batch_first else 0
        if lengths.shape != (x.shape[1 - axis],):
            raise ShapeError(f"lengths must be [batch] = [{x.shape[1 - axis]}], not {list(lengths.shape)}")
        valid = length_mask(lengths, x.shape[axis])
        valid = (valid.t() if self.batch_first else valid).unsqueeze(-1)
        x = torch.where(valid, x, x.new_zeros(()))  # a NaN in padding would reach the weights' gradients
        if not x.shape[axis]:
            return functional.linear(x, self.W_x, self.b)
        return torch.stack([functional.linear(part, self.W_x, self.b) for part in x.unbind(axis)], axis)
