"""Small corrections to the logits, so that sampled voices move as often as Bach's voices.

The model predicts each symbol well after Bach's own notes. When it continues its own notes, it
drifts: voices leap a little too often and move a little too seldom. The tilt adds to the logit of
each symbol a number that depends on the kind of motion and on the place in the beat. It is the
exponential tilt with which samples have the rates of the training pieces (Khalifa, Elsahar and
Dymetman 2021, *A Distributional Approach to Controlled Text Generation*).

Axes: ``N`` candidates, ``T`` steps, ``V`` voices, ``S`` symbols of a voice.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Floats, Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST, STEPS_PER_QUARTER
from musicae.decoding.constraints import moves
from musicae.models.vocabulary import HOLD

MOTIONS = ("hold", "rest", "repeat", "step", "third", "leap")
PLACES = ("on the beat", "on its half", "elsewhere")
SHAPE = (N_VOICES, len(PLACES), len(MOTIONS))
_HOLD, _REST, _REPEAT, _STEP, _THIRD, _LEAP = range(len(MOTIONS))
_KINDS = np.array([_REPEAT, _STEP, _STEP, _THIRD, _THIRD, _LEAP])
"""The kind of a motion by its size in semitones; the last entry is for a fourth or more."""


class MotionTilt:
    """The motion tilt of ``N`` candidates."""

    def __init__(self, tilt: Floats, places: Ints) -> None:
        """``tilt`` has the shape ``SHAPE``, in nats; ``places`` ``(N, T)`` is the index in
        ``PLACES`` of each step."""
        self.tilt, self.places = tilt, places

    def costs(self, voice: int, steps: Ints, before: Ints, rows: Ints) -> Floats:
        """``(M, S)`` the cost of each symbol of a voice, in nats.

        Args:
            voice: 0 to 3, soprano to bass.
            steps: ``(M,)`` the step of each row.
            before: ``(M, V)`` the pitches of the step before.
            rows: ``(M,)`` the candidate of each row.
        """
        by_motion = -self.tilt[voice][self.places[rows, steps]]  # (M, motions)
        found: Floats = np.take_along_axis(by_motion, _kinds(voice)[before[:, voice]], axis=1)
        return found


def places_of(since_beat: Ints) -> Ints:
    """The index in ``PLACES`` of each step, given the number of steps since its beat."""
    into = since_beat % STEPS_PER_QUARTER
    return np.where(into == 0, 0, np.where(into == STEPS_PER_QUARTER // 2, 1, 2))


def motion_counts(chorale: Chorale, since_beat: Ints) -> NDArray[np.float64]:
    """How often each voice makes each motion at each place; the shape is ``SHAPE``.

    ``since_beat`` ``(T,)`` is the number of steps from the beat to each step.
    """
    pitch, onset = chorale.pitch.astype(np.int64), chorale.onset
    found = np.zeros(SHAPE)
    places = places_of(since_beat)[1:]
    for voice in range(N_VOICES):
        before, now = pitch[:-1, voice], pitch[1:, voice]
        kind = _KINDS[np.abs(now - before).clip(max=len(_KINDS) - 1)]
        kind = np.where((before == REST) & (now != REST), _LEAP, kind)
        kind = np.where(now == REST, _REST, np.where(onset[1:, voice], kind, _HOLD))
        np.add.at(found[voice], (places, kind), 1)
    return found


@cache
def _kinds(voice: int) -> Ints:
    """``(M, S)`` the kind of motion of each symbol after each MIDI pitch; the last row is for
    ``REST``."""
    motion = moves(voice).motion
    kind = _KINDS[np.abs(motion.steps).clip(max=len(_KINDS) - 1)]
    kind = np.where((motion.own == REST) & (motion.pitch != REST), _LEAP, kind)
    kind = np.where(motion.pitch == REST, _REST, kind)
    kind[:, HOLD] = np.where(motion.own[:, 0] == REST, _REST, _HOLD)
    return kind
