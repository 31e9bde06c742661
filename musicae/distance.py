"""How far two chorales are from each other."""

from __future__ import annotations

import numpy as np

from musicae.chorale import REST, STEPS_PER_QUARTER, Chorale
from musicae.sketch import likely_key

FARTHEST = 12
"""Semitones that a voice is away from another at most; as far as from silence."""


def distance(one: Chorale, other: Chorale) -> float:
    """Semitones, 0 to ``FARTHEST``, by which the voices differ at an average quarter.

    Chorales are held against each other with their tonics at the same height, quarter by quarter
    of the longer one; each stands where it stands in its own piece. 0 means that the same sounds.
    """
    longer = max(len(one), len(other))
    steps = np.arange(0, longer, STEPS_PER_QUARTER)
    a, b = (
        chorale.pitch.astype(np.int64)[steps * len(chorale) // longer] for chorale in (one, other)
    )
    tonics = [(chorale.key or likely_key(chorale)).tonic for chorale in (one, other)]
    apart = (tonics[1] - tonics[0] + 6) % 12 - 6
    semitones = np.abs(b - a - apart).clip(max=FARTHEST)
    one_rests, other_rests = a == REST, b == REST
    semitones[one_rests != other_rests] = FARTHEST
    semitones[one_rests & other_rests] = 0
    return float(semitones.mean())
