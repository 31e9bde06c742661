"""The harmonizer: it completes a chorale of which any notes are known, with an exact likelihood.

A bidirectional encoder reads the known notes; an autoregressive decoder writes the others in
order, each symbol conditioned on the encoding and on all symbols before it.
"""

from __future__ import annotations

from torch import Tensor

from musicae.models.batches import MaskedBatch
from musicae.models.voice_transformer import VoiceTransformer


class Harmonizer(VoiceTransformer):
    """A ``VoiceTransformer`` whose decoder is conditioned on the encoding of the known notes."""

    def forward(self, batch: MaskedBatch, unknown_only: bool = False) -> Tensor:
        """The logits ``(B, T, V, S)`` of ``VoiceTransformer.decode``."""
        notes = self.tokens_to_notes(batch.tokens)
        encoding = self.encode_known(notes, batch)
        return self.decode(notes, batch, encoding, unknown_only=unknown_only)
