"""The costs of an ensemble's limits: ranges, tessituras, hand spans, full chords in three voices.

No note is written outside a voice's range. A note outside the tessitura costs more the further it
is from it. In three voices the root and the third of each chord of the plan sound on its beats, and
the fifth may be missing.

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
"""Nats for a note outside the tessitura, and for each semitone of its distance from it."""
OUT_OF_REACH = 8.0
"""Nats for an interval that is too wide for a hand."""
INCOMPLETE = 8.0
"""Nats for a missing root, and for a missing third, of a chord in three voices on a beat."""
PARTNERS = (1, 0, 3, 2)
"""For each voice, the voice that the same hand plays."""


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
        """``(N, S)`` the cost of each symbol of a voice at a step, in nats; infinite out of range.

        Args:
            voice: 0 to 3, soprano to bass.
            before: ``(N, V)`` the pitches of the step before, ``REST`` for a silent voice.
            now: ``(N, V)`` the pitches of this step that are known or chosen, else ``REST``.
            chords: ``(N, ...)`` the chords of the candidates' plans at the step; None without
                plans.
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
    """``(S,)`` the part of the cost that depends on the symbol and the voice alone."""
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
    """Forbid chords whose root and third cannot both sound in three voices when the chord begins.

    If the bass has neither of them, the melody must have one. A beat keeps its chords if none
    would be left. ``absent`` is the number of the voice that is missing.
    """
    sung = [voice for voice in range(BASS) if voice != absent]
    low = np.array([chord is not None and chord.bass < 2 for chord in wish.chords])
    heads = np.zeros((len(wish.chords), 12), dtype=np.bool_)  # root and third of each chord
    for row, chord in zip(heads, wish.chords, strict=True):
        row[list(chord.members[:2]) if chord else []] = True
    for beat in range(len(wish.beats)):
        degrees = set().union(*(wish.degrees(beat, voice, at_start=True) for voice in sung))
        keep = low | heads[:, list(degrees)].any(axis=1)
        if degrees and (wish.allowed[beat] & keep).any():
            wish.allowed[beat] &= keep
