"""Run a task on several items at the same time, one for each processor."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Item = TypeVar("Item")


def run(task: Callable[[Item], str], items: Iterable[Item]) -> None:
    """Run ``task`` on each item in threads, and print its result as soon as it is done.

    Items begin in their order. If one fails, the running ones are finished, no others begin, and
    the error is raised. The tasks are threads, so long computations should run in processes.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one processor for each worker
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(task, item) for item in items]
        try:
            for future in as_completed(futures):
                print(future.result(), flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
