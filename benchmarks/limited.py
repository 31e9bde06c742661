"""Run a function in a child process with limits of time and memory (Linux and macOS)."""

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
"""A child may take this many times its limit of processor time as wall-clock time."""
DONE, FAILED, SLOW, LARGE, DIED = "done", "traceback", "too slow", "too much memory", "died"


class Outcome(NamedTuple):
    """The outcome of a call."""

    kind: str
    """``DONE``, ``FAILED``, ``SLOW``, ``LARGE`` or ``DIED``."""
    value: Any
    """The function's result; for ``FAILED`` and ``LARGE`` the traceback."""
    seconds: float
    """Processor time; other work on the machine does not count."""
    mebibytes: int
    """The greatest memory of the child; 0 if it was ended before it could report it."""


def call(function: Callable[..., Any], *arguments: Any, seconds: float, mebibytes: int) -> Outcome:
    """Call a function in a child process, which is ended after ``seconds`` of processor time.

    It is also ended after ``PATIENCE * seconds`` of wall-clock time. The child is forked, so it has
    the modules and data of this process. It may use ``mebibytes`` more memory than this process.
    The function's result is pickled.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(theirs, function, arguments, seconds, mebibytes))
    before = _spent()
    with warnings.catch_warnings():  # Python 3.12 warns about threads; PyTorch's are idle
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
    """The processor time of all ended children, in seconds."""
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
        memory = "can't allocate memory" in str(error)  # PyTorch raises a RuntimeError
        kind, value = LARGE if memory else FAILED, traceback.format_exc()
    if held:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    pipe.send((kind, value, peak))


def _mapped() -> int:
    """The address space of this process in bytes; 0 if the system does not report it."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()
