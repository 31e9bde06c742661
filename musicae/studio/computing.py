"""Run computations, each in its own thread, with progress, a time limit and cancellation.

A computation is stopped when its client is gone. It ends when it next reports progress. Until then
it counts as running, so that there are never more computations at once than allowed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any, NamedTuple

from fastapi import Response

from musicae.core.errors import MusicaeError
from musicae.core.progress import reporting
from musicae.studio.messages import (
    BUG,
    JSON,
    Receive,
    Scope,
    Send,
    answer,
    dumped,
    error,
    refuse,
)
from musicae.studio.settings import COMPUTATION, Limits

LINES = "application/x-ndjson"
ENDED = "musicae studio was stopped; start it again to go on"
PAUSE = 0.03
"""The least seconds between two lines of progress."""

_log = logging.getLogger("musicae.studio")


class File(NamedTuple):
    """A file to download."""

    name: str
    media_type: str
    content: bytes


class StoppedError(Exception):
    """Raised in a computation to stop it."""


class _Failed(NamedTuple):
    """An error to send: HTTP status and message."""

    status: int
    message: str


class Workers:
    """Runs a limited number of computations at once."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.ending = asyncio.Event()
        """Set when the service is stopping."""
        self._places = asyncio.Semaphore(limits.at_once)
        self._running: set[_Job] = set()

    async def start(self, compute: Callable[[], Any]) -> _Job:
        """Wait until fewer than ``limits.at_once`` computations run, then start one more."""
        await self._places.acquire()
        job = _Job(compute, asyncio.get_running_loop(), self._ended)
        self._running.add(job)
        job.thread.start()
        return job

    def _ended(self, job: _Job) -> None:
        self._running.discard(job)
        self._places.release()

    def end(self) -> None:
        """Stop all computations, and answer their clients at once."""
        self.ending.set()
        for job in self._running:
            job.stop()

    def join(self, patience: float) -> None:
        """Wait up to ``patience`` seconds until all computations have ended."""
        for job in list(self._running):
            job.thread.join(patience / len(self._running))


class _Job:
    """A computation in a thread."""

    def __init__(
        self,
        compute: Callable[[], Any],
        loop: asyncio.AbstractEventLoop,
        ended: Callable[[_Job], None],
    ) -> None:
        self.changed = asyncio.Event()
        """Set at each progress, and at the end."""
        self.progress: tuple[int, int] | None = None
        self.outcome: bytes | File | _Failed | None = None
        """The result as JSON, a file, or an error; None while the computation runs."""
        self.thread = Thread(target=self._run, name=COMPUTATION, daemon=True)
        self._compute, self._loop, self._ended = compute, loop, ended
        self._stopped = Event()

    def stop(self) -> None:
        """End the computation when it next reports progress."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            with reporting(self._report):
                result = self._compute()
            self.outcome = result if isinstance(result, File) else dumped(result)
        except StoppedError:
            self.outcome = _Failed(503, "this computation was stopped")
        except MusicaeError as failure:
            self.outcome = _Failed(422, str(failure))
        except Exception:
            _log.exception("an unexpected error")
            self.outcome = _Failed(500, BUG)
        self._tell(lambda: self._ended(self))

    def _report(self, done: int, of: int) -> None:
        if self._stopped.is_set():
            raise StoppedError
        if self.progress != (done, of):
            self.progress = done, of
            self._tell(lambda: None)

    def _tell(self, also: Callable[[], None]) -> None:
        def tell() -> None:
            also()
            self.changed.set()

        with suppress(RuntimeError):  # the event loop is closed: the server has ended
            self._loop.call_soon_threadsafe(tell)


class Computed(Response):
    """The answer to a request that computes: JSON, a file, or lines of JSON with progress."""

    def __init__(self, workers: Workers, compute: Callable[[], Any], accept: str | None) -> None:
        """``compute`` returns a value for JSON or a ``File``; it may raise MusicaeError.

        ``accept`` is the ``Accept`` header of the request; if it names ``LINES``, progress is sent.
        """
        super().__init__()
        self._workers, self._compute = workers, compute
        self._lines = LINES in (accept or "")

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        sender = _Sender(send, self._lines)
        gone = asyncio.create_task(_gone(receive))
        ending = asyncio.create_task(self._workers.ending.wait())
        following = asyncio.create_task(self._follow(sender))
        tasks = (gone, ending, following)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if following in done:
            following.result()  # raises what went wrong with the connection
        elif gone not in done:
            await sender.outcome(_Failed(503, ENDED))

    async def _follow(self, sender: _Sender) -> None:
        limits = self._workers.limits
        job = None
        try:
            async with asyncio.timeout(limits.seconds):
                job = await self._workers.start(self._compute)
                while job.outcome is None:
                    await job.changed.wait()
                    job.changed.clear()
                    if self._lines and job.outcome is None and job.progress is not None:
                        await sender.line({"progress": job.progress})
                        await asyncio.sleep(PAUSE)
                outcome = job.outcome
        except TimeoutError:
            message = f"this took longer than {limits.seconds:g} seconds; try it with less music"
            outcome = _Failed(503, message)
        finally:
            if job is not None:
                job.stop()
        await sender.outcome(outcome)


class _Sender:
    """An answer that is sent in parts, if the client asked for lines."""

    def __init__(self, send: Send, lines: bool) -> None:
        self._send, self._lines = send, lines
        self._begun = False

    async def line(self, value: Any, last: bool = False) -> None:
        await self._raw_line(dumped(value), last)

    async def _raw_line(self, text: bytes, last: bool) -> None:
        if not self._begun:
            self._begun = True
            headers = [(b"content-type", LINES.encode())]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        message = {"type": "http.response.body", "body": text + b"\n", "more_body": not last}
        await self._send(message)

    async def outcome(self, outcome: bytes | File | _Failed) -> None:
        if isinstance(outcome, _Failed):
            if self._lines:
                await self.line(error(outcome.message), last=True)
            else:
                retry = [("retry-after", "1")] if outcome.status == 503 else []
                await refuse(self._send, outcome.status, outcome.message, retry)
        elif isinstance(outcome, File):
            headers = [("content-disposition", disposition(outcome.name))]
            await answer(self._send, 200, outcome.content, outcome.media_type, headers)
        elif self._lines:
            await self._raw_line(b'{"result":' + outcome + b"}", last=True)
        else:
            await answer(self._send, 200, outcome, JSON)


async def _gone(receive: Receive) -> None:
    """Wait until the client closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def disposition(name: str) -> str:
    """The ``Content-Disposition`` of a file to download (RFC 6266), with any letters in its name.

    >>> disposition("Für Elise.mid")
    'attachment; filename="F_r Elise.mid"; filename*=UTF-8\\'\\'F%C3%BCr%20Elise.mid'
    """
    from urllib.parse import quote

    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
