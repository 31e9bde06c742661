"""Training: one readable ``fit``, and ``train``, which runs it on the corpus.

Devices, precision and several processes are Lightning Fabric's business (the extra ``train``).
Nothing here prints: ``train`` tells a callback how far it is, and writes into the run's folder
a log, a summary, the weights, and after every epoch a state from which a killed run goes on.
"""

from __future__ import annotations

import copy
import csv
import json
import logging
import math
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessRaisedException

from musicae.core.errors import TrainingError
from musicae.core.files import whole_file
from musicae.corpus import corpus
from musicae.models import checkpoint
from musicae.training.config import RECIPES, Examples, Settings, Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PRECISIONS = ("32-true", "bf16-mixed")
# Fabric announces each process on standard error before it runs anything of ours but this.
for _name in ("distributed", "rank_zero"):
    logging.getLogger(f"lightning_fabric.utilities.{_name}").setLevel(logging.WARNING)

STATE, LOG, SUMMARY = "state.pt", "log.csv", "summary.json"


class Progress(NamedTuple):
    """How far a run is."""

    epoch: int
    """From 1."""
    epochs: int
    """At most; an early stop comes sooner."""
    step: int
    """Steps of the optimizer done, of all epochs together."""
    steps: int
    """Steps of all epochs together."""
    loss: float
    """Mean training loss of the epoch so far, on this process's share."""
    valid_loss: float | None
    """Of the epoch before; None in the first."""


Report = Callable[[Progress], None]
"""Told the progress after each step, in the first process only. Where ``train`` starts several
processes that is a new one, which gets a copy: a function or object that can be pickled."""


class Row(NamedTuple):
    """A line of the log; the losses are means over examples, the learning rate the last step's."""

    epoch: int
    train_loss: float
    valid_loss: float
    learning_rate: float
    seconds: float
    watched: dict[str, float]
    """What else the task looks at on the validation side, a column each."""


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


