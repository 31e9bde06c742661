"""What each request holds, as pydantic models, from which the service's description is made.

Projects are read by ``Project.of_dict``, whose sentences speak to musicians; here they are only
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
"""What a project can be exported as."""
MOST_ALTERNATIVES = 8
MOST_PIECES = 16
"""The most new pieces that are asked for at once."""
MOST_SEED = 2**31 - 1
EXAMPLE = {"format": FORMAT, "length": 192, "tune": [[0, 48, 67], [48, 48, 69], [96, 96, 71]]}
"""A project of two bars."""


@dataclass(frozen=True)
class Described:
    """An object of JSON that the service's description shows as a dataclass."""

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
    """Show of a request what it must have."""
    shown = dict.fromkeys(("project", "first", "last"), EXAMPLE) | {"start": 0, "format": "mid"}
    needed = schema.get("required", ())
    schema["examples"] = [{name: shown[name] for name in needed if name in shown}]


class Request(BaseModel):
    """A request: unknown fields and numbers written as texts are refused."""

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
    """The first and the last bar to write anew; null for those that changed."""
    redraw: Annotated[int, Field(ge=0, le=MOST_SEED)] = 0
    """0 for the usual music, other numbers for other draws of the same bars."""


class Alternatives(Request):
    """Harmonize a tune in several ways, each with other chords."""

    project: AnyProject
    n: Annotated[int, Field(ge=1, le=MOST_ALTERNATIVES)] = 4
    bars: Bars | None = None
    """The first and the last bar that differ; null for all."""


class Chords(Request):
    """Ask which chords fit at a place."""

    project: AnyProject
    start: Annotated[int, Field(ge=0, le=10**6)]
    """A tick in the chord that is asked about."""


class Mend(Request):
    """Write another way around a place that breaks a rule."""

    model_config = ConfigDict(populate_by_name=True)

    project: AnyProject
    broken: Annotated[dict[str, Any], Described(Break), Field(alias="break")]
    """One of the harmony's breaks."""


class Score(Request):
    """Engrave a project for the screen."""

    project: AnyProject
    numerals: bool = False
    """Write Roman numerals below it."""
    words: bool = True
    open: bool = False
    """A staff for each voice, not two."""
    width: Annotated[int, Field(ge=200, le=4000)] = 900
    """Of the page, in CSS pixels."""


class Export(Request):
    """Make a file of a project."""

    project: AnyProject
    format: Format
    numerals: bool = False
    """Write Roman numerals into it."""
    piano: bool = False
    """Add the voices as a piano reduction."""
    open: bool = False
    """A staff for each voice, not two, in scores."""
    program: Text | None = None
    """The General MIDI sound, as a number from 1 or a name; null for a choir or the ensemble's."""
    alternatives: Annotated[
        list[Annotated[dict[str, Any], Described(Harmony)]], Field(max_length=MOST_ALTERNATIVES)
    ] = []
    """Other harmonies of the tune, which a pack holds after the project's own."""


class Compose(Request):
    """Compose new pieces; what is null is drawn."""

    n: Annotated[int, Field(ge=1, le=MOST_PIECES)] = 1
    seed: Seed = 0
    bars: Annotated[int, Field(ge=1, le=1000)] | None = None
    meter: Text | None = None
    key: Text | None = None
    style: Text | None = None
    form: Text | None = None
    """Which phrases return, such as AABA."""
    temperature: Annotated[float, Field(ge=0, le=10)] | None = None
    sliders: Annotated[dict[Text, Number], Field(max_length=20)] = {}
    """By how many of Bach's standard deviations attributes move, -4 to 4."""


class Vary(Request):
    """Write neighbours of a piece."""

    project: AnyProject
    n: Annotated[int, Field(ge=1, le=MOST_PIECES)] = 1
    seed: Seed = 0
    amount: Annotated[float, Field(ge=0, le=1)] = 0.3
    """0: the piece as the model has it; 1: another piece of the same form."""
    sliders: Annotated[dict[Text, Number], Field(max_length=20)] = {}
    """By how many of Bach's standard deviations attributes move, -4 to 4."""
    keep: Annotated[list[Text], Field(max_length=5)] = []
    """What stays: names of voices, or ``plan``: the chords."""
    temperature: Annotated[float, Field(ge=0, le=10)] | None = None


class Interpolate(Request):
    """Walk from one piece to another."""

    first: AnyProject
    last: AnyProject
    n: Annotated[int, Field(ge=3, le=MOST_PIECES)] = 5
    seed: Seed = 0
    temperature: Annotated[float, Field(ge=0, le=10)] = 0.0
