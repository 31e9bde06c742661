"""Non-chord tones: recognize ornaments by their metrical place, length and melodic motion.

The kinds are those of Kostka and Payne, *Tonal Harmony*, ch. 11 and 12. Passing and neighbour notes
are short, weak and move by step. Anticipations are short, weak and repeated at once. Suspensions
are held or repeated and then fall by step.
"""

from __future__ import annotations

import numpy as np

from musicae.core.arrays import Floats, Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import DOTTED_QUARTER, N_VOICES, STEPS_PER_QUARTER

FOREIGN_WEIGHT = 1.3
"""The cost of a foreign note. A chord tone has a gain of 1."""
ORNAMENT_SHARE = 0.08
"""The factor of that cost for passing and neighbour notes, anticipations and suspensions."""
WEAK_WEIGHT = 0.8
"""The gain of a short chord tone on a weak place."""


def ranks_of(chorale: Chorale) -> Ints:
    """``(T,)`` the metrical rank of each step: 2 on a quarter or beat, 1 on an eighth, else 0."""
    ranks = np.zeros(len(chorale), dtype=np.int64)
    for index, measure in enumerate(chorale.measures):
        meter = measure.meter
        lead = meter.steps_per_bar - measure.length if index == 0 and chorale.pickup else 0
        into = np.arange(lead, lead + measure.length)
        in_three = meter.steps_per_beat % 3 == 0 or meter.steps_per_bar == DOTTED_QUARTER
        pulse = max(meter.steps_per_beat, DOTTED_QUARTER) if in_three else STEPS_PER_QUARTER
        ranks[measure.start : measure.start + measure.length] = np.where(
            into % pulse == 0, 2, np.where(into % 2 == 0, 1, 0)
        )
    return ranks


def weights(chorale: Chorale, ranks: Ints) -> tuple[Floats, Floats]:
    """Two arrays ``(T, V)``: the gain of each note as a chord tone, and its cost as a foreign note.

    ``ranks`` ``(T,)`` are the result of ``ranks_of``.
    """
    own = np.ones(chorale.pitch.shape)
    foreign = np.full(chorale.pitch.shape, FOREIGN_WEIGHT)
    for voice in range(N_VOICES):
        notes = chorale.notes(voice)
        for before, note, after in zip([None, *notes], notes, [*notes[1:], None], strict=False):
            came = note.pitch - before.pitch if before else 0
            goes = after.pitch - note.pitch if after else 0
            span = slice(note.step, note.step + note.duration)
            short, weak = note.duration <= 2, ranks[note.step] < 2
            passes = 0 < abs(came) <= 2 and 0 < abs(goes) <= 2
            anticipates = after is not None and goes == 0
            if short and weak:
                own[span, voice] = WEAK_WEIGHT
                foreign[span, voice] *= ORNAMENT_SHARE if passes or anticipates else 1
            elif -2 <= goes < 0 and before and came == 0 and note.duration <= STEPS_PER_QUARTER:
                foreign[span, voice] *= ORNAMENT_SHARE
            elif -2 <= goes < 0:  # a note that is held over a beat and falls: its end
                beats = np.flatnonzero(ranks[span] == 2)
                if beats.size and beats[-1]:
                    foreign[note.step + beats[-1] : span.stop, voice] *= ORNAMENT_SHARE
    return own, foreign
