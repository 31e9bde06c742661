"""Types of NumPy arrays, and fast versions of ``np.unique`` and ``np.median``.

The shape of an array is documented where the array is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """The distinct values of an array without NaN, in ascending order.

    The same as ``np.unique``, which imports NumPy's masked arrays at its first call.
    """
    ordered = values.flatten()
    ordered.sort()
    new = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    found: NDArray[Any] = ordered[new]
    return found


def median(values: Floats) -> float:
    """The median of one or more values. The same as ``np.median``, which imports masked arrays."""
    ordered = np.sort(values)
    return float((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)
