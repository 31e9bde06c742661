"""Chorales as tensors of symbols, and back.

At each step each voice has one symbol of its own vocabulary: ``HOLD`` (the note or rest goes on),
``SILENCE``, or the onset of a pitch. There are three forms: tokens ``(..., T, V)``, the indices of
the symbols; the one-hot piano roll ``(..., T, P)``, the vocabularies of S, A, T and B side by
side; and MiniBach's flat vectors ``(..., T * P)`` of some voices, one voice after another (Briot,
Hadjeres and Pachet 2020, ch. 6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

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


def chorale_to_tokens(chorale: Chorale) -> Tensor:
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
    return torch.from_numpy(np.where(pitch == REST, SILENCE, tokens))


def tokens_to_chorale(tokens: Tensor, frame: Chorale | None = None) -> Chorale:
    """The chorale of tokens ``(T, V)``; ``HOLD`` after a rest is a rest.

    Meters, key, fermatas and texts are those of ``frame``, a chorale of the same length; without
    one the music is in 4/4. A fermata is dropped where no soprano note begins.
    """
    columns = tokens.detach().cpu().numpy()
    if columns.ndim != 2 or columns.shape[1] != N_VOICES:
        raise ChoraleError(f"tokens are (T, {N_VOICES}), not {tuple(columns.shape)}")
    pitch = np.full(columns.shape, REST, dtype=np.int16)
    onset = columns >= FIRST_PITCH
    sounding = [REST] * N_VOICES
    for step, row in enumerate(columns):
        for voice, token in enumerate(row):
            if token != HOLD:
                low = VOICE_RANGES[voice][0]
                sounding[voice] = REST if token == SILENCE else low + int(token) - FIRST_PITCH
        pitch[step] = sounding
    if frame is None:
        return Chorale(pitch, onset)
    fermatas = tuple(step for step in frame.fermatas if onset[step, 0])
    return replace(frame, pitch=pitch, onset=onset, fermatas=fermatas)


def window(tokens: Tensor, start: int, length: int = WINDOW) -> Tensor:
    """Tokens ``(length, V)`` from the step ``start`` on; see ``windows``."""
    return windows(tokens, [start], length)[0]


def symbol_starts(tokens: Tensor) -> Tensor:
    """``(..., T, V)`` the step of the symbol that each step of tokens ``(..., T, V)`` prolongs.

    It is the step itself where there is a symbol other than ``HOLD``, and 0 where a piece begins
    with holds.
    """
    steps = torch.arange(tokens.shape[-2], device=tokens.device)[:, None].expand_as(tokens)
    return torch.where(tokens != HOLD, steps, 0).cummax(dim=-2).values


def windows(tokens: Tensor, starts: Sequence[int], length: int = WINDOW) -> Tensor:
    """Tokens ``(N, length, V)`` from each step of ``starts`` on, silent outside the piece.

    A start may be negative. A note that is held into a window begins anew at its first step.
    """
    sounding = tokens.gather(0, symbol_starts(tokens))  # (T, V) the symbol that holds prolong
    sounding = torch.where(sounding == HOLD, SILENCE, sounding)
    out = torch.full((len(starts), length, tokens.shape[1]), SILENCE, dtype=tokens.dtype)
    for row, start in zip(out, starts, strict=True):
        first, stop = max(0, start), min(len(tokens), start + length)
        if first < stop:
            row[first - start : stop - start] = tokens[first:stop]
            row[first - start] = sounding[first]
    return out


def one_hot(tokens: Tensor) -> Tensor:
    """The piano roll ``(..., T, P)`` of tokens ``(..., T, V)``, float32."""
    return torch.cat(
        [F.one_hot(tokens[..., v], size) for v, size in enumerate(VOCABULARY)], dim=-1
    ).float()


def flatten(tokens: Tensor, voices: Sequence[int] = ALL_VOICES) -> Tensor:
    """MiniBach's flat vectors ``(..., T * P)`` of tokens ``(..., T, V)``, voice after voice."""
    return torch.cat(
        [F.one_hot(tokens[..., v], VOCABULARY[v]).flatten(-2) for v in voices], dim=-1
    ).float()


def unflatten(flat: Tensor, voices: Sequence[int] = ALL_VOICES) -> list[Tensor]:
    """The inverse of ``flatten``: for each voice ``(..., T, P_v)``."""
    steps = flat.shape[-1] // sum(VOCABULARY[v] for v in voices)
    parts = torch.split(flat, [steps * VOCABULARY[v] for v in voices], dim=-1)
    return [
        part.reshape(*part.shape[:-1], steps, VOCABULARY[v])
        for part, v in zip(parts, voices, strict=True)
    ]
