"""Train a model on the corpus, in one process or several, and resume a run that was stopped.

Lightning Fabric (the extra ``train``) handles devices, precision and processes. Nothing is printed:
``train`` reports progress to a callback. It writes a log, a summary and the weights into the run's
folder, and after each epoch the state that is needed to resume the run.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.multiprocessing.spawn import ProcessRaisedException

from musicae.core.errors import TrainingError
from musicae.core.files import whole_file
from musicae.corpus import load
from musicae.corpus.four_part import read_four_part, training_pieces
from musicae.models import checkpoint, torch_engine
from musicae.training.config import RECIPES
from musicae.training.fit import ReportProgress, TrainingState, best_epoch, fit
from musicae.training.task import Examples, Settings, StyledPiece, Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PRECISIONS = ("32-true", "bf16-mixed")
"""Fabric's names of single precision, and of mixed precision with matrix products in bfloat16."""
AUTO = "auto"
"""Stands for the faster one of ``PRECISIONS`` on the processor or GPU."""
STATE, LOG, SUMMARY = "state.pt", "log.csv", "summary.json"
"""Files in a run's folder, beside the weights."""
# Fabric logs a line for each process that it starts. This is at module level because a spawned
# process imports the module first.
for _name in ("distributed", "rank_zero"):
    logging.getLogger(f"lightning_fabric.utilities.{_name}").setLevel(logging.WARNING)


class Run(NamedTuple):
    """The result of a finished run."""

    weights: Path
    """The file with the weights of the best epoch; ``LOG`` and ``SUMMARY`` are beside it."""
    epochs: int
    """The number of epochs that were run."""
    best_epoch: int
    """The number of the epoch with the lowest validation loss, from 1."""
    valid_loss: float
    """The validation loss of the best epoch: a mean over examples, in nats."""
    first_process: bool
    """True in the process that should print; False in torchrun's other processes."""


class _Job(NamedTuple):
    """The arguments of a run, sent to each of its processes."""

    name: str
    task: Task
    config: dict[str, Any]
    settings: Settings
    train: Examples
    valid: Examples
    folder: Path
    facts: dict[str, Any]
    """The identity of the run: model, layers, settings, data; of types that JSON has."""
    state: TrainingState | None
    report: ReportProgress | None


