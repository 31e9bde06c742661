"""``musicae generate``, ``interpolate``, ``vary`` and ``continue``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import musicae
from musicae.cli.options import Analysis, AsJson, N, Program, Seed
from musicae.cli.printing import print_written
from musicae.core.constants import STYLES
from musicae.core.errors import ChoraleError

if TYPE_CHECKING:
    from musicae.api.piece import Piece

Folder = Annotated[Path, typer.Option("-o", "--out", help="The folder to write to.")]
Format = Annotated[
    str, typer.Option("--format", help="mid, musicxml, mxl, or several: mid,musicxml.")
]
VAE = Annotated[str, typer.Option(help="vae, or a weights file.")]
Temperature = Annotated[
    float | None, typer.Option(help="0: the likeliest notes; 1: as the model believes.")
]
_FORMATS = ("mid", "musicxml", "mxl")


def generate(
    n: N = 1,
    out: Folder = Path(),
    seed: Seed = 0,
    temperature: Annotated[
        float | None,
        typer.Option(help="0: the likeliest notes, or the average piece; 1: as varied as it gets."),
    ] = None,
    bars: Annotated[
        int | None, typer.Option(help="How many; by default as one of Bach's chorales has.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Such as 'G minor'.")] = None,
    meter: Annotated[str | None, typer.Option(help="Such as 3/4.")] = None,
    prior: Annotated[
        str | None, typer.Option(help="normal or fitted: where latent vectors are drawn from.")
    ] = None,
    slide: Annotated[
        str | None,
        typer.Option(help="Such as 'activity=+1,chromaticism=-1,mode=minor', in deviations."),
    ] = None,
    style: Annotated[
        str | None, typer.Option(help=f"{', '.join(STYLES[:-1])} or {STYLES[-1]}.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(help="Which phrases return, such as AABA, or AA'BA with one varied."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="vae, harmonizer, autoencoder, or a weights file.")
    ] = "vae",
    formats: Format = "mid",
    program: Program = "choir aahs",
    analysis: Analysis = False,
    as_json: AsJson = False,
) -> None:
    """Compose new chorales from sampled latent vectors."""
    suffixes = _suffixes(formats)
    pieces = musicae.generate(
        n,
        seed=seed,
        temperature=temperature,
        model=model,
        bars=bars,
        key=key,
        meter=meter,
        prior=prior,
        slide=slide,
        style=style,
        form=form,
    )
    _finish(pieces, out, f"chorale-{seed}", suffixes, program, analysis, as_json)


def interpolate(
    one: Annotated[Path, typer.Argument(help="A chorale in four voices: a MIDI file or a score.")],
    other: Annotated[Path, typer.Argument(help="Another one.")],
    n: Annotated[int, typer.Option("-n", help="How many pieces, the ends among them.")] = 7,
    out: Folder = Path(),
    seed: Seed = 0,
    temperature: Annotated[float, typer.Option(help="0: the likeliest notes.")] = 0.0,
    model: VAE = "vae",
    formats: Format = "mid",
    program: Program = "choir aahs",
    analysis: Analysis = False,
    as_json: AsJson = False,
) -> None:
    """Walk from one chorale to another through latent space."""
    suffixes = _suffixes(formats)
    pieces = musicae.interpolate(one, other, n, seed=seed, temperature=temperature, model=model)
    _finish(pieces, out, f"{one.stem}-to-{other.stem}", suffixes, program, analysis, as_json)


def vary(
    piece: Annotated[
        Path, typer.Argument(help="A chorale in four voices: a MIDI file or a score.")
    ],
    n: N = 1,
    out: Folder = Path(),
    amount: Annotated[
        float, typer.Option(help="0: the piece as the model has it; 1: another piece.")
    ] = 0.3,
    keep: Annotated[
        str, typer.Option(help="What stays as it is: voices, such as soprano, or plan: the chords.")
    ] = "",
    slide: Annotated[
        str | None, typer.Option(help="Such as 'activity=+1,chromaticism=-1', in deviations.")
    ] = None,
    seed: Seed = 0,
    temperature: Temperature = None,
    model: VAE = "vae",
    formats: Format = "mid",
    program: Program = "choir aahs",
    analysis: Analysis = False,
    as_json: AsJson = False,
) -> None:
    """Write neighbours of a chorale, around the voices or along the chords that are kept."""
    suffixes = _suffixes(formats)
    pieces = musicae.vary(
        piece,
        n,
        amount=amount,
        keep=keep,
        slide=slide,
        seed=seed,
        temperature=temperature,
        model=model,
    )
    _finish(pieces, out, f"{piece.stem}-varied-{seed}", suffixes, program, analysis, as_json)


def extend(
    beginning: Annotated[
        Path, typer.Argument(help="A melody, or a chorale in four voices: a MIDI file or a score.")
    ],
    bars: Annotated[int, typer.Option(help="How many to compose.")] = 8,
    n: N = 1,
    out: Folder = Path(),
    form: Annotated[
        str | None,
        typer.Option(
            help="The phrases of the whole piece, such as AABA; the first ones are given."
        ),
    ] = None,
    style: Annotated[str | None, typer.Option(help=f"One of {', '.join(STYLES)}.")] = None,
    seed: Seed = 0,
    temperature: Temperature = None,
    model: VAE = "vae",
    formats: Format = "mid",
    program: Program = "choir aahs",
    analysis: Analysis = False,
    as_json: AsJson = False,
) -> None:
    """Go on from a given beginning."""
    suffixes = _suffixes(formats)
    pieces = musicae.extend(
        beginning,
        bars,
        n,
        form=form,
        style=style,
        seed=seed,
        temperature=temperature,
        model=model,
    )
    stem = f"{beginning.stem}-continued-{seed}"
    _finish(pieces, out, stem, suffixes, program, analysis, as_json)


def _suffixes(formats: str) -> list[str]:
    """The formats in a text such as ``mid,musicxml``. Raises ChoraleError for others."""
    wished = list(dict.fromkeys(each.strip().lower().lstrip(".") for each in formats.split(",")))
    for each in wished:
        if each not in _FORMATS:
            raise ChoraleError(f"a format is {', '.join(_FORMATS)}, not {each!r}")
    return wished


def _finish(
    pieces: Sequence[Piece],
    out: Path,
    stem: str,
    suffixes: Sequence[str],
    program: str,
    analysis: bool,
    as_json: bool,
) -> None:
    """Write pieces and print what was written."""
    from musicae.daw.harmonize_one import write_pieces
    from musicae.daw.written import Written
    from musicae.io.general_midi import program_of

    sound = program_of(program)
    written = [piece for piece in pieces for _ in suffixes]
    paths = [out / f"{stem}-{i}.{suffix}" for i, _ in enumerate(pieces, 1) for suffix in suffixes]
    write_pieces(written, paths, sound, folder=out, analysis=analysis)
    print_written(list(map(Written.of, paths, written)), pieces[0].notices, as_json)
