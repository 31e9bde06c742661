"""What an ensemble costs: notes outside its ranges and tessituras, hands, chords in three voices.

No note is written outside a voice's range. Outside its tessitura a note costs more the further it
lies. In three voices the root and the third of each chord of the plan sound on its beats; the fifth
is what a full chord can lack.

Axes: ``N`` candidates, ``V`` voices, ``S`` symbols of one voice.
"""

from __future__ import annotations

import numpy as np

from musicae.core.arrays import Bools, Floats, Ints
from musicae.core.constants import BASS, N_VOICES, REST
from musicae.decoding.constraints import PITCHES, moves
from musicae.decoding.plan_constraints import Wish
from musicae.decoding.plan_costs import BETWEEN, Members
from musicae.encoding.partial_score import Limits
from musicae.models.vocabulary import FIRST_PITCH

OUTSIDE, FURTHER = 1.0, 0.75
"""Nats of a note outside the tessitura, and of each semitone that it lies outside."""
OUT_OF_REACH = 8.0
"""Nats of an interval that a hand does not reach."""
INCOMPLETE = 8.0
"""Nats of a chord in three voices on a beat, for each of root and third that is missing."""
PARTNERS = (1, 0, 3, 2)
"""The voice that each voice shares a hand with."""


class EnsembleCosts:
    """The costs of an ensemble's limits, added to those of the rules and the plan."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.of_pitch = [_of_pitch(limits, voice) for voice in range(N_VOICES)]

    def costs(
        self,
        voice: int,
        before: Ints,
        now: Ints,
        chords: Members | None,
        *,
        last: Bools,
    ) -> Floats:
        """``(N, S)`` the cost of each symbol of a voice at a step; infinite out of range.

        Args:
            before: ``(N, V)`` the pitches of the step before, ``REST`` where nothing sounds.
            now: ``(N, V)`` the pitches of this step that are known or chosen, else ``REST``.
            chords: ``(N, ...)`` those of the candidates' plans at the step; None without plans.
            last: ``(N,)`` whether no other voice of the step is still to be chosen.
        """
        pitch = moves(voice).motion.pitch[before[:, voice]]
        cost = np.broadcast_to(self.of_pitch[voice], pitch.shape).copy()
        if self.limits.hand is not None:
            other = now[:, PARTNERS[voice], None]
            wide = np.abs(pitch - other) > self.limits.hand
            cost += OUT_OF_REACH * (wide & (other != REST) & (pitch != REST))
        if self.limits.absent and last.any() and chords is not None:
            on_beat = ((chords.place != BETWEEN) & last)[:, None]
            for member in (chords.root, chords.third):
                there = ((now % 12 == member[:, None]) & (now != REST)).any(axis=1)
                missing = ~there[:, None] & (member >= 0)[:, None] & (pitch % 12 != member[:, None])
                cost += INCOMPLETE * (on_beat & (missing | (pitch == REST)))
        return cost


def _of_pitch(limits: Limits, voice: int) -> Floats:
    """``(S,)`` the cost of each symbol of a voice wherever it stands."""
    pitch = PITCHES[voice]
    cost = np.zeros(FIRST_PITCH + len(pitch))
    bounds, within = limits.ranges[voice], limits.tessituras[voice]
    if bounds is None or within is None:
        cost[FIRST_PITCH:] = np.inf
        return cost
    beyond = np.maximum(0, np.maximum(within[0] - pitch, pitch - within[1]))
    cost[FIRST_PITCH:] = np.where(beyond > 0, OUTSIDE + FURTHER * beyond, 0.0)
    cost[FIRST_PITCH:][(pitch < bounds[0]) | (pitch > bounds[1])] = np.inf
    return cost


def keep_complete(wish: Wish, absent: int) -> None:
    """Leave out chords of which three voices cannot sing both root and third where they begin.

    Where the bass has neither, the melody has one of them. ``absent`` is the voice that is not
    there.
    """
    sung = [voice for voice in range(BASS) if voice != absent]
    low = np.array([chord is not None and chord.bass < 2 for chord in wish.chords])
    heads = np.zeros((len(wish.chords), 12), dtype=np.bool_)  # root and third of each
    for row, chord in zip(heads, wish.chords, strict=True):
        row[list(chord.members[:2]) if chord else []] = True
    for beat in range(len(wish.beats)):
        degrees = set().union(*(wish.degrees(beat, voice, at_start=True) for voice in sung))
        keep = low | heads[:, list(degrees)].any(axis=1)
        if degrees and (wish.allowed[beat] & keep).any():
            wish.allowed[beat] &= keep
