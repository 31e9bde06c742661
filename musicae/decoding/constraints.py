"""The costs of breaking voice-leading rules, for each symbol before it is chosen.

The rules are those of ``theory.voice_leading`` that need only two successive steps: parallel and
contrary fifths and octaves, direct ones in the outer voices, crossing, overlap, spacing, leaps and
augmented intervals. A voice is compared with the voices that are known or already chosen.

Axes: ``N`` candidates, ``V`` voices, ``S`` symbols of one voice.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from itertools import permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Floats, Ints
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
"""Nats that outweigh any likelihood. If every symbol breaks a rule, the cheapest is chosen."""
NEW, NOBODY = -1, -2
"""The row number of a combination that is not computed yet, and the key of a silent voice."""
ROOM, MOST = 1024, 65_536
"""The number of rows of a table at first, and the most that are kept."""
SILENT_WAY_OUT = 10.0
"""Nats that a rest costs under strict rules, so that a voice without a permitted note rests."""


class Motion(NamedTuple):
    """How each symbol would move one voice."""

    own: Ints
    """``(N, 1)`` the voice's pitch at the step before, or ``REST``."""
    pitch: Ints
    """``(N, S)`` the voice's pitch with each symbol, or ``REST``."""
    steps: Ints
    """``(N, S)`` semitones from ``own`` to ``pitch``; 0 if one of them is a rest."""


class Moves(NamedTuple):
    """The motions of one voice from any pitch.

    Axis ``M``: the pitch at the step before, by MIDI number, then ``REST``.
    """

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
    """Two fifths, octaves or unisons one after the other, in similar or contrary motion."""
    direct: float = 0.0
    """The outer voices move in similar motion into a fifth or octave, and the soprano leaps."""
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
        """Raise costs to at least these values, each given by the name of its field."""
        return replace(self, **{name: max(getattr(self, name), costs[name]) for name in costs})

    def of_pairs(
        self, voice: int, other: int, own: Ints, *, were: Ints, theirs: Ints, beside: bool
    ) -> Floats:
        """``(N, S)`` the cost of each symbol of a voice against one other voice, in nats.

        Args:
            voice: 0 to 3, soprano to bass.
            other: the number of the other voice, which sounds at this step.
            own: ``(N,)`` the voice's own pitches at the step before, or ``REST``.
            were: ``(N,)`` the other voice's pitches at the step before, or ``REST``.
            theirs: ``(N,)`` the other voice's pitches at this step.
            beside: whether the two voices are neighbours.
        """
        motion = Motion(*(part[own] for part in moves(voice).motion))
        were, theirs = were[:, None], theirs[:, None]
        cost = self._parallels(voice, other, were, theirs, motion)
        if beside:
            cost = cost + self._beside(voice, other, were, theirs, motion)
        cost[motion.pitch == REST] = 0.0
        return cost

    def _parallels(
        self, voice: int, other: int, were: Ints, theirs: Ints, motion: Motion
    ) -> Floats:
        """``(N, S)`` the costs of parallel and direct fifths and octaves."""
        moved = np.where(were == REST, 0, theirs - were)
        ours = motion.steps
        apart = np.abs(motion.pitch - theirs) % 12
        apart_before = np.abs(motion.own - were) % 12
        perfect = (apart == OCTAVE) | (apart == FIFTH)
        again = apart == apart_before
        both_new = (ours % 12 != 0) & (moved % 12 != 0)
        cost: Floats = self.parallel * (perfect & again & both_new)
        if {voice, other} == {SOPRANO, BASS}:
            leap = np.abs(ours if voice == SOPRANO else moved) > STEP
            cost = cost + self.direct * ((ours * moved > 0) & leap & perfect & ~again)
        return cost

    def _beside(self, voice: int, other: int, were: Ints, theirs: Ints, motion: Motion) -> Floats:
        """``(N, S)`` the costs of crossing, spacing and overlap with a neighbouring voice."""
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
        return np.where(new, cost, 0.0)


