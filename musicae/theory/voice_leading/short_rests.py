"""Fill rests shorter than a beat: for listeners, and for the rules, the voice goes on over them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from musicae.core.chorale import Chorale
from musicae.core.chorale_cache import remembered
from musicae.core.constants import N_VOICES


@remembered
def without_short_rests(chorale: Chorale) -> Chorale:
    """The chorale with each note held over a following rest that is shorter than a beat.

    A chorale without such rests is returned as it is. The last few results are cached, because
    every rule needs them.

    >>> short = Chorale.from_notes([[(0, 2, 72), (4, 2, 74), (12, 4, 76)]])
    >>> [note.duration for note in without_short_rests(short).notes(0)]
    [4, 2, 4]
    """
    pitch = chorale.pitch.copy()
    for voice in range(N_VOICES):
        for before, after in pairwise(chorale.notes(voice)):
            end = before.step + before.duration
            if end == after.step:
                continue
            meter = chorale.measures[chorale.measure_index(end)].meter
            if after.step < end + meter.steps_per_beat:
                pitch[end : after.step, voice] = before.pitch
    return chorale if (pitch == chorale.pitch).all() else replace(chorale, pitch=pitch)
