"""Report the progress of long computations, and stop them.

The caller registers a callback: ``with reporting(callback): ...``. Long computations call
``report``. A computation that runs another one as a part of itself wraps it in ``portion``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import RLock
from typing import NamedTuple

CountProgress = Callable[[int, int], None]
"""Called with the number of finished items and the number of all items."""
WHOLE = 1000
"""The number of all items that ``reporting`` passes to its callback."""


class _Listener:
    """A callback, the largest share that it was called with, and the exception that it raised."""

    def __init__(self, callback: CountProgress) -> None:
        self.callback, self.lock = callback, RLock()
        self.done = 0.0
        self.stopped: BaseException | None = None

    def tell(self, share: float) -> None:
        """Call the callback with the largest share so far. Once it has raised, raise that again."""
        with self.lock:
            if self.stopped is not None:
                raise self.stopped
            self.done = max(self.done, min(share, 1.0))
            try:
                self.callback(int(WHOLE * self.done), WHOLE)
            except BaseException as error:
                self.stopped = error
                raise


class _Scope(NamedTuple):
    """The range of the whole, from ``low`` to ``high`` in 0..1, that a computation fills."""

    listener: _Listener
    low: float
    high: float

    def tell(self, share: float) -> None:
        self.listener.tell(self.low + share * (self.high - self.low))


_SCOPE: ContextVar[_Scope | None] = ContextVar("progress", default=None)


@contextmanager
def reporting(callback: CountProgress) -> Iterator[None]:
    """Call ``callback(done, 1000)`` during the computations inside; ``done`` is in thousandths.

    ``done`` never falls. Any thread of a computation may call the callback, but only one at a time.
    There can be about a thousand calls a second. An exception from the callback stops the
    computation, which raises it to its caller.

    >>> told = []
    >>> with reporting(lambda done, of: told.append((done, of))):
    ...     for part in range(2):
    ...         with portion(part, 2):
    ...             report(1, 4)
    >>> told
    [(125, 1000), (625, 1000)]
    """
    token = _SCOPE.set(_Scope(_Listener(callback), 0.0, 1.0))
    try:
        yield
    finally:
        _SCOPE.reset(token)


@contextmanager
def portion(done: float, of: float, size: float = 1) -> Iterator[None]:
    """Scale the reports inside to ``size`` of ``of`` parts, after ``done`` finished parts."""
    scope = _SCOPE.get()
    if scope is None:
        yield
        return
    width = (scope.high - scope.low) / of
    low = scope.low + done * width
    token = _SCOPE.set(_Scope(scope.listener, low, low + size * width))
    try:
        yield
    finally:
        _SCOPE.reset(token)


def report(done: float, of: float) -> None:
    """Report that ``done`` of ``of`` parts are finished. Raises what the callback raises."""
    scope = _SCOPE.get()
    if scope is not None:
        scope.tell(done / of)


def pulse() -> None:
    """Call the callback without progress, so that it can stop the computation."""
    report(0, 1)


class Tally:
    """Combine the reports of several threads. Make it in the thread that starts them."""

    def __init__(self, threads: int) -> None:
        self.scope = _SCOPE.get()
        self.shares = [0.0] * threads

    def report(self, thread: int, done: float, of: float) -> None:
        """``report`` for one of the threads, numbered from 0; the mean of all is passed on."""
        if self.scope is not None:
            self.shares[thread] = done / of
            self.scope.tell(sum(self.shares) / len(self.shares))
