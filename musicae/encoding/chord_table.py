"""The chords of a planner's states as arrays, for operations on all states at once.

Axes: ``S`` states. A state is a chord. One state, None, stands for all chords that have no state.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Bools, Ints
from musicae.theory.harmonic_plan import PlannedChord
from musicae.theory.numerals import QUALITIES

NO_ROOT = 12
"""The root of the state None."""
NO_MEMBER = -1
"""The quality, the bass member and the bass of the state None."""


class ChordTable(NamedTuple):
    """The properties of the states."""

    real: Bools
    """``(S,)`` whether a state is a chord."""
    roots: Ints
    """``(S,)`` semitones above the tonic, or ``NO_ROOT``."""
    qualities: Ints
    """``(S,)`` indices in ``QUALITIES``, or ``NO_MEMBER``."""
    bass: Ints
    """``(S,)`` the index of the member in the bass, 0 for the root, or ``NO_MEMBER``."""
    bass_classes: Ints
    """``(S,)`` semitones of the bass above the tonic, 0 to 11, or ``NO_MEMBER``."""
    members: Bools
    """``(S, 12)`` which degrees, in semitones above the tonic, are members; none for None."""


def chord_table(chords: Sequence[PlannedChord | None]) -> ChordTable:
    """The table of these states; its arrays are read-only."""
    return _table(tuple(chords))


@lru_cache(maxsize=8)
def _table(chords: tuple[PlannedChord | None, ...]) -> ChordTable:
    names = tuple(QUALITIES)
    members = np.zeros((len(chords), 12), dtype=np.bool_)
    for row, chord in zip(members, chords, strict=True):
        if chord:
            row[list(chord.members)] = True

    def column(value: list[int]) -> Ints:
        return np.array(value, dtype=np.int64)

    table = ChordTable(
        np.array([chord is not None for chord in chords]),
        column([chord.root if chord else NO_ROOT for chord in chords]),
        column([names.index(chord.quality) if chord else NO_MEMBER for chord in chords]),
        column([chord.bass if chord else NO_MEMBER for chord in chords]),
        column([chord.bass_class if chord else NO_MEMBER for chord in chords]),
        members,
    )
    for array in table:
        array.setflags(write=False)  # all pieces share them
    return table
