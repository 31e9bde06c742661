"""How far two chorales are from each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER
from musicae.theory.key_finding import likely_key

FARTHEST = 12
"""Semitones that a voice is away from another at most; as far as from silence."""


def distance(one: Chorale, other: Chorale) -> float:
    """Semitones, 0 to ``FARTHEST``, by which the voices differ at an average quarter.

    Chorales are held against each other with their tonics at the same height, quarter by quarter
    of the longer one; each stands where it stands in its own piece. Of two ways to bring tonics a
    tritone apart together the better one counts. 0 means that the same sounds.
    """
    longer = max(len(one), len(other))
    steps = np.arange(0, longer, STEPS_PER_QUARTER)
    a, b = (
        chorale.pitch.astype(np.int64)[steps * len(chorale) // longer] for chorale in (one, other)
    )
    tonics = [(chorale.key or likely_key(chorale)).tonic for chorale in (one, other)]
    apart = (tonics[1] - tonics[0]) % 12
    return min(_apart(a, b - shift, b == REST) for shift in {apart, apart - 12} if abs(shift) <= 6)


def _apart(a: Ints, b: Ints, other_rests: NDArray[np.bool_]) -> float:
    """Mean semitones between pitches ``(T, V)``, where ``a`` may be ``REST``."""
    one_rests = a == REST
    semitones = np.abs(b - a).clip(max=FARTHEST)
    semitones[one_rests != other_rests] = FARTHEST
    semitones[one_rests & other_rests] = 0
    return float(semitones.mean())
