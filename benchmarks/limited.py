"""Run a function in a child process with a limit of time and memory (Linux and macOS)."""

from __future__ import annotations

import math
import multiprocessing
import resource
import signal
import traceback
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

MEBIBYTE = 2**20
PATIENCE = 10
"""How much longer than its time of the processor a child may take by the clock."""
DONE, FAILED, SLOW, LARGE, DIED = "done", "traceback", "too slow", "too much memory", "died"


class Outcome(NamedTuple):
    """What became of a call."""

    kind: str
    """``DONE``, ``FAILED``, ``SLOW``, ``LARGE`` or ``DIED``."""
    value: Any
    """What the function returned; of ``FAILED`` and ``LARGE`` the traceback."""
    seconds: float
    """Of the processor, so that other work on the machine does not count."""
    mebibytes: int
    """The most memory that the child held; 0 where it did not live to tell."""


def call(function: Callable[..., Any], *arguments: Any, seconds: float, mebibytes: int) -> Outcome:
    """Call a function in a child that is ended after ``seconds`` of the processor.

    It is ended too where it takes ``PATIENCE`` times as long by the clock. The child is forked, so
    that what is imported and loaded here is there at once. It may take ``mebibytes`` more than this
    process has. What the function returns is pickled.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(theirs, function, arguments, seconds, mebibytes))
    before = _spent()
    with warnings.catch_warnings():  # Python 3.12 warns of threads; those of PyTorch are idle
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    theirs.close()
    outcome = None
    try:
        if ours.poll(PATIENCE * seconds):
            outcome = ours.recv()
    except EOFError:
        child.join()
        outcome = (SLOW if child.exitcode == -signal.SIGXCPU else DIED, None, 0)
    if outcome is None:
        child.kill()
        outcome = (SLOW, None, 0)
    child.join()
    ours.close()
    kind, value, peak = outcome
    return Outcome(kind, value, _spent() - before, peak)


def _spent() -> float:
    """Seconds of the processor that the children which have ended took."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _run(
    pipe: Connection,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    seconds: float,
    mebibytes: int,
) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), resource.RLIM_INFINITY))
    held = _mapped()
    if held:
        limit = held + mebibytes * MEBIBYTE
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    try:
        kind, value = DONE, function(*arguments)
    except MemoryError:
        kind, value = LARGE, traceback.format_exc()
    except BaseException as error:
        memory = "can't allocate memory" in str(error)  # PyTorch says it in a RuntimeError
        kind, value = LARGE if memory else FAILED, traceback.format_exc()
    if held:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    pipe.send((kind, value, peak))


def _mapped() -> int:
    """The bytes of address space that this process has; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()
