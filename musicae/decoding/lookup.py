"""Features of the notes of one step, read from tables that a model has filled once.

For the few notes of a step a look-up in NumPy is faster than tensor operations.

Axes: ``N`` candidates, ``M`` MIDI pitches and ``NONE``, ``V`` voices, ``P`` pitches of a voice,
``K`` features, ``W`` width.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from musicae.core.arrays import Ints
from musicae.models.layers import FeatureSum
from musicae.models.notes import Notes, interval_between, leap_of
from musicae.models.vocabulary import (
    AGES,
    BEGUN,
    FIRST_PITCH,
    HELD,
    HOLD,
    MIDI_PITCHES,
    NONE,
    PARTS,
    RELATIONS,
    SILENCE,
    SILENT,
    UNKNOWN,
)
from musicae.models.voice_transformer import VoiceTransformer


class StepNotes(NamedTuple):
    """``Notes`` of one step in NumPy, each field ``(N, V)``."""

    pitch: Ints
    kind: Ints
    age: Ints
    leap: Ints


class Lookup:
    """Tables of a model's features for every pitch; the last entry of each is that of ``NONE``."""

    def __init__(self, model: VoiceTransformer, tonic: Tensor) -> None:
        """``tonic`` ``(N,)`` are the tonics of the candidates."""
        voices = list(model.voices)
        pitch = torch.tensor([*range(MIDI_PITCHES), NONE])
        self.leap: Ints = leap_of(pitch[:, None], pitch).numpy()  # (M, M)
        self.interval: Ints = interval_between(pitch[:, None], pitch).numpy()  # (M, M)
        every = pitch[:, None].repeat(len(tonic), 1, len(voices))  # (N, M, V)
        by_pitch = model.step_features(Notes(every, every, every, every), tonic[:, None, None])
        self.height: Ints = by_pitch[0, :, 1].numpy()  # (M,)
        self.degree: Ints = by_pitch[..., 2].numpy()  # (N, M)
        ages = torch.tensor([*range(AGES[-1] + 1), NONE])[:, None].repeat(1, len(voices))
        by_age = model.step_features(Notes(ages, ages, ages, ages), tonic[0])
        self.age: Ints = by_age[:, 3].numpy()
        # The intervals of all pitches to a note of the step before, and to a note of this step.
        every = every[0, :, None]  # (M, 1, V)
        places = [
            model.pitch_index(
                voices, every, Notes(every, every * 0 + kind, every, every), tonic[:1]
            )
            for kind in (UNKNOWN, BEGUN)
        ]
        self.relation: Ints = torch.stack(places)[..., RELATIONS, :].numpy()  # (2, M, V, P)
        any_note = every[:1].expand(len(tonic), -1, -1)
        place = model.pitch_index(voices, any_note, Notes(*[any_note] * 4), tonic[:, None])
        self.place: Ints = place[..., :RELATIONS, :].numpy()  # (N, V, 2, P)
        self.members: Ints = model.members.table.numpy()
        self.rows = np.arange(len(tonic))[:, None]
        self.upper, self.lower = model.upper.numpy(), model.lower.numpy()
        most = max(model.config.symbols)
        self.pitch = np.full((len(voices), most), NONE)  # (V, S)
        self.pitch[:, FIRST_PITCH:] = model.lowest.numpy()[:, None] + np.arange(most - FIRST_PITCH)

    def after(self, before: StepNotes, tokens: Ints, voices: Ints) -> StepNotes:
        """The notes of a step, from those of the step before and the step's symbols.

        ``models.notes.notes_of``, one step at a time. All are ``(N, U)``, of ``voices`` ``(U,)``.
        """
        was, kind, age, leap = before
        holds = tokens == HOLD
        goes_on = holds | ((tokens == SILENCE) & (kind == SILENT))
        pitch = np.where(holds, was, self.pitch[voices, tokens])
        return StepNotes(
            pitch,
            np.where(pitch == NONE, SILENT, np.where(holds, HELD, BEGUN)),
            np.where(goes_on, age + 1, 0),
            np.where(goes_on, leap, self.leap[was, pitch]),
        )

    def features(self, notes: StepNotes) -> Ints:
        """``VoiceTransformer.step_features`` ``(N, K)`` of notes ``(N, V)``."""
        pitch, kind, age, leap = notes
        count, voices = pitch.shape
        found = np.empty((count, PARTS * voices + len(self.upper)), dtype=np.int64)
        parts = found[:, : PARTS * voices].reshape(count, voices, PARTS)  # not a copy
        parts[..., 0], parts[..., 1] = kind, self.height[pitch]
        parts[..., 2] = self.degree[self.rows, pitch]
        parts[..., 3], parts[..., 4] = self.age[np.minimum(age, AGES[-1])], leap
        found[:, PARTS * voices :] = self.interval[pitch[:, self.upper], pitch[:, self.lower]]
        return found

    def chord_place(self, pitch: Ints, chords: Ints) -> Ints:
        """``ChordMembers.forward`` of pitches ``(N, V)``; ``chords`` ``(N, 2)`` are the root and
        quality of each candidate's."""
        degree = self.degree[self.rows, pitch]
        root, quality = chords.T[..., None]
        place = self.members[quality, (degree - root + 1) % 12]
        return np.where((degree == NONE) | (root == 0), NONE, place)


class FewRows:
    """A ``FeatureSum`` of a few rows of features in NumPy."""

    def __init__(self, layer: FeatureSum) -> None:
        self.first, self.none = layer.first.numpy(), layer.count
        # With a row of zeros for what is absent the sum is faster than with rows left out.
        self.weight = layer.weight.index_fill(0, torch.tensor([self.none]), 0.0)

    def __call__(self, features: Ints) -> Tensor:
        """Values ``(..., K)``, each at least 0 or ``NONE`` -> ``(..., W)``."""
        index = np.where(features == NONE, self.none, features + self.first)
        rows = torch.from_numpy(index.reshape(-1, index.shape[-1]))
        return F.embedding_bag(rows, self.weight, mode="sum").view(*index.shape[:-1], -1)
