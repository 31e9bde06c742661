"""Limit the requests to the service: their number, their time, and the size of their bodies."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from musicae.studio.messages import App, Message, Receive, Scope, Send, refuse
from musicae.studio.settings import Limits

RETRY = [("retry-after", "1")]
CLOSE = [("connection", "close")]
DIGITS = 20
"""The digits of ``Content-Length`` that are read; a number with more digits is too large anyway."""
BUSY = "musicae is busy with other requests; try again in a moment"


class Bounded:
    """ASGI middleware that limits the number, the time and the body size of requests.

    The application receives the whole body as one message, and then the messages of the connection,
    such as that it was closed.
    """

    def __init__(self, app: App, limits: Limits, free: Collection[str]) -> None:
        """``free`` are the paths without limits, because answering them costs nothing."""
        self._app, self._limits, self._free = app, limits, frozenset(free)
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._free:
            await self._app(scope, receive, send)
            return
        limits = self._limits
        if self._open >= limits.at_once + limits.waiting:
            await refuse(send, 429, BUSY, RETRY)
            return
        self._open += 1
        try:
            async with asyncio.timeout(limits.seconds + 2 * limits.reading):
                await self._bounded(scope, receive, send)
        except TimeoutError:
            pass  # the client does not read the answer: close the connection
        finally:
            self._open -= 1

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        most, patience = self._limits.bytes, self._limits.reading
        too_large = f"this is larger than {most / 2**20:g} MiB, the most that musicae accepts"
        stated = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
        if any(not value.isdigit() or int(value[:DIGITS]) > most for value in stated):
            await refuse(send, 413, too_large, CLOSE)
            return
        try:
            async with asyncio.timeout(patience):
                body = await _read(receive, most)
        except TimeoutError:
            await refuse(send, 408, f"this did not arrive within {patience:g} seconds", CLOSE)
            return
        except ValueError:
            await refuse(send, 413, too_large, CLOSE)
            return
        if body is None:
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self._app(scope, replay, send)


async def _read(receive: Receive, most: int) -> bytes | None:
    """The body; None if the connection was closed. Raises ValueError if it has more bytes."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > most:
            raise ValueError
        more = message.get("more_body", False)
    return bytes(body)
