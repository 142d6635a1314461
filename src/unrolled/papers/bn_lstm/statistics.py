"""The statistics of recurrent batch normalization: a batch's moments, and their averages for every step."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class Moments(NamedTuple):
    """Mean and (biased) variance of every unit over a batch."""

    mean: Float[Tensor, " units"]
    variance: Float[Tensor, " units"]


class StepStatistics(NamedTuple):
    """The moments of the three terms that a BN-LSTM step normalises."""

    x: Moments  # of W_x x_t, [4 hidden]
    h: Moments  # of W_h h_{t-1}, [4 hidden]
    c: Moments  # of c_t, [hidden]


def batch_moments(z: Float[Tensor, "batch units"], mask: Bool[Tensor, " batch"] | None = None) -> Moments:
    """Mean and biased variance over the batch, or over those of its rows that the mask admits.

    >>> batch_moments(torch.tensor([[1.0], [3.0], [99.0]]), torch.tensor([True, True, False]))
    Moments(mean=tensor([2.]), variance=tensor([1.]))
    """
    # Two passes, because the mean of squares less the squared mean cancels in float32 (and
    # torch.var_mean over the first axis takes ten times as long).
    if mask is None:
        mean = z.mean(0)
        return Moments(mean, (z - mean).square().mean(0))
    rows = mask.to(z.dtype).unsqueeze(1)
    count = rows.sum().clamp(min=1)
    mean = (z * rows).sum(0) / count
    return Moments(mean, ((z - mean).square() * rows).sum(0) / count)


class RunningAverages(nn.Module):
    """Averages of a BN-LSTM's statistics over batches, for each of the first ``max_length`` steps by itself.

    *Paper*: cooijmans2017recurrent, Section 3. Steps beyond ``max_length`` use the averages of that step.

    ``momentum`` is the weight of the newest batch; until 1 / ``momentum`` batches have been seen the averages
    are plain ones, and with None always. Variances are the biased ones that a step divides by.

    *Shapes*: the buffers ``mean_x``, ``variance_x``, ``mean_h`` and ``variance_h`` are
    ``[max_length, 4 hidden]``, ``mean_c`` and ``variance_c`` ``[max_length, hidden]``; ``batches``,
    ``[max_length]``, counts.

    >>> averages = RunningAverages(max_length=2, hidden_size=1)
    >>> averages.at(5).c.mean.shape
    torch.Size([5, 1, 1])
    """

    def __init__(self, max_length: int, hidden_size: int, momentum: float | None = 0.1) -> None:
        super().__init__()
        self.max_length, self.momentum = max_length, momentum
        for name, units in (("x", 4 * hidden_size), ("h", 4 * hidden_size), ("c", hidden_size)):
            self.register_buffer(f"mean_{name}", torch.zeros(max_length, units))
            self.register_buffer(f"variance_{name}", torch.ones(max_length, units))
        self.register_buffer("batches", torch.zeros(max_length))

    def at(self, time: int) -> StepStatistics:
        """The averages for steps 0 to ``time`` - 1, each ``[time, 1, units]``."""
        steps = torch.arange(time, device=self.batches.device).clamp(max=self.max_length - 1)
        pairs = [
            (getattr(self, f"mean_{name}"), getattr(self, f"variance_{name}")) for name in ("x", "h", "c")
        ]
        return StepStatistics(*(Moments(*(kept[steps].unsqueeze(1) for kept in pair)) for pair in pairs))

    @torch.no_grad()
    def update(self, statistics: StepStatistics, mask: Bool[Tensor, "time batch"] | None = None) -> None:
        """Take in one batch's statistics, ``[time, units]`` each, all steps at once."""
        time = min(len(statistics.c.mean), self.max_length)
        count = self.batches[:time]
        seen = torch.ones_like(count) if mask is None else mask[:time].any(1).to(count)
        count += seen
        rate = 1 / count.clamp(min=1)
        if self.momentum is not None:
            rate = rate.clamp(min=self.momentum)
        rate = (rate * seen).unsqueeze(1)  # a step that is padding in all sequences leaves its averages alone
        for name, moments in zip(("x", "h", "c"), statistics, strict=True):
            for kind, batch in zip(("mean", "variance"), moments, strict=True):
                kept = getattr(self, f"{kind}_{name}")[:time]
                kept.lerp_(batch[:time].to(kept), rate.to(kept))
