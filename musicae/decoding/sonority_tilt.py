"""Small corrections to the logits, so that sampled voices form the same sonorities as Bach's.

It does for four voices together what ``motion_tilt`` does for single voices. The tilt adds to the
logits of the voice that completes a sonority, by the class of the sonority and by the place in the
beat at which it begins.

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
"""Pitch classes, in semitones above the root, of triads, the suspended fourth, seventh chords, and
V7 without its fifth."""
FEW, OTHER = len(CLASSES), len(CLASSES) + 1
"""The class of at most two pitch classes, and the class of all other sonorities."""
SHAPE = (len(PLACES), len(CLASSES) + 2)


class SonorityTilt:
    """The sonority tilt of ``N`` candidates."""

    def __init__(self, tilt: Floats, places: Ints) -> None:
        """``tilt`` has the shape ``SHAPE``, in nats; ``places`` ``(N, T)`` is the index in
        ``PLACES`` of each step."""
        self.tilt, self.places = tilt, places

    def costs(self, voice: int, steps: Ints, before: Ints, now: Ints, rows: Ints) -> Floats:
        """``(M, S)`` the cost of each symbol of the voice that is chosen last, in nats.

        It is 0 if no voice moves.

        Args:
            voice: 0 to 3, soprano to bass.
            steps: ``(M,)`` the step of each row.
            before: ``(M, V)`` the pitches of the step before.
            now: ``(M, V)`` the pitches of this step.
            rows: ``(M,)`` the candidate of each row.
        """
        found = completed(voice, before, now)
        cost = -self.tilt[self.places[rows, steps][:, None], found.kind]
        return np.asarray(np.where(found.stays, 0.0, cost))


class Completed(NamedTuple):
    """The sonority that each symbol of the last voice completes."""

    kind: Ints
    """``(M, S)`` its class."""
    stays: Bools
    """``(M, S)`` whether no voice moves."""


def completed(voice: int, before: Ints, now: Ints) -> Completed:
    """The sonorities that ``voice``, which is chosen last, completes with each symbol.

    ``before`` and ``now`` ``(M, V)`` are the pitches of the step before and of this step.
    """
    others = np.delete(np.arange(now.shape[1]), voice)
    pitch = moves(voice).motion.pitch[before[:, voice]]
    mask = _masks(now[:, others])[:, None] | np.where(pitch == REST, 0, 1 << (pitch % 12))
    stands = (now[:, others] == before[:, others]).all(axis=1)
    stays = stands[:, None] & (pitch == before[:, voice, None])
    return Completed(class_of()[mask], stays)


def sonority_counts(chorale: Chorale, since_beat: Ints) -> NDArray[np.float64]:
    """How often sonorities of each class begin at each place; the shape is ``SHAPE``.

    ``since_beat`` ``(T,)`` is the number of steps from the beat to each step.
    """
    pitch = chorale.pitch.astype(np.int64)
    begins = np.flatnonzero((pitch[1:] != pitch[:-1]).any(axis=1)) + 1
    found = np.zeros(SHAPE)
    np.add.at(found, (places_of(since_beat)[begins], class_of()[_masks(pitch[begins])]), 1)
    return found


def _masks(pitch: Ints) -> Ints:
    """``(N,)`` the pitch classes of the pitches ``(N, V)``, one bit for each."""
    bits = np.where(pitch == REST, 0, 1 << (pitch % 12))
    return np.asarray(np.bitwise_or.reduce(bits, axis=1))


@cache
def class_of() -> Ints:
    """``(4096,)`` the class of each set of pitch classes, whose index has one bit for each."""
    table = np.full(4096, OTHER)
    for mask in range(4096):
        if mask.bit_count() <= 2:
            table[mask] = FEW
    for number, members in enumerate(CLASSES):
        for root in range(12):
            table[sum(1 << ((root + member) % 12) for member in members)] = number
    return table
