"""``musicae watch``: harmonize every melody that is saved in a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from musicae.api.options import HarmonizeOptions
from musicae.cli.options import Analysis, KeepTracks, Program, takes_harmonize_settings
from musicae.cli.printing import print_error

if TYPE_CHECKING:
    from musicae.api.check import Report
    from musicae.daw.watch import Began, Made, News


@takes_harmonize_settings("bars", "phrases")
def watch(
    folder: Annotated[
        Path, typer.Argument(help="The folder in which you save melodies: MIDI files or scores.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", help="The folder for results. Default: the folder of the melodies."
        ),
    ] = None,
    *,
    program: Program = "choir aahs",
    analysis: Analysis = False,
    keep_tracks: KeepTracks = False,
    **settings: Any,
) -> None:
    """Harmonize each melody in a folder a second or two after it is saved, until Ctrl-C.

    At the start, melodies without a newer result are harmonized first. If a melody cannot be used,
    NAME-error.txt beside it says why; the file goes away when the melody is harmonized.
    """
    from musicae.daw import watch as watching
    from musicae.io.general_midi import program_of

    sound = program_of(program)
    options = HarmonizeOptions(**settings)
    try:
        watching.watch(
            folder,
            out,
            options,
            program=sound,
            analysis=analysis,
            keep_tracks=keep_tracks,
            tell=_print_news,
        )
    except KeyboardInterrupt:
        _say("stopped watching")


def _print_news(news: News) -> None:
    """Print each result and each error as a line, at once."""
    from musicae.daw.watch import Began, Made

    if isinstance(news, Began):
        _print_beginning(news)
    elif isinstance(news, Made):
        _print_made(news)
    else:
        print_error(str(news.error))


def _print_beginning(began: Began) -> None:
    where = "beside it" if began.out == began.folder else f"in {began.out}"
    print(
        f"watching {began.folder}: melodies saved there are harmonized {where}; Ctrl-C ends it",
        flush=True,
    )
    count = len(began.waiting)
    if count:
        print(
            f"first, {count} melod{'y' if count == 1 else 'ies'} without a newer result",
            flush=True,
        )


def _print_made(made: Made) -> None:
    for notice in made.pieces[0].notices:
        print(f"note: {made.melody.name}: {notice}", file=sys.stderr, flush=True)
    for output, report in zip(made.outputs, made.reports, strict=True):
        facts = f"{made.seconds:.1f} s; {_in_brief(report)}"
        _say(f"{made.melody.name} -> {output}  {facts}")


def _in_brief(report: Report | None) -> str:
    if report is None:
        return "voice leading not checked: a voice has no notes"
    count = len(report.violations)
    beyond = ", ".join(report.beyond_bach) or "nothing"
    return f"{count or 'no'} violation{'s' * (count != 1)} of voice leading, beyond Bach: {beyond}"


def _say(line: str) -> None:
    """Print on stdout and flush, so that a pipe gets the line at once."""
    print(line, flush=True)
