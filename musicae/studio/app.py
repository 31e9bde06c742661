"""The routes of the service: each reads a request and answers with a result of ``operations``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from inspect import getdoc
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from musicae.core.version import __version__
from musicae.studio import answers, pages, requests
from musicae.studio.computing import Computed, Workers
from musicae.studio.limits import Bounded
from musicae.studio.messages import BUG, dumped, error
from musicae.studio.operations import Operations
from musicae.studio.security import Guard
from musicae.studio.settings import Settings

OPENAPI = "/openapi.json"
HEALTH = "/api/health"
JSON = "application/json"
PATIENCE = 2.0
"""Seconds that a computation has to stop when the service ends."""
LONGEST_NAME = 40
"""The most characters of a field's name in a message."""
Accept = Annotated[str | None, Header(include_in_schema=False)]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ANY_FILE = {"requestBody": {"required": True, "content": {"application/octet-stream": _BINARY}}}


def create_app(settings: Settings) -> FastAPI:
    """The service as an ASGI application."""
    workers = Workers(settings.limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        workers.end()
        await asyncio.to_thread(workers.join, PATIENCE)

    app = FastAPI(
        title="musicae studio",
        version=__version__,
        summary="Harmonizes tunes in four voices, and composes new pieces.",
        description=pages.DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers={
            RequestValidationError: _invalid,
            HTTPException: _refused,
            Exception: _unexpected,
        },
    )
    app.state.workers = workers
    app.include_router(_requests(Operations(settings), workers))
    table = pages.table()
    for path, file in table.items():
        app.add_route(path, _page(file), include_in_schema=False)
    described: list[bytes] = []

    async def openapi(_: Request) -> Response:
        if not described:
            described.append(dumped(app.openapi()))
        return Response(described[0], media_type=JSON)

    app.add_route(OPENAPI, openapi, include_in_schema=False)
    app.add_middleware(Bounded, limits=settings.limits, free={*table, OPENAPI, HEALTH})
    app.add_middleware(Guard, settings=settings, public={*table, OPENAPI, HEALTH})
    return app


def _requests(operations: Operations, workers: Workers) -> APIRouter:
    router = APIRouter(
        prefix="/api",
        tags=["requests"],
        default_response_class=Response,
        dependencies=[Depends(HTTPBearer(auto_error=False, description="The token."))],
    )

    def computing(
        body: type[requests.Request],
        model: type[answers.Answer],
        compute: Callable[[Any], dict[str, Any]],
    ) -> None:
        """Add a route with the name of ``compute``; its request has the body ``body``."""

        async def answer(asked: Any, accept: Accept = None) -> Response:
            return Computed(workers, lambda: compute(asked), accept)

        answer.__annotations__["asked"] = body
        name, does = compute.__name__, getdoc(body)
        router.post(f"/{name}", responses=answers.computed(model), name=name, description=does)(
            answer
        )

    computing(requests.Harmonize, answers.Harmonized, operations.harmonize)
    computing(requests.Alternatives, answers.Several, operations.alternatives)
    computing(requests.Chords, answers.Choices, operations.chords)
    computing(requests.Mend, answers.Mended, operations.mend)
    computing(requests.Score, answers.Engraved, operations.score)
    computing(requests.Compose, answers.Projects, operations.compose)
    computing(requests.Vary, answers.Projects, operations.vary)
    computing(requests.Interpolate, answers.Projects, operations.interpolate)

    @router.post("/export", responses=answers.files("application/octet-stream"))
    async def export(asked: requests.Export) -> Response:
        """Export a project: notation, a score, sound, an audition pack or a choir's kit."""
        return Computed(workers, lambda: operations.export(asked), None)

    @router.post("/open", responses=answers.computed(answers.Opened), openapi_extra=_ANY_FILE)
    async def open_file(
        request: Request,
        name: Annotated[str, Query(max_length=255)] = "",
        accept: Accept = None,
    ) -> Response:
        """Read a file (MIDI, MusicXML, MEI, ABC, kern or a project) and choose the tune in it."""
        content = await request.body()
        return Computed(workers, lambda: operations.open(content, name), accept)

    @router.get("/opened", responses=answers.computed(answers.Opened | None))
    async def opened(accept: Accept = None) -> Response:
        """The file that the service was started with, for the first request; else null."""
        return Computed(workers, operations.opened, accept)

    @router.get("/about", responses=answers.problems(401, 403, 503))
    async def about(accept: Accept = None) -> Response:
        """The names, ranges and limits of everything that a request can ask for."""
        return Computed(workers, operations.about, accept)

    @router.get("/soundfont", responses=answers.files("audio/x-soundfont"))
    async def soundfont() -> Response:
        """The installed General MIDI SoundFont."""
        return Computed(workers, operations.soundfont, None)

    @router.get("/health", response_model=answers.Health)
    async def health() -> Response:
        """Whether the service is running; needs no token."""
        return Response(dumped({"ok": True}), media_type=JSON)

    return router


def _page(file: Path) -> Callable[[Request], Response]:
    """An endpoint that sends a file."""

    def endpoint(request: Request) -> Response:
        try:
            content = file.read_bytes()
        except OSError:
            return Response(pages.UNBUILT, 404, media_type="text/plain")
        tag = pages.tag(content)
        headers = {"etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(None, 304, headers)
        return Response(content, 200, headers, pages.MEDIA_TYPES[file.suffix])

    return endpoint


async def _invalid(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, RequestValidationError)
    found = problem.errors()[0]
    if found["type"] == "json_invalid":
        return _failed(400, "this request is not JSON")
    place = ", ".join(str(part)[:LONGEST_NAME] for part in found["loc"][1:])
    return _failed(422, f"{place}: {found['msg']}" if place else found["msg"])


async def _refused(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    sentences = {404: "there is nothing at this address", 405: "this address has no such method"}
    return _failed(problem.status_code, sentences.get(problem.status_code, str(problem.detail)))


async def _unexpected(_: Request, __: Exception) -> Response:
    return _failed(500, BUG)


def _failed(status: int, message: str) -> Response:
    return Response(dumped(error(message)), status, media_type=JSON)
