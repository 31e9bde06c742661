"""Run the service: listen, print the address, open the browser, and end with Ctrl-C.

The socket listens before the slow imports, so that the browser starts meanwhile.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

from musicae.core.errors import MusicaeError
from musicae.studio.settings import COMPUTATION, DEFAULT_PORT, LOOPBACK, Limits, Settings

PORTS = 50
"""The number of ports that are tried if the user names none."""
TOKEN_BYTES = 32
ENDING = 2
"""Seconds within which requests must end after Ctrl-C."""


def studio(file: Path | None, port: int | None, browser: bool, tell: Callable[[str], None]) -> None:
    """Run the service for a browser on this machine until Ctrl-C.

    Args:
        file: the file that the page opens first; None for none.
        port: the port of the loopback address; 0 means any free one, None the first free one from
            8321 on.
        browser: whether to open the page in a browser.
        tell: called with sentences to print.

    Raises MusicaeError if the file cannot be read, or the port is taken.
    """
    from musicae.studio.security import loopback_hosts

    opened = None if file is None else (_content(file), file.name)
    listening = listen(LOOPBACK, port)
    port = listening.getsockname()[1]
    token = secrets.token_urlsafe(TOKEN_BYTES)
    address = f"http://{LOOPBACK}:{port}/#token={token}"
    tell(f"musicae studio: {address}")
    tell("Ctrl-C stops it")
    if browser:
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
    run(listening, Settings(token, loopback_hosts(port), opened=opened))


def serve(
    host: str,
    port: int,
    *,
    token: str | None,
    names: tuple[str, ...],
    limits: Limits,
    tell: Callable[[str], None],
) -> None:
    """Run the service for other machines until Ctrl-C.

    Args:
        host: the address to listen on, such as ``0.0.0.0`` for all addresses of this machine.
        port: the port; 0 means any free one.
        token: the token that each request needs; None for no token.
        names: the host names by which browsers reach the service, besides ``host`` and numeric
            addresses.
        limits: the limits of the service.
        tell: called with sentences to print.

    Raises MusicaeError if the address cannot be listened on.
    """
    from musicae.studio.security import named_hosts

    listening = listen(host, port)
    bound, port, *_ = listening.getsockname()
    shown = f"[{bound}]" if ":" in bound else bound
    tell(f"musicae serve: http://{shown}:{port}/" + (f"#token={token}" if token else ""))
    if token is None:
        tell("anyone who reaches this address can use it: there is no token")
    allowed = named_hosts([host, "localhost", socket.gethostname(), *names])
    run(listening, Settings(token, allowed, limits))


def listen(host: str, port: int | None) -> socket.socket:
    """A listening socket. Raises MusicaeError if the address is wrong or the port is taken.

    If ``port`` is None, the first free one of ``PORTS`` ports from 8321 on is used.
    """
    ports = range(DEFAULT_PORT, DEFAULT_PORT + PORTS) if port is None else [port]
    problem: OSError | None = None
    for each in ports:
        try:
            family, *_, address = socket.getaddrinfo(
                host, each, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listening = socket.socket(family, socket.SOCK_STREAM)
        except (OSError, UnicodeError, OverflowError) as error:
            raise MusicaeError(f"{host}: is not an address of this machine ({error})") from None
        try:
            if os.name == "posix":  # on Windows it would take a port that another program uses
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(128)
        except OSError as error:
            listening.close()
            problem = error
        else:
            return listening
    assert problem
    where = f"port {port}" if port is not None else f"ports {DEFAULT_PORT} to {ports[-1]}"
    raise MusicaeError(f"{host}, {where}: cannot be used ({problem.strerror}); give another --port")


def run(listening: socket.socket, settings: Settings) -> None:
    """Answer requests until Ctrl-C."""
    import uvicorn

    from musicae.studio.app import create_app
    from musicae.studio.warming import Warming

    app = create_app(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http="h11",
        ws="none",
        limit_concurrency=settings.limits.connections,
        lifespan="on",
        timeout_graceful_shutdown=ENDING,
    )

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.state.workers.end()  # otherwise uvicorn would wait for the requests
            await super().shutdown(sockets)

    warming = Warming()
    try:
        Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # uvicorn raises it again when it has ended
        pass
    finally:
        listening.close()
    ended = warming.stop(ENDING)
    if not ended or any(thread.name == COMPUTATION for thread in threading.enumerate()):
        # A thread that is inside a library when Python exits would crash the process.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise MusicaeError(f"{file}: cannot be read ({error.strerror})") from None
