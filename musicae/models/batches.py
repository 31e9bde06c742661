"""The inputs of networks: NumPy arrays when a model runs, torch tensors in training.

The names of the axes are those of ``voice_transformer`` and ``vae``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Array = Any
"""A NumPy array or a torch tensor."""


class MaskedBatch(NamedTuple):
    """A batch of pieces with some notes known."""

    tokens: Array
    """``(B, T, V)`` int64 symbols. ``T`` is a multiple of the stride. In training the unknown
    symbols are the targets of the loss; when the model writes, they are ignored."""
    known: Array
    """``(B, T, V)`` bool: the symbols that are given. A note or rest is known in full or not at
    all."""
    context: Array
    """``(B, T, C)`` int64, the features of each step; see ``encoding.step_features``."""
    tonic: Array
    """``(B,)`` int64 pitch classes of the tonics."""


class BeatBatch(NamedTuple):
    """Whole chorales, or the forms of chorales to write, with the beat of each frame."""

    masked: MaskedBatch
    """Symbols and features of the pieces, and which symbols are known."""
    beats: Array
    """``(B, J)`` int64 the number of each frame's beat, from 0; ``NONE`` after the piece's end."""


class Latent(NamedTuple):
    """The latent vectors of pieces."""

    piece: Array
    """``(B, Z)`` one vector for each piece."""
    beats: Array
    """``(B, M, Y)`` one vector for each beat."""


class Again(NamedTuple):
    """For each beat, an earlier beat whose latent vector it repeats in part or in full."""

    source: Array
    """``(B, M)`` int64 the number of the earlier beat; ignored if ``share`` is 0."""
    share: Array
    """``(B, M)`` from 0 to 1: 0 is a new vector, 1 the vector of the earlier beat, and between them
    the vectors are interpolated."""
