"""Options that several commands have."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import typer

from musicae.api.options import HarmonizeOptions

Command = TypeVar("Command", bound=Callable[..., None])

N = Annotated[int, typer.Option("-n", help="How many alternatives.", show_default=True)]
Seed = Annotated[int, typer.Option(help="The same seed gives the same notes.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")]
Program = Annotated[
    str,
    typer.Option(help="General MIDI sound: a number 1 to 128 or a name such as 'church organ'."),
]
Temperature = Annotated[
    float | None,
    typer.Option(help="0: the likeliest; 1: as the model draws. By default the model's best."),
]
TopP = Annotated[
    float, typer.Option(help="Leave out what is unlikely; below 1 it is safer and plainer.")
]
RuleSet = Annotated[
    str, typer.Option(help="Of voice leading: strict, bach (as rarely broken as his), or off.")
]
InKey = Annotated[
    str | None,
    typer.Option("--key", help="The key, such as 'G minor' or 'D dorian', where another is found."),
]
Track = Annotated[str | None, typer.Option(help="Number (from 1) or name of the melody's track.")]
Voice = Annotated[
    str | None, typer.Option(help="The voice that the melody is; by default the soprano.")
]
Lock = Annotated[
    str | None,
    typer.Option(help="The voices to keep, such as soprano,bass; or none (with --bars)."),
]
InMeter = Annotated[
    str | None,
    typer.Option("--meter", help="The meter, such as 3/4, of a MIDI file that states none."),
]
Bars = Annotated[
    str | None,
    typer.Option(help="Write only bars such as 5-8 anew; keep the soprano, or what --lock is."),
]
Phrases = Annotated[
    str, typer.Option(help="Where phrases end: infer, none, or a MIDI, MusicXML or text file.")
]
Chords = Annotated[
    str | None,
    typer.Option(
        help="The chords: 'G | C D7 | G', a text or ChordPro file, file (the melody's own), none."
    ),
]
Figures = Annotated[
    str | None,
    typer.Option(help="Of a given bass, in bars, such as '6 | 7 6 | 4-3'; or file, none, write."),
]
EnsembleName = Annotated[
    str | None,
    typer.Option(
        "--ensemble",
        help="satb, ttbb, ssaa, sab, strings, brass, recorders, saxophones or piano.",
    ),
]
Ranges = Annotated[
    str | None, typer.Option(help="Ranges of its voices, such as 'S C4-A5, A G3-D5'.")
]
Rhythm = Annotated[str | None, typer.Option(help="How the other voices move: plain or flowing.")]
Style = Annotated[
    str,
    typer.Option(help="Whose harmony: bach, chorale, hymn, carol, psalm, song or motet."),
]
InWords = Annotated[
    str,
    typer.Option(
        "--words",
        help="The melody's words: under all voices, soprano only, or none; or a text file.",
    ),
]
Language = Annotated[
    str | None,
    typer.Option(help="The language, such as en, in which words of the file are split."),
]
Model = Annotated[str, typer.Option(help="harmonizer, minibach, or a weights file.")]
OwnProgram = Annotated[
    str | None,
    typer.Option(
        "--program",
        help="General MIDI sound of all voices, such as 'church organ'; else their own.",
    ),
]
Analysis = Annotated[
    bool,
    typer.Option("--analysis", help="Write Roman numerals and key areas: markers, or harmony."),
]
KeepTracks = Annotated[
    bool,
    typer.Option("--keep-tracks", help="Carry the other tracks (drums, piano) along untouched."),
]
Piano = Annotated[
    bool,
    typer.Option("--piano", help="Add the voices as a piano reduction: two staves, or a track."),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes that share the melodies; by default one for each core."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="Of a Dask cluster that harmonizes instead; see docs/guides/cluster.md."
    ),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing", help="Leave out what is done: same melody, settings and version."
    ),
]
DataPath = Annotated[
    Path | None,
    typer.Option(
        "--data", help="A corpus file or a folder of chorales; by default the repository's corpus."
    ),
]
Side = Annotated[str, typer.Option(help="The side of the corpus: valid or test.")]

Engine = Annotated[
    str, typer.Option(help="What runs the models: onnx, or torch (of the extra train).")
]

HARMONIZE_SETTINGS: dict[str, Any] = {
    "n": N,
    "seed": Seed,
    "temperature": Temperature,
    "top_p": TopP,
    "rules": RuleSet,
    "key": InKey,
    "meter": InMeter,
    "track": Track,
    "voice": Voice,
    "lock": Lock,
    "bars": Bars,
    "phrases": Phrases,
    "chords": Chords,
    "figures": Figures,
    "ensemble": EnsembleName,
    "ranges": Ranges,
    "rhythm": Rhythm,
    "style": Style,
    "words": InWords,
    "language": Language,
    "model": Model,
}
"""Each field of ``HarmonizeOptions`` as an option, in the order of ``--help``."""


def takes_harmonize_settings(*without: str) -> Callable[[Command], Command]:
    """Give a command an option for each setting of ``HarmonizeOptions`` but those named.

    The options have the fields' defaults, follow the command's positional parameters in ``--help``,
    and arrive in its ``**settings``.
    """

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
        settings = [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=getattr(HarmonizeOptions, name),
                annotation=option,
            )
            for name, option in HARMONIZE_SETTINGS.items()
            if name not in without
        ]
        first = [p for p in own if p.kind is not Parameter.KEYWORD_ONLY]
        last = [p for p in own if p.kind is Parameter.KEYWORD_ONLY]
        every = signature.replace(parameters=[*first, *settings, *last])
        command.__signature__ = every  # type: ignore[attr-defined]
        return command

    return decorate


def takes_engine(command: Command) -> Command:
    """A command that runs models with the option ``--engine``, the last one in ``--help``."""

    @functools.wraps(command)
    def with_engine(*arguments: Any, engine: str, **others: Any) -> None:
        from musicae.models.checkpoint import use_engine

        use_engine(engine)
        command(*arguments, **others)

    signature = inspect.signature(command, eval_str=True)
    option = Parameter("engine", Parameter.KEYWORD_ONLY, default="onnx", annotation=Engine)
    every = signature.replace(parameters=[*signature.parameters.values(), option])
    with_engine.__signature__ = every  # type: ignore[attr-defined]
    return cast("Command", with_engine)
