"""Given chords while a plan is found and while voices are written.

The planner takes the chords of its vocabulary that are nearest to the given ones
(``give_chords``). The voices sing the exact pitch classes: ``GivenCosts`` forbids, symbol by
symbol, what would leave a chord incomplete where it begins.

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
"""Nats for each pitch class of a given chord that cannot sound any more: more than several broken
rules, which are at most ``FORBIDDEN`` each."""
FOREIGN = 2 * FORBIDDEN
"""Nats for a note that is no member where a given chord begins."""
ALONG_GIVEN = {
    "direct": 5.0,
    "crossing": 9.0,
    "overlap": 5.0,
    "spacing": 7.0,
    "leap": 10.0,
    "augmented": 5.0,
}
"""The least costs of broken rules, in nats, where chords are given: voices that must be complete
are pressed harder. Chosen on the validation side."""
_NO_ROOT, _NO_BASS, _MISSING, _EXTRA = 8.0, 1.5, 1.0, 2.0
"""How far a chord of the plan is from a given one: another root, another bass, each pitch class
that it lacks, each that it has more."""


def give_chords(wish: Wish, given: Sequence[GivenChord], known: Mask) -> None:
    """Each beat has the chord of the vocabulary nearest to the given one that sounds as it begins.

    Beats of which all voices are known, ``(T, V)``, are left as they are.
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
    """The plan with the given chords that begin inside beats, the first of each beat."""
    seconds = list(plan.seconds)
    for index, beat in enumerate(plan.beats):
        inside = [g for g in given if beat.start < g.start < beat.start + beat.length]
        if inside:
            nearest = wish.chords[int(_distances(wish.chords, inside[0], plan.key).argmin())]
            assert nearest is not None
            seconds[index] = SecondChord(inside[0].start, nearest)
    return replace(plan, seconds=tuple(seconds))


class GivenCosts:
    """What a symbol costs where a given chord begins."""

    def __init__(self, given: Sequence[GivenChord]) -> None:
        self.given = {chord.start: chord for chord in given}

    def begins(self, step: int) -> bool:
        """Whether a given chord begins at a step."""
        return step in self.given

    def costs(
        self, voice: int, step: int, before: Ints, now: Ints, waiting: Sequence[int]
    ) -> Floats | float:
        """``(N, S)`` nats of each symbol of a voice at a step; 0 where no given chord begins.

        Args:
            before: ``(N, V)`` the pitches of the step before, ``REST`` where nothing sounds.
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
    """The given chords that lack a pitch class, or have another bass, where they begin."""
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
    """``(S,)`` how far each chord is from a given one; infinite for no chord.

    A bass that is no member of any is the chord in root position.
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
