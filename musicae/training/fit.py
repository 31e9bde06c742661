"""The training loop: epochs, learning rate, averaged weights, validation and early stopping."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from musicae.core.errors import TrainingError
from musicae.training.task import Examples, OwnBatches, Settings, Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class LogRow(NamedTuple):
    """One epoch in the log; losses are means over examples, in nats."""

    epoch: int
    """The number of the epoch, from 1."""
    train_loss: float
    valid_loss: float
    learning_rate: float
    """The learning rate of the epoch's last step."""
    seconds: float
    """Duration of the epoch with its validation."""
    watched: dict[str, float]
    """The measurements of ``Task.watch`` on the validation side, by column name."""


class TrainingProgress(NamedTuple):
    """The progress of a run."""

    epoch: int
    """The number of the epoch, from 1."""
    epochs: int
    """The greatest number of epochs; training may stop earlier."""
    step: int
    """Optimizer steps done, over all epochs."""
    steps: int
    """Optimizer steps of all epochs together."""
    loss: float
    """Mean training loss of the epoch so far, over this process's examples."""
    valid_loss: float | None
    """The validation loss of the epoch before; None in the first epoch."""


ReportProgress = Callable[[TrainingProgress], None]
"""Called after each step, in the first process only. If ``train`` starts several processes, these
are new processes with copies of it: it has to be picklable."""


