"""The costs of breaking voice-leading rules, for each symbol before it is chosen.

The rules are those of ``theory.voice_leading`` that two successive steps show: parallel and
contrary fifths and octaves, direct ones in the outer voices, crossing, overlap, spacing, leaps and
augmented intervals. A voice is compared with the voices that are known or already chosen.

Axes: ``N`` candidates, ``V`` voices, ``S`` symbols of one voice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Ints
from musicae.core.constants import BASS, N_VOICES, REST, SOPRANO, VOICE_RANGES
from musicae.encoding.partial_score import PartialScore
from musicae.models.vocabulary import FIRST_PITCH, HOLD, MIDI_PITCHES, SILENCE
from musicae.theory.spelling import places_near
from musicae.theory.voice_leading.between_voices import FIFTH, OCTAVE, STEP, WIDEST_SPACING
from musicae.theory.voice_leading.within_voice import AUGMENTED_FOURTH, CHROMATIC_SEMITONE

_SEVENTHS = (10, 11)
OCTAVE_LEAP = 12
PITCHES = tuple(np.arange(low, high + 1) for low, high in VOICE_RANGES)
FORBIDDEN = 50.0
"""Nats that outweigh any likelihood; where every symbol breaks a rule, the cheapest is chosen."""
SILENT_WAY_OUT = 10.0
"""Nats that a rest costs under strict rules: a voice with no permitted note rests."""


class Motion(NamedTuple):
    """The pitch that each symbol would give one voice."""

    own: Ints
    """``(N, 1)`` its pitch at the step before."""
    pitch: Ints
    """``(N, S)`` the pitch that sounds with each symbol, or ``REST``."""
    steps: Ints
    """``(N, S)`` semitones from one to the other; 0 where one of them is a rest."""


class Moves(NamedTuple):
    """The motions of one voice from any pitch. Axis ``M``: MIDI pitches of the step before, then
    ``REST``."""

    motion: Motion
    """With ``M`` in place of ``N``."""
    wide: NDArray[np.bool_]
    """``(M, S)`` sevenths, and leaps wider than an octave."""
    augmented: NDArray[np.bool_]
    """``(12, M, S)`` augmented intervals, by the key signature's place on the circle of fifths."""


@cache
def moves(voice: int) -> Moves:
    """All motions of a voice, by its number."""
    own = np.array([*range(MIDI_PITCHES), REST])[:, None]
    pitch = np.empty((len(own), FIRST_PITCH + len(PITCHES[voice])), dtype=np.int64)
    pitch[:, HOLD], pitch[:, SILENCE], pitch[:, FIRST_PITCH:] = own[:, 0], REST, PITCHES[voice]
    steps = np.where((pitch == REST) | (own == REST), 0, pitch - own)
    size = np.abs(steps)
    wide = (size > OCTAVE_LEAP) | (size == _SEVENTHS[0]) | (size == _SEVENTHS[1])
    places = np.stack([places_near(signature) for signature in range(12)])[:, :, None]
    upwards = np.sign(steps) * (places[:, pitch % 12, 0] - places[:, own % 12, 0])
    augmented = (upwards >= AUGMENTED_FOURTH) & (upwards != CHROMATIC_SEMITONE)
    return Moves(Motion(own, pitch, steps), wide, augmented)


