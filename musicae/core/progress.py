"""Reports of progress from long computations, and how they are stopped.

Whoever waits says who is told: ``with reporting(callback): ...``. Long computations call
``report``, and ``portion`` where one is a part of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import RLock
from typing import NamedTuple

CountProgress = Callable[[int, int], None]
"""Called with the number of items that are done and the number of all."""
WHOLE = 1000
"""The number of all items that ``reporting`` tells of."""


class _Listener:
    """A callback, and what it was told last."""

    def __init__(self, callback: CountProgress) -> None:
        self.callback, self.lock = callback, RLock()
        self.done = 0.0
        self.stopped: BaseException | None = None

    def tell(self, share: float) -> None:
        """Call the callback with the largest share so far; what it raised once is raised again."""
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
    """A part of all that is done."""

    listener: _Listener
    low: float
    high: float

    def tell(self, share: float) -> None:
        self.listener.tell(self.low + share * (self.high - self.low))


_SCOPE: ContextVar[_Scope | None] = ContextVar("progress", default=None)


@contextmanager
def reporting(callback: CountProgress) -> Iterator[None]:
    """Call ``callback`` while the computations inside go on: with the thousandths done, and 1000.

    The first number never falls. It comes from any thread of a computation, from one at a time, and
    often, up to some thousand times a second. What the callback raises stops the computation, and
    is raised from it.

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
    """What is reported inside are ``size`` of ``of`` parts, where ``done`` are done before."""
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
    """Tell whoever waits that ``done`` of ``of`` are done; raises what it raises to stop this."""
    scope = _SCOPE.get()
    if scope is not None:
        scope.tell(done / of)


def pulse() -> None:
    """``report`` that nothing more is done, so that whoever waits can stop this."""
    report(0, 1)


class Tally:
    """Reports of several threads as one; it is made in the thread that starts them."""

    def __init__(self, threads: int) -> None:
        self.scope = _SCOPE.get()
        self.shares = [0.0] * threads

    def report(self, thread: int, done: float, of: float) -> None:
        """``report`` of one of the threads, counted from 0."""
        if self.scope is not None:
            self.shares[thread] = done / of
            self.scope.tell(sum(self.shares) / len(self.shares))
