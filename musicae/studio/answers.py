"""The answers of the service as pydantic models, for its OpenAPI description."""

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
    """A harmony, and the bars that changed."""

    harmony: _AnyHarmony | None
    """Null for an empty tune."""
    changed: _Span | None
    """The first and the last bar that were rewritten; null if none was."""


class Several(Answer):
    """Several harmonies of one tune."""

    alternatives: list[_AnyHarmony]
    """Empty for an empty tune."""


class Choice(Answer):
    """A chord that fits at a place."""

    symbol: str
    numeral: str
    probability: float
    chosen: bool


class Choices(Answer):
    """The chords that fit at a place, which begins at ``start`` and lasts ``length`` ticks."""

    start: int
    length: int
    choices: list[Choice]
    """The chords, the most probable first."""


class Mended(Harmonized):
    """A harmony after an attempt to remove a break."""

    mended: bool
    """Whether the break could be removed; if not, the harmony is unchanged."""


class Part(Answer):
    """A part of a file, as a project."""

    name: str
    notes: int
    """The number of its notes."""
    chosen: bool
    """Whether musicae takes this part as the tune."""
    project: _AnyProject
    notices: list[str]
    """Notices about how the part was read."""


class Opened(Answer):
    """The parts of a file."""

    parts: list[Part]


class Beginning(Answer):
    """A time at which notes or rests begin in an engraved score."""

    at: float
    """The time in ticks."""
    ids: list[str]
    """The ids of the SVG elements of the notes or rests that begin then."""


class Engraved(Answer):
    """An engraved score."""

    pages: list[str]
    """The pages as SVG, with shapes and texts only."""
    times: list[Beginning]


class Projects(Answer):
    """Pieces as projects."""

    projects: list[_AnyProject]


class Health(Answer):
    """The state of the service."""

    ok: bool


class Sentence(Answer):
    """A message for a musician."""

    message: str


class Failed(Answer):
    """An error, as a sentence for a musician."""

    error: Sentence


_PROBLEMS = {
    401: "The token is missing or wrong.",
    403: "The request's host or origin is not that of the service.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    422: "The music or a setting cannot be used.",
    429: "Too many requests at once; `Retry-After` says when to try again.",
    503: "The computation took too long, or the service is stopping.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The possible errors of a request, by status."""
    return {status: {"model": Failed, "description": _PROBLEMS[status]} for status in statuses}


def computed(model: Any) -> dict[int | str, dict[str, Any]]:
    """The possible answers of a request whose result is the JSON of a model."""
    lines = {"schema": {"type": "string"}, "description": "Progress, then the result."}
    usual = {"model": model, "description": "The result.", "content": {LINES: lines}}
    return {200: usual, **problems(*_PROBLEMS)}


def files(media_type: str) -> dict[int | str, dict[str, Any]]:
    """The possible answers of a request for a file."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    usual = {"description": "The file.", "content": {media_type: binary}}
    return {200: usual, **problems(*_PROBLEMS)}
