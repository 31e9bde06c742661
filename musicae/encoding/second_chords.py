"""Where a second chord can begin inside a beat, and which chords the known notes allow there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.key import Key
from musicae.theory.harmonic_plan import Beat, PlannedChord
from musicae.theory.plan_reading import second_begins


def second_states(
    known: Chorale,
    key: Key,
    beats: Sequence[Beat],
    chords: Sequence[PlannedChord | None],
    first: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """``(B, 1 + S)`` whether no chord, or which of ``S``, can follow inside each of ``B`` beats.

    By the rule of ``theory.plan_reading`` it has another root, and everything that sounds from
    there on is a member.

    Args:
        known: the known notes.
        key: the key in which chords and notes are read.
        beats: the beats of the plan.
        chords: the chord of each state; None for all others, which are possible wherever one is.
        first: ``(B,)`` the state at the beginning of each beat.
    """
    members = np.array([np.isin(np.arange(12), c.members) if c else [True] * 12 for c in chords])
    roots = np.array([chord.root if chord else 12 for chord in chords])
    found = np.zeros((len(beats), 1 + len(chords)), dtype=np.bool_)
    found[:, 0] = True
    for i, beat in enumerate(beats):
        cut = second_begins(beat.length)
        if cut is not None:
            late = known.pitch[beat.start + cut : beat.start + beat.length]
            degrees = np.unique((late[late != REST].astype(int) - key.tonic) % 12)
            found[i, 1:] = members[:, degrees].all(axis=1) & (roots != roots[first[i]])
    return found