@dataclass(frozen=True)
class RuleCosts:
    """The cost of one violation of each rule, in nats subtracted from a log-probability."""

    parallel: float = 0.0
    """Fifths, octaves and unisons in a row, in similar or contrary motion."""
    direct: float = 0.0
    """A fifth or octave of the outer voices reached in similar motion, the soprano leaping."""
    crossing: float = 0.0
    overlap: float = 0.0
    spacing: float = 0.0
    """More than an octave between neighbouring upper voices."""
    leap: float = 0.0
    """A seventh, or more than an octave."""
    augmented: float = 0.0
    """An augmented second, fourth or fifth, as the key's signature spells it."""
    rest: float = 0.0
    """Each step of rest while another voice sounds."""

    def at_least(self, **costs: float) -> RuleCosts:
        """These costs where they are lower, each by the name of its field."""
        return replace(self, **{name: max(getattr(self, name), costs[name]) for name in costs})

    def costs(
        self,
        voice: int,
        before: Ints,
        now: Ints,
        fifths: Ints | None = None,
        absent: Sequence[int] = (),
    ) -> NDArray[np.floating]:
        """``(N, S)`` the cost of each symbol of a voice, in nats.

        Args:
            voice: 0 to 3, soprano to bass.
            before: ``(N, V)`` the pitches of the step before, ``REST`` where a voice rests.
            now: ``(N, V)`` the known or chosen pitches of this step; ``REST`` where a voice rests
                or is not chosen yet.
            fifths: ``(N,)`` the key signatures, sharps or (negative) flats; 0 where left out.
            absent: the voices that the piece does not have.
        """
        own = before[:, voice]
        every = moves(voice)
        motion = Motion(*(part[own] for part in every.motion))
        if self == OFF:
            return np.zeros(motion.pitch.shape)
        signatures = 0 if fifths is None else fifths % 12
        cost: NDArray[np.floating] = self.leap * every.wide[own]
        cost += self.augmented * every.augmented[signatures, own]
        # A voice is chosen for all candidates or for none, but it may rest in some of them.
        sounds = now != REST
        others = [u for u, any_sounds in enumerate(sounds.any(axis=0)) if any_sounds and u != voice]
        if not others:
            return cost
        cost += self._parallels(voice, others, before, now, motion)
        there = [v for v in range(N_VOICES) if v not in absent]
        place = there.index(voice)
        for other in {*there[max(0, place - 1) : place + 2]} & set(others):
            cost += self._beside(voice, other, before, now, motion)
        cost[motion.pitch == REST] = 0.0
        cost[:, SILENCE] = self.rest * sounds[:, others].any(axis=-1)
        return cost

    def _parallels(
        self, voice: int, others: list[int], before: Ints, now: Ints, motion: Motion
    ) -> NDArray[np.floating]:
        """``(N, S)`` the costs of parallel and direct fifths and octaves."""
        others = [u for u in others if (now[:, u] != before[:, u]).any()]
        if not others:
            return np.zeros(motion.pitch.shape)
        theirs, were = now[:, None, others], before[:, None, others]  # (N, 1, U)
        moved = np.where((were == REST) | (theirs == REST), 0, theirs - were)
        ours = motion.steps[:, :, None]  # (N, S, 1)
        apart = np.abs(motion.pitch[:, :, None] - theirs) % 12
        apart_before = np.abs(motion.own[:, :, None] - were) % 12
        perfect = (apart == OCTAVE) | (apart == FIFTH)
        again = apart == apart_before
        both_new = (ours % 12 != 0) & (moved % 12 != 0)
        cost: NDArray[np.floating] = self.parallel * (perfect & again & both_new).sum(axis=-1)
        outer = SOPRANO if voice == BASS else BASS
        if voice in (SOPRANO, BASS) and outer in others:
            u = others.index(outer)
            leap = np.abs(ours[..., 0] if voice == SOPRANO else moved[..., u]) > STEP
            similar = ours[..., 0] * moved[..., u] > 0
            cost = cost + self.direct * (similar & leap & perfect[..., u] & ~again[..., u])
        return cost

    def _beside(
        self, voice: int, other: int, before: Ints, now: Ints, motion: Motion
    ) -> NDArray[np.floating]:
        """``(N, S)`` the costs of crossing, spacing and overlap with a neighbouring voice."""
        theirs, were = now[:, other, None], before[:, other, None]
        if voice < other:
            upper, lower, upper_was, lower_was = motion.pitch, theirs, motion.own, were
        else:
            upper, lower, upper_was, lower_was = theirs, motion.pitch, were, motion.own
        new = (motion.pitch != motion.own) | (theirs != were)
        cost = self.crossing * (upper < lower)
        if max(voice, other) != BASS:
            cost = cost + self.spacing * (upper - lower > WIDEST_SPACING)
        # A voice that rested left no note to overlap.
        beyond = ((upper < lower_was) & (upper_was != REST)) | (
            (lower > upper_was) & (upper_was != REST) & (lower_was != REST)
        )
        in_order = (upper >= lower) & (upper_was >= lower_was)
        cost = cost + self.overlap * (beyond & in_order)
        return np.where(new & (theirs != REST), cost, 0.0)


OFF = RuleCosts()
STRICT = replace(RuleCosts(*[FORBIDDEN] * len(fields(RuleCosts))), rest=SILENT_WAY_OUT)
PRESETS = {
    "strict": STRICT,
    "bach": RuleCosts(
        parallel=6.0,
        direct=3.0,
        crossing=3.0,
        overlap=2.0,
        spacing=1.0,
        leap=5.0,
        augmented=3.0,
        rest=6.0,
    ),
    "off": OFF,
}
"""Costs by name: ``strict`` breaks no rule that can be kept, ``bach`` breaks rules as rarely as
Bach, ``off`` leaves all to the model. The costs of ``bach`` are fitted on the validation side:
without rules the harmonizer writes 4.3 parallels per 100 chords there; with them it breaks none of
these rules more often than Bach does on the train side."""


@dataclass(frozen=True)
class Close:
    """The close of a piece: from ``step`` on only the tonic triad is allowed."""

    step: int
    """The first step of the close."""
    tonic: int
    """A pitch class, 0 to 11."""
    thirds: tuple[int, ...]
    """Pitch classes of which one sounds: in minor the minor third or the Picardy third."""

    def costs(self, voice: int, step: int, before: Ints, now: Ints) -> NDArray[np.floating]:
        """``(S,)`` the cost of each symbol of a voice at a step, for one candidate.

        ``before`` and ``now`` ``(V,)`` are those of ``RuleCosts.costs``.
        """
        pitch = np.concatenate([[before[voice], REST], PITCHES[voice]])
        cost = np.zeros(len(pitch))
        if step < self.step:
            return cost
        others = [now[u] % 12 for u in range(N_VOICES) if u != voice and now[u] != REST]
        sounding = [third for third in self.thirds if third in others]
        allowed = {self.tonic}
        if voice != BASS:
            allowed |= {(self.tonic + FIFTH) % 12, *(sounding[:1] or self.thirds)}
            if len(others) == N_VOICES - 1 and not sounding:
                allowed = set(self.thirds)  # the last voice completes the triad
        cost[~np.isin(pitch % 12, list(allowed))] = FORBIDDEN
        cost[pitch == REST] = FORBIDDEN
        return cost


def close_of(partial: PartialScore) -> Close:
    """The close begins with the last phrase's last note, or with the last bar.

    The last bar is taken where phrases are unknown or the last one ends before the last two bars.
    """
    chorale, key = partial.chorale, partial.key
    step = chorale.measures[-1].start
    if partial.phrases and partial.phrases[-1] >= step - chorale.measures[-1].length:
        step = partial.phrases[-1]
    major, minor = (key.tonic + 4) % 12, (key.tonic + 3) % 12
    return Close(step, key.tonic, (major,) if key.mode == "major" else (minor, major))
