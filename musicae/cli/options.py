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

N = Annotated[int, typer.Option("-n", help="The number of pieces to write.", show_default=True)]
Seed = Annotated[
    int, typer.Option(help="The random seed, 0 or more. The same seed gives the same notes.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Program = Annotated[
    str,
    typer.Option(
        help="The General MIDI sound: a number, 1 to 128, or a name such as 'church organ'. With"
        " an ensemble, 'choir aahs' stands for its own sounds."
    ),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        help="How random the notes are, 0 to 10. 0 takes the likeliest notes; 1 draws from the"
        " model's own distribution. Default: the model's best, 0.85 for the harmonizer."
    ),
]
TopP = Annotated[
    float,
    typer.Option(
        help="Draw only from the most probable symbols that together have this probability, above"
        " 0 and up to 1. Below 1 the result is plainer."
    ),
]
RuleSet = Annotated[
    str,
    typer.Option(
        help="The rules of voice leading: strict (broken only if there is no other choice), bach"
        " (broken as rarely as Bach does) or off."
    ),
]
InKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        help="The key, such as 'G minor' or 'D dorian'. Default: the key found in the melody.",
    ),
]
Track = Annotated[
    str | None,
    typer.Option(
        help="The track of the melody: its number, from 1, or its name. Default: the tracks named"
        " after voices, or else the likeliest melody."
    ),
]
Voice = Annotated[
    str | None,
    typer.Option(
        help="The voice of the given part: soprano, alto, tenor or bass, or a voice of the"
        " ensemble. Default: soprano."
    ),
]
Lock = Annotated[
    str | None,
    typer.Option(
        help="The voices to keep, such as soprano,bass; with --bars also none. Default: the tracks"
        " named after voices; with --bars, soprano."
    ),
]
InMeter = Annotated[
    str | None,
    typer.Option(
        "--meter",
        help="The meter, such as 3/4, of a MIDI file that states none. Default: 4/4.",
    ),
]
Bars = Annotated[
    str | None,
    typer.Option(
        help="Rewrite only these bars, such as 5-8 or 5. The voices of --lock stay, by default the"
        " soprano. Default: all bars."
    ),
]
Phrases = Annotated[
    str,
    typer.Option(
        help="Where phrases end: infer (from the file's marks, else from the notes), none, or the"
        " path of a MIDI, MusicXML or text file that marks the ends."
    ),
]
Chords = Annotated[
    str | None,
    typer.Option(
        help="The chords to follow: bars such as 'G | C D7 | G', the path of a text or ChordPro"
        " file, file (those in the melody's file) or none. Default: the chord symbols of a"
        " MusicXML melody, if it has any."
    ),
]
Figures = Annotated[
    str | None,
    typer.Option(
        help="The figures over a given bass: bars such as '6 | 7 6 | 4-3', file (those in the"
        " file), none (ignore them) or write (add figures to a MusicXML result). Default: the"
        " figures of a MusicXML file, if it has any."
    ),
]
EnsembleName = Annotated[
    str | None,
    typer.Option(
        "--ensemble",
        help="Who sings or plays: satb, ttbb, ssaa, sab, strings, brass, recorders, saxophones or"
        " piano. Default: voices with the ranges of Bach's chorales.",
    ),
]
Ranges = Annotated[
    str | None,
    typer.Option(
        help="Lowest and highest note of voices, such as 'S C4-A5, A G3-D5'. Default: the ranges of"
        " the ensemble."
    ),
]
Rhythm = Annotated[
    str | None,
    typer.Option(
        help="How the other voices move: plain (mostly with the melody) or flowing (many"
        " eighths). Default: the model decides."
    ),
]
Style = Annotated[
    str,
    typer.Option(
        help="The style of the harmony: bach, chorale, hymn, carol, psalm, song or motet."
    ),
]
InWords = Annotated[
    str,
    typer.Option(
        "--words",
        help="The words: all (those of the melody under all voices), soprano (only under given"
        " voices), none, or the path of a text file whose words replace them.",
    ),
]
Language = Annotated[
    str | None,
    typer.Option(
        help="The language, such as en, that splits words without hyphens; only with --words FILE."
        " Default: they are not split."
    ),
]
Model = Annotated[
    str, typer.Option(help="The model: harmonizer, minibach, or the path of a weights file.")
]
OwnProgram = Annotated[
    str | None,
    typer.Option(
        "--program",
        help="The General MIDI sound of all voices: a number, 1 to 128, or a name such as 'church"
        " organ'. Default: the sounds in the file.",
    ),
]
Analysis = Annotated[
    bool,
    typer.Option(
        "--analysis",
        help="Write Roman numerals and key areas: as markers in MIDI, as harmony in scores.",
    ),
]
KeepTracks = Annotated[
    bool,
    typer.Option(
        "--keep-tracks",
        help="Copy the other tracks of the melody's file, such as drums or piano, unchanged.",
    ),
]
Piano = Annotated[
    bool,
    typer.Option(
        "--piano",
        help="Add a piano reduction of the voices: two staves in a score, a track in MIDI.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="The number of processes that share the melodies. Default: one for each core.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="The address of a Dask scheduler whose workers harmonize the melodies instead; see"
        " docs/guides/cluster.md. Default: this machine alone.",
    ),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Skip melodies whose results exist already, made from the same melody, settings,"
        " version and weights.",
    ),
]
DataPath = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The corpus: a file (.npz) or a folder of chorales. Default: data/chorales.npz of the"
        " checkout.",
    ),
]
Side = Annotated[str, typer.Option(help="The side of the corpus to measure on: valid or test.")]

Engine = Annotated[
    str,
    typer.Option(help="What runs the models: onnx, or torch, which needs the extra train."),
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
"""The option for each field of ``HarmonizeOptions``, in the order of ``--help``."""


def takes_harmonize_settings(*without: str) -> Callable[[Command], Command]:
    """Give a command one option for each setting of ``HarmonizeOptions``, except those named.

    Each option has the default of its field. In ``--help`` the options come after the command's
    positional parameters. The command gets their values in ``**settings``.
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
    """Add the option ``--engine`` to a command that runs models, last in ``--help``."""

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
