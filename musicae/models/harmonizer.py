"""The harmonizer: any part of a chorale in, what is missing out, with an exact likelihood.

Like MiniBach it maps known voices to missing ones; unlike it, it hears what is known from both
sides and writes what is not in order, each symbol in sight of all that were chosen before.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from musicae.models.voice_transformer import MaskedBatch, VoiceTransformer, VoiceTransformerConfig


@dataclass(frozen=True)
class HarmonizerConfig(VoiceTransformerConfig):
    """A harmonizer has no layers but those of every writer."""


class Harmonizer(VoiceTransformer):
    def forward(self, problem: MaskedBatch, open_only: bool = False) -> Tensor:
        """The logits ``(B, T, V, S)`` of ``VoiceTransformer.decode``."""
        notes = self.tokens_to_notes(problem.tokens)
        heard = self.encode_known(notes, problem)
        return self.decode(notes, problem, heard, open_only=open_only)
