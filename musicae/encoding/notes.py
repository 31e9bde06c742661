"""The notes that symbols stand for, as networks read them: pitch, kind, age and melodic interval.

``models.notes`` defines these fields. Axes: ``T`` steps, ``V`` voices.
"""

from __future__ import annotations

import numpy as np

from musicae.core.arrays import Ints
from musicae.encoding.tokens import symbol_starts
from musicae.models.vocabulary import (
    BEGUN,
    FIRST_PITCH,
    HELD,
    HOLD,
    MIDI_PITCHES,
    NONE,
    SILENCE,
    SILENT,
    WIDEST_LEAP,
)


def notes_of(tokens: Ints, lowest: Ints) -> Ints:
    """``(..., T, V, 4)`` the notes of the symbols ``tokens`` ``(..., T, V)`` of whole pieces.

    ``lowest`` ``(V,)`` is the lowest pitch of each voice. The result equals that of
    ``models.notes.notes_of``, but torch is not needed.
    """
    goes_on = (tokens == SILENCE) & (_later(tokens) == SILENCE)
    # A rest that goes on is treated like a note that is held.
    begun = symbol_starts(np.where(goes_on, HOLD, tokens))
    symbol = np.take_along_axis(tokens, begun, axis=-2)
    pitch = np.where(symbol >= FIRST_PITCH, symbol - FIRST_PITCH + lowest, NONE)
    came_from = np.take_along_axis(_later(pitch), begun, axis=-2)
    came_from = np.where(begun > 0, came_from, NONE)
    kind = np.where(pitch == NONE, SILENT, np.where(tokens == HOLD, HELD, BEGUN))
    steps = np.arange(tokens.shape[-2])[:, None]
    return np.stack([pitch, kind, steps - begun, leap_of(came_from, pitch)], axis=-1)


def notes_after(before: Ints, tokens: Ints, lowest: Ints) -> Ints:
    """The notes ``(4, ..., V)`` of one step, from ``before``, those of the step before it.

    ``tokens`` ``(..., V)`` are the symbols of the step. The result equals that of ``notes_of``.
    """
    was, kind, age, leap = before
    holds = tokens == HOLD
    goes_on = holds | ((tokens == SILENCE) & (kind == SILENT))
    pitch = np.where(holds, was, np.where(tokens == SILENCE, NONE, tokens - FIRST_PITCH + lowest))
    after = np.empty_like(before)
    after[0] = pitch
    after[1] = np.where(pitch == NONE, SILENT, np.where(holds, HELD, BEGUN))
    after[2] = np.where(goes_on, age + 1, 0)
    after[3] = np.where(goes_on, leap, _LEAPS[was + 1, pitch + 1])
    return after


def leap_of(before: Ints, after: Ints) -> Ints:
    """The melodic interval from ``before`` to ``after``, in semitones plus ``WIDEST_LEAP``.

    Wider leaps are clipped, so it is 0 to ``2 * WIDEST_LEAP``. ``NONE`` if one note is missing.
    """
    semitones = np.clip(after - before, -WIDEST_LEAP, WIDEST_LEAP) + WIDEST_LEAP
    leap: Ints = np.where((before == NONE) | (after == NONE), NONE, semitones)
    return leap


def _later(x: Ints) -> Ints:
    """``(..., T, V)`` the values shifted by one step to the right; the first step is ``NONE``."""
    first = np.full_like(x[..., :1, :], NONE)
    return np.concatenate([first, x[..., :-1, :]], axis=-2)


_EVERY = np.arange(NONE, MIDI_PITCHES)
_LEAPS = leap_of(_EVERY[:, None], _EVERY)
"""``leap_of`` of all pairs of pitches; the index of a pitch is the pitch plus one."""
