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
from unrolled.nn.gru_loop import gru_sequence
from unrolled.nn.scan import ShapeError, expand_state, length_mask, scan

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
    W_h: Float[Tensor, "three_hidden hidden"], b_n: Float[Tensor, " hidden"] | None = None
) -> Recurrent:
    """Recurrent weights, in the order r, z, n, cut for the step."""
    hidden = W_h.shape[1]
    return Recurrent(*W_h.split((2 * hidden, hidden)), b_n)


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
    r, z = torch.sigmoid(_added(given_gates, h, weights.gates)).chunk(2, -1)
    if reset == "before":
        total = _added(given_n, r * h, weights.candidate)
    else:
        product = h @ weights.candidate.mT
        total = given_n + r * (product if weights.b_n is None else product + weights.b_n.unsqueeze(-2))
    n = torch.tanh(total)
    return torch.lerp(n, h, z) if update == "keep" else torch.lerp(h, n, z)


def _added(given: Tensor, h: Tensor, weights: Tensor) -> Tensor:
    """given + W h, as one call."""
    return (torch.addmm if h.ndim == 2 else torch.baddbmm)(given, h, weights.mT)


def gru_step(
    h: Float[Tensor, "batch hidden"],
    x_t: Float[Tensor, "batch input"],
    W_x: Float[Tensor, "three_hidden input"],
    b: Float[Tensor, " three_hidden"],
    weights: Recurrent,
    *,
    reset: Reset = "after",
    update: Update = "keep",
) -> Float[Tensor, "batch hidden"]:
    """One step of the gated recurrent unit: `gru_update` with W_x x_t + b given.

    *Paper*: cho2014learning, equations 5 to 8.

    *Shapes*: as annotated.

    >>> zeros = recurrent(torch.zeros(3, 1))
    >>> gru_step(torch.ones(1, 1), torch.ones(1, 1), torch.zeros(3, 1), torch.zeros(3), zeros)
    tensor([[0.5000]])
    """
    return gru_update(h, functional.linear(x_t, W_x, b), weights, reset=reset, update=update)


class GRU(nn.Module):
    """A layer of gated recurrent units that starts at zero.

    With the reset after the product and an update gate that keeps it is `torch.nn.GRU`, and whole sequences
    go through torch's fused loop; with other conventions through `unrolled.nn.gru_loop`. With lengths, or
    without ``fused``, autograd follows every step.

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
        self.fused = fused
        self.W_x = nn.Parameter(torch.empty(3 * hidden_size, input_size))
        self.W_h = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.b = nn.Parameter(torch.zeros(3 * hidden_size))
        self.b_n = nn.Parameter(torch.zeros(hidden_size)) if reset == "after" else None
        nn.init.uniform_(self.W_x, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))
        with torch.no_grad():
            self.W_h.copy_(torch.cat([nn.init.orthogonal_(part) for part in self.W_h.clone().chunk(3)]))

    @property
    def weights(self) -> Recurrent:
        """The recurrent parameters as `gru_update` takes them."""
        return recurrent(self.W_h, self.b_n)

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
        torchs_own = (self.reset, self.update, self.reverse) == ("after", "keep", False)
        whole = self.fused and lengths is None and x.shape[1 if self.batch_first else 0] > 0
        if whole and torchs_own:
            bias = torch.cat((torch.zeros_like(self.b[: 2 * self.hidden_size]), self.b_n))
            flat = [self.W_x, self.W_h, self.b, bias]
            start = initial.unsqueeze(0).contiguous()
            h, last = torch.gru(x, start, flat, True, 1, 0.0, False, False, self.batch_first)
            return Unrolled(h, last[0])
        given = self._given(x, lengths)
        if whole:
            given = given.transpose(0, 1) if self.batch_first else given
            given = given.flip(0) if self.reverse else given
            h = gru_sequence(
                given, initial, self.weights, before=self.reset == "before", take=self.update == "take"
            )
            last = h[-1]
            h = h.flip(0) if self.reverse else h
            return Unrolled(h.transpose(0, 1) if self.batch_first else h, last)
        step = partial(gru_update, reset=self.reset, update=self.update)
        states, last, _ = scan(
            step,
            given,
            initial,
            self.weights,
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


class Bidirectional(NamedTuple):
    """What a sequence read from both sides gives: all states, and the state at the end of each reading."""

    h: Float[Tensor, "batch time two_hidden"]
    forward: Float[Tensor, "batch hidden"]  # after the last step, from the left
    backward: Float[Tensor, "batch hidden"]  # after the first step, from the right


class BiGRU(nn.Module):
    """Two layers of gated recurrent units as one loop: one reads from the left, one from the right.

    Each sequence is turned about its own length, so that padding comes last for both and no step needs a
    mask; states of both directions stand in one tensor, and a step makes one product for the two.

    *Paper*: schuster1997bidirectional; bahdanau2015neural, Appendix A.2.1.

    *Shapes*: ``x`` ``[batch, time, input]``, ``lengths`` ``[batch]`` of at least 1. States at padded steps
    are zero.

    *Raises*: `ShapeError` where ``x`` does not have ``input_size`` features, or the time is zero.

    >>> layer = BiGRU(3, 5, reset="before", update="take")
    >>> layer(torch.randn(2, 4, 3), torch.tensor([4, 2])).h[1, 2:].any()
    tensor(False)
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, reset: str = "after", update: str = "keep"
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.left = GRU(input_size, hidden_size, reset=reset, update=update)
        self.right = GRU(input_size, hidden_size, reset=reset, update=update)

    def forward(
        self, x: Float[Tensor, "batch time input"], lengths: Int[Tensor, " batch"] | None = None
    ) -> Bidirectional:
        """Read a sequence from both sides."""
        check_features(x, self.input_size)
        batch, time, _ = x.shape
        if not time:
            raise ShapeError(f"x needs at least one step, not {list(x.shape)}")
        at, mask = torch.arange(time, device=x.device)[:, None], None
        if lengths is None:
            turned, last = (time - 1 - at).expand(time, batch), at.new_full((batch,), time - 1)
        else:
            mask = length_mask(lengths, time)
            turned, last = torch.where(mask, lengths - 1 - at, at), lengths.clamp(min=1) - 1
            x = torch.where(mask.t().unsqueeze(-1), x, x.new_zeros(()))
        rows = torch.arange(batch, device=x.device)
        weights = torch.cat((self.left.W_x, self.right.W_x)), torch.cat((self.left.b, self.right.b))
        left, right = functional.linear(x.transpose(0, 1), *weights).chunk(2, 2)
        given = torch.stack((left, right[turned, rows]), 1)

        both = (
            torch.stack(pair) if pair[0] is not None else None
            for pair in zip(self.left.weights, self.right.weights, strict=True)
        )
        initial = x.new_zeros(2, batch, self.hidden_size)
        before, take = self.left.reset == "before", self.left.update == "take"
        states = gru_sequence(given, initial, Recurrent(*both), before=before, take=take)
        left, right = states.unbind(1)
        right = right[turned, rows]
        h = torch.cat((left, right), 2)
        if mask is not None:
            h = h * mask.unsqueeze(-1)
        return Bidirectional(h.transpose(0, 1), left[last, rows], right[0])
