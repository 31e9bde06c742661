"""Partial scores and chorales as batches of arrays, padded to a common length.

All padding to a common length is done here. The steps after a piece are known silence.

Axes: ``B`` pieces, ``T`` steps, ``V`` voices, ``C`` columns of ``step_features``, ``J`` frames of
``stride`` steps, ``M`` beats, ``Z`` and ``Y`` dimensions of latent vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Ints
from musicae.core.chorale import Chorale
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.plan_features import plan_features
from musicae.encoding.step_features import step_features
from musicae.encoding.tokens import chorale_to_tokens
from musicae.models.batches import BeatBatch, Latent, MaskedBatch
from musicae.models.configs import ChoraleVAEConfig, VoiceTransformerConfig
from musicae.models.vocabulary import NONE, SILENCE
from musicae.theory.harmonic_plan import beats_of


def pad(x: NDArray[Any], length: int, dim: int = 0, value: float = 0) -> NDArray[Any]:
    """``x`` with ``value`` appended along the axis ``dim`` until it has ``length`` entries.

    >>> pad(np.array([[1, 2]]), 4, dim=1, value=9).tolist()
    [[1, 2, 9, 9]]
    """
    widths = [(0, 0)] * x.ndim
    widths[dim] = (0, length - x.shape[dim])
    return np.pad(x, widths, constant_values=value)


def pad_steps(batch: MaskedBatch, steps: int) -> MaskedBatch:
    """A batch padded to ``steps`` steps with known silence."""
    return MaskedBatch(
        pad(batch.tokens, steps, dim=1, value=SILENCE),
        pad(batch.known, steps, dim=1, value=True),
        pad(batch.context, steps, dim=1),
        batch.tonic,
    )


def concatenate(batches: Sequence[MaskedBatch], steps: int = 0) -> MaskedBatch:
    """One batch of all pieces, padded to the longest piece or to ``steps`` if that is longer."""
    steps = max(steps, *(batch.tokens.shape[1] for batch in batches))
    parts = zip(*(pad_steps(batch, steps) for batch in batches), strict=True)
    return MaskedBatch(*(np.concatenate(part) for part in parts))


def concatenate_beats(pieces: Sequence[BeatBatch], steps: int = 0) -> BeatBatch:
    """One batch of all pieces, padded to the longest piece or to ``steps`` if that is longer."""
    stride = pieces[0].masked.tokens.shape[1] // pieces[0].beats.shape[1]
    masked = concatenate([piece.masked for piece in pieces], steps)
    frames = masked.tokens.shape[1] // stride
    beats = [pad(piece.beats, frames, dim=1, value=NONE) for piece in pieces]
    return BeatBatch(masked, np.concatenate(beats))


def concatenate_latents(latents: Sequence[Latent]) -> Latent:
    """One batch of all latent vectors; the beats of shorter pieces are padded with zeros."""
    beats = max(latent.beats.shape[1] for latent in latents)
    return Latent(
        np.concatenate([latent.piece for latent in latents]),
        np.concatenate([pad(latent.beats, beats, dim=1) for latent in latents]),
    )


def masked_batch(partial: PartialScore, config: VoiceTransformerConfig) -> MaskedBatch:
    """A partial score as a batch of one piece.

    It is padded to whole frames and then by ``config.span`` frames, the reach of one layer of the
    encoder. In training such silence follows most pieces.
    """
    batch = _unpadded(partial, _features(partial, config))
    steps = _whole(len(partial.chorale), config.stride) + config.stride * config.span
    return pad_steps(batch, steps)


def beat_batch(partial: PartialScore, config: ChoraleVAEConfig) -> BeatBatch:
    """A partial score as a batch of one piece, padded by ``config.beyond`` steps.

    The features are those of its form (meter, key, phrases, style) and of its plan. They do not
    depend on the known notes.
    """
    form = PartialScore.of(
        partial.chorale,
        key=partial.key,
        phrases=partial.phrases,
        plan=partial.plan,
        style=partial.style,
    )
    masked = _unpadded(partial, _features(form, config))
    steps = _whole(len(partial.chorale), config.stride) + config.beyond
    beats = frame_beats(partial.chorale, config.stride)
    beats = pad(beats, steps // config.stride, value=NONE)
    return BeatBatch(pad_steps(masked, steps), beats[None])


def frame_beats(chorale: Chorale, stride: int) -> Ints:
    """``(J,)`` int64 the index in ``beats_of`` of the beat in which the last step of each frame
    lies."""
    starts = [beat.start for beat in beats_of(chorale)]
    last = np.arange(stride - 1, len(chorale) + stride - 1, stride)
    found: Ints = np.searchsorted(starts, last, side="right") - 1
    return found


def _unpadded(partial: PartialScore, features: Ints) -> MaskedBatch:
    """A partial score as a batch of one piece, without padding."""
    return MaskedBatch(
        chorale_to_tokens(partial.chorale)[None],
        partial.known[None],
        features,
        np.array([partial.key.tonic]),
    )


def _features(partial: PartialScore, config: VoiceTransformerConfig) -> Ints:
    """``(1, T, C)`` the features of each step that a model reads."""
    columns = [step_features(partial)]
    if config.chords:
        columns.append(plan_features(partial))
    found: Ints = np.concatenate(columns, axis=1)[None]
    return found


def _whole(steps: int, stride: int) -> int:
    """``steps`` rounded up to a multiple of ``stride``."""
    return steps + -steps % stride
