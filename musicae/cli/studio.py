"""``musicae studio`` and ``musicae serve``: the page to draw and harmonize tunes in."""

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
    typer.Option(min=0, max=65535, help="By default 8321, or the next that is free; 0: any."),
]


def studio(
    file: Annotated[
        Path | None, typer.Argument(help="A tune or a project: any file that musicae reads.")
    ] = None,
    port: Port = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address of the page.")
    ] = False,
) -> None:
    """Draw a tune and shape its harmony in a page that this machine serves to itself."""
    _check_extra()
    from musicae.studio import server

    server.studio(file, port, not no_browser, _tell)


def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen on, such as 0.0.0.0 for every network.")
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8321,
    name: Annotated[
        list[str] | None,
        typer.Option(help="A name that browsers reach it by, such as music.example.org."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="MUSICAE_TOKEN", help="What requests must state; by default a random one."
        ),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Answer without a token whoever reaches it.")
    ] = False,
    at_once: Annotated[
        int, typer.Option(min=1, help="Computations that run at the same time.")
    ] = 2,
    seconds: Annotated[
        float, typer.Option(min=1, help="The longest that a request may take.")
    ] = 300,
) -> None:
    """Serve the page and its requests to other machines; they are described at /docs."""
    if insecure and token:
        raise MusicaeError("a --token and --insecure contradict each other")
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
