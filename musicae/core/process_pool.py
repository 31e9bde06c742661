"""A pool of processes that share many items of work; each works on one item at a time."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from musicae.core.errors import MusicaeError
from musicae.core.processes import Died, Item, Result

GRACE = 5.0
"""Seconds that a process has for cleaning up when it must stop."""

_WORKING = threading.Event()
"""Set in a process of a pool while it works on an item."""


def side_by_side(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    prepare: Callable[[], None],
) -> Iterator[tuple[int, Result | Died]]:
    """Yield the index and the result of each item as they finish; see ``processes.each``."""
    pool = _Pool(workers)
    try:
        _prepare(pool, prepare, workers)
    except BaseException:
        pool.stop()
        raise
    return _results(pool, work, items, workers)


def _prepare(pool: _Pool, prepare: Callable[[], None], workers: int) -> None:
    first, *_ = [pool.submit(prepare) for _ in range(workers)]
    try:
        first.result()
    except BrokenProcessPool:
        raise MusicaeError(
            "the worker processes cannot be started: a script must ask for them under"
            " if __name__ == '__main__', and they need memory; or use 1 worker"
        ) from None


def _results(
    pool: _Pool, work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[tuple[int, Result | Died]]:
    waiting = deque(enumerate(items))
    running: dict[Future[Result], tuple[int, Item]] = {}
    finished: list[tuple[int, Result]] = []
    suspects: list[tuple[int, Item]] = []
    try:
        while waiting or running or finished:
            broken = False
            while waiting and len(running) < workers and not broken:
                try:
                    running[pool.submit(work, waiting[0][1])] = waiting[0]
                    waiting.popleft()
                except BrokenProcessPool:  # one died between two items
                    broken = True
            yield from finished
            finished.clear()
            done = wait(running, return_when=FIRST_COMPLETED).done
            while done:
                future = done.pop()
                place, item = running.pop(future)
                try:
                    finished.append((place, future.result()))
                except BrokenProcessPool:  # any of the running processes may be the one that died
                    suspects.append((place, item))
                    done |= running.keys()
                    broken = True
            if broken:
                pool.stop()
                pool = _Pool(workers)
        for place, item in suspects:
            pool.stop()
            pool = _Pool(1)
            try:
                yield place, pool.submit(work, item).result()
            except BrokenProcessPool:
                yield place, Died()
    finally:
        pool.stop()


class _Pool:
    """Processes that clean up and stop when ``stop`` is called or this process ends."""

    def __init__(self, workers: int) -> None:
        context = get_context("spawn")  # threads of libraries do not survive a fork
        self._reader, self._writer = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(workers, context, _begin, (self._reader,))

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        with _without_interrupts():
            return self._executor.submit(_guarded, function, *arguments)

    def stop(self) -> None:
        self._writer.close()  # the processes stop when the pipe closes
        self._executor.shutdown(cancel_futures=True)
        self._reader.close()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keep Ctrl-C, which a terminal sends to all processes, from those that start inside."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(stop: Connection) -> None:
    """Prepare a new process: it ignores Ctrl-C, and stops when the pool does."""
    os.environ["OMP_NUM_THREADS"] = "1"  # for libraries loaded later: the processes share the cores
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_end_with, args=(stop,), daemon=True).start()


def _end_with(stop: Connection) -> None:
    stop.poll(None)  # returns when the other end is closed, or its process has ended
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    _end_soon()


def _end(*_: object) -> NoReturn:
    """End this process; unwind running work first, so that no unfinished file remains."""
    if not _WORKING.is_set():
        os._exit(1)
    _end_soon()
    raise SystemExit(1)


def _end_soon() -> None:
    timer = threading.Timer(GRACE, os._exit, (1,))
    timer.daemon = True
    timer.start()


def _guarded(function: Callable[..., Result], *arguments: Any) -> Result:
    try:
        _WORKING.set()
        return function(*arguments)
    except SystemExit:  # the pool would store it as a result, and the process would go on
        os._exit(1)
    finally:
        _WORKING.clear()
