"""Small corrections of how voices move, so that free-running draws move as often as Bach's voices.

A model that predicts each symbol well after Bach's own notes drifts where it goes on from its own:
voices leap a little too often and move a little too seldom. The tilt adds to the logits of a symbol
by what kind of motion it is and where in the beat; it is the exponential tilt under which draws
have the rates of the training pieces (Khalifa, Elsahar and Dymetman 2021, *A Distributional
Approach to Controlled Text Generation*).

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
"""The kind of a motion by its size in semitones, up to a fourth and more."""


class MotionTilt:
    """The tilt of candidates whose steps lie at given places of their beats."""

    def __init__(self, tilt: Floats, places: Ints) -> None:
        """``tilt`` has the shape ``SHAPE``, in nats; ``places`` ``(N, T)`` index ``PLACES``."""
        self.tilt, self.places = tilt, places

    def costs(self, voice: int, steps: Ints, before: Ints, rows: Ints) -> Floats:
        """``(M, S)`` nats, by the pitches ``(M, V)`` before steps ``(M,)`` of candidates
        ``(M,)``."""
        by_motion = -self.tilt[voice][self.places[rows, steps]]  # (M, motions)
        found: Floats = np.take_along_axis(by_motion, _kinds(voice)[before[:, voice]], axis=1)
        return found


def places_of(since_beat: Ints) -> Ints:
    """The indices of ``PLACES``, from steps since the beat."""
    into = since_beat % STEPS_PER_QUARTER
    return np.where(into == 0, 0, np.where(into == STEPS_PER_QUARTER // 2, 1, 2))


def motion_counts(chorale: Chorale, since_beat: Ints) -> NDArray[np.float64]:
    """How often each voice makes each motion at each place, of the shape ``SHAPE``."""
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
    """``(M, S)`` the kind of motion of each symbol after each pitch, ``REST`` the last."""
    motion = moves(voice).motion
    kind = _KINDS[np.abs(motion.steps).clip(max=len(_KINDS) - 1)]
    kind = np.where((motion.own == REST) & (motion.pitch != REST), _LEAP, kind)
    kind = np.where(motion.pitch == REST, _REST, kind)
    kind[:, HOLD] = np.where(motion.own[:, 0] == REST, _REST, _HOLD)
    return kind
