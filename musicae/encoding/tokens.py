"""Chorales as arrays of symbols, and back.

At each step each voice has one symbol of its own vocabulary: ``HOLD`` (the note or rest goes on),
``SILENCE``, or the onset of a pitch. There are three formats: tokens ``(..., T, V)``, the indices
of the symbols; the one-hot piano roll ``(..., T, P)``, with the vocabularies of S, A, T and B side
by side; and MiniBach's flat vectors ``(..., T * P)`` of some voices, one voice after another
(Briot, Hadjeres and Pachet 2020, ch. 6).

Axes: ``T`` steps, ``V`` voices, ``P`` symbols of all voices, ``P_v`` symbols of one voice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from musicae.core.arrays import Floats32, Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST, VOICE_RANGES, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.pitch import pitch_name
from musicae.models.vocabulary import FIRST_PITCH, HOLD, SILENCE

VOCABULARY = tuple(FIRST_PITCH + high - low + 1 for low, high in VOICE_RANGES)
"""The number of symbols of each voice."""

WINDOW = 64
"""Steps of MiniBach's window: four bars of 4/4."""

ONLY_SOPRANO = (0,)
ACCOMPANIMENT = (1, 2, 3)
ALL_VOICES = (0, 1, 2, 3)


def chorale_to_tokens(chorale: Chorale) -> Ints:
    """Tokens ``(T, V)``, int64. Raises ChoraleError for a note outside its voice's range."""
    lows = np.array([low for low, _ in VOICE_RANGES])
    highs = np.array([high for _, high in VOICE_RANGES])
    pitch = chorale.pitch.astype(np.int64)
    outside = chorale.onset & ((pitch < lows) | (pitch > highs))
    if outside.any():
        step, voice = (int(i) for i in np.argwhere(outside)[0])
        low, high = VOICE_RANGES[voice]
        bar, beat = chorale.position(step)
        raise ChoraleError(
            f"bar {bar}, beat {beat:g}: {pitch_name(int(pitch[step, voice]))} is outside the"
            f" {VOICES[voice].lower()}'s range {pitch_name(low)} to {pitch_name(high)}"
        )
    tokens = np.where(chorale.onset, pitch - lows + FIRST_PITCH, HOLD)
    found: Ints = np.where(pitch == REST, SILENCE, tokens)
    return found


def tokens_to_chorale(tokens: Ints, frame: Chorale | None = None) -> Chorale:
    """The chorale of ``tokens`` ``(T, V)``; ``HOLD`` after a rest is a rest.

    Meters, key, fermatas and texts are those of ``frame``, a chorale of the same length; without it
    the music is in 4/4. Fermatas at steps at which no soprano note begins are left out. Raises
    ChoraleError for another shape.
    """
    if tokens.ndim != 2 or tokens.shape[1] != N_VOICES:
        raise ChoraleError(f"tokens must have the shape (T, {N_VOICES}), got {tokens.shape}")
    onset = tokens >= FIRST_PITCH
    lows = np.array([low for low, _ in VOICE_RANGES])
    symbol = np.take_along_axis(tokens, symbol_starts(tokens), axis=0)
    pitch = np.where(symbol >= FIRST_PITCH, lows + symbol - FIRST_PITCH, REST).astype(np.int16)
    if frame is None:
        return Chorale(pitch, onset)
    fermatas = tuple(step for step in frame.fermatas if onset[step, 0])
    return replace(frame, pitch=pitch, onset=onset, fermatas=fermatas)


def window(tokens: Ints, start: int, length: int = WINDOW) -> Ints:
    """``(length, V)`` the tokens from the step ``start``; see ``windows``."""
    cut: Ints = windows(tokens, [start], length)[0]
    return cut


def symbol_starts(tokens: Ints) -> Ints:
    """``(..., T, V)`` the step of the last symbol other than ``HOLD`` up to each step.

    It is 0 for holds at the beginning of a piece.
    """
    steps = np.arange(tokens.shape[-2])[:, None]
    starts: Ints = np.maximum.accumulate(np.where(tokens != HOLD, steps, 0), axis=-2)
    return starts


def windows(tokens: Ints, starts: Sequence[int], length: int = WINDOW) -> Ints:
    """``(N, length, V)`` the tokens from each of ``starts``, with silence outside the piece.

    A start may be negative. A note that is held into a window begins again at its first step.
    """
    sounding = np.take_along_axis(tokens, symbol_starts(tokens), axis=0)  # (T, V)
    sounding = np.where(sounding == HOLD, SILENCE, sounding)
    out = np.full((len(starts), length, tokens.shape[1]), SILENCE, dtype=tokens.dtype)
    for row, start in zip(out, starts, strict=True):
        first, stop = max(0, start), min(len(tokens), start + length)
        if first < stop:
            row[first - start : stop - start] = tokens[first:stop]
            row[first - start] = sounding[first]
    return out


def one_hot(tokens: Ints) -> Floats32:
    """``(..., T, P)`` the piano roll of tokens ``(..., T, V)``, float32."""
    return np.concatenate([_one_hot(tokens, v) for v in ALL_VOICES], axis=-1)


def flatten(tokens: Ints, voices: Sequence[int] = ALL_VOICES) -> Floats32:
    """``(..., T * P)`` MiniBach's flat vectors of tokens ``(..., T, V)``, voice after voice."""
    parts = [_one_hot(tokens, v) for v in voices]
    return np.concatenate([part.reshape(*part.shape[:-2], -1) for part in parts], axis=-1)


def unflatten(flat: Floats32, voices: Sequence[int] = ALL_VOICES) -> list[Floats32]:
    """The inverse of ``flatten``: for each voice ``(..., T, P_v)``."""
    steps = flat.shape[-1] // sum(VOCABULARY[v] for v in voices)
    ends = np.cumsum([steps * VOCABULARY[v] for v in voices])[:-1]
    return [
        part.reshape(*part.shape[:-1], steps, VOCABULARY[v])
        for part, v in zip(np.split(flat, ends, axis=-1), voices, strict=True)
    ]


def _one_hot(tokens: Ints, voice: int) -> Floats32:
    """``(..., T, P_v)`` the symbols of one voice."""
    return np.eye(VOCABULARY[voice], dtype=np.float32)[tokens[..., voice]]
