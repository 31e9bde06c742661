"""``musicae corpus``: build a corpus, and show or draw its contents."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from musicae.cli.options import AsJson, DataPath
from musicae.cli.printing import counting

app = typer.Typer(
    help="Build and inspect the corpus that models are trained on.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def build(
    folder: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="A folder of your own chorales, MIDI or MusicXML. Default: Bach's chorales.",
        ),
    ] = None,
    four_part: Annotated[
        Path | None,
        typer.Option(
            "--four-part",
            help="A folder of four-part pieces to add to Bach's chorales. Default: none.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="The corpus file to write. Default: data/chorales.npz, or FOLDER.npz for --from"
            " and --four-part.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="The number of processes. Default: one for each core.", min=1),
    ] = None,
) -> None:
    """Build a corpus from the Bach files that come with music21, or from a folder.

    --four-part adds hymns, carols, psalms and songs by others, each with its style.
    """
    from musicae.core.errors import MusicaeError
    from musicae.corpus import build, join, load

    if folder and four_part:
        raise MusicaeError(
            "--from replaces Bach's chorales and --four-part adds to them; give one of the two"
        )
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
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="Also draw the figures to this file: .png, .svg or .pdf. Default: no drawing.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a corpus in figures: sides, styles, meters, keys, ranges, note lengths, duplicates."""
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
