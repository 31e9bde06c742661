"""Small corrections of what sounds together, so that drawn chords have the sonorities of Bach's.

As ``motion_tilt`` does for single voices: what is added to the logits of the voice that completes a
sonority, by the class of the sonority and where in the beat it begins.

Axes: ``N`` candidates, ``T`` steps, ``V`` voices, ``S`` symbols of a voice.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Bools, Floats, Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.decoding.constraints import moves
from musicae.decoding.motion_tilt import PLACES, places_of

CLASSES = (
    (0, 4, 7),
    (0, 3, 7),
    (0, 3, 6),
    (0, 4, 8),
    (0, 5, 7),
    (0, 4, 7, 10),
    (0, 3, 7, 10),
    (0, 4, 7, 11),
    (0, 3, 6, 10),
    (0, 3, 6, 9),
    (0, 4, 10),
)
"""Pitch classes above the root of triads, suspended fourths, sevenths, and V7 without its fifth."""
FEW, OTHER = len(CLASSES), len(CLASSES) + 1
"""The classes of up to two pitch classes, and of all other sonorities."""
SHAPE = (len(PLACES), len(CLASSES) + 2)


class SonorityTilt:
    """The tilt of candidates whose steps lie at given places of their beats."""

    def __init__(self, tilt: Floats, places: Ints) -> None:
        """``tilt`` has the shape ``SHAPE``, in nats; ``places`` ``(N, T)`` index ``PLACES``."""
        self.tilt, self.places = tilt, places

    def costs(self, voice: int, steps: Ints, before: Ints, now: Ints, rows: Ints) -> Floats:
        """``(M, S)`` nats of a voice that is chosen last, by the pitches ``(M, V)`` before steps
        ``(M,)`` of candidates ``(M,)`` and of these steps; nothing where no voice moves."""
        found = completed(voice, before, now)
        cost = -self.tilt[self.places[rows, steps][:, None], found.kind]
        return np.asarray(np.where(found.stays, 0.0, cost))


class Completed(NamedTuple):
    """The sonorities that each symbol of a last voice completes, ``(N, S)`` each."""

    kind: Ints
    """Their classes."""
    stays: Bools
    """Whether no voice moves."""


def completed(voice: int, before: Ints, now: Ints) -> Completed:
    """What a voice that is chosen last completes; the pitches are ``(N, V)``."""
    others = np.delete(np.arange(now.shape[1]), voice)
    pitch = moves(voice).motion.pitch[before[:, voice]]
    mask = _masks(now[:, others])[:, None] | np.where(pitch == REST, 0, 1 << (pitch % 12))
    stands = (now[:, others] == before[:, others]).all(axis=1)
    stays = stands[:, None] & (pitch == before[:, voice, None])
    return Completed(class_of()[mask], stays)


def sonority_counts(chorale: Chorale, since_beat: Ints) -> NDArray[np.float64]:
    """How often sonorities of each class begin at each place, of the shape ``SHAPE``."""
    pitch = chorale.pitch.astype(np.int64)
    begins = np.flatnonzero((pitch[1:] != pitch[:-1]).any(axis=1)) + 1
    found = np.zeros(SHAPE)
    np.add.at(found, (places_of(since_beat)[begins], class_of()[_masks(pitch[begins])]), 1)
    return found


def _masks(pitch: Ints) -> Ints:
    """``(N,)`` the pitch classes of pitches ``(N, V)``, one bit each."""
    bits = np.where(pitch == REST, 0, 1 << (pitch % 12))
    return np.asarray(np.bitwise_or.reduce(bits, axis=1))


@cache
def class_of() -> Ints:
    """``(4096,)`` the class of each set of pitch classes, one bit each."""
    table = np.full(4096, OTHER)
    for mask in range(4096):
        if mask.bit_count() <= 2:
            table[mask] = FEW
    for number, members in enumerate(CLASSES):
        for root in range(12):
            table[sum(1 << ((root + member) % 12) for member in members)] = number
    return table
