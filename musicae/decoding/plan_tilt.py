"""Small corrections of how plans move, so that drawn plans have the chords and basses of Bach's.

As ``motion_tilt`` does for voices: what is added to the potentials of chords, by quality and
inversion, and of transitions, by the motion of the bass.

Axes: ``B`` beats, ``S`` states.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Floats
from musicae.decoding.mixture_chain import MixtureChain, Tables
from musicae.theory.harmonic_plan import PlannedChord
from musicae.theory.numerals import QUALITIES

State = tuple[int, int, int, int]
MEMBERS = 4
KINDS = len(QUALITIES) * MEMBERS
"""Kinds of chords: quality and the member in the bass."""
STAYS = 12
"""The motion of a bass whose chord stays; others are semitones upwards, 0 to 11."""
MOTIONS = STAYS + 1
SIZE = KINDS + MOTIONS
"""Of a tilt: a number for each kind of chord, then one for each motion, in nats."""


class PlanTilt:
    """The tilt of chains with given states."""

    def __init__(self, tilt: Floats, states: Sequence[State]) -> None:
        """``tilt`` ``(SIZE,)``; the last state stands for all other chords."""
        kinds, motions = np.append(tilt[:KINDS], 0.0), tilt[KINDS:]
        self.unary = kinds[[*(_kind(state) for state in states[:-1]), KINDS]]
        bass = np.array([state[3] for state in states])
        motion = (bass[None, :] - bass[:, None]) % 12
        np.fill_diagonal(motion, STAYS)
        self.factor = np.exp(motions[motion])
        self.tables: dict[int, Tables] = {}

    def of(self, chain: MixtureChain) -> MixtureChain:
        """The chain with the tilt; chains that share tables share the tilted ones."""
        base = chain.tables
        if id(base) not in self.tables:
            self.tables[id(base)] = Tables(base.factors * self.factor)
        return replace(chain, unary=chain.unary + self.unary, tables=self.tables[id(base)])


def plan_counts(chords: Iterable[PlannedChord | None]) -> NDArray[np.float64]:
    """``(SIZE,)`` how often the chords of beats are of each kind, and move in each way."""
    found = np.zeros(SIZE)
    before = None
    names = tuple(QUALITIES)
    for chord in chords:
        if chord is not None:
            found[_kind((0, names.index(chord.quality), chord.bass, 0))] += 1
            if before is not None:
                moves = (chord.bass_class - before.bass_class) % 12
                found[KINDS + (STAYS if chord == before else moves)] += 1
        before = chord
    return found


def _kind(state: State) -> int:
    _, quality, member, _ = state
    return quality * MEMBERS + member
