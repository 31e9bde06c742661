"""Work on many items in one or more processes. If a process dies, no other item is lost."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Died:
    """The result of an item that failed twice because the process that worked on it died."""


def usable_cores() -> int:
    """The number of processor cores that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def own_cores() -> int:
    """The number of cores for the threads of this process: 1 in a process of a pool, else all.

    The processes of a pool share the cores; see ``each``.
    """
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing and multiprocessing.parent_process():
        return 1
    return usable_cores()


def each(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    prepare: Callable[[], None],
) -> Iterator[tuple[int, Result | Died]]:
    """Yield the index of each item, from 0, and its result, in the order in which they finish.

    With one worker everything happens in this process, in order. With more, that many new processes
    call ``prepare`` once and then work on one item after another; ``work``, items and results are
    pickled. If a process dies, its item is tried once more, alone in a new process; if that dies
    too, the result is ``Died``. When the iterator is closed, the processes stop and clean up.

    Raises at once what ``prepare`` raises, and MusicaeError if processes cannot be started.
    Exceptions of ``work`` end the iteration.
    """
    if workers == 1:
        prepare()
        return ((place, work(item)) for place, item in enumerate(items))
    from musicae.core.process_pool import side_by_side  # a slow import that one worker never needs

    return side_by_side(work, items, workers, prepare)
