"""Choices between numbers that may be equal, made alike on every machine."""

from __future__ import annotations

import numpy as np

TIE = 1e-9
"""Numbers this near count as equal: far above the rounding of float64, far below what is chosen between."""


def first_best(scores: np.ndarray, axis: int) -> np.ndarray:
    """The index along an axis of the first score within `TIE` of the greatest.

    ``argmax`` leaves a tie to the last bit, which differs between instruction sets (numpy's ``exp``) and
    orders of summation.

    >>> first_best(np.array([[0.1 + 0.2, 0.3], [0.3, 0.1 + 0.2], [0.3, 0.4]]), axis=1)
    array([0, 0, 1])
    """
    return (scores >= scores.max(axis, keepdims=True) - TIE).argmax(axis)
