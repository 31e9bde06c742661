"""The parts of training a model: ``Settings``, ``Examples``, ``Task`` and ``Recipe``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from musicae.core.chorale import Chorale
from musicae.core.errors import MusicaeError
from musicae.core.key import Key


@dataclass(frozen=True)
class Settings:
    """The settings of a model's training. Raises MusicaeError if a number is out of range."""

    epochs: int = 10
    """The greatest number of passes over the training examples."""
    batch_size: int = 256
    """Examples per optimizer step, over all processes together."""
    learning_rate: float = 1e-3
    """The peak of AdamW's learning rate."""
    weight_decay: float = 0.0
    """AdamW's weight decay of matrices; vectors such as biases have none."""
    warmup: float = 0.05
    """The share of steps in which the learning rate rises; after them it falls as a cosine to 0."""
    patience: int = 5
    """Training stops after this many epochs without a lower validation loss."""
    average: float = 0.0
    """The decay per step of running averages of the weights; the averages are validated and saved
    (Polyak and Juditsky 1992, *Acceleration of Stochastic Approximation by Averaging*). 0 to save
    the weights themselves."""
    clip: float = 0.0
    """The norm over all parameters to which larger gradients are clipped; 0 for no clipping."""
    seed: int = 0
    """The seed of the initial weights and of all random choices in training."""

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch_size, self.patience) < 1:
            raise MusicaeError("epochs, batch_size and patience must be at least 1")
        if not (self.learning_rate > 0 and self.weight_decay >= 0 and 0 <= self.warmup < 1):
            raise MusicaeError(
                "learning_rate must be above 0, weight_decay at least 0,"
                " and warmup at least 0 and below 1"
            )
        if self.seed < 0:
            raise MusicaeError(f"seed must be at least 0, not {self.seed}")

    def learning_rate_at(self, step: int, steps: int) -> float:
        """The learning rate at step ``step`` (from 0) of ``steps``."""
        warmup = math.ceil(self.warmup * steps)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        return self.learning_rate * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


class StyledPiece(NamedTuple):
    """A piece for training, with its style and key."""

    chorale: Chorale
    style: str
    """One of ``STYLES``."""
    key: Key | None
    """The key; None to estimate it from the notes."""


class Examples(Protocol):
    """The training or validation examples of a model."""

    def __len__(self) -> int: ...

    def batch(self, indices: Sequence[int], /, *seed: int) -> Any:
        """Examples as one or more tensors ``(B, ...)``; ``seed`` fixes their random choices."""

    def describe(self) -> dict[str, Any]:
        """The number of examples and a checksum, of types that JSON has."""


@runtime_checkable
class OwnBatches(Protocol):
    """Examples that choose by themselves which examples form a batch."""

    def batches(self, order: Tensor, batch_size: int, /, *seed: int) -> Sequence[Tensor]:
        """The indices ``order`` of an epoch, divided into batches of at most ``batch_size``."""


class Task(Protocol):
    """A training task: the examples and the loss of a model."""

    def examples(
        self,
        chorales: Sequence[Chorale],
        every_key: bool,
        config: Mapping[str, Any],
        others: Sequence[StyledPiece] = (),
        /,
    ) -> Examples:
        """The examples of chorales.

        With ``every_key`` they are transposed to every key, for training; without, they stay in
        their own, for validation. ``config`` are the fields of the model's config. ``others`` are
        pieces that are not by Bach, for a recipe with ``four_part``.
        """

    def begin(self, network: nn.Module, examples: Any) -> None:
        """Set the initial weights that must not be random."""

    def loss(self, network: nn.Module, batch: Any, progress: float, /) -> Tensor:
        """``(B,)`` the loss of each example, in nats.

        ``progress`` is the share of the training steps that are done, 0 to 1; 1 in validation.
        """

    def watch(self, network: nn.Module, valid: Any, /) -> dict[str, float]:
        """More measurements for the log of each epoch, by column name."""

    def finish(self, network: nn.Module, train: Any, valid: Any, /) -> None:
        """Set the buffers of a trained model; they are not trained by gradients."""


@dataclass(frozen=True)
class Recipe:
    """How a shipped model is trained."""

    task: Task
    config: dict[str, Any]
    """The fields of the model's config: its layers."""
    settings: Settings
    precision: str = "32-true"
    """The precision of matrix products; see ``training.run.train``."""
    four_part: bool = False
    """Whether four-part pieces by other composers are training data, too."""
    teachers: tuple[Settings, ...] = ()
    """The settings of the teachers, which are trained first. The model learns their predictions by
    distillation (Hinton, Vinyals and Dean 2015, *Distilling the Knowledge in a Neural Network*)."""
    taught_by: Callable[[Sequence[nn.Module]], Task] | None = None
    """Returns the task for training with given teachers; None for a model without teachers."""
