"""Work on many items in one process or in several; a process that dies loses no other item."""

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
    """The process that worked on an item ended, and so did another one that tried it again."""


def usable_cores() -> int:
    """The processor cores that this process may use, 1 or more."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def own_cores() -> int:
    """The cores that threads of this process may share: one where other processes have the others.

    Those are the processes of a pool; see ``each``.
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
    """The result of each item with its place among the items, from 0, as they are done.

    With one worker everything happens in this process, in order. With more, each of so many new
    processes is prepared, then is given one item after another; ``work``, items and results are
    pickled. An item whose process dies is tried once more, alone in a new process, then comes as
    ``Died``. When the iterator is closed, the processes stop and clean up.

    Raises at once what ``prepare`` raises, and MusicaeError where processes cannot be started.
    Exceptions of ``work`` end the iteration.
    """
    if workers == 1:
        prepare()
        return ((place, work(item)) for place, item in enumerate(items))
    from musicae.core.process_pool import side_by_side  # takes time that one melody need not wait

    return side_by_side(work, items, workers, prepare)
