"""The harmonizer: it completes a chorale from any of its notes, with an exact likelihood.

A bidirectional encoder reads the known notes. An autoregressive decoder writes the others in
order; each symbol is conditioned on the encoding and on all symbols before it.
"""

from __future__ import annotations

from torch import Tensor

from musicae.models.batches import MaskedBatch
from musicae.models.voice_transformer import VoiceTransformer


class Harmonizer(VoiceTransformer):
    """A ``VoiceTransformer`` whose decoder is conditioned on the encoding of the known notes."""

    def forward(self, batch: MaskedBatch, unknown_only: bool = False) -> Tensor:
        """The logits ``(B, T, V, S)`` of ``VoiceTransformer.decode``.

        With ``unknown_only`` the logits of known symbols are left out; they are 0.
        """
        notes = self.tokens_to_notes(batch.tokens)
        encoding = self.encode_known(notes, batch)
        return self.decode(notes, batch, encoding, unknown_only=unknown_only)
