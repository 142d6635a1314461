"""The statistics of recurrent batch normalization: of a batch, and of the population, for every step."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unrolled.base.errors import UnrolledError


class Moments(NamedTuple):
    """Mean and (biased) variance of every unit over a batch."""

    mean: Float[Tensor, " units"]
    variance: Float[Tensor, " units"]


def batch_moments(z: Float[Tensor, "batch units"], rows: Bool[Tensor, " batch"] | None = None) -> Moments:
    """Mean and biased variance over the batch, or over those of its rows that take part.

    *Paper*: cooijmans2017recurrent, Section 2.2, the estimates of equation 5.

    *Shapes*: as annotated.

    >>> batch_moments(torch.tensor([[1.0], [3.0], [99.0]]), torch.tensor([True, True, False]))
    Moments(mean=tensor([2.]), variance=tensor([1.]))
    """
    # Two passes: the mean of squares less the squared mean cancels in float32.
    if rows is None:
        mean = z.mean(0)
        return Moments(mean, (z - mean).square().mean(0))
    weight = rows.to(z.dtype).unsqueeze(1)
    count = weight.sum().clamp(min=1)
    mean = (z * weight).sum(0) / count
    return Moments(mean, ((z - mean).square() * weight).sum(0) / count)


class TrackedMoments:
    """One term's moments over the live rows of a batch, asked for once a step, and kept.

    A step with fewer than two live rows has no variance of its own: it takes the moments of the step before,
    as the steps after T_max do. ``live`` is ``[time, batch]``; None where every row has every step.

    >>> tracked = TrackedMoments(torch.tensor([[True, True], [True, False]]))
    >>> [tracked(torch.tensor(z)).variance.item() for z in ([[1.0], [3.0]], [[7.0], [3.0]])]
    [1.0, 1.0]
    """

    def __init__(self, live: Bool[Tensor, "time batch"] | None = None) -> None:
        self.live = live
        self.found: list[Moments] = []

    def __call__(self, z: Float[Tensor, "batch units"]) -> Moments:
        """The moments of the next step."""
        rows = None if self.live is None else self.live[len(self.found)]
        moments = batch_moments(z, rows)
        if rows is not None and self.found:
            enough, before = rows.sum() >= 2, self.found[-1]
            moments = Moments(
                *(torch.where(enough, own, old) for own, old in zip(moments, before, strict=True))
            )
        self.found.append(moments)
        return moments


class StepStatistics(NamedTuple):
    """What the three terms of a BN-LSTM step are normalised with: moments, or what finds them.

    None, for a term: the moments of the batch.
    """

    x: Moments | TrackedMoments | None = None  # of W_x x_t, [4 hidden]
    h: Moments | TrackedMoments | None = None  # of W_h h_{t-1}, [4 hidden]
    c: Moments | TrackedMoments | None = None  # of c_t, [hidden]

    @classmethod
    def tracked(cls, live: Bool[Tensor, "time batch"] | None = None) -> "StepStatistics":
        """Statistics that follow a batch through a sequence."""
        return cls(TrackedMoments(live), TrackedMoments(live), TrackedMoments(live))


class PopulationStatistics(nn.Module):
    """Averages of a BN-LSTM's statistics over batches, for each of the first ``max_length`` steps by itself.

    *Paper*: cooijmans2017recurrent, Section 3: "averages of the minibatch estimates over the training set".
    Steps beyond the last that was estimated use the statistics of that one (T_max). Variances are the biased
    ones that a step divides by.

    *Shapes*: the buffers ``mean_x``, ``variance_x``, ``mean_h`` and ``variance_h`` are
    ``[max_length, 4 hidden]``, ``mean_c`` and ``variance_c`` ``[max_length, hidden]``; ``batches``,
    ``[max_length]``, counts the batches that had at least two sequences at the step.

    *Raises*: `UnrolledError` where statistics are needed that were never estimated.
    """

    def __init__(self, max_length: int, hidden_size: int) -> None:
        super().__init__()
        self.max_length = max_length
        self.estimated = False
        for name, units in (("x", 4 * hidden_size), ("h", 4 * hidden_size), ("c", hidden_size)):
            self.register_buffer(f"mean_{name}", torch.zeros(max_length, units))
            self.register_buffer(f"variance_{name}", torch.ones(max_length, units))
        self.register_buffer("batches", torch.zeros(max_length))
        self.register_load_state_dict_post_hook(_were_estimated)

    def at(self, time: int) -> StepStatistics:
        """The moments of steps 0 to ``time`` - 1, each ``[time, 1, units]``."""
        if not self.estimated:
            raise UnrolledError(
                "this BN-LSTM has no population statistics yet, with which evaluation normalises",
                hint="call model.estimate_statistics(batches) on training data first",
            )
        steps = torch.arange(time, device=self.batches.device).clamp(max=self.max_length - 1)
        return StepStatistics(
            *(Moments(*(kept[steps].unsqueeze(1) for kept in pair)) for pair in self._pairs())
        )

    def _pairs(self) -> list[tuple[Tensor, Tensor]]:
        return [(getattr(self, f"mean_{name}"), getattr(self, f"variance_{name}")) for name in "xhc"]

    @torch.no_grad()
    def average(self, found: Iterable[StepStatistics]) -> None:
        """Replace the statistics by plain averages over what batches `TrackedMoments` found."""
        wide = torch.promote_types(self.mean_c.dtype, torch.float32)
        sums = [[torch.zeros_like(kept, dtype=wide) for kept in pair] for pair in self._pairs()]
        batches = torch.zeros_like(self.batches)
        for statistics in found:
            time = min(len(statistics.c.found), self.max_length)
            live = statistics.c.live
            counts = torch.ones_like(batches) if live is None else (live.sum(1) >= 2).to(batches)
            counts = counts[:time]
            batches[:time] += counts
            for pair, tracked in zip(sums, statistics, strict=True):
                for total, steps in zip(pair, zip(*tracked.found[:time], strict=True), strict=True):
                    total[:time] += torch.stack(steps) * counts.unsqueeze(1)
        last = int(batches.count_nonzero()) - 1
        if last < 0:
            raise UnrolledError("no batch with at least two sequences to estimate population statistics from")
        steps = torch.arange(self.max_length, device=batches.device).clamp(max=last)
        for pair, totals in zip(self._pairs(), sums, strict=True):
            for kept, total in zip(pair, totals, strict=True):
                kept.copy_((total / batches.clamp(min=1).unsqueeze(1))[steps])
        self.batches.copy_(batches)
        self.estimated = True


def _were_estimated(statistics: PopulationStatistics, _: object) -> None:
    """After loading: the file holds statistics if it counts batches."""
    count = statistics.batches
    statistics.estimated = count.device.type != "meta" and bool(count.any())
