"""``musicae train``: train a model, or resume a run that was stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from musicae.cli.options import AsJson, DataPath
from musicae.cli.printing import progress

if TYPE_CHECKING:
    from rich.progress import Progress

    from musicae.training import fit


def train(
    model: Annotated[
        str, typer.Argument(help="The model: minibach, autoencoder, harmonizer or vae.")
    ],
    data: DataPath = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The folder of the run. Default: runs/MODEL."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Resume the run in this folder from its last checkpoint."),
    ] = False,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="The most epochs to train. Default: 20 for minibach and autoencoder, 40 for"
            " harmonizer and vae."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="The random seed of the first weights and of the order of the examples. Default: 1"
            " for harmonizer, else 0."
        ),
    ] = None,
    devices: Annotated[
        int, typer.Option(help="The number of processes that share each batch.")
    ] = 1,
    accelerator: Annotated[
        str, typer.Option(help="The device: auto (a GPU if there is one), cpu, cuda or mps.")
    ] = "auto",
    precision: Annotated[
        str | None,
        typer.Option(
            help="The precision: auto (the faster one on this machine), 32-true or bf16-mixed."
            " Default: 32-true for minibach and autoencoder, auto for harmonizer and vae."
        ),
    ] = None,
    four_part: Annotated[
        Path | None,
        typer.Option(
            help="A folder of four-part pieces to train on as well; harmonizer and vae use it."
            " Default: none."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a model on the train side of the corpus; it stops early and can be resumed."""
    from dataclasses import replace

    from musicae.models.checkpoint import need_torch

    need_torch("training")
    from musicae.training import run as training
    from musicae.training.config import RECIPES

    settings = teachers = None
    if model in RECIPES:
        changes = {"epochs": epochs, "seed": seed}
        changed = {name: value for name, value in changes.items() if value is not None}
        settings = replace(RECIPES[model].settings, **changed)
        most = settings.epochs
        teachers = [replace(t, epochs=min(t.epochs, most)) for t in RECIPES[model].teachers]
    bar = _TrainingBar()
    try:
        run = training.train(
            model,
            data,
            out or Path("runs") / model,
            settings=settings,
            teachers=teachers,
            devices=devices,
            accelerator=accelerator,
            precision=precision,
            four_part=four_part,
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


class _TrainingBar:
    """A progress bar for each run, with its loss and the time left.

    This object is copied into the process that trains, so the bar is created at the first call.
    """

    def __init__(self) -> None:
        self._bar: Progress | None = None

    def __call__(self, now: fit.TrainingProgress) -> None:
        if self._bar is None:
            self._bar = progress("[progress.description]{task.description}")
            self._bar.start()
            self._bar.add_task("", total=now.steps)
        before = "" if now.valid_loss is None else f", valid {now.valid_loss:.2f}"
        self._bar.update(
            self._bar.task_ids[0],
            completed=now.step,
            description=(f"epoch {now.epoch} of {now.epochs}: loss {now.loss:.2f}{before}"),
        )
        if now.step == now.steps:
            self.stop()

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None  # each teacher of a model has a run, and a bar, of its own
