"""``musicae practice``: a folder with everything a choir needs to learn a piece."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from musicae.cli.options import OwnProgram
from musicae.cli.printing import counting
from musicae.core.errors import MusicaeError


def practice(
    file: Annotated[Path, typer.Argument(help="A MIDI file or a score with at least two voices.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The folder to create. Default: NAME-kit."),
    ] = None,
    tempo: Annotated[
        str,
        typer.Option(
            help="The tempos, in per cent of the piece's own, 25 to 200, separated by commas."
        ),
    ] = "70,85,100",
    audio: Annotated[
        str, typer.Option(help="The format of the practice tracks: mp3, ogg, flac or wav.")
    ] = "mp3",
    program: OwnProgram = None,
    soundfont: Annotated[
        Path | None,
        typer.Option(help="The SoundFont, an .sf2 file. Default: the small one of pretty_midi."),
    ] = None,
) -> None:
    """Make a practice kit for a choir: tracks, parts, score, piano reduction and a web page."""
    from musicae.daw import practice as kits
    from musicae.io.general_midi import program_of

    with counting("practice tracks") as tell:
        kit = kits.practice(
            file,
            out or Path(f"{file.stem}-kit"),
            tempos=_tempos(tempo),
            sound=audio.lower().lstrip("."),
            program=None if program is None else program_of(program),
            soundfont=soundfont,
            tell=tell,
        )
    for notice in kit.notices:
        print(f"note: {notice}", file=sys.stderr)
    print(f"{kit.folder}  {len(kit.files)} files for {', '.join(kit.voices)}")
    print(f"open {kit.page}")


def _tempos(text: str) -> list[int]:
    """The tempos in a text such as ``70,85,100``. Raises MusicaeError for other texts."""
    words = [word.strip().removesuffix("%").strip() for word in text.split(",")]
    if not all(word.isdecimal() and len(word) < 5 for word in words):
        raise MusicaeError(
            f"--tempo takes percentages with commas, such as 70,85,100, not {text!r}"
        )
    return [int(word) for word in words]
