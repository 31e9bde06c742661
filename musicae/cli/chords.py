"""``musicae chords``: the harmony of a melody or a chorale as a lead sheet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

import musicae
from musicae.cli.options import AsJson, InKey, InMeter, Phrases, Style, Track, Voice


def chords(
    melody: Annotated[Path, typer.Argument(help="A melody or a chorale: a MIDI file or a score.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="The file to write: .txt, ChordPro (.cho), .musicxml or .mxl. Default: print the"
            " chords.",
        ),
    ] = None,
    key: InKey = None,
    meter: InMeter = None,
    track: Track = None,
    voice: Voice = None,
    phrases: Phrases = "infer",
    style: Style = "bach",
    as_json: AsJson = False,
) -> None:
    """Find the chords of a melody or a chorale, with the two likeliest alternatives of each."""
    sheet = musicae.chords(
        melody, key=key, meter=meter, track=track, voice=voice, phrases=phrases, style=style
    )
    if out:
        sheet.write(out)
    if as_json:
        print(json.dumps({"path": str(melody)} | sheet.as_dict(), indent=2))
    else:
        print(out or sheet.as_text())
