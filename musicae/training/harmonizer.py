"""What the harmonizer has to do: to fill what is open in a piece, along its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from musicae.core.chorale import Chorale
from musicae.models.harmonizer import Harmonizer, HarmonizerConfig
from musicae.models.voice_transformer import MaskedBatch, surprise
from musicae.training.calibration import calibrate
from musicae.training.exercises import Exercises, without_plan
from musicae.training.task import StyledPiece

TAUGHT = 0.8
"""How much teachers count beside Bach himself."""
VALID_BATCH = 16


class HarmonyTask:
    """To fill what is open in a chorale."""

    def __init__(self, teachers: Sequence[nn.Module] = ()) -> None:
        self.teachers = tuple(teachers)

    def examples(
        self,
        chorales: Sequence[Chorale],
        every_key: bool,
        config: Mapping[str, Any],
        others: Sequence[StyledPiece] = (),
    ) -> Exercises:
        stride = config.get("stride", HarmonizerConfig.stride)
        return Exercises(chorales, every_key, stride, others)

    def begin(self, network: nn.Module, examples: Exercises) -> None:
        """Nothing need be set."""

    @torch.no_grad()
    def watch(self, network: nn.Module, valid: Exercises) -> dict[str, float]:
        """The loss of the validation side without plans."""
        losses = [
            self.loss(network, without_plan(valid.batch(indices.tolist())))
            for indices in torch.split(torch.arange(len(valid)), VALID_BATCH)
        ]
        return {"valid_loss_without_plan": torch.cat(losses).mean().item()}

    def loss(self, network: nn.Module, batch: MaskedBatch, _progress: float = 1.0) -> Tensor:
        """Nats a step at which something is open: ``(B,)``.

        While it learns from teachers, a model is surprised not by Bach's symbol alone but, for
        the most part, by what they hold possible.
        """
        logits = network(batch, open_only=True)
        nats = surprise(logits, batch)
        if network.training and self.teachers:
            nats = (1 - TAUGHT) * nats + TAUGHT * self._disagreement(logits, batch)
        steps = (~batch.known).any(dim=-1).sum(dim=-1)
        return nats.sum(dim=(1, 2)) / steps.clamp_min(1)

    def _disagreement(self, logits: Tensor, batch: MaskedBatch) -> Tensor:
        """``(B, T, V)`` nats by which the teachers' average opinion surprises."""
        with torch.no_grad():
            opinions = [
                teacher.to(batch.tokens.device)(batch, open_only=True).float().softmax(dim=-1)
                for teacher in self.teachers
            ]
        opinion = torch.stack(opinions).mean(dim=0)
        surprises = -logits.float().log_softmax(dim=-1)
        nats = (opinion * surprises.masked_fill(opinion == 0, 0.0)).sum(dim=-1)
        return nats.masked_fill(batch.known, 0.0)

    def finish(self, network: nn.Module, _train: Exercises, valid: Exercises) -> None:
        """Calibrate the model on the valid side."""
        assert isinstance(network, Harmonizer)
        problems = [valid.batch([i]) for i in range(len(valid))]
        calibrate(network, problems, lambda problem: (network(problem), problem))
