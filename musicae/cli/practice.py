"""``musicae practice``: a folder with all that a choir needs to learn a piece."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from musicae.cli.options import OwnProgram
from musicae.cli.printing import counting
from musicae.core.errors import MusicaeError


def practice(
    file: Annotated[Path, typer.Argument(help="A MIDI file or a score with two voices or more.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The folder to make; by default NAME-kit."),
    ] = None,
    tempo: Annotated[
        str, typer.Option(help="Per cent of the piece's tempo, with commas between them.")
    ] = "70,85,100",
    audio: Annotated[
        str, typer.Option(help="The practice tracks as mp3, ogg, flac or wav.")
    ] = "mp3",
    program: OwnProgram = None,
    soundfont: Annotated[
        Path | None, typer.Option(help="The .sf2 file to sound with; by default a small one.")
    ] = None,
) -> None:
    """Make a choir's kit: practice tracks, parts, score, piano reduction, and a page to play."""
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
    """Tempos such as ``70,85,100``. Raises MusicaeError where they are no numbers."""
    words = [word.strip().removesuffix("%").strip() for word in text.split(",")]
    if not all(word.isdecimal() and len(word) < 5 for word in words):
        raise MusicaeError(f"tempos are per cent with commas, such as 70,85,100, not {text!r}")
    return [int(word) for word in words]
