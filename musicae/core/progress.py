"""Reports of progress from long computations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

CountProgress = Callable[[int, int], None]
"""Called with the number of items that are done and the number of all."""

_REPORTED: ContextVar[CountProgress | None] = ContextVar("progress", default=None)


@contextmanager
def reporting(callback: CountProgress) -> Iterator[None]:
    """Have what is computed in this context report to ``callback``."""
    token = _REPORTED.set(callback)
    try:
        yield
    finally:
        _REPORTED.reset(token)


def report(done: int, of: int) -> None:
    """Tell whoever listens."""
    callback = _REPORTED.get()
    if callback:
        callback(done, of)
