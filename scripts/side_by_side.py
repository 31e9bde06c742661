"""Run a task on several items at the same time, one a processor."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Item = TypeVar("Item")


def run(task: Callable[[Item], str], items: Iterable[Item]) -> None:
    """Print what the task returns for each item, whole, as soon as it is done.

    Items begin in their order. A failure is raised once those at work are done; those that have not
    begun are left. The tasks are threads, so what takes long should be a process of its own.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # each of the workers has a processor
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(task, item) for item in items]
        try:
            for future in as_completed(futures):
                print(future.result(), flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
