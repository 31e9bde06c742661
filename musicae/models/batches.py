"""What networks are given of pieces: arrays of NumPy, or tensors of torch where they learn.

Axes: those of ``voice_transformer`` and ``vae``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Array = Any
"""A NumPy array, or a tensor."""


class MaskedBatch(NamedTuple):
    """A batch of pieces of which some notes are known."""

    tokens: Array
    """``(B, T, V)`` int64 symbols; unknown ones are ignored when the model writes, and are the
    targets of the loss. ``T`` is a multiple of the stride."""
    known: Array
    """``(B, T, V)`` bool which symbols are given: whole notes, and rests."""
    context: Array
    """``(B, T, C)`` int64, the ``encoding.step_features`` of each step."""
    tonic: Array
    """``(B,)`` int64 pitch classes of the tonics."""


class BeatBatch(NamedTuple):
    """Whole chorales, or forms of chorales to write, with the beat of each frame."""

    masked: MaskedBatch
    """Symbols and features of the pieces, and which symbols are known."""
    beats: Array
    """``(B, J)`` int64 the beat of each frame, from 0; ``NONE`` after the end."""


class Latent(NamedTuple):
    """The latent vectors of pieces."""

    piece: Array
    """``(B, Z)``"""
    beats: Array
    """``(B, M, Y)``"""


class Again(NamedTuple):
    """Beats of pieces whose vectors come from earlier ones."""

    source: Array
    """``(B, M)`` int64 the earlier beat; any where ``share`` is 0."""
    share: Array
    """``(B, M)`` how near the vector lies to the earlier one, between a new one (0) and the same
    one (1)."""
