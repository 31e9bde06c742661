"""``musicae render`` and ``play``: pictures, scores and sound."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from musicae.cli.options import OwnProgram


def render(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="MIDI files or scores; the piano rolls of several stand one above the other."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="The file to write: .png or .svg for a piano roll, .pdf for a score, .wav, .flac,"
            " .ogg or .mp3 for sound.",
        ),
    ],
    score: Annotated[
        bool,
        typer.Option("--score", help="Write a score on two staves also for .png and .svg."),
    ] = False,
    open_score: Annotated[
        bool,
        typer.Option("--open-score", help="Write a score on four staves, one for each voice."),
    ] = False,
    analysis: Annotated[
        bool,
        typer.Option(
            "--analysis", help="Add Roman numerals and key areas, analysed from the voices."
        ),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Mark the notes that break a rule of voice leading.")
    ] = False,
    piano: Annotated[
        bool,
        typer.Option("--piano", help="Write a score on four staves with a piano reduction below."),
    ] = False,
    program: OwnProgram = None,
    soundfont: Annotated[
        Path | None,
        typer.Option(help="The SoundFont, an .sf2 file. Default: the small one of pretty_midi."),
    ] = None,
) -> None:
    """Write a piano roll, a score or sound, depending on the suffix of --out."""
    from musicae.api import render as rendering
    from musicae.io.general_midi import program_of

    written = rendering.render(
        files,
        out,
        score=score,
        open_score=open_score,
        analysis=analysis,
        violations=check,
        piano=piano,
        program=None if program is None else program_of(program),
        soundfont=soundfont,
    )
    for path in written:
        print(path)


def play(
    file: Annotated[
        Path | None,
        typer.Argument(help="A MIDI file or a score. Default: list the MIDI ports."),
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(help="The MIDI port: its number, or a part of its name. Default: the first."),
    ] = None,
) -> None:
    """Play a file to a MIDI port: a synthesizer, or a track of a DAW. Ctrl-C stops it."""
    from musicae.api import render as rendering
    from musicae.daw import playback

    if file is None:
        names = playback.ports()
        if not names:
            playback.choose_port(names)
        for number, name in enumerate(names, start=1):
            print(f"{number} {name}")
        return
    with contextlib.suppress(KeyboardInterrupt):
        playback.play(rendering.arrangement_of(file), port)
