"""``musicae harmonize``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from musicae.chorale import MusicaeError
from musicae.cli.options import AsJson, N, Program, Seed
from musicae.cli.printing import Written, counting, make_folder, print_written, write

if TYPE_CHECKING:
    from musicae.api import Wishes


def harmonize(
    melodies: Annotated[
        list[Path],
        typer.Argument(help="What is given: MIDI or MusicXML files, and folders of them."),
    ],
    out: Annotated[
        str | None,
        typer.Option("-o", "--out", help="The .mid, .musicxml or .mxl file to write, or a folder."),
    ] = None,
    n: N = 1,
    seed: Seed = 0,
    temperature: Annotated[
        float | None,
        typer.Option(help="0: the likeliest; 1: as the model draws. By default the model's best."),
    ] = None,
    top_p: Annotated[
        float, typer.Option(help="Leave out what is unlikely; below 1 it is safer and plainer.")
    ] = 1.0,
    rules: Annotated[
        str, typer.Option(help="Of voice leading: strict, bach (as rarely broken as his), or off.")
    ] = "bach",
    key: Annotated[
        str | None, typer.Option(help="The key, such as 'G minor', where another is found.")
    ] = None,
    track: Annotated[
        str | None, typer.Option(help="Number (from 1) or name of the melody's track.")
    ] = None,
    voice: Annotated[
        str | None, typer.Option(help="The voice that the melody is; by default the soprano.")
    ] = None,
    lock: Annotated[
        str | None, typer.Option(help="The voices to keep, such as soprano,bass; or none.")
    ] = None,
    bars: Annotated[
        str | None,
        typer.Option(help="Write only bars such as 5-8 anew; keep the soprano, or what --lock is."),
    ] = None,
    phrases: Annotated[
        str,
        typer.Option(help="Where phrases end: infer, none, or a MIDI, MusicXML or text file."),
    ] = "infer",
    rhythm: Annotated[
        str | None, typer.Option(help="How the other voices move: plain or flowing.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="harmonizer, minibach, or a weights file.")
    ] = "harmonizer",
    program: Program = "choir aahs",
    as_json: AsJson = False,
) -> None:
    """Write the voices that a melody, a bass or bars lack; what is given stays, event for event."""
    from musicae import batch, midi

    sound = midi.program_of(program)
    jobs = batch.plan(melodies, n, out)
    wishes: Wishes = {
        "seed": seed,
        "temperature": temperature,
        "top_p": top_p,
        "rules": rules,
        "model": model,
        "track": track,
        "key": key,
        "voice": voice,
        "lock": lock,
        "bars": bars,
        "phrases": phrases,
        "rhythm": rhythm,
    }
    alone = len(jobs) == 1
    written, notices, errors = [], [], []
    with counting("harmonizing", hidden=alone) as tell:
        harmonized = batch.harmonize_many([job.melody for job in jobs], n, **wishes)
        tell(0, len(jobs))
        for done, (job, (melody, pieces)) in enumerate(zip(jobs, harmonized, strict=True), start=1):
            tell(done, len(jobs))
            try:
                if isinstance(pieces, MusicaeError):
                    raise pieces
                if job.folder:
                    make_folder(job.folder)
                write(pieces, job.outputs, sound)
            except MusicaeError as error:
                errors.append(error)
                continue
            written += [
                Written(p, piece, melody) for p, piece in zip(job.outputs, pieces, strict=True)
            ]
            where = "" if alone else f"{melody}: "
            notices += [where + notice for notice in pieces[0].notices]
    if alone and errors:
        raise errors[0]
    print_written(written, notices, as_json, [str(error) for error in errors])
    if errors:
        raise typer.Exit(2)
