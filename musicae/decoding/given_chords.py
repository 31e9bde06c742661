"""How given chords constrain the plan and the voices.

The plan gets the chords of the planner's vocabulary that are nearest to the given ones
(``give_chords``). The voices get the exact pitch classes: ``GivenCosts`` forbids each symbol that
would leave a given chord incomplete when it begins.

Axes: ``B`` beats, ``S`` states of the planner or symbols of one voice, ``N`` candidates, ``V``
voices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Floats, Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import BASS, REST
from musicae.core.key import Key
from musicae.decoding.constraints import FORBIDDEN, moves
from musicae.decoding.plan_constraints import Mask, Wish
from musicae.theory.given_chords import GivenChord
from musicae.theory.harmonic_plan import HarmonicPlan, PlannedChord, SecondChord

INCOMPLETE = 4 * FORBIDDEN
"""Nats for each pitch class of a given chord that no voice is left to sing. That is more than three
broken rules cost, at most ``FORBIDDEN`` each."""
FOREIGN = 2 * FORBIDDEN
"""Nats for a note that is no member of a given chord that begins at its step."""
ALONG_GIVEN = {
    "direct": 5.0,
    "crossing": 9.0,
    "overlap": 5.0,
    "spacing": 7.0,
    "leap": 10.0,
    "augmented": 5.0,
}
"""The least costs of broken rules, in nats, when chords are given. They are higher than usual,
because the need for complete chords makes voices break rules more often. Chosen on the validation
side."""
_NO_ROOT, _NO_BASS, _MISSING, _EXTRA = 8.0, 1.5, 1.0, 2.0
"""The distance of a state's chord from a given chord, summed: for another root, for another bass,
for each pitch class that is missing, for each that is added."""


def give_chords(wish: Wish, given: Sequence[GivenChord], known: Mask) -> None:
    """Allow on each beat only the states nearest to the given chord that sounds as it begins.

    Args:
        wish: the allowed states, which are narrowed.
        given: the given chords, in order.
        known: ``(T, V)`` which notes are known. Beats whose notes are all known do not change.
    """
    for index, beat in enumerate(wish.beats):
        if known[beat.start : beat.start + beat.length].all():
            continue
        if inside := [g for g in given if beat.start < g.start < beat.start + beat.length]:
            wish.single.add(index)
        sounding = next((g for g in given if g.start <= beat.start < g.stop), None)
        if sounding is None:
            continue
        far = _distances(wish.chords, sounding, wish.key)
        allowed = wish.allowed[index] & (far == far[wish.allowed[index]].min(initial=np.inf))
        if allowed.any():
            wish.allowed[index] = allowed
        wish.given.add(index)
        if inside or sounding.stop >= beat.start + beat.length:
            wish.single.add(index)


def with_given(plan: HarmonicPlan, given: Sequence[GivenChord], wish: Wish) -> HarmonicPlan:
    """The plan with second chords for given chords that begin inside a beat.

    Each beat gets the state's chord that is nearest to the first of them.
    """
    seconds = list(plan.seconds)
    for index, beat in enumerate(plan.beats):
        inside = [g for g in given if beat.start < g.start < beat.start + beat.length]
        if inside:
            nearest = wish.chords[int(_distances(wish.chords, inside[0], plan.key).argmin())]
            assert nearest is not None
            seconds[index] = SecondChord(inside[0].start, nearest)
    return replace(plan, seconds=tuple(seconds))


class GivenCosts:
    """The costs of symbols at the steps at which given chords begin."""

    def __init__(self, given: Sequence[GivenChord]) -> None:
        self.given = {chord.start: chord for chord in given}

    def begins(self, step: int) -> bool:
        """Whether a given chord begins at a step."""
        return step in self.given

    def costs(
        self, voice: int, step: int, before: Ints, now: Ints, waiting: Sequence[int]
    ) -> Floats | float:
        """``(N, S)`` the cost of each symbol of a voice, in nats; 0 if no given chord begins.

        Args:
            voice: 0 to 3, soprano to bass.
            step: the step at which the symbol is chosen.
            before: ``(N, V)`` the pitches of the step before, ``REST`` for a silent voice.
            now: ``(N, V)`` the pitches of this step that are known or chosen, else ``REST``.
            waiting: the voices of this step that are chosen after this one.
        """
        chord = self.given.get(step)
        if chord is None:
            return 0.0
        pitch = moves(voice).motion.pitch[before[:, voice]]  # (N, S)
        degree, sounds = pitch % 12, pitch != REST
        may = chord.members
        if chord.bass is not None and voice == BASS:
            may = (chord.bass,)
        cost = np.where(sounds & np.isin(degree, may), 0.0, FOREIGN)
        others = np.delete(now, voice, axis=1)  # (N, V - 1)
        bass_waits = chord.bass is not None and BASS in waiting
        later = len(waiting) - bass_waits
        lacking = np.zeros(pitch.shape)
        for each in chord.needed:
            if not (bass_waits and each == chord.bass):
                sung = ((others % 12 == each) & (others != REST)).any(axis=1)  # (N,)
                lacking += ~sung[:, None] & ~(sounds & (degree == each))
        return cost + INCOMPLETE * np.maximum(0.0, lacking - later)


def incomplete(chorale: Chorale, given: Sequence[GivenChord]) -> list[GivenChord]:
    """The given chords that lack a pitch class or have another bass when they begin."""
    found = []
    for chord in given:
        now = chorale.pitch[chord.start].astype(int)
        lowest = int(now[BASS]) % 12 if now[BASS] != REST else None
        off = chord.bass is not None and lowest != chord.bass
        if off or chord.missing(now[now != REST] % 12):
            found.append(chord)
    return found


def _distances(
    chords: Sequence[PlannedChord | None], given: GivenChord, key: Key
) -> NDArray[np.float64]:
    """``(S,)`` the distance of each chord from a given one; infinite for None.

    A chord that does not contain the given bass should be in root position.
    """
    members = {(each - key.tonic) % 12 for each in given.members}
    root = None if given.root is None else (given.root - key.tonic) % 12
    bass = None if given.bass is None else (given.bass - key.tonic) % 12
    far = np.full(len(chords), np.inf)
    for state, chord in enumerate(chords):
        if chord is None:
            continue
        own = set(chord.members)
        far[state] = _MISSING * len(members - own) + _EXTRA * len(own - members)
        far[state] += _NO_ROOT * (root is not None and chord.root != root)
        if bass is not None:
            stands = chord.bass_class == bass if bass in own else chord.bass == 0
            far[state] += _NO_BASS * (not stands)
    return far
