"""What a model needs to be trained: settings, examples, losses (``Task``) and ``Recipe``."""

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
    """How a model is trained. Raises MusicaeError where the numbers make no sense."""

    epochs: int = 10
    """At most so many passes over the training examples."""
    batch_size: int = 256
    """Examples a step of the optimizer, over all processes together."""
    learning_rate: float = 1e-3
    """AdamW's, at its highest."""
    weight_decay: float = 0.0
    """AdamW's, on matrices; biases are left alone."""
    warmup: float = 0.05
    """Share of all steps in which the learning rate rises; then it falls to zero as a cosine."""
    patience: int = 5
    """Epochs without a lower validation loss after which training stops."""
    average: float = 0.0
    """What is judged and kept are running averages of the weights, of which a step keeps this
    share (Polyak and Juditsky 1992, *Acceleration of Stochastic Approximation by Averaging*)."""
    clip: float = 0.0
    """The greatest norm of all gradients together, to which longer ones are shortened; 0 for none.
    """
    seed: int = 0
    """Of the first weights and of the order of the examples."""

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
        """The learning rate of a step, counted from 0, of so many."""
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
    """None where it is found in the notes."""


class Examples(Protocol):
    """What a model learns from."""

    def __len__(self) -> int: ...

    def batch(self, indices: Sequence[int], /, *seed: int) -> Any:
        """Examples as a tensor, or tensors, ``(B, ...)``; ``seed`` is for what is drawn anew."""

    def describe(self) -> dict[str, Any]:
        """What tells these examples from others, in JSON's types."""


@runtime_checkable
class OwnBatches(Protocol):
    """Examples that say themselves which of them are put together."""

    def batches(self, order: Tensor, batch_size: int, /, *seed: int) -> Sequence[Tensor]:
        """The indices ``order`` of an epoch, as many batches as they fill."""


class Task(Protocol):
    """What a model has to do."""

    def examples(
        self,
        chorales: Sequence[Chorale],
        every_key: bool,
        config: Mapping[str, Any],
        others: Sequence[StyledPiece] = (),
        /,
    ) -> Examples:
        """To learn from: in every key, or as the chorales are. ``config`` are the layers,
        ``others`` the pieces of other composers, for a recipe with ``four_part``."""

    def begin(self, network: nn.Module, examples: Any) -> None:
        """Set what of an untrained model should not begin at random."""

    def loss(self, network: nn.Module, batch: Any, progress: float, /) -> Tensor:
        """Of each example of a batch, ``(B,)``, in nats; ``progress`` is the share of training that
        is done."""

    def watch(self, network: nn.Module, valid: Any, /) -> dict[str, float]:
        """What the log tells of each epoch besides the losses."""

    def finish(self, network: nn.Module, train: Any, valid: Any, /) -> None:
        """Set what of a trained model is not learned step by step."""


@dataclass(frozen=True)
class Recipe:
    """How a model is made for release."""

    task: Task
    config: dict[str, Any]
    """Its layers."""
    settings: Settings
    precision: str = "32-true"
    """In which matrices are multiplied; see ``training.train``."""
    four_part: bool = False
    """Whether it is trained on pieces by others, too."""
    teachers: tuple[Settings, ...] = ()
    """How models are trained beforehand from which this one learns beside the examples (Hinton,
    Vinyals and Dean 2015, *Distilling the Knowledge in a Neural Network*)."""
    taught_by: Callable[[Sequence[nn.Module]], Task] | None = None
    """The task with its teachers; None where there are none."""
