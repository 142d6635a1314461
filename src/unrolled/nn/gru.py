"""The gated recurrent unit in its four spellings: the reset before or after the product, z keeping or taking.

Weights have torch's layout, one row per unit; rows of gates are in torch's order r, z, n (reset, update,
candidate).
"""

import math
from functools import partial
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.nn.cells import Unrolled
from unrolled.nn.checks import (
    Lengths,
    ShapeError,
    check_features,
    check_lengths,
    check_option,
    length_mask,
)
from unrolled.nn.padding import last_steps, mirrored
from unrolled.nn.scan import expand_state, scan

Reset = Literal["before", "after"]
"""Whether the reset gate multiplies the old state, or the product of the old state with its weights."""

Update = Literal["keep", "take"]
"""What an update gate of 1 does: it keeps the old state (Cho et al., torch) or takes the candidate."""


class Recurrent(NamedTuple):
    """The recurrent weights of a GRU as its step reads them: cut once, outside the loop."""

    gates: Float[Tensor, "*two two_hidden hidden"]  # U_r, U_z
    candidate: Float[Tensor, "*two hidden hidden"]  # U_n
    b_n: Float[Tensor, "*two hidden"] | None = None  # inside the reset product; zero in most papers


def recurrent(
    W_h: Float[Tensor, "*two three_hidden hidden"], b_n: Float[Tensor, "*two hidden"] | None = None
) -> Recurrent:
    """Recurrent weights, in the order r, z, n, cut for the step."""
    hidden = W_h.shape[-1]
    return Recurrent(*W_h.split((2 * hidden, hidden), -2), b_n)


def gru_update(
    h: Float[Tensor, "*two batch hidden"],
    given: Float[Tensor, "*two batch three_hidden"],
    weights: Recurrent,
    *,
    reset: Reset = "after",
    update: Update = "keep",
) -> Float[Tensor, "*two batch hidden"]:
    """The part of a GRU step that feeds back: everything that does not read ``h`` is ``given``.

        r = sigma(given_r + U_r h)      z = sigma(given_z + U_z h)
        n = tanh(given_n + U_n (r * h))            with the reset before the product
        n = tanh(given_n + r * (U_n h + b_n))      with the reset after it
        h_t = z * h + (1 - z) * n                  where an update gate of 1 keeps
        h_t = (1 - z) * h + z * n                  where it takes the candidate

    *Paper*: cho2014learning, equations 5 to 8 ("before", "keep"); bahdanau2015neural, Appendix A.2.1
    ("before", "take"); torch's layer is "after", "keep".

    *Shapes*: as annotated, ``three_hidden`` = 3 ``hidden``, in the order r, z, n. With a leading axis of two,
    in the weights as well, it is a step of two cells at once.

    >>> given = torch.tensor([[0.0, 20.0, 1.0]])  # an update gate of 1
    >>> h, weights = torch.tensor([[0.5]]), recurrent(torch.zeros(3, 1))
    >>> gru_update(h, given, weights, update="keep")
    tensor([[0.5000]])
    >>> gru_update(h, given, weights, update="take").round(decimals=4)
    tensor([[0.7616]])
    """
    hidden = h.shape[-1]
    given_gates, given_n = given.split((2 * hidden, hidden), -1)
    r, z = torch.sigmoid(_affine(given_gates, h, weights.gates)).chunk(2, -1)
    if reset == "before":
        total = _affine(given_n, r * h, weights.candidate)
    else:
        product = h @ weights.candidate.mT
        total = given_n + r * (product if weights.b_n is None else product + weights.b_n.unsqueeze(-2))
    n, z = torch.tanh(total).to(h.dtype), z.to(h.dtype)  # under autocast the state keeps its type
    return torch.lerp(n, h, z) if update == "keep" else torch.lerp(h, n, z)


def _affine(b: Tensor, x: Tensor, W: Tensor) -> Tensor:
    """W x + b, as one call for one cell and for two."""
    return (torch.addmm if x.ndim == 2 else torch.baddbmm)(b, x, W.mT)


def gru_step(
    h: Float[Tensor, "*two batch hidden"],
    x_t: Float[Tensor, "*two batch input"],
    W_x: Float[Tensor, "*two three_hidden input"],
    b: Float[Tensor, "*two three_hidden"],
    weights: Recurrent,
    *,
    reset: Reset = "after",
    update: Update = "keep",
) -> Float[Tensor, "*two batch hidden"]:
    """One step of the gated recurrent unit: `gru_update` with W_x x_t + b given.

    *Paper*: cho2014learning, equations 5 to 8.

    *Shapes*: as annotated.

    >>> zeros = recurrent(torch.zeros(3, 1))
    >>> gru_step(torch.ones(1, 1), torch.ones(1, 1), torch.zeros(3, 1), torch.zeros(3), zeros)
    tensor([[0.5000]])
    """
    return gru_update(h, _affine(b.unsqueeze(-2), x_t, W_x), weights, reset=reset, update=update)


