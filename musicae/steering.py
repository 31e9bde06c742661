"""Voice-leading rules at the moment of choice: what each symbol would break, before it is sung.

The rules are those of ``voiceleading`` and ``lines`` as far as one step shows them, with the step
before: parallels and contrary fifths and octaves, direct ones in the outer voices, crossing,
overlap, spacing and leaps. A voice is judged against those that are known or chosen already.

Axes: ``N`` candidates, ``V`` voices, ``S`` symbols of one voice.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.chorale import N_VOICES, REST, VOICE_RANGES
from musicae.vocabulary import FIRST_PITCH, HOLD, SILENCE
from musicae.voiceleading import FIFTH, OCTAVE, STEP, WIDEST

Pitches = NDArray[np.int64]

SOPRANO, BASS = 0, N_VOICES - 1
SEVENTHS = (10, 11)
OCTAVE_LEAP = 12
PITCHES = tuple(np.arange(low, high + 1) for low, high in VOICE_RANGES)
FORBIDDEN = 50.0
"""Nats that no likelihood makes up for; where every symbol breaks a rule, the lesser evil is
taken."""


class Motion(NamedTuple):
    """What one voice could do."""

    own: Pitches
    """``(N, 1)`` its pitch at the step before."""
    pitch: Pitches
    """``(N, S)`` what sounds with each symbol."""
    steps: Pitches
    """``(N, S)`` semitones from one to the other; 0 where one of them is silent."""


@dataclass(frozen=True)
class Rules:
    """What breaking a rule once costs, in nats taken off a symbol's log-probability."""

    parallel: float = 0.0
    """Fifths, octaves and unisons in a row, in similar or contrary motion."""
    direct: float = 0.0
    """A fifth or octave of the outer voices reached in similar motion, the soprano leaping."""
    crossing: float = 0.0
    overlap: float = 0.0
    spacing: float = 0.0
    """More than an octave between neighbouring upper voices."""
    leap: float = 0.0
    """A seventh, or more than an octave."""

    def costs(self, voice: int, before: Pitches, now: Pitches) -> NDArray[np.floating]:
        """``(N, S)`` what each symbol of a voice would cost.

        ``before`` ``(N, V)`` are the pitches of the step before, ``now`` those of this step that
        are known or chosen; ``REST`` where nothing sounds or nothing is chosen yet.
        """
        own = before[:, voice, None]
        if self == OFF:
            return np.zeros((len(now), FIRST_PITCH + len(PITCHES[voice])))
        pitch = np.empty((len(now), FIRST_PITCH + len(PITCHES[voice])), dtype=np.int64)
        pitch[:, HOLD], pitch[:, SILENCE], pitch[:, FIRST_PITCH:] = own[:, 0], REST, PITCHES[voice]
        steps = np.where((pitch == REST) | (own == REST), 0, pitch - own)
        motion = Motion(own, pitch, steps)
        size = np.abs(steps)
        cost = self.leap * ((size > OCTAVE_LEAP) | np.isin(size, SEVENTHS))
        for other in range(N_VOICES):
            # A voice is known or chosen for all candidates or for none, but it may rest in some.
            if other != voice and (now[:, other] != REST).any():
                beside = self._beside(voice, other, before, now, motion)
                cost = cost + np.where(now[:, other, None] == REST, 0.0, beside)
        return cost

    def _beside(
        self, voice: int, other: int, before: Pitches, now: Pitches, motion: Motion
    ) -> NDArray[np.floating]:
        """``(N, S)`` what each symbol would cost beside one other voice that sounds."""
        cost = np.zeros(motion.pitch.shape)
        theirs, were = now[:, other, None], before[:, other, None]
        step = np.where(were == REST, 0, theirs - were)
        # The intervals, octaves left out; before the piece and after a rest there is none.
        now_apart = np.abs(motion.pitch - theirs) % 12
        then_apart = np.abs(motion.own - were) % 12
        perfect = np.isin(now_apart, (OCTAVE, FIFTH))
        both_new = (motion.steps % 12 != 0) & (step % 12 != 0)
        cost += self.parallel * (both_new & perfect & (now_apart == then_apart))
        if {voice, other} == {SOPRANO, BASS}:
            soprano = motion.steps if voice == SOPRANO else step
            similar = motion.steps * step > 0
            leaps = np.abs(soprano) > STEP
            cost += self.direct * (similar & perfect & (now_apart != then_apart) & leaps)
        if abs(voice - other) == 1:
            if voice < other:
                upper, lower, upper_was, lower_was = motion.pitch, theirs, motion.own, were
            else:
                upper, lower, upper_was, lower_was = theirs, motion.pitch, were, motion.own
            new = (motion.steps != 0) | (step != 0)
            cost += self.crossing * (new & (upper < lower))
            if max(voice, other) != BASS:
                cost += self.spacing * (new & (upper - lower > WIDEST))
            beyond = (upper < lower_was) | ((lower > upper_was) & (upper_was != REST))
            cost += self.overlap * (new & beyond & (upper >= lower) & (upper_was >= lower_was))
        return np.where(motion.pitch == REST, 0.0, cost)


OFF = Rules()
STRICT = Rules(*[FORBIDDEN] * len(fields(Rules)))
PRESETS = {
    "strict": STRICT,
    "bach": Rules(parallel=6.0, direct=1.0, crossing=1.0, overlap=1.0, spacing=1.0, leap=3.0),
    "off": OFF,
}
"""Rules by the names that musicians call them by: never broken, broken as rarely as Bach breaks
them, and left to the model."""
