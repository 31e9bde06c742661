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
    """How a model is trained. Raises MusicaeError where a number is out of range."""

    epochs: int = 10
    """The greatest number of passes over the training examples."""
    batch_size: int = 256
    """Examples per optimizer step, over all processes together."""
    learning_rate: float = 1e-3
    """AdamW's, at its peak."""
    weight_decay: float = 0.0
    """AdamW's, on matrices; vectors such as biases have none."""
    warmup: float = 0.05
    """The share of steps with rising learning rate; then it falls to 0 as a cosine."""
    patience: int = 5
    """Training stops after this many epochs without a lower validation loss."""
    average: float = 0.0
    """The decay per step of the running averages of the weights, which are validated and kept
    (Polyak and Juditsky 1992, *Acceleration of Stochastic Approximation by Averaging*); 0 to keep
    the weights themselves."""
    clip: float = 0.0
    """The norm to which larger gradients are clipped, over all parameters; 0 for no clipping."""
    seed: int = 0
    """The seed of the initial weights and of the order of the examples."""

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch_size, self.patience) < 1:
            raise MusicaeError("epochs, batch_size and patience are at least 1")
        if not (self.learning_rate > 0 and self.weight_decay >= 0 and 0 <= self.warmup < 1):
            raise MusicaeError(
                "learning_rate is above 0, weight_decay is not below 0, warmup is a share below 1"
            )
        if self.seed < 0:
            raise MusicaeError(f"a seed is not negative: {self.seed}")

    def learning_rate_at(self, step: int, steps: int) -> float:
        """The learning rate of step ``step`` (from 0) of ``steps``."""
        warmup = math.ceil(self.warmup * steps)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        return self.learning_rate * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


class StyledPiece(NamedTuple):
    """A piece to learn from."""

    chorale: Chorale
    style: str
    """One of ``STYLES``."""
    key: Key | None
    """None where it is estimated from the notes."""


class Examples(Protocol):
    """The training or validation examples of a model."""

    def __len__(self) -> int: ...

    def batch(self, indices: Sequence[int], /, *seed: int) -> Any:
        """Examples as a tensor, or tensors, ``(B, ...)``; ``seed`` decides their random choices."""

    def describe(self) -> dict[str, Any]:
        """The number of examples and a fingerprint, in JSON's types."""


@runtime_checkable
class OwnBatches(Protocol):
    """Examples that choose which of them make a batch."""

    def batches(self, order: Tensor, batch_size: int, /, *seed: int) -> Sequence[Tensor]:
        """The indices ``order`` of an epoch in batches, as many as they fill."""


class Task(Protocol):
    """What a model learns: its examples and its loss."""

    def examples(
        self,
        chorales: Sequence[Chorale],
        every_key: bool,
        config: Mapping[str, Any],
        others: Sequence[StyledPiece] = (),
        /,
    ) -> Examples:
        """The examples of chorales, in every key or in their own.

        ``config`` are the layers; ``others`` are pieces by others than Bach, for a recipe with
        ``four_part``.
        """

    def begin(self, network: nn.Module, examples: Any) -> None:
        """Set initial weights that should not be random."""

    def loss(self, network: nn.Module, batch: Any, progress: float, /) -> Tensor:
        """``(B,)`` the loss of each example, in nats.

        ``progress`` is the share of training that is done, 0 to 1; 1 in validation.
        """

    def watch(self, network: nn.Module, valid: Any, /) -> dict[str, float]:
        """Measurements for the log of each epoch, besides the losses."""

    def finish(self, network: nn.Module, train: Any, valid: Any, /) -> None:
        """Set buffers of a trained model that gradients do not reach."""


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
    """Whether it learns from the four-part pieces of other composers, too."""
    teachers: tuple[Settings, ...] = ()
    """The settings of teachers that are trained first, for distillation (Hinton, Vinyals and Dean
    2015, *Distilling the Knowledge in a Neural Network*)."""
    taught_by: Callable[[Sequence[nn.Module]], Task] | None = None
    """Makes the task of learning from trained teachers; None for a model without teachers."""
