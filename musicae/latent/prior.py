"""Draw the vectors of beats from the learned prior, one beat after another.

Axes: those of ``models.vae``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Floats32
from musicae.core.progress import pulse
from musicae.models.batches import Again, BeatBatch, Latent
from musicae.models.checkpoint import Checkpoint


class Draw(NamedTuple):
    """The inputs of a draw of the vectors of pieces' beats."""

    whole: Floats32
    """``(B, Z)`` the vectors of the pieces."""
    chance: Floats32
    """``(B, M)`` uniform random numbers."""
    noise: Floats32
    """``(B, M, Y)`` normal random numbers."""
    again: Again | None = None
    """Beats that repeat the vectors of earlier beats; None for no such beats."""
    begun: Floats32 | None = None
    """``(B or 1, <= M, Y)`` the given vectors of the first beats; None to draw all."""


def sample_beats(model: Checkpoint, draw: Draw, pieces: BeatBatch) -> Latent:
    """Draw the vectors of beats, ``(B, M, Y)``; ``pieces`` has the forms."""
    whole, again = np.ascontiguousarray(draw.whole), draw.again
    (forms,) = model.run("forms", context=pieces.masked.context, beats=pieces.beats)
    # Beats first, as each run of the network reads one beat.
    chance, noise, forms = (
        np.ascontiguousarray(np.swapaxes(part, 0, 1)) for part in (draw.chance, draw.noise, forms)
    )
    given = 0 if draw.begun is None else draw.begun.shape[1]
    vectors = np.zeros_like(noise)  # (M, B, Y)
    rows, beat = np.arange(len(whole)), np.zeros_like(noise[0])
    past = _Past(model, len(whole))
    for position in range(len(noise)):
        pulse()
        beat, kept = model.run(
            "prior",
            before=beat,
            whole=whole,
            form=forms[position],
            chance=chance[position],
            noise=noise[position],
            position=np.array([position]),
            past=past.recent,
        )
        past.add(kept)
        if draw.begun is not None and position < given:
            beat = np.broadcast_to(draw.begun[:, position], beat.shape)
        elif again is not None:
            earlier = vectors[again.source[:, position], rows]
            share = again.share[:, position, None]
            beat = share * earlier + (1 - share) * beat
        vectors[position] = beat
    return Latent(whole, np.ascontiguousarray(np.swapaxes(vectors, 0, 1)))


class _Past:
    """The keys and values of the last ``beat_span`` beats."""

    def __init__(self, model: Checkpoint, batch: int) -> None:
        config = model.config
        self.span, self.filled = config.beat_span, 0
        shape = (2 * self.span, config.prior_layers, 2, batch, config.width)
        self.kept = np.empty(shape, dtype=np.float32)

    @property
    def recent(self) -> Floats32:
        """``(<= span, layers, 2, B, W)`` the keys and values of the last ``span`` beats."""
        return self.kept[max(0, self.filled - self.span) : self.filled]

    def add(self, kept: Floats32) -> None:
        """Add the keys and values of one more beat, ``(1, layers, 2, B, W)``."""
        if self.filled == len(self.kept):
            self.kept[: self.span] = self.kept[self.span :]
            self.filled = self.span
        self.kept[self.filled] = kept[0]
        self.filled += 1
