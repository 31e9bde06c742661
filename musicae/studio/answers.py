"""What each request is answered with, as the service's description shows it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from musicae.api.project import Project
from musicae.api.project_values import Harmony
from musicae.studio.computing import LINES
from musicae.studio.requests import Described

_AnyProject = Annotated[dict[str, Any], Described(Project)]
_AnyHarmony = Annotated[dict[str, Any], Described(Harmony)]
_Span = Annotated[list[int], Field(min_length=2, max_length=2)]


class Answer(BaseModel):
    """An answer in JSON."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Harmonized(Answer):
    harmony: _AnyHarmony | None
    """Null for an empty tune."""
    changed: _Span | None
    """The first and the last bar that were written anew; null where none was."""


class Several(Answer):
    alternatives: list[_AnyHarmony]
    """None for an empty tune."""


class Choice(Answer):
    symbol: str
    numeral: str
    probability: float
    chosen: bool


class Choices(Answer):
    start: int
    length: int
    choices: list[Choice]
    """The likeliest first."""


class Mended(Harmonized):
    mended: bool
    """Whether another way was found; if not, the harmony is as it was."""


class Part(Answer):
    name: str
    notes: int
    """How many it has."""
    chosen: bool
    """Whether it is taken to be the tune."""
    project: _AnyProject
    notices: list[str]
    """What the musician should know of how it was read."""


class Opened(Answer):
    parts: list[Part]


class Beginning(Answer):
    at: float
    """In ticks."""
    ids: list[str]
    """Of the elements of notes, or of rests, that begin there."""


class Engraved(Answer):
    pages: list[str]
    """SVG that holds shapes and texts only."""
    times: list[Beginning]


class Projects(Answer):
    projects: list[_AnyProject]


class Health(Answer):
    ok: bool


class Sentence(Answer):
    message: str


class Failed(Answer):
    """What went wrong, for a musician."""

    error: Sentence


_PROBLEMS = {
    401: "The token is missing or wrong.",
    403: "The request names another address, or comes from another page.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    422: "The music or a setting cannot be used.",
    429: "Too many requests at once; `Retry-After` says when to try again.",
    503: "It took too long.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that a request may be answered with."""
    return {status: {"model": Failed, "description": _PROBLEMS[status]} for status in statuses}


def computed(model: Any) -> dict[int | str, dict[str, Any]]:
    """The answers of a request that computes JSON of a model."""
    lines = {"schema": {"type": "string"}, "description": "Progress, then the result."}
    usual = {"model": model, "description": "The result.", "content": {LINES: lines}}
    return {200: usual, **problems(*_PROBLEMS)}


def files(media_type: str) -> dict[int | str, dict[str, Any]]:
    """The answers of a request for a file."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    usual = {"description": "The file.", "content": {media_type: binary}}
    return {200: usual, **problems(*_PROBLEMS)}
