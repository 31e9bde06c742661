"""``musicae watch``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from musicae.cli.options import (
    Analysis,
    InKey,
    InMeter,
    KeepTracks,
    Lock,
    Model,
    N,
    Program,
    Rhythm,
    Rules,
    Seed,
    Temperature,
    TopP,
    Track,
    Voice,
)
from musicae.cli.printing import print_error

if TYPE_CHECKING:
    from musicae.api.check import Report
    from musicae.api.harmonize import Wishes
    from musicae.daw.watch import Began, Made, News


def watch(
    folder: Annotated[
        Path, typer.Argument(help="Where melodies are saved, as MIDI or MusicXML files.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The folder for results; by default beside the melodies."),
    ] = None,
    n: N = 1,
    seed: Seed = 0,
    temperature: Temperature = None,
    top_p: TopP = 1.0,
    rules: Rules = "bach",
    key: InKey = None,
    meter: InMeter = None,
    track: Track = None,
    voice: Voice = None,
    lock: Lock = None,
    rhythm: Rhythm = None,
    model: Model = "harmonizer",
    program: Program = "choir aahs",
    analysis: Analysis = False,
    keep_tracks: KeepTracks = False,
) -> None:
    """Harmonize each melody in a folder a second or two after it is saved, until Ctrl-C.

    Melodies that are there at the start come first, but for those that have been harmonized since
    they were saved. What is wrong with a melody stands beside it in NAME-error.txt until it is
    mended.
    """
    from musicae.daw import watch as watching
    from musicae.io.general_midi import program_of

    wishes: Wishes = {
        "seed": seed,
        "temperature": temperature,
        "top_p": top_p,
        "rules": rules,
        "model": model,
        "track": track,
        "key": key,
        "meter": meter,
        "voice": voice,
        "lock": lock,
        "rhythm": rhythm,
    }
    sound = program_of(program)
    try:
        watching.watch(
            folder,
            out,
            n,
            program=sound,
            analysis=analysis,
            keep_tracks=keep_tracks,
            tell=_print_news,
            **wishes,
        )
    except KeyboardInterrupt:
        _say("stopped watching")


def _print_news(news: News) -> None:
    """What happens, a line for each result and each error as it comes."""
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
        f"watching {began.folder}: what is saved there is harmonized {where}; Ctrl-C ends it",
        flush=True,
    )
    count = len(began.waiting)
    if count:
        print(
            f"first {count} that {'is' if count == 1 else 'are'} there without a newer result",
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
        return "voice leading not checked, for a voice never sings"
    count = len(report.violations)
    beyond = ", ".join(report.beyond_bach) or "nothing"
    return f"{count or 'no'} violation{'s' * (count != 1)} of voice leading, beyond Bach: {beyond}"


def _say(line: str) -> None:
    """On stdout at once, also where it is a pipe."""
    print(line, flush=True)