class RuleTable:
    """A cache of the costs of rules for pairs of voices.

    The cost of a symbol is a sum over the other voices that sound. Each term depends on four
    pitches only, so few combinations occur, and they occur often.
    """

    def __init__(self, rules: RuleCosts, absent: tuple[int, ...] = ()) -> None:
        """``absent`` are the numbers of the voices that the piece does not have."""
        self.rules = rules
        there = [voice for voice in range(N_VOICES) if voice not in absent]
        self.beside = {
            (a, b) for a, b in permutations(there, 2) if abs(there.index(a) - there.index(b)) == 1
        }
        every = [moves(voice) for voice in range(N_VOICES)]
        self.alone = [rules.leap * m.wide + rules.augmented * m.augmented for m in every]
        self.known: list[dict[int, int]] = [{} for _ in range(N_VOICES)]
        self.rows = [np.zeros((ROOM, m.wide.shape[1])) for m in every]
        """For each voice one row of costs ``(S,)`` for each known combination. The first row is for
        a silent voice."""
        self.others = [np.delete(np.arange(N_VOICES), voice) for voice in range(N_VOICES)]

    def costs(self, voice: int, before: Ints, now: Ints, fifths: Ints | int = 0) -> Floats:
        """``(N, S)`` the cost of each symbol of a voice, in nats.

        Args:
            voice: 0 to 3, soprano to bass.
            before: ``(N, V)`` the pitches of the step before, ``REST`` for a voice that rests.
            now: ``(N, V)`` the known or chosen pitches of this step; ``REST`` for a voice that
                rests or is not chosen yet.
            fifths: ``(N,)`` the key signatures: the number of sharps, or minus that of flats.
        """
        own = before[:, voice]
        if self.rules == OFF:
            return np.zeros((len(own), self.rows[voice].shape[1]))
        others = self.others[voice]
        were, theirs = before[:, others] + 1, now[:, others] + 1  # (N, V - 1), 0 for a rest
        sounds = theirs > 0
        keys = (own[:, None] + 1) * 129 + were
        keys = np.where(sounds, (keys * 129 + theirs) * N_VOICES + others, NOBODY)
        known = self.known[voice]
        found = [known.get(key, NEW) for key in keys.ravel().tolist()]
        if NEW in found:
            self._learn(voice, keys)
            found = [self.known[voice][key] for key in keys.ravel().tolist()]
        cost: Floats = self.rows[voice][np.reshape(found, keys.shape)].sum(axis=1)
        cost += self.alone[voice][fifths % 12, own]
        cost[:, SILENCE] = self.rules.rest * sounds.any(axis=1)
        return cost

    def _learn(self, voice: int, keys: Ints) -> None:
        """Compute the rows of combinations that are not known yet."""
        known = self.known[voice]
        if len(known) + keys.size >= MOST:
            known.clear()
        known.setdefault(NOBODY, 0)
        new = np.array([key for key in sorted(set(keys.ravel().tolist())) if key not in known])
        rows = self.rows[voice]
        if len(known) + len(new) > len(rows):
            self.rows[voice] = rows = np.concatenate(
                [rows, np.zeros((max(len(rows), len(new)), rows.shape[1]))]
            )
        each, others = np.divmod(new, N_VOICES)
        each, theirs = np.divmod(each, 129)
        own, were = np.divmod(each, 129)
        for other in sorted(set(others.ravel().tolist())):
            here = np.flatnonzero(others == other)
            first = len(known)
            rows[first : first + len(here)] = self.rules.of_pairs(
                voice,
                other,
                own[here] - 1,
                were=were[here] - 1,
                theirs=theirs[here] - 1,
                beside=(voice, other) in self.beside,
            )
            known.update(zip(new[here].tolist(), range(first, first + len(here)), strict=True))


@lru_cache(maxsize=16)
def rule_table(rules: RuleCosts, absent: tuple[int, ...] = ()) -> RuleTable:
    """The table of these rules. All pieces that are written with them share it."""
    return RuleTable(rules, absent)


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
Bach, ``off`` sets no costs. The costs of ``bach`` are fitted on the validation side. Without rules
the harmonizer writes 4.3 parallels per 100 chords there. With these costs it breaks no rule more
often than Bach does on the train side."""


@dataclass(frozen=True)
class Close:
    """The close of a piece: only the tonic triad is allowed from ``step`` on."""

    step: int
    """The first step of the close."""
    tonic: int
    """The tonic's pitch class, 0 to 11."""
    thirds: tuple[int, ...]
    """The pitch classes that the third may have; in minor the minor or the major (Picardy) third.
    One of them sounds."""

    def costs(self, voice: int, step: int, before: Ints, now: Ints) -> Floats:
        """``(S,)`` the cost of each symbol of a voice at a step, in nats, for one candidate.

        ``before`` and ``now`` ``(V,)`` are one row of those of ``RuleTable.costs``.
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
    """The close of a piece: it begins with the last note of the last phrase, or with the last bar.

    It is the last bar if phrases are unknown or the last phrase ends before the last two bars. If
    the piece goes on after this part, the close begins after its last step, so there is none.
    """
    chorale, key = partial.chorale, partial.key
    step = chorale.measures[-1].start
    if partial.after:
        step = len(chorale)
    elif partial.phrases and partial.phrases[-1] >= step - chorale.measures[-1].length:
        step = partial.phrases[-1]
    major, minor = (key.tonic + 4) % 12, (key.tonic + 3) % 12
    return Close(step, key.tonic, (major,) if key.mode == "major" else (minor, major))
