"""The notes of voices as tensors: kind, age and melodic interval, from symbols."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from musicae.models.chords import Chords
from musicae.models.vocabulary import (
    BEGUN,
    FIRST_PITCH,
    HELD,
    HOLD,
    NONE,
    SILENCE,
    SILENT,
    UNKNOWN,
    WIDEST_INTERVAL,
    WIDEST_LEAP,
)


class Notes(NamedTuple):
    """The notes of voices at steps, each field ``(..., V)`` int64."""

    pitch: Tensor
    """MIDI pitches; ``NONE`` if a voice rests or is unknown."""
    kind: Tensor
    """``UNKNOWN``, ``SILENT``, ``HELD`` or ``BEGUN``."""
    age: Tensor
    """Steps since the note or the rest began, from 0; or ``NONE``."""
    leap: Tensor
    """The melodic interval from the note before, as ``leap_of`` numbers it; or ``NONE``."""

    def where(self, seen: Tensor) -> Notes:
        """The same notes with those that are not ``seen`` ``(..., V)`` replaced by unknown ones."""
        return Notes(
            torch.where(seen, self.pitch, NONE),
            torch.where(seen, self.kind, UNKNOWN),
            torch.where(seen, self.age, NONE),
            torch.where(seen, self.leap, NONE),
        )


class Steps(NamedTuple):
    """Steps with all symbols given, to compute the logits of each symbol."""

    state: Tensor
    """``(..., W)`` the decoder's output for the step."""
    before: Tensor
    """``(..., V)`` the pitches of the step before."""
    notes: Notes
    """The notes of the step; each field is ``(..., V)``."""
    known: Tensor
    """``(..., V)`` bool: the voices that are given at the step."""
    tonic: Tensor
    """``(..., 1)`` pitch classes of the tonics."""
    chords: Chords | None
    """The chords; each field is ``(...)``. None if the model follows no plan."""

    def at(self, rows: tuple[Tensor, ...]) -> Steps:
        """The steps that ``rows`` selects; the leading axes become one axis."""
        state, before, notes, known, tonic, chords = self
        return Steps(
            state[rows],
            before[rows],
            Notes(*(part[rows] for part in notes)),
            known[rows],
            tonic[rows],
            Chords(*(part[rows] for part in chords)) if chords else None,
        )


def notes_of(tokens: Tensor, lowest: Tensor) -> Notes:
    """The notes that the symbols ``(B, T, V)`` of whole pieces stand for.

    ``lowest`` ``(V,)`` is each voice's lowest pitch.
    """
    steps = torch.arange(tokens.shape[1], device=tokens.device)[None, :, None]
    steps = steps.expand_as(tokens)
    # Each step of a rest has the symbol SILENCE; the first of them begins the rest.
    rest_goes_on = (tokens == SILENCE) & (later(tokens) == SILENCE)
    begun = torch.where((tokens != HOLD) & ~rest_goes_on, steps, 0).cummax(dim=1).values
    symbol = tokens.gather(1, begun)
    pitch = _pitch(symbol, lowest)
    came_from = torch.where(begun > 0, later(pitch).gather(1, begun), NONE)
    kind = torch.where(pitch == NONE, SILENT, torch.where(tokens == HOLD, HELD, BEGUN))
    return Notes(pitch, kind, steps - begun, leap_of(came_from, pitch))


def _pitch(tokens: Tensor, lowest: Tensor) -> Tensor:
    """MIDI pitches of symbols; ``NONE`` for ``HOLD`` and ``SILENCE``."""
    return torch.where(tokens >= FIRST_PITCH, tokens - FIRST_PITCH + lowest, NONE)


def later(x: Tensor, steps: int = 1) -> Tensor:
    """``x`` ``(B, T, ...)`` shifted by ``steps`` towards the end; the first steps are ``NONE``."""
    return torch.cat([torch.full_like(x[:, :steps], NONE), x[:, :-steps]], dim=1)


def leap_of(before: Tensor, after: Tensor) -> Tensor:
    """The number of the melodic interval: semitones up, clipped, plus ``WIDEST_LEAP``.

    It is 0 to ``2 * WIDEST_LEAP``; ``NONE`` if a pitch is ``NONE``.
    """
    semitones = (after - before).clamp(-WIDEST_LEAP, WIDEST_LEAP) + WIDEST_LEAP
    return torch.where((before == NONE) | (after == NONE), NONE, semitones)


def interval_between(upper: Tensor, lower: Tensor) -> Tensor:
    """The number of the interval from ``lower`` up to ``upper``: clipped semitones plus
    ``WIDEST_INTERVAL``.

    It is 0 to ``INTERVALS - 1``; ``NONE`` if a pitch is ``NONE``.
    """
    semitones = (upper - lower).clamp(-WIDEST_INTERVAL, WIDEST_INTERVAL) + WIDEST_INTERVAL
    return torch.where((upper == NONE) | (lower == NONE), NONE, semitones)
