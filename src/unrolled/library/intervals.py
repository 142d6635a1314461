"""Intervals of a mean, of a difference of means, and of the best of several runs. Pure functions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from scipy.special import stdtrit

Interval = tuple[float, float]


def t_interval(values: Sequence[float], level: float) -> Interval:
    """The t-interval of a mean.

    >>> [round(x, 3) for x in t_interval([1.0, 2.0, 3.0], 0.95)]
    [-0.484, 4.484]
    """
    n = len(values)
    half = float(stdtrit(n - 1, (1 + level) / 2)) * statistics.stdev(values) / math.sqrt(n)
    mean = statistics.fmean(values)
    return mean - half, mean + half


def welch_interval(ours: Sequence[float], against: Sequence[float], level: float) -> Interval:
    """Welch's interval of a difference of means, whose variances may differ."""
    mean = statistics.fmean(ours) - statistics.fmean(against)
    a, b = (statistics.variance(values) / len(values) for values in (ours, against))
    if not a + b:
        return mean, mean
    share = a / (a + b)
    freedom = 1 / (share**2 / (len(ours) - 1) + (1 - share) ** 2 / (len(against) - 1))
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(a + b)
    return mean - half, mean + half


def best_interval(ordered: Sequence[float], level: float) -> Interval:
    """The bootstrap interval of "the best of k", for values in the order of choice, the best first.

    The best of k runs drawn with repetition is the r-th of them with the probability
    ((k-r+1)/k)^k - ((k-r)/k)^k, so nothing has to be drawn.
    """
    k = len(ordered)
    odds = [((k - r) / k) ** k - ((k - r - 1) / k) ** k for r in range(k)]
    ranked = sorted(zip(ordered, odds, strict=True))
    below, above = (1 - level) / 2, (1 + level) / 2
    bounds, total = [], 0.0
    for value, share in ranked:
        total += share
        bounds.append((value, total))
    low = next(value for value, share in bounds if share >= below)
    high = next((value for value, share in bounds if share >= above), bounds[-1][0])
    return low, high
