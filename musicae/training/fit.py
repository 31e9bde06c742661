"""The training loop: epochs, learning rate, validation, saved state and early stopping."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from musicae.core.errors import TrainingError
from musicae.training.task import Examples, OwnBatches, Settings, Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric


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
    report: ReportProgress | None = None,
) -> list[LogRow]:
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
    rows: list[LogRow] = []
    best: dict[str, Tensor] = {}
    if state:
        rows, best = [LogRow(*row) for row in state["rows"]], state["best"]
        model.load_state_dict(state["model"])
        judged.load_state_dict(state["judged"])
        optimizer.load_state_dict(state["optimizer"])
    steps_per_epoch = math.ceil(len(train) / settings.batch_size)
    steps = settings.epochs * steps_per_epoch

    while len(rows) < settings.epochs and len(rows) - best_epoch(rows) < settings.patience:
        began, epoch = time.perf_counter(), len(rows) + 1
        # An epoch's random numbers follow from its number alone, so that a resumed run needs no
        # generator's state; the order is that of all processes, what a layer draws is its own.
        shuffle = torch.Generator().manual_seed(_seed(settings.seed, epoch))
        torch.manual_seed(_seed(settings.seed, epoch, rank + 1))
        order = torch.randperm(len(train), generator=shuffle)
        total, seen, rate = torch.zeros((), device=device), 0, 0.0

        network.train()
        for number, batch in enumerate(_batches(train, order, settings, epoch)):
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
                report(TrainingProgress(epoch, settings.epochs, step + 1, steps, so_far, before))

        valid_total = _total_loss(fabric, judged, task, valid, settings.batch_size)
        totals = fabric.all_reduce(torch.stack([total, valid_total]), reduce_op="sum").tolist()
        train_loss, valid_loss = totals[0] / len(train), totals[1] / len(valid)
        if not math.isfinite(train_loss + valid_loss):
            raise TrainingError(f"the loss of epoch {epoch} is no number; lower the learning rate")
        watched = task.watch(judged, valid) if rank == 0 else {}
        rows.append(
            LogRow(epoch, train_loss, valid_loss, rate, time.perf_counter() - began, watched)
        )
        if best_epoch(rows) == epoch:
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


def _batches(train: Examples, order: Tensor, settings: Settings, epoch: int) -> Sequence[Tensor]:
    """The indices of each batch of an epoch."""
    if isinstance(train, OwnBatches):
        return train.batches(order, settings.batch_size, settings.seed, epoch)
    batches: Sequence[Tensor] = torch.split(order, settings.batch_size)
    return batches


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


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


class TrainingProgress(NamedTuple):
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


ReportProgress = Callable[[TrainingProgress], None]
"""Told the progress after each step, in the first process only. Where ``train`` starts several
processes that is a new one, which gets a copy: a function or object that can be pickled."""


class LogRow(NamedTuple):
    """A line of the log; the losses are means over examples, the learning rate the last step's."""

    epoch: int
    train_loss: float
    valid_loss: float
    learning_rate: float
    seconds: float
    watched: dict[str, float]
    """What else the task looks at on the validation side, a column each."""


def best_epoch(rows: Sequence[LogRow]) -> int:
    """The epoch of the lowest validation loss, the first of equals; 0 where there is none yet."""
    return min(rows, key=lambda row: row.valid_loss).epoch if rows else 0
