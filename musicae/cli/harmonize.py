"""``musicae harmonize``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from musicae.cli.options import (
    Analysis,
    AsJson,
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
from musicae.cli.printing import Written, counting, print_written, write
from musicae.core.errors import MusicaeError
from musicae.core.files import make_folder

if TYPE_CHECKING:
    from musicae.api.harmonize import Wishes


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
    temperature: Temperature = None,
    top_p: TopP = 1.0,
    rules: Rules = "bach",
    key: InKey = None,
    meter: InMeter = None,
    track: Track = None,
    voice: Voice = None,
    lock: Lock = None,
    bars: Annotated[
        str | None,
        typer.Option(help="Write only bars such as 5-8 anew; keep the soprano, or what --lock is."),
    ] = None,
    phrases: Annotated[
        str,
        typer.Option(help="Where phrases end: infer, none, or a MIDI, MusicXML or text file."),
    ] = "infer",
    rhythm: Rhythm = None,
    model: Model = "harmonizer",
    program: Program = "choir aahs",
    analysis: Analysis = False,
    keep_tracks: KeepTracks = False,
    pack: Annotated[
        Path | None,
        typer.Option(help="Make a folder to compare alternatives in: open its report.html."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the voices that a melody, a bass or bars lack; what is given stays, event for event."""
    from musicae.api import batch
    from musicae.daw import pack as packing
    from musicae.io.general_midi import program_of

    sound = program_of(program)
    if pack and out:
        raise MusicaeError("--pack is a folder for all that is written; leave --out away")
    jobs = batch.plan(melodies, n, out, pack)
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
                more = {"analysis": analysis, "keep_tracks": keep_tracks}
                if job.pack:
                    packing.write(pieces, job.pack, melody.stem, sound, **more)
                else:
                    write(pieces, job.outputs, sound, **more)
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
    if not as_json:
        for folder in dict.fromkeys(each.path.parent for each in written if pack):
            print(f"open {folder / packing.PAGE}")
    if errors:
        raise typer.Exit(2)
