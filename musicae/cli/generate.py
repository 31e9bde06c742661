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

Folder = Annotated[
    Path, typer.Option("-o", "--out", help="The folder to write to; it is created if needed.")
]
Format = Annotated[
    str,
    typer.Option(
        "--format", help="The file formats: mid, musicxml, mxl, or several, such as mid,musicxml."
    ),
]
VAE = Annotated[str, typer.Option(help="The model: vae, or the path of its weights file.")]
Temperature = Annotated[
    float | None,
    typer.Option(
        help="How random the notes are, 0 to 10. 0 takes the likeliest notes; 1 draws from the"
        " model's own distribution. Default: 0.6."
    ),
]
_FORMATS = ("mid", "musicxml", "mxl")


def generate(
    n: N = 1,
    out: Folder = Path(),
    seed: Seed = 0,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="How random the notes are, 0 to 10. 0 takes the likeliest notes; 1 draws from the"
            " model's own distribution. For the autoencoder, the distance from the average piece."
            " Default: the model's best, 0.6 for the VAE."
        ),
    ] = None,
    bars: Annotated[
        int | None,
        typer.Option(
            help="The number of bars, 1 to 1000. Default: drawn from pieces of the style; 8 for the"
            " harmonizer."
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="The key, such as 'G minor'. Default: drawn from pieces of the style; C major for"
            " the harmonizer."
        ),
    ] = None,
    meter: Annotated[
        str | None,
        typer.Option(
            help="The meter, such as 3/4. Default: drawn from pieces of the style; 4/4 for the"
            " harmonizer."
        ),
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            help="The distribution that the piece's latent vector is drawn from: normal, or fitted"
            " (to the training pieces of the style). Only for the VAE. Default: fitted."
        ),
    ] = None,
    slide: Annotated[
        str | None,
        typer.Option(
            help="Attributes to change, each by -4 to 4 of Bach's standard deviations: activity,"
            " chromaticism, register, dissonance, harmonic rhythm; also mode=minor or mode=major."
            " Such as 'activity=+1,mode=minor'. Only for the VAE. Default: none."
        ),
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(
            help=f"The style: {', '.join(STYLES[:-1])} or {STYLES[-1]}. Default: bach for the VAE."
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            help="Which phrases return, as letters: AABA, or AA'BA, where the second phrase varies"
            " the first. Only for the VAE. Default: drawn from pieces of the style."
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="The model: vae, harmonizer, autoencoder, or the path of a weights file."
        ),
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
    one: Annotated[
        Path, typer.Argument(help="The first chorale, in four voices: a MIDI file or a score.")
    ],
    other: Annotated[
        Path, typer.Argument(help="The last chorale, in four voices: a MIDI file or a score.")
    ],
    n: Annotated[
        int,
        typer.Option("-n", help="The number of pieces, 3 to 1000; both ends count."),
    ] = 7,
    out: Folder = Path(),
    seed: Seed = 0,
    temperature: Annotated[
        float,
        typer.Option(
            help="How random the notes are, 0 to 10. 0 takes the likeliest notes; 1 draws from the"
            " model's own distribution."
        ),
    ] = 0.0,
    model: VAE = "vae",
    formats: Format = "mid",
    program: Program = "choir aahs",
    analysis: Analysis = False,
    as_json: AsJson = False,
) -> None:
    """Interpolate between two chorales in the VAE's latent space."""
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
        float,
        typer.Option(
            help="How much changes, 0 to 1. 0 is the model's reconstruction of the piece; 1 is a"
            " piece that shares only its form."
        ),
    ] = 0.3,
    keep: Annotated[
        str,
        typer.Option(
            help="What stays unchanged: voices, plan (the chords), or both, such as soprano,plan."
            " Default: nothing."
        ),
    ] = "",
    slide: Annotated[
        str | None,
        typer.Option(
            help="Attributes to change, each by -4 to 4 of Bach's standard deviations: activity,"
            " chromaticism, register, dissonance, harmonic rhythm. Such as 'activity=+1'."
            " Default: none."
        ),
    ] = None,
    seed: Seed = 0,
    temperature: Temperature = None,
    model: VAE = "vae",
    formats: Format = "mid",
    program: Program = "choir aahs",
    analysis: Analysis = False,
    as_json: AsJson = False,
) -> None:
    """Write variations of a chorale; voices or the chords can be kept."""
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
        Path,
        typer.Argument(help="The beginning, a melody or a chorale: a MIDI file or a score."),
    ],
    bars: Annotated[int, typer.Option(help="The number of bars to add, 1 to 1000.")] = 8,
    n: N = 1,
    out: Folder = Path(),
    form: Annotated[
        str | None,
        typer.Option(
            help="The phrases of the whole piece as letters, such as AABA; the first letters are"
            " the phrases of the beginning. Default: drawn from pieces of the style."
        ),
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(help=f"The style: {', '.join(STYLES[:-1])} or {STYLES[-1]}. Default: bach."),
    ] = None,
    seed: Seed = 0,
    temperature: Temperature = None,
    model: VAE = "vae",
    formats: Format = "mid",
    program: Program = "choir aahs",
    analysis: Analysis = False,
    as_json: AsJson = False,
) -> None:
    """Compose a continuation of a given beginning."""
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
    """The suffixes in a text such as ``mid,musicxml``. Raises ChoraleError for other formats."""
    wished = list(dict.fromkeys(each.strip().lower().lstrip(".") for each in formats.split(",")))
    for each in wished:
        if each not in _FORMATS:
            raise ChoraleError(f"--format takes {', '.join(_FORMATS)}, not {each!r}")
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
