"""The studio's service on a real socket, and tunes for requests."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
import uvicorn
from fastapi import FastAPI

from musicae.studio.app import create_app
from musicae.studio.security import loopback_hosts
from musicae.studio.server import listen
from musicae.studio.settings import LOOPBACK, Limits, Settings

TOKEN = "a-token"
LINES = {"Accept": "application/x-ndjson"}
PATIENCE = 30
"""Seconds until a test gives up waiting."""
SCALE = (67, 69, 71, 72, 74, 72, 71, 67)


class Service(NamedTuple):
    """A running service, and a client that has its token."""

    port: int
    client: httpx.Client

    @property
    def host(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def ask(self, path: str, body: Any = None, **others: Any) -> httpx.Response:
        """The answer to a request with a JSON body, or without a body."""
        if body is None:
            return self.client.get(path, **others)
        return self.client.post(path, json=body, **others)

    def result(self, path: str, body: Any = None) -> Any:
        """The JSON of a request that succeeds."""
        answer = self.ask(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def connected(self, path: str, *fields: str) -> socket.socket:
        """A connection after the header fields of a request, without its body."""
        connection = socket.create_connection((LOOPBACK, self.port), timeout=PATIENCE)
        lines = (f"POST {path} HTTP/1.1", f"Host: {self.host}", *fields)
        lines += (f"Authorization: Bearer {TOKEN}", "", "")
        connection.sendall("\r\n".join(lines).encode())
        return connection

    def lines(self, path: str, body: Any) -> list[Any]:
        """The lines of a request that reports progress."""
        answer = self.ask(path, body, headers=LINES)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]


@contextmanager
def serving(
    app: FastAPI | None = None, *, token: str | None = TOKEN, **settings: Any
) -> Iterator[Service]:
    """A service on a free port of this machine; the settings are those of ``Limits`` and some
    others."""
    listening = listen(LOOPBACK, 0)
    port = listening.getsockname()[1]
    if app is None:
        opened = settings.pop("opened", None)
        allows_host = settings.pop("allows_host", loopback_hosts(port))
        app = create_app(Settings(token, allows_host, Limits(**settings), opened))
    config = uvicorn.Config(
        app, log_config=None, http="h11", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.Client(
            base_url=f"http://{LOOPBACK}:{port}", headers=headers, timeout=PATIENCE
        ) as client:
            yield Service(port, client)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listening.close()


def project(pitches: tuple[int, ...] = SCALE, **changes: Any) -> dict[str, Any]:
    """A project of quarter notes in 4/4, beginning in the first bar."""
    tune = [[24 * i, 24, pitch] for i, pitch in enumerate(pitches)]
    return {"format": 1, "tune": tune, "length": 96 * -(-len(pitches) // 4)} | changes