def fit(
    fabric: Fabric,
    model: nn.Module,
    task: Task,
    train: Examples,
    valid: Examples,
    *,
    settings: Settings,
    state: dict[str, Any] | None = None,
    save: Callable[[dict[str, Any]], None] | None = None,
    report: Report | None = None,
) -> list[Row]:
    """Train a model; it ends with the weights of the epoch of the lowest validation loss.

    Args:
        fabric: launched; every process calls ``fit`` with the same arguments.
        model: updated in place.
        task: what it has to do.
        train, valid: examples, of which each process takes its share.
        settings: the schedule.
        state: what ``save`` was given, to go on from there as if the run had never stopped.
        save: called after each epoch, in the first process.
        report: called after each step, in the first process.

    Returns the log. Raises TrainingError where the loss is no longer a number.
    """
    rank, world, device = fabric.global_rank, fabric.world_size, fabric.device
    groups: list[dict[str, Any]] = [
        {"params": [p for p in model.parameters() if p.dim() > 1]},
        {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    network, optimizer = fabric.setup(
        model, torch.optim.AdamW(groups, weight_decay=settings.weight_decay, fused=True)
    )
    judged = copy.deepcopy(model).requires_grad_(False) if settings.average else model
    rows: list[Row] = []
    best: dict[str, Tensor] = {}
    if state:
        rows, best = [Row(*row) for row in state["rows"]], state["best"]
        model.load_state_dict(state["model"])
        judged.load_state_dict(state["judged"])
        optimizer.load_state_dict(state["optimizer"])
    steps_per_epoch = math.ceil(len(train) / settings.batch_size)
    steps = settings.epochs * steps_per_epoch

    while len(rows) < settings.epochs and len(rows) - _best_epoch(rows) < settings.patience:
        began, epoch = time.perf_counter(), len(rows) + 1
        # An epoch's random numbers follow from its number alone, so that a resumed run needs no
        # generator's state; the order is that of all processes, what a layer draws is its own.
        shuffle = torch.Generator().manual_seed(_seed(settings.seed, epoch))
        torch.manual_seed(_seed(settings.seed, epoch, rank + 1))
        order = torch.randperm(len(train), generator=shuffle)
        total, seen, rate = torch.zeros((), device=device), 0, 0.0

        network.train()
        for number, batch in enumerate(torch.split(order, settings.batch_size)):
            step = (epoch - 1) * steps_per_epoch + number
            rate = settings.learning_rate_at(step, steps)
            for group in optimizer.param_groups:
                group["lr"] = rate
            share = batch[rank::world].tolist()
            examples = fabric.to_device(train.batch(share, settings.seed, epoch))
            with fabric.autocast():
                share_loss = task.loss(network, examples, step / steps).sum()
            # Fabric averages gradients over processes whose shares may differ by an example:
            # scaled so, the average is the gradient of the whole batch's mean loss.
            fabric.backward(share_loss * (world / len(batch)))
            fabric.clip_gradients(
                network, optimizer, max_norm=settings.clip or math.inf, error_if_nonfinite=False
            )
            optimizer.step()
            optimizer.zero_grad()
            _average(judged, model, settings.average, step)
            total, seen = total + share_loss.detach(), seen + len(share)
            if report and rank == 0:
                before = rows[-1].valid_loss if rows else None
                so_far = total.item() / seen
                report(Progress(epoch, settings.epochs, step + 1, steps, so_far, before))

        valid_total = _total_loss(fabric, judged, task, valid, settings.batch_size)
        totals = fabric.all_reduce(torch.stack([total, valid_total]), reduce_op="sum").tolist()
        train_loss, valid_loss = totals[0] / len(train), totals[1] / len(valid)
        if not math.isfinite(train_loss + valid_loss):
            raise TrainingError(f"the loss of epoch {epoch} is no number; lower the learning rate")
        watched = task.watch(judged, valid) if rank == 0 else {}
        rows.append(Row(epoch, train_loss, valid_loss, rate, time.perf_counter() - began, watched))
        if _best_epoch(rows) == epoch:
            best = {name: tensor.cpu().clone() for name, tensor in judged.state_dict().items()}
        if save and rank == 0:
            save(
                {
                    "rows": [tuple(row) for row in rows],
                    "best": best,
                    "model": model.state_dict(),
                    "judged": judged.state_dict(),
                    "optimizer": optimizer.state_dict(),
                }
            )

    model.load_state_dict(best)
    return rows


@torch.no_grad()
def _total_loss(
    fabric: Fabric,
    model: nn.Module,
    task: Task,
    examples: Examples,
    batch_size: int,
) -> Tensor:
    """The sum over this process's share of the examples."""
    model.eval()
    total = torch.zeros((), device=fabric.device)
    for batch in torch.split(torch.arange(len(examples)), batch_size):
        share = batch[fabric.global_rank :: fabric.world_size].tolist()
        with fabric.autocast():
            total += task.loss(model, fabric.to_device(examples.batch(share)), 1.0).sum()
    return total


@torch.no_grad()
def _average(judged: nn.Module, model: nn.Module, share: float, step: int) -> None:
    """Move the averages towards the weights, faster while they are still those of the start."""
    if judged is model:
        return
    kept = min(share, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(judged.parameters()), list(model.parameters()), 1 - kept)


def _best_epoch(rows: Sequence[Row]) -> int:
    """The epoch of the lowest validation loss, the first of equals; 0 where there is none yet."""
    return min(rows, key=lambda row: row.valid_loss).epoch if rows else 0


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


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
    report: Report | None


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
    resume: bool = False,
    report: Report | None = None,
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
        precision: instead of the recipe's: ``32-true``, or ``bf16-mixed``, which multiplies
            matrices in bfloat16.
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
    with torch.device("meta"):
        checkpoint.build(name, config)  # refuses wrong layers before anything is done
    fabric = _fabric(devices, accelerator, precision)
    chorales = corpus.load(data)
    train_side = recipe.task.examples(chorales.side("train"), True, config)
    valid_side = recipe.task.examples(chorales.side("valid"), False, config)
    taught = [
        checkpoint.load(
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
        model = checkpoint.build(job.name, job.config)
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
    best = rows[_best_epoch(rows) - 1]
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
        checksum = checkpoint.save(weights, job.name, model, summary)
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
        rows = [Row(*row) for row in state["rows"]]
        writer.writerow([*Row._fields[:-1], *rows[0].watched])
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
