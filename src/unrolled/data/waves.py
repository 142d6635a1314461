"""Generated signals for models with a latent variable at every step: switching sines, and two-mode noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UsageError


class Regime(NamedTuple):
    """A sine about a level: ``level + amplitude * sin(2 pi t / period + phase)``."""

    period: float  # in steps
    amplitude: float
    level: float = 0.0


LEVELS = (Regime(24.0, 0.3, -1.0), Regime(8.0, 0.3, 1.0))
"""Two regimes that lie apart: at a switch the wave jumps."""

AMPLITUDES = (Regime(24.0, 0.4), Regime(12.0, 1.0), Regime(8.0, 2.0))
"""Regimes about one level: at a switch the wave bends, and seldom jumps."""


class RegimeWaves(NamedTuple):
    """Sines that switch regime.

    ``x`` is ``[n, time, 1]`` float32; ``switches`` ``[n, time]`` bool is true at the first step of a new
    regime, never at the first step of a sequence; ``regimes`` ``[n, time]`` int64 is the regime's number.
    """

    x: Tensor
    switches: Tensor
    regimes: Tensor


def _sizes(sequences: int, time: int, noise: float) -> None:
    if sequences < 1 or time < 1:
        raise UsageError(f"at least one sequence of one step is needed, not {sequences} of {time}")
    if not noise >= 0:
        raise UsageError(f"the noise is a deviation, not {noise}")


def regime_waves(
    sequences: int,
    time: int,
    seed: int,
    *,
    regimes: Sequence[Regime] = LEVELS,
    switch: float = 1 / 8,
    hold: int = 4,
    noise: float = 0.1,
) -> RegimeWaves:
    """Noisy sines that change level, period and amplitude at random times; the phase runs on.

    Within a regime the next value is all but known; when a regime ends, and, of three or more, which one
    follows, is not.

    Args:
        regimes: between which the wave switches; the next one is drawn among the others.
        switch: the chance of a switch at a step, once the regime has lasted.
        hold: the steps that a regime lasts at least.
        noise: the deviation of the Gaussian noise on every value.

    Raises:
        UsageError: if a size, chance, period or deviation cannot be.

    >>> waves = regime_waves(2, 50, seed=0)
    >>> tuple(waves.x.shape), waves.regimes[0].unique().tolist(), int(waves.switches[0].sum())
    ((2, 50, 1), [0, 1], 5)
    """
    _sizes(sequences, time, noise)
    if len(regimes) < 2 or any(regime.period <= 0 for regime in regimes):
        raise UsageError("at least two regimes are needed, each with a period above 0")
    if not 0 <= switch <= 1 or hold < 1:
        raise UsageError(f"a chance lies in 0 to 1 and a regime lasts a step, not {switch} and {hold}")
    random = np.random.RandomState(seed)
    periods, amplitudes, levels = np.array(regimes, float).T
    regime, lasted = random.randint(len(regimes), size=sequences), random.randint(hold, size=sequences)
    phase = random.uniform(0, 2 * math.pi, sequences)
    numbers, switches = np.empty((sequences, time), np.int64), np.zeros((sequences, time), bool)
    x = noise * random.standard_normal((sequences, time))
    for t in range(time):
        now = (random.uniform(size=sequences) < switch) & (lasted >= hold) & (t > 0)
        step = random.randint(1, len(regimes), size=sequences)
        regime, lasted = np.where(now, (regime + step) % len(regimes), regime), np.where(now, 1, lasted + 1)
        phase = phase + 2 * math.pi / periods[regime]
        x[:, t] += levels[regime] + amplitudes[regime] * np.sin(phase)
        numbers[:, t], switches[:, t] = regime, now
    return RegimeWaves(
        torch.from_numpy(x.astype(np.float32))[..., None],
        torch.from_numpy(switches),
        torch.from_numpy(numbers),
    )


def bimodal(
    sequences: int,
    time: int,
    seed: int,
    *,
    period: float = 16.0,
    amplitude: float = 0.5,
    gap: float = 1.0,
    noise: float = 0.1,
) -> Tensor:
    """Sines of one period and unknown phase, with ``+gap`` or ``-gap`` added at every step by a fair coin.

    Given the past, a value has two modes ``2 * gap`` apart: one Gaussian must cover both and the hole between
    them, and a latent variable that says which mode it is need not. `bimodal_limits` gives the best of each.

    Args:
        period: of the sine, in steps.
        amplitude: of the sine.
        gap: half the distance of the two modes.
        noise: the deviation of each mode.

    *Shapes*: gives ``[sequences, time, 1]`` float32.

    Raises:
        UsageError: if a size, period or deviation cannot be.

    >>> tuple(bimodal(3, 20, seed=0).shape)
    (3, 20, 1)
    """
    _sizes(sequences, time, noise)
    if period <= 0:
        raise UsageError(f"a period lies above 0, not {period}")
    random = np.random.RandomState(seed)
    phase = random.uniform(0, 2 * math.pi, (sequences, 1)) + 2 * math.pi * np.arange(time) / period
    mode = 2 * random.randint(2, size=(sequences, time)) - 1
    x = amplitude * np.sin(phase) + gap * mode + noise * random.standard_normal((sequences, time))
    return torch.from_numpy(x.astype(np.float32))[..., None]


class Limits(NamedTuple):
    """The best mean log-likelihood a step, in nats, where the sine is known."""

    gaussian: float
    truth: float


def bimodal_limits(gap: float = 1.0, noise: float = 0.1) -> Limits:
    """What one Gaussian a step can reach at best on `bimodal`, and what the true two modes reach.

    The first is ``-log(2 pi e (gap^2 + noise^2)) / 2``; the second is integrated numerically.

    >>> [round(value, 3) for value in bimodal_limits()]
    [-1.424, 0.19]
    """
    if not noise > 0:
        raise UsageError(f"the modes need a deviation above 0, not {noise}")
    gaussian = -0.5 * math.log(2 * math.pi * math.e * (gap**2 + noise**2))
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)  # for exp(-u^2 / 2)
    x = gap + noise * nodes  # by symmetry one mode is enough
    logs = [-0.5 * ((x - centre) / noise) ** 2 for centre in (gap, -gap)]
    density = np.logaddexp(*logs) - math.log(2 * noise * math.sqrt(2 * math.pi))
    return Limits(gaussian, float(weights @ density / weights.sum()))
