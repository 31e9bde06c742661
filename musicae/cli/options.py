"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
Rules = Annotated[
    str, typer.Option(help="Of voice leading: strict, bach (as rarely broken as his), or off.")
]
InKey = Annotated[
    str | None,
    typer.Option("--key", help="The key, such as 'G minor', where another is found."),
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
Rhythm = Annotated[str | None, typer.Option(help="How the other voices move: plain or flowing.")]
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
DataPath = Annotated[
    Path | None,
    typer.Option(
        "--data", help="A corpus file or a folder of chorales; by default the repository's corpus."
    ),
]
Side = Annotated[str, typer.Option(help="The side of the corpus: valid or test.")]
