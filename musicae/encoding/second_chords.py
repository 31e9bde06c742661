"""Which second chords the known notes allow inside each beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.key import Key
from musicae.encoding.chord_table import chord_table
from musicae.theory.harmonic_plan import Beat, PlannedChord
from musicae.theory.plan_reading import second_begins


def second_states(
    known: Chorale,
    key: Key,
    beats: Sequence[Beat],
    chords: Sequence[PlannedChord | None],
    first: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """``(B, 1 + S)`` which second chords are possible in each beat; column 0 is for none.

    By the rule of ``theory.plan_reading`` a second chord has another root than the first one, and
    every note that sounds in the rest of the beat is a member of it.

    Args:
        known: the known notes.
        key: the key of chords and notes.
        beats: ``B`` the beats of the plan.
        chords: ``S`` the chord of each state. The state None, for all other chords, is possible in
            each beat that is long enough.
        first: ``(B,)`` the state at the beginning of each beat.
    """
    table = chord_table(chords)
    foreign = (~table.members & table.real[:, None]).T.astype(np.float32)  # (12, S)
    cuts = [second_begins(beat.length) for beat in beats]
    late = np.zeros((len(beats), 12), dtype=np.bool_)
    for row, beat, cut in zip(late, beats, cuts, strict=True):
        if cut is not None:
            pitch = known.pitch[beat.start + cut : beat.start + beat.length]
            row[(pitch[pitch != REST].astype(int) - key.tonic) % 12] = True
    found = np.zeros((len(beats), 1 + len(chords)), dtype=np.bool_)
    found[:, 0] = True
    found[:, 1:] = (late.astype(np.float32) @ foreign == 0) & (
        table.roots != table.roots[first][:, None]
    )
    found[[cut is None for cut in cuts], 1:] = False
    return found
