"""Send answers of the service; errors are sentences in JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""These are the types of the ASGI specification."""

JSON = "application/json"
BUG = "this is an error in musicae itself; the window in which it was started shows the details"


def dumped(value: Any) -> bytes:
    """A value as JSON in UTF-8, without spaces."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")


def error(message: str) -> dict[str, Any]:
    """The JSON of an error; ``message`` is a sentence for a musician."""
    return {"error": {"message": message}}


async def answer(
    send: Send,
    status: int,
    body: bytes,
    media_type: str = JSON,
    headers: Iterable[tuple[str, str]] = (),
) -> None:
    """Send a complete answer."""
    fields = [("content-type", media_type), ("content-length", str(len(body))), *headers]
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def refuse(
    send: Send, status: int, message: str, headers: Iterable[tuple[str, str]] = ()
) -> None:
    """Send an error as the complete answer."""
    await answer(send, status, dumped(error(message)), headers=headers)
