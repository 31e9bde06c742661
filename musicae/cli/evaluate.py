"""``musicae evaluate`` and ``musicae accuracy``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import musicae
from musicae.cli.options import AsJson, DataPath, Seed, Side
from musicae.cli.printing import counting
from musicae.core.errors import MusicaeError

if TYPE_CHECKING:
    from musicae.evaluation.likelihood import Bounds, ScoredFiles, VoiceScore


def evaluate(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="Models, weights files and folders of chorales to compare; or only chorale files,"
            " to score. Default: all shipped models."
        ),
    ] = None,
    data: DataPath = None,
    side: Side = "test",
    seed: Seed = 0,
    model: Annotated[
        str | None,
        typer.Option(help="The model that scores chorale files. Default: harmonizer."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="Also draw the table to this file: .png, .svg or .pdf. Default: no drawing.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="Also write the table to this CSV file. Default: no CSV file."),
    ] = None,
    four_part: Annotated[
        Path | None,
        typer.Option(
            "--four-part",
            metavar="FOLDER",
            help="A folder of four-part pieces: adds its hymns of that side, and the models'"
            " harmonizations of their sopranos. Default: none.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare models or folders of chorales with held-out Bach, or score chorale files."""
    from musicae.models.checkpoint import need_torch

    need_torch("evaluation")
    from musicae.evaluation import likelihood

    files = [Path(target) for target in targets or ()]
    if files and all(likelihood.is_chorale_file(file) for file in files):
        if out or csv or four_part:
            raise MusicaeError(
                "--out, --csv and --four-part go with a comparison; give a model or a folder, not"
                " files"
            )
        _score(files, model or "harmonizer", data, side, as_json)
        return
    if model:
        raise MusicaeError(
            "--model goes with chorale files; to compare a model, name it without --model"
        )
    _compare(targets, data, side, seed, out, csv, four_part, as_json)


def _score(files: Sequence[Path], model: str, data: Path | None, side: str, as_json: bool) -> None:
    from musicae.evaluation import likelihood

    with counting("scoring") as tell:
        judged = likelihood.score_files(files, model, data, side, tell)
    if as_json:
        print(json.dumps(judged.as_dict(), indent=2))
        return
    for path, score in judged.scores:
        print(f"{path}  alto, tenor and bass to the soprano, in {score.key}")
        _print_lines(score.lines, judged)
        print("  most surprising:")
        for place in score.places:
            print(f"    {place}")
        print(f"  {judged.model} {judged.checksum[:12]}, musicae {musicae.__version__}")


def _print_lines(lines: dict[str, VoiceScore], judged: ScoredFiles) -> None:
    """Print a line for each voice, with the lowest, median and highest value of Bach's chorales."""
    usual = f"Bach ({judged.side}): lowest, median, highest" if judged.bach else ""
    print(f"  {'':9}{'nats a step':>11}  {usual:38}{'nats a note':>11}  {usual}".rstrip())
    for name, line in lines.items():
        of_bach = judged.bach and judged.bach[name]
        steps = _bounds(of_bach.per_step) if of_bach else ""
        notes = _bounds(of_bach.per_note) if of_bach else ""
        row = f"  {name.lower():9}{line.per_step:11.2f}  {steps:38}{line.per_note:11.2f}  {notes}"
        print(row.rstrip())


def _bounds(bounds: Bounds) -> str:
    return ", ".join(f"{value:.2f}" for value in bounds)


def _compare(
    targets: Sequence[str] | None,
    data: Path | None,
    side: str,
    seed: int,
    out: Path | None,
    csv: Path | None,
    four_part: Path | None,
    as_json: bool,
) -> None:
    from musicae.corpus import load
    from musicae.evaluation import comparison, function_table
    from musicae.evaluation.table import draw_table, markdown, write_csv
    from musicae.models import checkpoint

    loaded = load.load(data)
    names = targets or list(checkpoint.KINDS)
    with counting("measuring") as tell:
        held_out, groups = comparison.standard_groups(names, loaded, side, seed)
        rows = comparison.compare(groups, held_out, loaded, progress=tell)
    every = [held_out, *groups]
    if four_part:
        every += comparison.hymn_groups(names, four_part, side, seed)
    function = function_table.function_table(every)
    if csv:
        write_csv(rows, csv)
    if out:
        draw_table(rows, out)
    if as_json:
        result = {
            "side": side,
            "seed": seed,
            "rows": [row.as_dict() for row in rows],
            "function": [row.as_dict() for row in function],
            "skipped": [reason for group in groups for reason in group.skipped],
        }
        print(json.dumps(result, indent=2))
        return
    print(markdown(rows))
    print()
    print(function_table.markdown(function))
    for row in rows:
        if row.latent:
            print(f"{row.name}: {row.latent}")
    for group in groups:
        for reason in group.skipped:
            print(f"left out  {reason}")


def accuracy(
    model: Annotated[str, typer.Argument(help="A shipped model, or the path of a weights file.")],
    data: DataPath = None,
    side: Side = "test",
    as_json: AsJson = False,
) -> None:
    """Measure how often a model writes Bach's notes, voice by voice, beside trivial predictors."""
    from musicae.models.checkpoint import load_model, need_torch

    need_torch("evaluation")
    from musicae.corpus import load
    from musicae.evaluation import accuracy as evaluation

    chorales = load.load(data)
    table = evaluation.accuracies(load_model(model), chorales.side(side), chorales.side("train"))
    if as_json:
        result = {
            voice: {predictor: accuracy._asdict() for predictor, accuracy in row.items()}
            for voice, row in table.items()
        }
        print(json.dumps(result, indent=2))
        return
    print(evaluation.accuracy_markdown(table))
    for verdict in evaluation.verdicts(table):
        print(verdict)
