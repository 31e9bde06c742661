"""How much is asked at once: the number of requests, the size of a body, and the time it takes."""

from __future__ import annotations

import asyncio

from musicae.studio.messages import App, Message, Receive, Scope, Send, refuse
from musicae.studio.settings import Limits

RETRY = [("retry-after", "1")]
BUSY = "musicae is busy with other requests; try again in a moment"


class Bounded:
    """Reads the whole body of each request with a body, if it is small and arrives soon.

    The application gets it as one message, and then what the connection says, such as that it was
    closed.
    """

    def __init__(self, app: App, limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        if self._open >= self._limits.at_once + self._limits.waiting:
            await refuse(send, 429, BUSY, RETRY)
            return
        self._open += 1
        try:
            await self._bounded(scope, receive, send)
        finally:
            self._open -= 1

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = self._limits.bytes
        stated = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
        too_large = f"this is larger than {most / 2**20:g} MiB, the most that musicae takes at once"
        if any(not value.isdigit() or int(value[:20]) > most for value in stated):
            await refuse(send, 413, too_large, [("connection", "close")])
            return
        try:
            async with asyncio.timeout(self._limits.reading):
                body = await _read(receive, most)
        except TimeoutError:
            message = f"this did not arrive within {self._limits.reading:g} seconds"
            await refuse(send, 408, message, [("connection", "close")])
            return
        except ValueError:
            await refuse(send, 413, too_large, [("connection", "close")])
            return
        if body is None:
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self._app(scope, replay, send)


async def _read(receive: Receive, most: int) -> bytes | None:
    """A body; None where the connection was closed. Raises ValueError where it is larger."""
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
