"""``musicae render`` and ``play``: music to look at and to hear."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from musicae.cli.options import OwnProgram


def render(
    files: Annotated[
        list[Path],
        typer.Argument(help="MIDI files or scores; several are drawn bar by bar together."),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="A roll is .png or .svg, a score .pdf or .svg, sound .wav, .flac, .ogg, .mp3.",
        ),
    ],
    score: Annotated[
        bool, typer.Option("--score", help="A score, on two staves, in an .svg or .png too.")
    ] = False,
    open_score: Annotated[
        bool, typer.Option("--open-score", help="A score on four staves, one a voice.")
    ] = False,
    analysis: Annotated[
        bool,
        typer.Option(
            "--analysis", help="With Roman numerals and key areas, analysed from the voices."
        ),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Mark what breaks a rule of voice leading.")
    ] = False,
    piano: Annotated[
        bool, typer.Option("--piano", help="A score on four staves with a piano reduction below.")
    ] = False,
    program: OwnProgram = None,
    soundfont: Annotated[
        Path | None, typer.Option(help="The .sf2 file to sound with; by default a small one.")
    ] = None,
) -> None:
    """Draw, engrave or sound a chorale, as the suffix of --out says."""
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
        Path | None, typer.Argument(help="A MIDI file or a score; without one, ports are listed.")
    ] = None,
    port: Annotated[
        str | None, typer.Option(help="Number or name of a port; by default the first.")
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
