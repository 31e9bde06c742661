"""Answers of the service that are no music: errors as sentences in JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""As in the specification of ASGI."""

JSON = "application/json"
BUG = "musicae has made a mistake of its own here; the window it was started in tells which"


def dumped(value: Any) -> bytes:
    """A value as JSON in UTF-8, without blanks."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")


def error(message: str) -> dict[str, Any]:
    """The JSON of an error: a sentence for a musician."""
    return {"error": {"message": message}}


async def answer(
    send: Send,
    status: int,
    body: bytes,
    media_type: str = JSON,
    headers: Iterable[tuple[str, str]] = (),
) -> None:
    """Send a whole answer."""
    fields = [("content-type", media_type), ("content-length", str(len(body))), *headers]
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def refuse(
    send: Send, status: int, message: str, headers: Iterable[tuple[str, str]] = ()
) -> None:
    """Send an error."""
    await answer(send, status, dumped(error(message)), headers=headers)
