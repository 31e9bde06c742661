"""Training: one readable ``fit``, and ``train``, which runs it on the corpus.

Devices, precision and several processes are Lightning Fabric's business (the extra ``train``).
Nothing here prints: ``train`` tells a callback how far it is, and writes into the run's folder
a log, a summary, the weights, and after every epoch a state from which a killed run goes on.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import platform
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
from musicae.models import checkpoint
from musicae.training.config import RECIPES
from musicae.training.fit import LogRow, ReportProgress, best_epoch, fit
from musicae.training.task import Examples, Settings, StyledPiece, Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PRECISIONS = ("32-true", "bf16-mixed")
AUTO = "auto"
"""``bf16-mixed`` where the processor multiplies matrices in bfloat16, else ``32-true``."""
# Fabric announces each process on standard error before it runs anything of ours but this.
for _name in ("distributed", "rank_zero"):
    logging.getLogger(f"lightning_fabric.utilities.{_name}").setLevel(logging.WARNING)

STATE, LOG, SUMMARY = "state.pt", "log.csv", "summary.json"


class Run(NamedTuple):
    """What a finished run came to."""

    weights: Path
    """The best epoch's weights; ``log.csv`` and ``summary.json`` lie beside them."""
    epochs: int
    """Epochs that were run, before an early stop or in all."""
    best_epoch: int
    valid_loss: float
    """Of the best epoch."""
    first_process: bool
    """Whether this process is the one to speak; False in torchrun's other processes."""


