"""``musicae generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import musicae
from musicae.cli.options import AsJson, N, Program, Seed
from musicae.cli.printing import Written, make_folder, print_written, write


def generate(
    n: N = 1,
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write to.")] = Path(),
    seed: Seed = 0,
    temperature: Annotated[
        float | None,
        typer.Option(help="0: the average piece, or the likeliest; 1: as varied as Bach's."),
    ] = None,
    bars: Annotated[
        int | None, typer.Option(help="How many bars; the harmonizer's, by default 8.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Such as 'G minor'; the harmonizer's, by default C major.")
    ] = None,
    meter: Annotated[
        str | None, typer.Option(help="Such as 3/4; the harmonizer's, by default 4/4.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="autoencoder, harmonizer, or a weights file.")
    ] = "autoencoder",
    program: Program = "choir aahs",
    as_json: AsJson = False,
) -> None:
    """Compose new pieces: four bars from an autoencoder's bottleneck, or any length."""
    from musicae import midi

    sound = midi.program_of(program)
    pieces = musicae.generate(
        n, seed=seed, temperature=temperature, model=model, bars=bars, key=key, meter=meter
    )
    make_folder(out)
    paths = [out / f"chorale-{seed}-{i}.mid" for i in range(1, n + 1)]
    write(pieces, paths, sound)
    written = [Written(path, piece) for path, piece in zip(paths, pieces, strict=True)]
    print_written(written, pieces[0].notices, as_json)