def train(
    name: str,
    data: Path | None,
    folder: Path,
    *,
    settings: Settings | None = None,
    config: dict[str, Any] | None = None,
    teachers: Sequence[Settings] | None = None,
    devices: int = 1,
    accelerator: str = "auto",
    precision: str | None = None,
    four_part: Path | None = None,
    resume: bool = False,
    report: ReportProgress | None = None,
) -> Run:
    """Train a model on the corpus's train side in every key, with early stopping.

    Chorales of the validation side are not transposed.

    Args:
        name: a key of ``RECIPES``.
        data: a corpus file; None for the corpus that ships with musicae.
        folder: the run's folder; files of an earlier run are replaced.
        settings: settings instead of the recipe's.
        config: layers that differ from the recipe's, for example ``{"hidden": 400}``.
        teachers: the settings of teachers instead of the recipe's. Each teacher is trained first,
            in a folder within ``folder``.
        devices: the number of processes on this machine; they share each batch. They are spawned
            from the ``musicae`` command, ``python -m musicae``, a test or a script (below
            ``if __name__ == "__main__":``), and forked from a notebook. Under ``torchrun``, on one
            machine or several, its processes are used and this number is ignored:
            ``torchrun --nnodes 2 --nproc-per-node 4 ... -m musicae train minibach``.
        accelerator: ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``mps``.
        precision: the precision instead of the recipe's: ``32-true``, ``bf16-mixed`` (matrix
            products in bfloat16) or ``auto`` (the faster of the two).
        four_part: a folder of four-part pieces by others (see ``corpus.four_part``); ignored by
            recipes that use only the corpus.
        resume: resume a run that was stopped in this folder; if there is none, start one. On the
            same machine the result equals that of an uninterrupted run, bit for bit.
        report: called with the progress after each step.

    Raises TrainingError for an unknown model, missing packages, a run that cannot be set up or
    resumed, or a loss that is not finite; other MusicaeErrors for wrong layers or a wrong corpus.
    """
    if name not in RECIPES:
        raise TrainingError(f"no model is called {name!r}; there are {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    settings, config = settings or recipe.settings, recipe.config | (config or {})
    precision = precision or recipe.precision
    if precision == AUTO:
        precision = faster_precision(accelerator)
    torch_engine.check_export()
    with torch.device("meta"):
        torch_engine.build_model(name, config)  # raises an error for wrong layers early
    fabric = _fabric(devices, accelerator, precision)
    chorales = load.load(data)
    others = _styled(four_part) if recipe.four_part and four_part else ()
    train_side = recipe.task.examples(chorales.side("train"), True, config, others)
    valid_side = recipe.task.examples(chorales.side("valid"), False, config)
    trained_teachers = [
        checkpoint.load_checkpoint(
            train(
                name,
                data,
                folder / f"teacher-{number}",
                settings=teacher,
                config=config,
                teachers=(),
                devices=devices,
                accelerator=accelerator,
                precision=precision,
                four_part=four_part,
                resume=resume,
                report=report,
            ).weights
        )
        for number, teacher in enumerate(recipe.teachers if teachers is None else teachers, 1)
    ]
    task = recipe.task
    if trained_teachers and recipe.taught_by:
        task = recipe.taught_by([torch_engine.network_of(each) for each in trained_teachers])
    facts = {
        "model": name,
        "config": config,
        "settings": asdict(settings),
        "teachers": [teacher.checksum for teacher in trained_teachers],
        "precision": precision,
        "data": {"train": _describe("train", train_side), "valid": _describe("valid", valid_side)},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{folder}: cannot create this folder ({error.strerror})") from None
    state = _read_state(folder / STATE, facts) if resume else None
    job = _Job(name, task, config, settings, train_side, valid_side, folder, facts, state, report)
    return _launch(fabric, job)


def _launch(fabric: Fabric, job: _Job) -> Run:
    """Run a job in all processes. Raises TrainingError if a spawned process fails."""
    had_port = "MASTER_PORT" in os.environ
    try:
        run: Run = fabric.launch(partial(_work, job))
        return run
    except ProcessRaisedException as error:
        reason = str(error).strip().splitlines()[-1]
        raise TrainingError(f"a process of the run failed: {reason}") from error
    finally:
        if not had_port:  # Fabric set it; the next run has to find a free port again
            os.environ.pop("MASTER_PORT", None)


def faster_precision(accelerator: str) -> str:
    """The faster one of ``PRECISIONS`` on the GPU, if one is used, or on the processor."""
    if accelerator in ("auto", "cuda", "gpu") and torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # Without AMX, matrix products in bfloat16 took 1.6 times as long as in single precision on
        # a processor with AVX512-BF16.
        fast = accelerator in ("auto", "cpu") and bool(torch.cpu.get_capabilities().get("amx_bf16"))
    return "bf16-mixed" if fast else "32-true"


def _styled(four_part: Path) -> list[StyledPiece]:
    """The pieces of a folder that are used for training."""
    return [
        StyledPiece(piece.chorale, piece.style, piece.key)
        for piece in training_pieces(read_four_part(four_part))
    ]


def _describe(side: str, examples: Examples) -> dict[str, Any]:
    """``Examples.describe``. Raises TrainingError if there are no examples."""
    if not len(examples):
        raise TrainingError(f"the {side} side of the corpus has no examples for this model")
    return examples.describe()


def _fabric(devices: int, accelerator: str, precision: str) -> Fabric:
    """Fabric on these devices. Raises TrainingError if it is missing or cannot be set up."""
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.utilities.exceptions import MisconfigurationException
    except ImportError:
        raise TrainingError(
            "training needs Lightning Fabric, which is not installed: pip install 'musicae[train]'"
        ) from None
    if precision not in PRECISIONS:
        raise TrainingError(f"precision must be {' or '.join(PRECISIONS)}, not {precision!r}")
    if devices < 1:
        raise TrainingError(f"training needs at least one device, not {devices}")
    machines, strategy = 1, "auto"
    if torch.distributed.is_available() and torch.distributed.is_torchelastic_launched():
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        machines = int(os.environ["WORLD_SIZE"]) // devices
    elif devices > 1:
        # Fabric's default runs the command line again for each process; that fails in a test.
        strategy = "ddp_fork" if hasattr(sys, "ps1") else "ddp_spawn"  # fork from a notebook
    try:
        return Fabric(
            accelerator=accelerator,
            strategy=strategy,
            devices=devices,
            num_nodes=machines,
            precision=precision,
        )
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        raise TrainingError(f"training cannot be set up with these options: {error}") from None


def _work(job: _Job, fabric: Fabric) -> Run:
    """The work of one process; the first process writes the files."""
    state: TrainingState | None = fabric.broadcast(job.state)  # from the first machine's folder
    with torch.random.fork_rng(devices=[]):  # leave the caller's generator unchanged
        torch.manual_seed(job.settings.seed)
        model = torch_engine.build_model(job.name, job.config)
        job.task.begin(model, job.train)
        rows = fit(
            fabric,
            model,
            job.task,
            job.train,
            job.valid,
            settings=job.settings,
            state=state,
            save=lambda state: _save_state(job, state),
            report=job.report,
        )
    best = rows[best_epoch(rows) - 1]
    weights = job.folder / f"{job.name}.safetensors"
    if fabric.is_global_zero:
        model.cpu().eval()
        job.task.finish(model, job.train, job.valid)
        summary = job.facts | {
            "epochs": len(rows),
            "best_epoch": best.epoch,
            "train_loss": best.train_loss,
            "valid_loss": best.valid_loss,
            **best.watched,
            "seconds": round(sum(row.seconds for row in rows), 1),
            "processes": fabric.world_size,
            "accelerator": fabric.device.type,
            "versions": _versions(),
        }
        checksum = torch_engine.save_model(weights, job.name, model, summary)
        with whole_file(job.folder / SUMMARY) as path:
            text = json.dumps(summary | {"checksum": checksum}, indent=2)
            path.write_text(text + "\n", encoding="utf-8")
    fabric.barrier()  # all processes wait until the files are written
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()  # without this gloo sometimes aborts at exit
    return Run(weights, len(rows), best.epoch, best.valid_loss, fabric.is_global_zero)


def _versions() -> dict[str, str]:
    """The versions of Python and of the packages that influence the numbers of a run."""
    packages = ("musicae", "torch", "lightning-fabric")
    return {"python": platform.python_version()} | {p: metadata.version(p) for p in packages}


def _save_state(job: _Job, state: TrainingState) -> None:
    """Write the log, and the state that is needed to resume the run."""
    with whole_file(job.folder / LOG) as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*state.rows[0]._fields[:-1], *state.rows[0].watched])
        writer.writerows([*row[:-1], *row.watched.values()] for row in state.rows)
    # The state is written last: a run that is stopped before that repeats the epoch.
    with whole_file(job.folder / STATE) as path:
        torch.save({"facts": job.facts, **state.as_dict()}, path)


def _read_state(path: Path, facts: dict[str, Any]) -> TrainingState | None:
    """The state of a run with these facts; None if the file does not exist.

    Raises TrainingError if the file is damaged or belongs to a run with other facts.
    """
    if not path.exists():
        return None
    try:
        values: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        then = values.pop("facts")
        state = TrainingState.from_dict(values)
    except Exception as error:  # torch may raise anything for a damaged file
        raise TrainingError(f"{path}: the file is damaged; train without resuming") from error
    changed = [key for key in facts if then.get(key) != facts[key]]
    if changed:
        raise TrainingError(
            f"{path}: belongs to a run with another {' and '.join(changed)};"
            " train without resuming, or into another folder"
        )
    return state
