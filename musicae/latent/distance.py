"""The distance between two chorales."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER
from musicae.theory.key_finding import likely_key

FARTHEST = 12
"""The greatest distance of two voices at a step, in semitones; also that of a note and a rest."""


def distance(one: Chorale, other: Chorale) -> float:
    """The mean absolute difference of the voices' pitches, 0 to ``FARTHEST`` semitones.

    Both chorales are transposed to the same tonic and compared at each quarter of the longer one,
    at the same relative position in each piece. If the tonics are a tritone apart, the smaller of
    the two possible results counts. 0 means equal pitches everywhere.
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
    """The mean distance in semitones of pitches ``(T, V)``; ``b`` rests at ``other_rests``."""
    one_rests = a == REST
    semitones = np.abs(b - a).clip(max=FARTHEST)
    semitones[one_rests != other_rests] = FARTHEST
    semitones[one_rests & other_rests] = 0
    return float(semitones.mean())
