"""Training of the harmonizer: to complete pieces, given some of their notes and chords."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from musicae.core.chorale import Chorale
from musicae.models.batches import MaskedBatch
from musicae.models.configs import HarmonizerConfig
from musicae.models.harmonizer import Harmonizer
from musicae.models.voice_transformer import surprise
from musicae.training.calibration import calibrate
from musicae.training.exercises import Exercises, without_plan
from musicae.training.task import StyledPiece

TAUGHT = 0.8
"""The weight of the teachers' distributions in the loss; the weight of Bach's symbols is 1 minus
this."""
_VALID_BATCH = 16
"""Pieces per batch in ``HarmonyTask.watch``."""


class HarmonyTask:
    """The task to complete a chorale from some of its notes; with teachers, by distillation."""

    def __init__(self, teachers: Sequence[nn.Module] = ()) -> None:
        self.teachers = tuple(teachers)

    def examples(
        self,
        chorales: Sequence[Chorale],
        every_key: bool,
        config: Mapping[str, Any],
        others: Sequence[StyledPiece] = (),
    ) -> Exercises:
        """Exercises from the chorales and from pieces by others."""
        stride = config.get("stride", HarmonizerConfig.stride)
        return Exercises(chorales, every_key, stride, others)

    def begin(self, network: nn.Module, examples: Exercises) -> None:
        """Do nothing: all initial weights are random."""

    @torch.no_grad()
    def watch(self, network: nn.Module, valid: Exercises) -> dict[str, float]:
        """``valid_loss_without_plan``: the validation loss with all chords unknown, in nats per
        step; nothing for a model that follows no plan."""
        assert isinstance(network, Harmonizer)
        if not network.config.chords:
            return {}
        losses = [
            self.loss(network, without_plan(valid.batch(indices.tolist())))
            for indices in torch.split(torch.arange(len(valid)), _VALID_BATCH)
        ]
        return {"valid_loss_without_plan": torch.cat(losses).mean().item()}

    def loss(self, network: nn.Module, batch: MaskedBatch, _progress: float = 1.0) -> Tensor:
        """``(B,)`` nats per step; only steps with unknown symbols count.

        In training with teachers it is the weighted mean of two cross-entropies: with Bach's
        symbols, and with the teachers' mean distribution.
        """
        logits = network(batch, unknown_only=True)
        nats = surprise(logits, batch)
        if network.training and self.teachers:
            nats = (1 - TAUGHT) * nats + TAUGHT * self._distillation(logits, batch)
        steps: Tensor = (~batch.known).any(dim=-1).sum(dim=-1)
        return nats.sum(dim=(1, 2)) / steps.clamp_min(1)

    def _distillation(self, logits: Tensor, batch: MaskedBatch) -> Tensor:
        """``(B, T, V)`` the cross-entropy with the teachers' mean distribution, in nats."""
        with torch.no_grad():
            shares = [
                teacher.to(batch.tokens.device)(batch, unknown_only=True).float().softmax(dim=-1)
                for teacher in self.teachers
            ]
        share = torch.stack(shares).mean(dim=0)
        surprises = -logits.float().log_softmax(dim=-1)
        nats = (share * surprises.masked_fill(share == 0, 0.0)).sum(dim=-1)
        return nats.masked_fill(batch.known, 0.0)

    def finish(self, network: nn.Module, _train: Exercises, valid: Exercises) -> None:
        """Fit the softmax temperature on the validation side."""
        assert isinstance(network, Harmonizer)
        batches = [valid.batch([i]) for i in range(len(valid))]
        calibrate(network, batches, lambda batch: (network(batch), batch))
