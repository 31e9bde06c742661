"""``musicae corpus``: build the corpus, show and draw what it holds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from musicae.cli.options import AsJson, DataPath
from musicae.cli.printing import counting

app = typer.Typer(
    help="The chorales that models learn from.", no_args_is_help=True, add_completion=False
)


@app.command()
def build(
    folder: Annotated[
        Path | None,
        typer.Option("--from", help="Your own MIDI and MusicXML chorales; without it, Bach's."),
    ] = None,
    four_part: Annotated[
        Path | None,
        typer.Option(
            "--four-part", help="The folder of the four-part data, to be joined with Bach's."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", help="The corpus file. [default: data/chorales.npz, or FOLDER.npz]"
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; by default one a core.", min=1)
    ] = None,
) -> None:
    """Make the corpus, from the Bach files that come with music21 or from a folder.

    With --four-part, hymns, carols, psalms and songs by others are added, each with its style.
    """
    from musicae.core.errors import MusicaeError
    from musicae.corpus import build, join, load

    if folder and four_part:
        raise MusicaeError("--from and --four-part exclude each other: one adds to Bach's corpus")
    if out is None:
        out = load.default_path(folder or four_part)
    with counting("reading") as tell:
        if four_part:
            built = join.build_joined(load.bach(workers=workers, progress=tell), four_part)
        elif folder:
            built = build.build_from_folder(folder, workers=workers, progress=tell)
        else:
            built = build.build(workers=workers, progress=tell)
    built.save(out)
    for file, reason in built.left_out:
        print(f"left out  {file}: {reason}")
    for file, kept in built.duplicates:
        print(f"duplicate {file}: the same music as {kept}")
    for file, count in zip(built.files, built.quantized, strict=True):
        if count:
            print(f"quantized {file}: {count} notes moved to the sixteenth grid")
    print(f"{out}  {len(built)} chorales, {len(set(built.tunes))} tunes")


@app.command()
def info(
    data: DataPath = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Draw the figures: .png, .svg or .pdf.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is in the corpus: sides, styles, meters, keys, ranges, note lengths, duplicates."""
    from musicae.corpus import load
    from musicae.corpus import summary as corpus_report

    loaded = load.load(data)
    summary = corpus_report.summary(loaded)
    if as_json:
        print(json.dumps(summary, indent=2, ensure_ascii=False))
    else:
        for name, figure in summary.items():
            if isinstance(figure, dict):
                print(f"{name}: " + ", ".join(f"{k} {_short(v)}" for k, v in figure.items()))
            elif isinstance(figure, list):
                print(f"{name}: {len(figure)}")
            else:
                print(f"{name}: {figure}")
    if out:
        corpus_report.draw_summary(loaded, out)
        print(out, file=sys.stderr)


def _short(figure: object) -> str:
    if isinstance(figure, dict):
        return "(" + ", ".join(f"{name} {value}" for name, value in figure.items()) + ")"
    return " to ".join(map(str, figure)) if isinstance(figure, list) else str(figure)
