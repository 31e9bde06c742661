"""Small corrections of potentials, so that sampled plans use chords and bass motions like Bach's.

It does for plans what ``motion_tilt`` does for voices. The tilt adds to the potential of each chord
by its quality and inversion and by its root, and to that of each transition by the motion of the
bass.

Axes: ``B`` beats, ``S`` states.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Floats
from musicae.decoding.mixture_chain import MixtureChain, Tables
from musicae.encoding.melody_features import RELATIVE
from musicae.theory.harmonic_plan import PlannedChord
from musicae.theory.numerals import QUALITIES

State = tuple[int, int, int, int]
MEMBERS = 4
KINDS = len(QUALITIES) * MEMBERS
"""The number of kinds of chords. A kind is a quality and the member in the bass."""
STAYS = 12
"""The motion number of a chord that stays. Other motions are semitones of the bass upwards, 0 to
11."""
PARTS = (
    slice(0, KINDS),
    slice(KINDS, KINDS + 12),
    slice(KINDS + 12, KINDS + 24),
    slice(KINDS + 24, KINDS + 24 + STAYS + 1),
)
"""The parts of a tilt: numbers for each kind of chord, for each root above the tonic in major, for
each one in minor, and for each motion."""
SIZE = PARTS[-1].stop


class PlanTilt:
    """The plan tilt of chains with these states."""

    def __init__(self, tilt: Floats, states: Sequence[State]) -> None:
        """``tilt`` ``(SIZE,)`` is in nats; the last of ``states`` stands for all other chords."""
        kinds, major, minor, motions = (tilt[part] for part in PARTS)
        roots = np.array([state[0] for state in states])
        kind = np.append(kinds, 0.0)[[*(_kind(state) for state in states[:-1]), KINDS]]
        self.unary = {
            mode: kind + of_roots[(roots - RELATIVE[mode]) % 12]
            for mode, of_roots in (("major", major), ("minor", minor))
        }
        bass = np.array([state[3] for state in states])
        motion = (bass[None, :] - bass[:, None]) % 12
        np.fill_diagonal(motion, STAYS)
        self.factor = np.exp(motions[motion])
        self.tables: WeakKeyDictionary[Tables, Tables] = WeakKeyDictionary()

    def of(self, chain: MixtureChain, mode: str) -> MixtureChain:
        """The chain of a piece in a mode, with the tilt.

        Chains with the same tables also share the tilted tables.
        """
        base = chain.tables
        if base not in self.tables:
            self.tables[base] = Tables(base.factors * self.factor)
        return replace(chain, unary=chain.unary + self.unary[mode], tables=self.tables[base])


def plan_counts(chords: Iterable[PlannedChord | None], mode: str) -> NDArray[np.float64]:
    """``(SIZE,)`` how often the chords of beats have each kind, each root, and each motion."""
    found = np.zeros(SIZE)
    before = None
    names = tuple(QUALITIES)
    for chord in chords:
        if chord is not None:
            found[_kind((0, names.index(chord.quality), chord.bass, 0))] += 1
            found[PARTS[1 if mode == "major" else 2].start + chord.root] += 1
            if before is not None:
                moves = (chord.bass_class - before.bass_class) % 12
                found[PARTS[3].start + (STAYS if chord == before else moves)] += 1
        before = chord
    return found


def _kind(state: State) -> int:
    _, quality, member, _ = state
    return quality * MEMBERS + member
