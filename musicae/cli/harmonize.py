"""``musicae harmonize``: harmonize melodies in MIDI files and scores."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from musicae.api.options import HarmonizeOptions
from musicae.cli.options import (
    Analysis,
    AsJson,
    KeepTracks,
    Piano,
    Program,
    Scheduler,
    SkipExisting,
    Workers,
    takes_harmonize_settings,
)
from musicae.cli.printing import counting, print_written
from musicae.core.errors import MusicaeError

if TYPE_CHECKING:
    from musicae.daw.harmonize_files import Outcome


@takes_harmonize_settings()
def harmonize(
    melodies: Annotated[
        list[Path],
        typer.Argument(
            help="Melodies: MIDI, MusicXML, MEI, kern or ABC files, and folders of such files."
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            help="The file to write (.mid, .musicxml, .mxl, ...) or, for several melodies, the"
            " folder. Default: NAME-harmonized.mid beside each melody.",
        ),
    ] = None,
    *,
    program: Program = "choir aahs",
    analysis: Analysis = False,
    keep_tracks: KeepTracks = False,
    piano: Piano = False,
    pack: Annotated[
        Path | None,
        typer.Option(
            help="Write a folder for comparing the alternatives; open its report.html. Default: no"
            " such folder."
        ),
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    skip_existing: SkipExisting = False,
    as_json: AsJson = False,
    **settings: Any,
) -> None:
    """Write the missing voices around a melody, a bass or in some bars; what is given stays."""
    from musicae.api.batch import melodies_in
    from musicae.daw.harmonize_files import harmonize_files
    from musicae.io.general_midi import program_of

    if workers and scheduler:
        raise MusicaeError(
            "--workers runs on this machine and --scheduler on others; give one of the two"
        )
    began = time.perf_counter()
    sound = program_of(program)
    options = HarmonizeOptions(**settings)
    with counting("harmonizing", hidden=len(melodies_in(melodies)) == 1) as tell:
        outcome = harmonize_files(
            melodies,
            out,
            options,
            pack=pack,
            program=sound,
            analysis=analysis,
            keep_tracks=keep_tracks,
            piano=piano,
            workers=workers,
            scheduler=scheduler,
            skip_existing=skip_existing,
            tell=tell,
        )
    if outcome.errors and outcome.melodies == 1:
        raise outcome.errors[0]
    errors = [str(error) for error in outcome.errors]
    print_written(outcome.written, outcome.notices, as_json, errors, outcome.skipped)
    if not as_json:
        for page in outcome.pages:
            print(f"open {page}")
        if outcome.melodies > 1 or outcome.skipped:
            print(_totals(outcome, time.perf_counter() - began))
    if errors:
        raise typer.Exit(2)


def _totals(outcome: Outcome, seconds: float) -> str:
    skipped, failed = len(outcome.skipped), len(outcome.errors)
    done = outcome.melodies - skipped - failed
    return f"{done} harmonized, {skipped} skipped, {failed} failed in {seconds:.1f} s"