class GRU(nn.Module):
    """A layer of gated recurrent units that starts at zero: `gru_step` for every step of a sequence.

    *Paper*: cho2014learning, Section 2.3; bahdanau2015neural, Appendix A.2.1.

    *Options*: ``reset`` and ``update`` are the conventions of `gru_update`; "after" and "keep" is
    `torch.nn.GRU`, which computes it faster. ``reverse`` reads from each sequence's last step to its first;
    states stay at their places. Recurrent weights are orthogonal, block by block.

    *Shapes*: ``x`` is ``[batch, time, input]``, or ``[time, batch, input]`` with ``batch_first=False``.

    *Raises*: `ShapeError` where ``x`` does not have ``input_size`` features, or for lengths that do not fit;
    `UsageError` for an unknown convention.

    >>> GRU(3, 5, reset="before", update="take")(torch.zeros(2, 7, 3)).h.shape
    torch.Size([2, 7, 5])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        reset: Reset = "after",
        update: Update = "keep",
        reverse: bool = False,
        batch_first: bool = True,
    ) -> None:
        super().__init__()
        check_option("reset", reset, Reset)
        check_option("update", update, Update)
        self.input_size, self.hidden_size, self.batch_first = input_size, hidden_size, batch_first
        self.reset, self.update, self.reverse = reset, update, reverse
        self.W_x = nn.Parameter(torch.empty(3 * hidden_size, input_size))
        self.W_h = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.b = nn.Parameter(torch.zeros(3 * hidden_size))
        self.b_n = nn.Parameter(torch.zeros(hidden_size)) if reset == "after" else None
        nn.init.uniform_(self.W_x, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))
        with torch.no_grad():
            self.W_h.copy_(torch.cat([nn.init.orthogonal_(part) for part in self.W_h.clone().chunk(3)]))

    @property
    def weights(self) -> tuple[Tensor, Tensor, Recurrent]:
        """The parameters as `gru_step` takes them."""
        return self.W_x, self.b, recurrent(self.W_h, self.b_n)

    def forward(
        self,
        x: Float[Tensor, "axis0 axis1 input"],
        lengths: Lengths | None = None,
        initial: Float[Tensor, "batch hidden"] | None = None,
    ) -> Unrolled:
        """Run over a sequence, from ``initial`` or zero."""
        check_features(x, self.input_size)
        if initial is None:
            initial = expand_state(x.new_zeros(self.hidden_size), x.shape[0 if self.batch_first else 1])
        step = partial(gru_step, reset=self.reset, update=self.update)
        options = {"lengths": lengths, "batch_first": self.batch_first, "reverse": self.reverse}
        return Unrolled(*scan(step, x, initial, *self.weights, **options)[:2])


class Bidirectional(NamedTuple):
    """What a sequence read from both sides gives: all states, and the state at the end of each reading."""

    h: Float[Tensor, "batch time two_hidden"]
    forward: Float[Tensor, "batch hidden"]  # after the last step, from the left
    backward: Float[Tensor, "batch hidden"]  # after the first step, from the right


class BiGRU(nn.Module):
    """Two layers of gated recurrent units as one loop: one reads from the left, one from the right.

    Each sequence is mirrored about its own length, so that padding comes last for both and no step needs a
    mask; the states of both directions are one tensor, and a step makes one product for the two.

    *Paper*: schuster1997bidirectional; bahdanau2015neural, Appendix A.2.1.

    *Shapes*: ``x`` ``[batch, time, input]``, ``lengths`` ``[batch]`` of at least 1. States at padded steps
    are zero.

    *Raises*: `ShapeError` where ``x`` does not have ``input_size`` features, the time is zero, or a length
    is not between 1 and the time.

    >>> layer = BiGRU(3, 5, reset="before", update="take")
    >>> layer(torch.randn(2, 4, 3), torch.tensor([4, 2])).h[1, 2:].any()
    tensor(False)
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, reset: Reset = "after", update: Update = "keep"
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.left = GRU(input_size, hidden_size, reset=reset, update=update)
        self.right = GRU(input_size, hidden_size, reset=reset, update=update)

    def forward(self, x: Float[Tensor, "batch time input"], lengths: Lengths | None = None) -> Bidirectional:
        """Read a sequence from both sides."""
        check_features(x, self.input_size)
        batch, time, _ = x.shape
        if not time:
            raise ShapeError(f"x needs at least one step, not {list(x.shape)}")
        if lengths is not None:
            lengths = check_lengths(lengths, batch, time, minimum=1, like=x)
            live = length_mask(lengths, time).t().unsqueeze(2)
            x = torch.where(live, x, x.new_zeros(()))  # a NaN in padding would reach the weights' gradients
        pairs = zip(self.left.parameters(), self.right.parameters(), strict=True)
        W_x, W_h, b, *b_n = (torch.stack(pair) for pair in pairs)
        weights = W_x, b, recurrent(W_h, *b_n)
        h, states = x.new_zeros(2, batch, self.hidden_size), []
        both = (part.transpose(0, 1) for part in (x, mirrored(x, lengths)))
        for x_t in torch.stack(tuple(both), 1):
            h = gru_step(h, x_t, *weights, reset=self.left.reset, update=self.left.update)
            states.append(h)
        left, right = torch.stack(states).permute(1, 2, 0, 3)
        h = torch.cat((left, mirrored(right, lengths)), 2)
        h = h if lengths is None else torch.where(live, h, h.new_zeros(()))
        return Bidirectional(h, last_steps(left, lengths), last_steps(right, lengths))
