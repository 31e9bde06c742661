"""The notes that symbols stand for: pitch, kind, age and melodic interval, in NumPy.

``models.notes`` says what they are; networks read them so. Axes: ``T`` steps, ``V`` voices.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Ints
from musicae.encoding.tokens import symbol_starts
from musicae.models.vocabulary import (
    BEGUN,
    FIRST_PITCH,
    HELD,
    HOLD,
    NONE,
    SILENCE,
    SILENT,
    WIDEST_LEAP,
)


class StepNotes(NamedTuple):
    """The notes of some steps, each field ``(..., V)``: those of ``models.notes.Notes``."""

    pitch: Ints
    kind: Ints
    age: Ints
    leap: Ints


def notes_of(tokens: Ints, lowest: Ints) -> Ints:
    """``(..., T, V, 4)`` the fields of the notes of the symbols ``(..., T, V)`` of whole pieces.

    ``lowest`` ``(V,)`` is each voice's lowest pitch. It is ``models.notes.notes_of`` without torch.
    """
    goes_on = (tokens == SILENCE) & (_later(tokens) == SILENCE)
    # A rest that goes on is like a note that is held.
    begun = symbol_starts(np.where(goes_on, HOLD, tokens))
    symbol = np.take_along_axis(tokens, begun, axis=-2)
    pitch = np.where(symbol >= FIRST_PITCH, symbol - FIRST_PITCH + lowest, NONE)
    came_from = np.take_along_axis(_later(pitch), begun, axis=-2)
    came_from = np.where(begun > 0, came_from, NONE)
    kind = np.where(pitch == NONE, SILENT, np.where(tokens == HOLD, HELD, BEGUN))
    steps = np.arange(tokens.shape[-2])[:, None]
    return np.stack([pitch, kind, steps - begun, leap_of(came_from, pitch)], axis=-1)


def leap_of(before: Ints, after: Ints) -> Ints:
    """The melodic interval, 0 (a fall of ``WIDEST_LEAP``) to ``2 * WIDEST_LEAP``; or ``NONE``."""
    semitones = np.clip(after - before, -WIDEST_LEAP, WIDEST_LEAP) + WIDEST_LEAP
    leap: Ints = np.where((before == NONE) | (after == NONE), NONE, semitones)
    return leap


def _later(x: Ints) -> Ints:
    """``(..., T, V)`` one step later; the first step is ``NONE``."""
    first = np.full_like(x[..., :1, :], NONE)
    return np.concatenate([first, x[..., :-1, :]], axis=-2)
