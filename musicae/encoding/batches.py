"""Partial scores and chorales as padded batches of tensors for the networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from musicae.core.chorale import Chorale
from musicae.core.constants import STEPS_PER_QUARTER
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.plan_features import plan_features
from musicae.encoding.step_features import step_features
from musicae.encoding.tokens import chorale_to_tokens
from musicae.models.layers import NONE
from musicae.models.vae import BeatBatch, ChoraleVAEConfig, Latent
from musicae.models.vocabulary import SILENCE
from musicae.models.voice_transformer import MaskedBatch, VoiceTransformerConfig


def masked_batch(sketch: PartialScore, config: VoiceTransformerConfig) -> MaskedBatch:
    """A sketch as tensors, one piece, and known silence after it.

    Whole frames of silence, as far as the encoder listens, as it heard them when it learned.
    """
    tokens = chorale_to_tokens(sketch.chorale)
    missing = -len(tokens) % config.stride + config.stride * config.span
    columns = step_features(sketch)
    if config.chords:
        columns = np.concatenate([columns, plan_features(sketch)], axis=-1)
    context = torch.from_numpy(columns)
    known = torch.from_numpy(sketch.known.copy())
    return MaskedBatch(
        F.pad(tokens, (0, 0, 0, missing), value=SILENCE)[None],
        F.pad(known, (0, 0, 0, missing), value=True)[None],
        F.pad(context, (0, 0, 0, missing))[None],
        torch.tensor([sketch.key.tonic]),
    )


def frame_beats(chorale: Chorale, stride: int) -> Tensor:
    """``(J,)`` int64 which beat each frame of ``stride`` steps belongs to, by its first step.

    Beats are quarters, counted from the bar line, whatever the meter.
    """
    begins = np.zeros(len(chorale), dtype=np.int64)
    for number, measure in enumerate(chorale.measures):
        late = 0 if number else chorale.pickup % STEPS_PER_QUARTER
        begins[measure.start + late : measure.start + measure.length : STEPS_PER_QUARTER] = 1
    begins[0] = 1
    return torch.from_numpy((begins.cumsum() - 1)[::stride].copy())


def beat_batch(sketch: PartialScore, config: ChoraleVAEConfig) -> BeatBatch:
    """A sketch as tensors, one piece: its form, and what is known of it; and silence after it."""
    chorale = sketch.chorale
    form = PartialScore.of(chorale, key=sketch.key, phrases=sketch.phrases)
    missing = (0, 0, 0, -len(chorale) % config.stride + config.beyond)
    problem = MaskedBatch(
        F.pad(chorale_to_tokens(chorale), missing, value=SILENCE)[None],
        F.pad(torch.from_numpy(sketch.known.copy()), missing, value=True)[None],
        F.pad(torch.from_numpy(step_features(form)), missing)[None],
        torch.tensor([sketch.key.tonic]),
    )
    beats = frame_beats(chorale, config.stride)
    return BeatBatch(problem, F.pad(beats, (0, config.beyond // config.stride), value=NONE)[None])


def padded(pieces: Sequence[BeatBatch], steps: int = 0) -> BeatBatch:
    """Pieces ``(1, ...)`` as one batch ``(B, ...)``, filled up with silence to as many steps as the
    longest has, or to so many."""
    steps = max(steps, *(piece.problem.tokens.shape[1] for piece in pieces))
    stride = pieces[0].problem.tokens.shape[1] // pieces[0].beats.shape[1]
    frames = steps // stride
    padded = []
    for problem, beats in pieces:
        tail = (0, 0, 0, steps - problem.tokens.shape[1])
        padded.append(
            (
                F.pad(problem.tokens, tail, value=SILENCE),
                F.pad(problem.known, tail, value=True),
                F.pad(problem.context, tail),
                problem.tonic,
                F.pad(beats, (0, frames - beats.shape[1]), value=NONE),
            )
        )
    *parts, beats = (torch.cat(part) for part in zip(*padded, strict=True))
    return BeatBatch(MaskedBatch(*parts), beats)


def padded_latents(latents: Sequence[Latent]) -> Latent:
    """Latents ``(1, ...)`` as one batch."""
    beats = max(latent.beats.shape[1] for latent in latents)
    return Latent(
        torch.cat([latent.piece for latent in latents]),
        torch.cat([F.pad(x.beats, (0, 0, 0, beats - x.beats.shape[1])) for x in latents]),
    )
