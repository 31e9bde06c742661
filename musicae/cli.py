"""The command ``musicae``: parses, calls the public API, prints; nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import musicae
from musicae.chorale import MusicaeError

if TYPE_CHECKING:
    from rich.progress import Progress

    from musicae import training
    from musicae.api import Piece
    from musicae.report import Report

# Typer's errors have click's classes, which it keeps to itself; BadParameter leads to their root.
ClickException: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="musicae",
    help="Harmonize a melody into a four-part chorale, and compose new chorales.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
corpus_app = typer.Typer(help="The chorales that models learn from.", no_args_is_help=True)
app.add_typer(corpus_app, name="corpus")

N = Annotated[int, typer.Option("-n", help="How many alternatives.", show_default=True)]
Seed = Annotated[int, typer.Option(help="The same seed gives the same notes.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")]
Program = Annotated[
    str,
    typer.Option(help="General MIDI sound: a number 1 to 128 or a name such as 'church organ'."),
]
DataPath = Annotated[
    Path | None, typer.Option("--data", help="A corpus file; by default the repository's.")
]


def main() -> None:
    """Run the command; what a user can be told is one line on stderr and exit status 2."""
    try:
        status = app(standalone_mode=False)
    except ClickException as error:
        _fail(error.format_message())  # type: ignore[attr-defined]
    except MusicaeError as error:
        _fail(str(error))
    except (typer.Abort, KeyboardInterrupt):
        _fail("interrupted", status=130)
    sys.exit(status if isinstance(status, int) else 0)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(f"musicae {musicae.__version__}")
        raise typer.Exit


@app.command()
def harmonize(
    melody: Annotated[Path, typer.Argument(help="What is given: a MIDI or MusicXML file.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The file to write: .mid, .musicxml or .mxl."),
    ] = None,
    n: N = 1,
    seed: Seed = 0,
    temperature: Annotated[
        float | None,
        typer.Option(help="0: the likeliest; 1: as the model draws. By default 0; 0.3 if n > 1."),
    ] = None,
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
    model: Annotated[str, typer.Option(help="A shipped model, or a weights file.")] = "minibach",
    program: Program = "choir aahs",
    as_json: AsJson = False,
) -> None:
    """Write the voices that a melody, a bass or bars lack; what is given stays, event for event."""
    from musicae import midi
    from musicae.api import numbered

    out = out or melody.with_name(f"{melody.stem}-harmonized.mid")
    sound = midi.program_of(program)
    pieces = musicae.harmonize(
        melody,
        n,
        seed=seed,
        temperature=temperature,
        model=model,
        track=track,
        key=key,
        voice=voice,
        lock=lock,
        bars=bars,
        phrases=phrases,
        rhythm=rhythm,
    )
    _write(pieces, numbered(out, n), sound, as_json)


@app.command()
def generate(
    n: N = 1,
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write to.")] = Path(),
    seed: Seed = 0,
    temperature: Annotated[
        float, typer.Option(help="How far from the average piece; 1 as Bach's spread.")
    ] = 1.0,
    model: Annotated[str, typer.Option(help="A shipped model, or a weights file.")] = "autoencoder",
    program: Program = "choir aahs",
    as_json: AsJson = False,
) -> None:
    """Compose new pieces by putting drawn values into a model's bottleneck."""
    from musicae import midi

    sound = midi.program_of(program)
    pieces = musicae.generate(n, seed=seed, temperature=temperature, model=model)
    if not out.is_dir():
        _make_folder(out)
    paths = [out / f"chorale-{seed}-{i}.mid" for i in range(1, n + 1)]
    _write(pieces, paths, sound, as_json)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Chorales: MIDI or MusicXML files.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 where a rule is broken beyond Bach.")
    ] = False,
    annotate: Annotated[
        Path | None,
        typer.Option(help="Write the chorale with its violations: .musicxml, .mxl or .mid."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report a chorale's voice leading bar by bar, and each rule's rate beside Bach's."""
    if annotate and len(files) > 1:
        raise MusicaeError("--annotate takes one chorale at a time")
    reports = [musicae.check(path) for path in files]
    if annotate:
        reports[0].annotate(annotate)
    if as_json:
        told = [
            {"path": str(path)} | report.as_dict()
            for path, report in zip(files, reports, strict=True)
        ]
        print(json.dumps({"files": told}, indent=2))
    else:
        for path, report in zip(files, reports, strict=True):
            _print_report(path, report)
    if strict and any(report.beyond_bach for report in reports):
        raise typer.Exit(1)


def _print_report(path: Path, report: Report) -> None:
    print(f"{path}  {report.chorale!r}, {report.chords} chords")
    for violation in report.violations:
        print(f"  {violation}")
    print(f"  {'':26} count  per 100 chords  Bach's mean  Bach breaks it less often in")
    for name, rule in report.rules.items():
        if rule.violations:
            print(
                f"  {name:26} {rule.violations:5}  {rule.rate:14.2f}  {rule.bach:11.2f}"
                f"  {rule.percentile:3.0f}% of chorales{'  beyond' * rule.beyond}"
            )
    print(f"  beyond Bach: {', '.join(report.beyond_bach) or 'nothing'}")


@app.command()
def train(
    model: Annotated[str, typer.Argument(help="minibach or autoencoder.")],
    data: DataPath = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The run's folder; by default runs/MODEL.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(help="At most so many; the model's own.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights and order.")] = None,
    devices: Annotated[int, typer.Option(help="Processes that share each batch.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="32-true or bf16-mixed.")] = "32-true",
    as_json: AsJson = False,
) -> None:
    """Train a model on the corpus's train side; stops early and can be resumed."""
    from dataclasses import replace

    from musicae import training
    from musicae.recipes import RECIPES

    settings = None
    if model in RECIPES:
        changes = {"epochs": epochs, "seed": seed}
        changed = {name: value for name, value in changes.items() if value is not None}
        settings = replace(RECIPES[model].settings, **changed)
    bar = _TrainingBar()
    try:
        run = training.train(
            model,
            data,
            out or Path("runs") / model,
            settings=settings,
            devices=devices,
            accelerator=accelerator,
            precision=precision,
            resume=resume,
            report=bar,
        )
    finally:
        bar.stop()
    if not run.first_process:
        return
    if as_json:
        print(json.dumps(run._asdict() | {"weights": str(run.weights)}, indent=2))
    else:
        print(f"{run.weights}  validation loss {run.valid_loss:.2f}, epoch {run.best_epoch}")


@app.command()
def evaluate(
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="Models, weights files, chorales, folders; by default all models."),
    ] = None,
    data: DataPath = None,
    side: Annotated[str, typer.Option(help="The side of the corpus: valid or test.")] = "test",
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Draw the table: .png, .svg or .pdf.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the table as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set models and chorales beside held-out Bach, and models beside trivial predictors."""
    from musicae import checkpoint, comparison, corpus

    loaded = corpus.load(data)
    names = targets or list(checkpoint.KINDS)
    with _progress("measuring") as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        held_out, groups = comparison.standard_groups(names, loaded, side, seed)
        rows = comparison.compare(groups, held_out, loaded, progress=progress)
    if csv:
        comparison.write_csv(rows, csv)
    if out:
        comparison.draw(rows, out)
    if as_json:
        told = {
            "side": side,
            "seed": seed,
            "rows": [row.as_dict() for row in rows],
            "skipped": [reason for group in groups for reason in group.skipped],
        }
        print(json.dumps(told, indent=2))
        return
    print(comparison.markdown(rows))
    for group in groups:
        for reason in group.skipped:
            print(f"left out  {reason}")


@app.command()
def accuracy(
    model: Annotated[str, typer.Argument(help="A shipped model, or a weights file.")],
    data: DataPath = None,
    side: Annotated[str, typer.Option(help="The side of the corpus: valid or test.")] = "test",
    as_json: AsJson = False,
) -> None:
    """How often a model writes what Bach wrote, voice by voice, beside trivial predictors."""
    from musicae import corpus, evaluation, sampling

    chorales = corpus.load(data)
    table = evaluation.accuracies(
        sampling.load_model(model), chorales.side(side), chorales.side("train")
    )
    if as_json:
        told = {
            voice: {predictor: accuracy._asdict() for predictor, accuracy in row.items()}
            for voice, row in table.items()
        }
        print(json.dumps(told, indent=2))
        return
    print(evaluation.markdown(table))
    for verdict in evaluation.verdicts(table):
        print(verdict)


@corpus_app.command()
def build(
    folder: Annotated[
        Path | None,
        typer.Option("--from", help="Your own MIDI and MusicXML chorales; without it, Bach's."),
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
    """Make the corpus, from the Bach files that come with music21 or from a folder."""
    from musicae import corpus

    if out is None:
        out = corpus.default_path(folder)
    with _progress("reading") as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        if folder is None:
            built = corpus.build(workers=workers, progress=progress)
        else:
            built = corpus.build_from_folder(folder, workers=workers, progress=progress)
    built.save(out)
    for file, reason in built.left_out:
        print(f"left out  {file}: {reason}")
    for file, kept in built.duplicates:
        print(f"duplicate {file}: the same music as {kept}")
    for file, count in zip(built.files, built.quantized, strict=True):
        if count:
            print(f"quantized {file}: {count} notes moved to the sixteenth grid")
    print(f"{out}  {len(built)} chorales, {len(set(built.tunes))} tunes")


@corpus_app.command()
def info(
    data: DataPath = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Draw the figures: .png, .svg or .pdf.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is in the corpus: sides, meters, keys, ranges, note lengths, duplicates."""
    from musicae import corpus, corpus_report

    loaded = corpus.load(data)
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
        corpus_report.draw(loaded, out)
        print(out, file=sys.stderr)


def _short(figure: object) -> str:
    if isinstance(figure, dict):
        return "(" + ", ".join(f"{name} {value}" for name, value in figure.items()) + ")"
    return " to ".join(map(str, figure)) if isinstance(figure, list) else str(figure)


class _TrainingBar:
    """A bar with the loss and the time left; copied into the process that trains."""

    def __init__(self) -> None:
        self._bar: Progress | None = None

    def __call__(self, progress: training.Progress) -> None:
        if self._bar is None:
            self._bar = _progress("[progress.description]{task.description}")
            self._bar.start()
            self._bar.add_task("", total=progress.steps)
        before = "" if progress.valid_loss is None else f", valid {progress.valid_loss:.2f}"
        self._bar.update(
            self._bar.task_ids[0],
            completed=progress.step,
            description=(
                f"epoch {progress.epoch} of {progress.epochs}: loss {progress.loss:.2f}{before}"
            ),
        )
        if progress.step == progress.steps:
            self.stop()

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()


def _progress(label: str) -> Progress:
    """A bar on stderr with a label, what is done, and the time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    return Progress(
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _write(pieces: Sequence[Piece], paths: Sequence[Path], program: int, as_json: bool) -> None:
    for piece, path in zip(pieces, paths, strict=True):
        piece.write(path, program)
    for notice in pieces[0].notices:
        print(f"note: {notice}", file=sys.stderr)
    if as_json:
        files = [
            {"path": str(path), "bars": piece.chorale.bar_count, **piece.provenance}
            for piece, path in zip(pieces, paths, strict=True)
        ]
        print(json.dumps({"files": files, "notices": pieces[0].notices}, indent=2))
        return
    for piece, path in zip(pieces, paths, strict=True):
        facts = piece.provenance
        print(f"{path}  {piece.chorale!r}")
        if "key" in facts:
            print(f"  harmonized in {facts['key']} (choose another with --key)")
        print(
            f"  {facts['model']} {facts['checksum'][:12]}, seed {facts['seed']},"
            f" temperature {facts['temperature']:g}, musicae {facts['version']}"
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise MusicaeError(f"{folder}: cannot be made ({error.strerror})") from None


def _fail(message: str, status: int = 2) -> None:
    line = " ".join(message.split())
    print(f"error: {line}", file=sys.stderr)
    sys.exit(status)