@dataclass
class TrainingState:
    """The state of a run after an epoch; with it a run resumes as if it had never stopped."""

    model: dict[str, Tensor]
    average: dict[str, Tensor]
    """The running averages of the weights; the weights themselves if no averages are kept."""
    optimizer: dict[str, Any]
    best: dict[str, Tensor]
    """The weights of the epoch with the lowest validation loss, on the CPU."""
    rows: list[LogRow]
    """The log so far."""

    def as_dict(self) -> dict[str, Any]:
        """The fields as tensors, numbers and containers; ``torch.load`` can read these safely."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {"rows": [tuple(row) for row in self.rows]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingState:
        """The inverse of ``as_dict``. Raises TypeError if fields are missing or unknown."""
        return cls(**values | {"rows": [LogRow(*row) for row in values.get("rows", ())]})


def fit(
    fabric: Fabric,
    model: nn.Module,
    task: Task,
    train: Examples,
    valid: Examples,
    *,
    settings: Settings,
    state: TrainingState | None = None,
    save: Callable[[TrainingState], None] | None = None,
    report: ReportProgress | None = None,
) -> list[LogRow]:
    """Train a model; afterwards it has the weights of the epoch with the lowest validation loss.

    Args:
        fabric: launched; every process calls ``fit`` with the same arguments.
        model: updated in place.
        task: the loss and the other measurements.
        train, valid: the examples; each process takes its share of a batch.
        settings: the number of epochs, the learning rate and so on.
        state: a state that ``save`` received, to resume the run; None to start one.
        save: called with the state after each epoch, in the first process.
        report: called with the progress after each step, in the first process.

    Returns the log. Raises TrainingError if the loss is not finite.
    """
    loop = _Loop(fabric, model, task, train=train, valid=valid, settings=settings, report=report)
    if state:
        loop.resume(state)
    while not loop.is_over():
        began = time.perf_counter()
        train_loss, learning_rate = loop.train_epoch()
        valid_loss = loop.validate()
        loop.close_epoch(train_loss, valid_loss, learning_rate, began)
        if save and fabric.global_rank == 0:
            save(loop.state())
    model.load_state_dict(loop.best)
    return loop.rows


class _Loop:
    """The variables of a run, and its steps."""

    def __init__(
        self,
        fabric: Fabric,
        model: nn.Module,
        task: Task,
        *,
        train: Examples,
        valid: Examples,
        settings: Settings,
        report: ReportProgress | None,
    ) -> None:
        self.fabric, self.model, self.task = fabric, model, task
        self.train_side, self.valid_side, self.settings = train, valid, settings
        self.report = report if fabric.global_rank == 0 else None
        self.network, self.optimizer = fabric.setup(model, _optimizer(model, settings))
        self.average = copy.deepcopy(model).requires_grad_(False) if settings.average else model
        """The model that is validated and saved: with averaged weights, if there are averages."""
        self.rows: list[LogRow] = []
        self.best: dict[str, Tensor] = {}
        self.steps_per_epoch = math.ceil(len(train) / settings.batch_size)
        self.steps = settings.epochs * self.steps_per_epoch

    def resume(self, state: TrainingState) -> None:
        """Continue after the last epoch of ``state``."""
        self.model.load_state_dict(state.model)
        self.average.load_state_dict(state.average)
        self.optimizer.load_state_dict(state.optimizer)
        self.rows, self.best = list(state.rows), state.best

    def state(self) -> TrainingState:
        """The state after the last epoch."""
        return TrainingState(
            self.model.state_dict(),
            self.average.state_dict(),
            self.optimizer.state_dict(),
            self.best,
            self.rows,
        )

    def is_over(self) -> bool:
        """Whether all epochs are done, or the last ``patience`` epochs brought no improvement."""
        done = len(self.rows)
        return (
            done >= self.settings.epochs or done - best_epoch(self.rows) >= self.settings.patience
        )

    def train_epoch(self) -> tuple[float, float]:
        """Train for one epoch; returns the mean loss and the last step's learning rate."""
        # The random numbers depend only on the seed and the epoch, so resuming needs no state of a
        # random generator. All processes use the same order of examples; the random numbers of the
        # layers differ between them.
        settings, rank = self.settings, self.fabric.global_rank
        epoch = len(self.rows) + 1
        shuffle = torch.Generator().manual_seed(_seed(settings.seed, epoch))
        torch.manual_seed(_seed(settings.seed, epoch, rank + 1))
        order = torch.randperm(len(self.train_side), generator=shuffle)
        total, seen, rate = torch.zeros((), device=self.fabric.device), 0, 0.0
        self.network.train()
        for number, batch in enumerate(self._batches(order, epoch)):
            step = (epoch - 1) * self.steps_per_epoch + number
            rate = settings.learning_rate_at(step, self.steps)
            share = self._share(batch)
            total = total + self._train_step(share, len(batch), epoch, step, rate)
            seen += len(share)
            if self.report:
                before = self.rows[-1].valid_loss if self.rows else None
                loss = total.item() / seen
                self.report(
                    TrainingProgress(epoch, settings.epochs, step + 1, self.steps, loss, before)
                )
        return self._mean(total, len(self.train_side)), rate

    def _batches(self, order: Tensor, epoch: int) -> Sequence[Tensor]:
        """The indices of each batch of an epoch."""
        size = self.settings.batch_size
        if isinstance(self.train_side, OwnBatches):
            return self.train_side.batches(order, size, self.settings.seed, epoch)
        batches: Sequence[Tensor] = torch.split(order, size)
        return batches

    def _train_step(
        self, share: list[int], batch_size: int, epoch: int, step: int, rate: float
    ) -> Tensor:
        """One step of the optimizer on this process's share of a batch; returns its summed loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        examples = self.fabric.to_device(self.train_side.batch(share, self.settings.seed, epoch))
        with self.fabric.autocast():
            loss = self.task.loss(self.network, examples, step / self.steps).sum()
        # Fabric averages gradients over processes, but the shares of processes may differ by one
        # example. With this factor the average is the gradient of the mean loss of the whole batch.
        self.fabric.backward(loss * (self.fabric.world_size / batch_size))
        self.fabric.clip_gradients(
            self.network,
            self.optimizer,
            max_norm=self.settings.clip or math.inf,
            error_if_nonfinite=False,
        )
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._update_average(step)
        return loss.detach()

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        """Update the running averages; they follow the weights faster in the first steps."""
        if self.average is not self.model:
            decay = min(self.settings.average, (1 + step) / (10 + step))
            averages, weights = list(self.average.parameters()), list(self.model.parameters())
            update = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
            update(averages, weights, None)

    @torch.no_grad()
    def validate(self) -> float:
        """The mean loss of the validation side."""
        self.average.eval()
        total = torch.zeros((), device=self.fabric.device)
        every = torch.arange(len(self.valid_side))
        for batch in torch.split(every, self.settings.batch_size):
            examples = self.fabric.to_device(self.valid_side.batch(self._share(batch)))
            with self.fabric.autocast():
                total += self.task.loss(self.average, examples, 1.0).sum()
        return self._mean(total, len(self.valid_side))

    def close_epoch(
        self, train_loss: float, valid_loss: float, learning_rate: float, began: float
    ) -> None:
        """Log an epoch that began at ``began``; keep its weights if they are the best so far.

        Raises TrainingError if a loss is not finite.
        """
        epoch = len(self.rows) + 1
        if not math.isfinite(train_loss + valid_loss):
            raise TrainingError(
                f"the loss of epoch {epoch} is not a finite number; lower the learning rate"
            )
        first = self.fabric.global_rank == 0
        watched = self.task.watch(self.average, self.valid_side) if first else {}
        seconds = time.perf_counter() - began
        self.rows.append(LogRow(epoch, train_loss, valid_loss, learning_rate, seconds, watched))
        if best_epoch(self.rows) == epoch:
            weights = self.average.state_dict()
            self.best = {name: tensor.cpu().clone() for name, tensor in weights.items()}

    def _share(self, batch: Tensor) -> list[int]:
        """This process's examples of a batch of indices."""
        share: list[int] = batch[self.fabric.global_rank :: self.fabric.world_size].tolist()
        return share

    def _mean(self, total: Tensor, count: int) -> float:
        """The mean over ``count`` examples, from this process's sum."""
        return float(self.fabric.all_reduce(total, reduce_op="sum")) / count


def _optimizer(model: nn.Module, settings: Settings) -> torch.optim.AdamW:
    """AdamW, without weight decay for vectors such as biases."""
    groups: list[dict[str, Any]] = [
        {"params": [p for p in model.parameters() if p.dim() > 1]},
        {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, weight_decay=settings.weight_decay, fused=True)


def _seed(*numbers: int) -> int:
    """A seed that depends on all ``numbers``."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def best_epoch(rows: Sequence[LogRow]) -> int:
    """The number of the epoch with the lowest validation loss (the first one of equals); 0 without
    rows."""
    return min(rows, key=lambda row: row.valid_loss).epoch if rows else 0
