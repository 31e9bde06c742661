"""Median, quartiles and bootstrap confidence interval of some numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


class Spread(NamedTuple):
    """A summary of some numbers."""

    size: int
    """The number of values."""
    median: float
    quartiles: tuple[float, float]
    """The first and the third quartile."""
    interval: tuple[float, float]
    """The confidence interval of the median, at ``CONFIDENCE``, by the bootstrap."""

    def __str__(self) -> str:
        (first, third), (low, high) = self.quartiles, self.interval
        return f"{self.median:.2f} [{low:.2f}, {high:.2f}], half within {first:.2f} to {third:.2f}"


def spread(values: Sequence[float], seed: int = 0) -> Spread:
    """Median, quartiles and confidence interval; the same seed gives the same interval.

    Raises ValueError if there are no values.

    >>> print(spread([4.1, 5.2, 4.8, 9.9, 5.0]))
    5.00 [4.10, 9.90], half within 4.80 to 5.20
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not numbers.size:
        raise ValueError("there are no values")
    draws = np.random.default_rng(seed).integers(len(numbers), size=(RESAMPLES, len(numbers)))
    low, high = np.quantile(np.median(numbers[draws], axis=1), TAILS)
    first, middle, third = np.quantile(numbers, (0.25, 0.5, 0.75))
    return Spread(
        len(numbers), float(middle), (float(first), float(third)), (float(low), float(high))
    )
