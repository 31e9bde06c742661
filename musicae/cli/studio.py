"""``musicae studio`` and ``musicae serve``: the page in which tunes are drawn and harmonized."""

from __future__ import annotations

import secrets
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from musicae.core.errors import MusicaeError

Port = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        help="The port; 0 takes any free one. Default: 8321, or the next free port.",
    ),
]


def studio(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="The tune or project to open: any file that musicae reads. Default: an empty page."
        ),
    ] = None,
    port: Port = None,
    no_browser: Annotated[
        bool,
        typer.Option("--no-browser", help="Print the address of the page; do not open a browser."),
    ] = False,
) -> None:
    """Open the page in which you draw a tune and shape its harmony, on this machine only."""
    _check_extra()
    from musicae.studio import server

    server.studio(file, port, not no_browser, _tell)


def serve(
    host: Annotated[
        str,
        typer.Option(help="The address to listen on; 0.0.0.0 listens on every network."),
    ],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes any free one.")
    ] = 8321,
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="A host name that browsers use for the service, such as music.example.org;"
            " can be given several times. Default: the host and any numeric address."
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="MUSICAE_TOKEN",
            help="The token that every request must state. Default: a random token, printed at the"
            " start.",
        ),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", help="Answer everyone who reaches the service, without a token."
        ),
    ] = False,
    at_once: Annotated[
        int, typer.Option(min=1, help="The number of computations that run at the same time.")
    ] = 2,
    seconds: Annotated[
        float, typer.Option(min=1, help="The longest time that a request may take, in seconds.")
    ] = 300,
) -> None:
    """Serve the page and its HTTP API to other machines; /docs describes the requests."""
    if insecure and token:
        raise MusicaeError("--token and --insecure contradict each other; give one of the two")
    _check_extra()
    from musicae.studio import server
    from musicae.studio.settings import Limits

    if not insecure:
        token = token or secrets.token_urlsafe(server.TOKEN_BYTES)
    limits = replace(Limits(), at_once=at_once, seconds=seconds)
    server.serve(host, port, token=token, names=tuple(name or ()), limits=limits, tell=_tell)


def _tell(sentence: str) -> None:
    print(sentence, flush=True)


def _check_extra() -> None:
    if not (find_spec("fastapi") and find_spec("uvicorn")):
        raise MusicaeError("the page needs fastapi and uvicorn: pip install 'musicae[studio]'")
