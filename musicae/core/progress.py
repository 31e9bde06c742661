"""Reports of progress from long computations."""

from __future__ import annotations

from collections.abc import Callable

CountProgress = Callable[[int, int], None]
"""Called with the number of items that are done and the number of all."""