class _Job(NamedTuple):
    """What each process of a run is told."""

    name: str
    task: Task
    config: dict[str, Any]
    settings: Settings
    train: Examples
    valid: Examples
    folder: Path
    facts: dict[str, Any]
    state: dict[str, Any] | None
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
    """Train a model of ``RECIPES`` on the corpus's train side in every key, stopping early.

    The validation side is used as it is, not transposed.

    Args:
        name: of the model.
        data: a corpus file; None is the one that comes with the project.
        folder: where the run's files go, replacing those of a run before.
        settings: instead of the recipe's.
        config: layers that differ from the recipe's, such as ``{"hidden": 400}``.
        teachers: instead of the recipe's; each is trained first, in a folder within ``folder``.
        devices: processes on this machine, which share each batch. They are started by spawning
            from the ``musicae`` command, ``python -m musicae``, a test, or a script (below
            ``if __name__ == "__main__":``); by forking from a notebook. Under ``torchrun``, on
            one machine or several, its processes are used and this number is not:
            ``torchrun --nnodes 2 --nproc-per-node 4 ... -m musicae train minibach``.
        accelerator: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``mps``.
        precision: instead of the recipe's: ``32-true``, ``bf16-mixed``, which multiplies
            matrices in bfloat16, or ``auto``, which takes the faster one of them.
        four_part: a folder of four-part pieces by others (``corpus.four_part``), from which a
            recipe that can learns beside the corpus.
        resume: go on with the run that was killed in this folder; begin where there is none. On
            the same machine the result is the uninterrupted run's, bit for bit.
        report: told the progress.

    Raises TrainingError, or another MusicaeError where the layers or the corpus are at fault.
    """
    if name not in RECIPES:
        raise TrainingError(f"no model is called {name!r}; there are {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    settings, config = settings or recipe.settings, recipe.config | (config or {})
    precision = precision or recipe.precision
    if precision == AUTO:
        precision = faster_precision(accelerator)
    with torch.device("meta"):
        checkpoint.build_model(name, config)  # refuses wrong layers before anything is done
    fabric = _fabric(devices, accelerator, precision)
    chorales = load.load(data)
    others = _styled(four_part) if recipe.four_part and four_part else ()
    train_side = recipe.task.examples(chorales.side("train"), True, config, others)
    valid_side = recipe.task.examples(chorales.side("valid"), False, config)
    taught = [
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
    if taught and recipe.taught_by:
        task = recipe.taught_by([teacher.model for teacher in taught])
    facts = {
        "model": name,
        "config": config,
        "settings": asdict(settings),
        "teachers": [teacher.checksum for teacher in taught],
        "precision": precision,
        "data": {"train": _describe("train", train_side), "valid": _describe("valid", valid_side)},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{folder}: cannot be made ({error.strerror})") from None
    state = _read_state(folder / STATE, facts) if resume else None
    job = _Job(name, task, config, settings, train_side, valid_side, folder, facts, state, report)
    had_port = "MASTER_PORT" in os.environ
    try:
        run: Run = fabric.launch(partial(_work, job))
    except ProcessRaisedException as error:
        reason = str(error).strip().splitlines()[-1]
        raise TrainingError(f"a process of the run failed: {reason}") from error
    finally:
        if not had_port:  # the next run looks for a free one again
            os.environ.pop("MASTER_PORT", None)
    return run


def faster_precision(accelerator: str) -> str:
    """One of ``PRECISIONS``, by what the processor, or the GPU if it is used, can do."""
    if accelerator in ("auto", "cuda", "gpu") and torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # Measured on a processor with AVX512-BF16 but without AMX: products in bfloat16 take 1.6
        # times as long as in single precision.
        fast = accelerator in ("auto", "cpu") and bool(torch.cpu.get_capabilities().get("amx_bf16"))
    return "bf16-mixed" if fast else "32-true"


def _styled(four_part: Path) -> list[StyledPiece]:
    """The pieces of a folder to train on."""
    return [
        StyledPiece(piece.chorale, piece.style, piece.chorale.key)
        for piece in training_pieces(read_four_part(four_part))
    ]


def _describe(side: str, examples: Examples) -> dict[str, Any]:
    if not len(examples):
        raise TrainingError(
            f"the {side} side of the corpus has nothing that this model learns from"
        )
    return examples.describe()


def _fabric(devices: int, accelerator: str, precision: str) -> Fabric:
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.utilities.exceptions import MisconfigurationException
        from lightning_fabric.utilities.imports import _IS_INTERACTIVE
    except ImportError:
        raise TrainingError(
            "training needs Lightning Fabric, which is not installed: pip install 'musicae[train]'"
        ) from None
    if precision not in PRECISIONS:
        raise TrainingError(f"precision is {' or '.join(PRECISIONS)}, not {precision!r}")
    if devices < 1:
        raise TrainingError(f"training takes at least one device, not {devices}")
    machines, strategy = 1, "auto"
    if torch.distributed.is_available() and torch.distributed.is_torchelastic_launched():
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        machines = int(os.environ["WORLD_SIZE"]) // devices
    elif devices > 1:
        # Fabric's own choice runs the command line again for each process: no good from a test
        # or any other caller whose command line does more than train.
        strategy = "ddp_fork" if _IS_INTERACTIVE else "ddp_spawn"
    try:
        return Fabric(
            accelerator=accelerator,
            strategy=strategy,
            devices=devices,
            num_nodes=machines,
            precision=precision,
        )
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        raise TrainingError(f"training cannot be set up so: {error}") from None


def _work(job: _Job, fabric: Fabric) -> Run:
    """One process's part of a run; the first one writes the files."""
    state: dict[str, Any] | None = fabric.broadcast(job.state)  # of the first machine's folder
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay the caller's
        torch.manual_seed(job.settings.seed)
        model = checkpoint.build_model(job.name, job.config)
        job.task.begin(model, job.train)
        rows = fit(
            fabric,
            model,
            job.task,
            job.train,
            job.valid,
            settings=job.settings,
            state=state,
            save=lambda state: _save(job, state),
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
        checksum = checkpoint.save_model(weights, job.name, model, summary)
        with whole_file(job.folder / SUMMARY) as path:
            text = json.dumps(summary | {"checksum": checksum}, indent=2)
            path.write_text(text + "\n", encoding="utf-8")
    fabric.barrier()  # nobody goes on before the files are there
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()  # else gloo now and then aborts at exit
    return Run(weights, len(rows), best.epoch, best.valid_loss, fabric.is_global_zero)


def _versions() -> dict[str, str]:
    packages = ("musicae", "torch", "lightning-fabric")
    return {"python": platform.python_version()} | {p: metadata.version(p) for p in packages}


def _save(job: _Job, state: dict[str, Any]) -> None:
    with whole_file(job.folder / LOG) as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        rows = [LogRow(*row) for row in state["rows"]]
        writer.writerow([*LogRow._fields[:-1], *rows[0].watched])
        writer.writerows([*row[:-1], *row.watched.values()] for row in rows)
    # The state comes last: a run that is killed in between does the epoch again.
    with whole_file(job.folder / STATE) as path:
        torch.save({"facts": job.facts, **state}, path)


def _read_state(path: Path, facts: dict[str, Any]) -> dict[str, Any] | None:
    """The state that a run with these facts left; None where there is none."""
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        then = state.pop("facts")
    except Exception as error:  # a damaged file can make torch raise anything
        raise TrainingError(f"{path}: is damaged; train without resuming") from error
    changed = [key for key in facts if then.get(key) != facts[key]]
    if changed:
        raise TrainingError(
            f"{path}: belongs to a run with another {' and '.join(changed)};"
            " train without resuming, or into another folder"
        )
    return state
