"""The requests of the service as pydantic models; its OpenAPI description is made from them.

``Project.of_dict`` reads projects, because its messages speak to musicians. Here projects are only
described.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from musicae.api.project import FORMAT, Project
from musicae.api.project_values import Break, Harmony

Format = Literal[
    "mid",
    "musicxml",
    "mxl",
    "mei",
    "abc",
    "ly",
    "pdf",
    "png",
    "svg",
    "wav",
    "mp3",
    "ogg",
    "pack",
    "kit",
    "musicae",
]
"""The formats in which a project can be exported."""
MOST_ALTERNATIVES = 8
MOST_PIECES = 16
"""The most new pieces of one request."""
MOST_SEED = 2**31 - 1
EXAMPLE = {"format": FORMAT, "length": 192, "tune": [[0, 48, 67], [48, 48, 69], [96, 96, 71]]}
"""A project with a tune of two bars."""


@dataclass(frozen=True)
class Described:
    """A JSON object that the OpenAPI description shows as a dataclass."""

    by: type

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema())

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        shown = handler(TypeAdapter(self.by).core_schema)
        if self.by is Project:
            whole = handler.resolve_ref_schema(shown)
            whole["properties"] = {"format": {"const": FORMAT}, **whole["properties"]}
            whole["required"] = ["format"]
            whole["examples"] = [EXAMPLE]
        return shown


def _with_example(schema: dict[str, Any]) -> None:
    """Add an example with all required fields of a request."""
    shown = dict.fromkeys(("project", "first", "last"), EXAMPLE) | {"start": 0, "format": "mid"}
    needed = schema.get("required", ())
    schema["examples"] = [{name: shown[name] for name in needed if name in shown}]


class Request(BaseModel):
    """A request. Unknown fields, and numbers written as texts, are refused."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        use_attribute_docstrings=True,
        json_schema_extra=_with_example,
    )


AnyProject = Annotated[dict[str, Any], Described(Project)]
Bars = Annotated[list[Annotated[int, Field(ge=0, le=10_000)]], Field(min_length=2, max_length=2)]
Seed = Annotated[int, Field(ge=0, le=MOST_SEED)]
Text = Annotated[str, Field(max_length=100)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Harmonize(Request):
    """Write the other voices of a tune."""

    project: AnyProject
    bars: Bars | None = None
    """The first and the last bar to write again; null for the bars that changed."""
    redraw: Annotated[int, Field(ge=0, le=MOST_SEED)] = 0
    """0 gives the usual music; other numbers give other versions of the same bars."""


class Alternatives(Request):
    """Write several harmonizations of a tune; each begins with a different chord."""

    project: AnyProject
    n: Annotated[int, Field(ge=1, le=MOST_ALTERNATIVES)] = 4
    bars: Bars | None = None
    """The first and the last bar to vary; null for all."""


class Chords(Request):
    """List the chords that fit at a place."""

    project: AnyProject
    start: Annotated[int, Field(ge=0, le=10**6)]
    """A tick inside the chord in question."""


class Mend(Request):
    """Rewrite the voices around a place that breaks a rule."""

    model_config = ConfigDict(populate_by_name=True)

    project: AnyProject
    broken: Annotated[dict[str, Any], Described(Break), Field(alias="break")]
    """One of the ``breaks`` of the harmony."""


class Score(Request):
    """Engrave a project for the screen."""

    project: AnyProject
    numerals: bool = False
    """Write Roman numerals below the score."""
    words: bool = True
    """Write the words below the notes."""
    open: bool = False
    """Write one staff per voice instead of two staves."""
    width: Annotated[int, Field(ge=200, le=4000)] = 900
    """The width of a page, in CSS pixels."""


class Export(Request):
    """Export a project as a file."""

    project: AnyProject
    format: Format
    numerals: bool = False
    """Write Roman numerals into the file."""
    piano: bool = False
    """Add a piano reduction of the voices."""
    open: bool = False
    """Write one staff per voice instead of two staves; for scores."""
    program: Text | None = None
    """The General MIDI sound, as a number from 1 or a name; null for a choir or the ensemble's."""
    alternatives: Annotated[
        list[Annotated[dict[str, Any], Described(Harmony)]], Field(max_length=MOST_ALTERNATIVES)
    ] = []
    """More harmonies of the tune; a pack contains them after the project's own."""


class Compose(Request):
    """Compose new pieces; settings that are null are chosen at random."""

    n: Annotated[int, Field(ge=1, le=MOST_PIECES)] = 1
    seed: Seed = 0
    bars: Annotated[int, Field(ge=1, le=1000)] | None = None
    meter: Text | None = None
    key: Text | None = None
    style: Text | None = None
    form: Text | None = None
    """The form, one letter per phrase, such as AABA."""
    temperature: Annotated[float, Field(ge=0, le=10)] | None = None
    sliders: Annotated[dict[Text, Number], Field(max_length=20)] = {}
    """The change of each attribute, in standard deviations of Bach's chorales, -4 to 4."""


class Vary(Request):
    """Write variations of a piece: pieces with nearby latent vectors."""

    project: AnyProject
    n: Annotated[int, Field(ge=1, le=MOST_PIECES)] = 1
    seed: Seed = 0
    amount: Annotated[float, Field(ge=0, le=1)] = 0.3
    """0 gives the piece as the model rebuilds it, 1 another piece of the same form."""
    sliders: Annotated[dict[Text, Number], Field(max_length=20)] = {}
    """The change of each attribute, in standard deviations of Bach's chorales, -4 to 4."""
    keep: Annotated[list[Text], Field(max_length=5)] = []
    """What to keep: names of voices, or ``plan`` for the chords."""
    temperature: Annotated[float, Field(ge=0, le=10)] | None = None


class Interpolate(Request):
    """Write pieces that lead from one piece to another (interpolation)."""

    first: AnyProject
    last: AnyProject
    n: Annotated[int, Field(ge=3, le=MOST_PIECES)] = 5
    """The number of pieces, with both ends."""
    seed: Seed = 0
    temperature: Annotated[float, Field(ge=0, le=10)] = 0.0
