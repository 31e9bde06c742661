"""The costs of symbols that do not fit the harmonic plan, before a symbol is chosen.

When a chord of the plan begins, and on each of its later beats, the bass should have the planned
bass note, and the other voices should have members of the chord. The voice that is chosen last
completes the chord. A leading note or a seventh is not doubled, and it resolves when the chord
changes. Costs are in nats and are added to those of ``constraints.RuleCosts``.

Axes: ``T`` steps, ``N`` candidates, each with a plan of its own, ``V`` voices, ``S`` symbols of one
voice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Bools, Ints
from musicae.core.constants import BASS, N_VOICES, REST, SOPRANO
from musicae.decoding.constraints import FORBIDDEN, PITCHES, moves
from musicae.models.vocabulary import FIRST_PITCH
from musicae.theory.given_chords import GivenChord
from musicae.theory.harmonic_plan import HarmonicPlan, PlannedChord

Costs = NDArray[np.float64]

_NO_MEMBER = -1
"""Stands for the pitch class of a member that a chord does not have."""
SILENT_CLASS = 12
"""Stands for the pitch class of a silent voice."""
_CLASSES = np.eye(SILENT_CLASS + 1, dtype=np.bool_)
_CLASSES[SILENT_CLASS] = False
"""``(13, 13)`` each pitch class one-hot; the row of a silent voice is all False."""
BETWEEN, ON_BEAT, BEGINS, LAST = range(4)
"""The place of a step in its chord: between beats, on a later beat, at the beginning, or in the
last chord of the piece."""
DOMINANTS = ("major", "dominant")
LEADING = {"diminished": 0, "half-diminished": 0, "diminished-seventh": 0}
"""By quality, the index of the member that is the leading note."""


@dataclass(frozen=True)
class PlanWeights:
    """Costs in nats, chosen on the validation sides."""

    bass: float = 4.0
    """A bass note other than the planned one when a chord begins."""
    foreign: float = 0.7
    """A note that begins together with a chord and is no member of it."""
    suspended: float = 0.0
    """A note that is held into a chord and is no member of it."""
    on_beat: float = 0.5
    """The factor of all these costs, except ``unresolved`` and ``restruck``, on a later beat of the
    same chord."""
    incomplete: float = 1.5
    """A chord without its third, after its last voice is chosen."""
    thin: float = 4.0
    """Only two pitch classes in four voices, although the last voice could add a third one."""
    doubled: float = 3.0
    """A leading note or a seventh in two voices."""
    firm: float = 1.0
    """The factor of ``bass``, ``foreign`` and ``suspended`` on the last beat of a phrase and on the
    beat before it."""
    restruck: float = 0.0
    """A soprano note that begins after the beginning of the last chord."""
    parallel: float = 14.0
    """The least cost of a parallel. It is higher than without a plan, because the plan's other
    costs make parallels more likely."""
    leap: float = 0.0
    """The least cost of a seventh, or of a leap wider than an octave."""
    augmented: float = 0.0
    """The least cost of an augmented interval."""
    unresolved: float = 2.0
    """A seventh that does not fall by step, or a leading note of an outer voice that does not rise
    to the tonic, when the chord changes to one that has the note of resolution."""


USUAL = PlanWeights()
ALONG_LATENTS = PlanWeights(
    bass=1.2,
    parallel=40.0,
    foreign=0.2,
    incomplete=0.45,
    thin=1.2,
    doubled=0.9,
    firm=20.0,
    restruck=5.0,
    leap=6.0,
    augmented=5.0,
    unresolved=3.0,
)
"""The costs for pieces that are decoded from latent vectors. The vectors determine the notes more
closely than a plan does."""


class Members(NamedTuple):
    """The chord of each candidate at each step, as pitch classes.

    Fields without a shape are ``(T, N)``; ``_NO_MEMBER`` stands for a missing pitch class.
    """

    member: NDArray[np.bool_]
    """``(T, N, 12)`` which pitch classes belong to the chord; all if no chord is planned."""
    root: Ints
    bass: Ints
    third: Ints
    leading: Ints
    """The leading note of a dominant."""
    seventh: Ints
    place: Ints
    """``BETWEEN``, ``ON_BEAT``, ``BEGINS`` or ``LAST``."""


class PlanCosts:
    """The costs of ``N`` candidates, each with its plan."""

    def __init__(
        self,
        plans: Sequence[HarmonicPlan],
        steps: int,
        closing: Sequence[int],
        weights: PlanWeights = USUAL,
        *,
        given: Sequence[GivenChord] = (),
        ends: Sequence[Sequence[int]] = (),
    ) -> None:
        """Prepare the costs.

        Args:
            plans: ``N`` plans, one for each candidate.
            steps: the length of the longest piece.
            closing: for each plan a step; only the plan's last chord sounds from it on.
            weights: the costs.
            given: given chords; their pitch classes replace those of the plans.
            ends: for each plan the steps at which the last notes of phrases begin.
        """
        self.weights = weights
        columns = [
            _with_given(_members_of(plan, steps, step), given)
            for plan, step in zip(plans, closing, strict=True)
        ]
        self.closing = np.array(closing)
        self.firm = np.ones((steps, len(plans)))
        for column, (plan, steps_of_ends) in enumerate(zip(plans, ends, strict=False)):
            self.firm[_cadences(plan, steps_of_ends), column] = weights.firm
        member, *numbers = (np.stack(parts, axis=1) for parts in zip(*columns, strict=True))
        self.member: Bools = member  # (T, N, 12)
        self.numbers: Ints = np.stack(numbers, axis=-1)  # (T, N, 6), the other fields
        self.begun: Bools = self.numbers[..., -1] != BETWEEN  # (T, N)

    def costs(
        self, voice: int, steps: Ints, before: Ints, now: Ints, *, last: Bools, rows: Ints
    ) -> Costs:
        """``(M, S)`` the cost of each symbol of a voice, in nats.

        Args:
            voice: 0 to 3, soprano to bass.
            steps: ``(M,)`` the step of each row.
            before: ``(M, V)`` the pitches of the step before, ``REST`` for a silent voice.
            now: ``(M, V)`` the pitches of this step that are known or chosen, else ``REST``.
            last: ``(M,)`` whether no other voice of the step is still to be chosen.
            rows: ``(M,)`` the candidate of each row.
        """
        cost = np.zeros((len(rows), FIRST_PITCH + len(PITCHES[voice])))
        if voice == SOPRANO and self.weights.restruck:
            after = steps > self.closing[rows]
            cost[after, FIRST_PITCH:] = self.weights.restruck
        some = np.flatnonzero(self.begun[steps, rows])
        if some.size:
            at = steps[some], rows[some]
            cost[some] = self._where_chords_begin(
                voice, at, before[some], now[some], last=last[some], restruck=cost[some]
            )
        return cost

    def _where_chords_begin(
        self,
        voice: int,
        at: tuple[Ints, Ints],
        before: Ints,
        now: Ints,
        *,
        last: Bools,
        restruck: Costs,
    ) -> Costs:
        """``(M, S)`` the costs at the beginnings and later beats of chords.

        ``at`` are the steps ``(M,)`` and the candidates ``(M,)``.
        """
        weight, own = self.weights, before[:, voice]
        pitch = moves(voice).motion.pitch[own]  # (M, S)
        chords = self.at(*at)
        place = chords.place
        degree = pitch % 12
        sounds = pitch != REST
        member = np.take_along_axis(chords.member, degree, axis=1)
        held = pitch == own[:, None]
        if voice == BASS:
            bass = chords.bass[:, None]
            member = (member & (degree == bass)) | (bass == _NO_MEMBER)
            foreign: Costs | float = weight.bass
        else:
            foreign = np.where(held, weight.suspended, weight.foreign)
        cost = np.where(member, 0.0, foreign) * self.firm[at][:, None]
        others = np.where(now == REST, SILENT_CLASS, now % 12)
        others[:, voice] = SILENT_CLASS
        there: Bools = np.asarray(_CLASSES[others].any(axis=1))  # (M, 13)
        cost += weight.doubled * _doubled(chords, degree, there)
        incomplete = np.zeros(pitch.shape, dtype=np.bool_)
        if last.any():
            incomplete = _incomplete(chords, degree, there) & last[:, None]
            thin = _thin(degree, there) & last[:, None]
            cost += weight.incomplete * incomplete + weight.thin * thin
        cost *= np.where(place == ON_BEAT, weight.on_beat, 1.0)[:, None]
        was = self.at(np.maximum(at[0] - 1, 0), at[1])  # no voice sounds before the first step
        cost += weight.unresolved * _unresolved(was, chords, voice, pitch, own)
        closing = (place == LAST)[:, None]
        cost[closing & (~member | incomplete)] = FORBIDDEN
        return np.where(sounds, cost + restruck, np.where(closing, FORBIDDEN, 0.0))

    def at(self, steps: Ints, rows: Ints) -> Members:
        """The chords at ``steps`` ``(M,)`` of the candidates ``rows`` ``(M,)``.

        Their fields are ``(M, ...)`` instead of ``(T, N, ...)``.
        """
        return Members(self.member[steps, rows], *self.numbers[steps, rows].T)


def _cadences(plan: HarmonicPlan, ends: Sequence[int]) -> list[int]:
    """The first steps of the beats in which phrases end, and of the beats before them."""
    starts = [beat.start for beat in plan.beats]
    last = [bisect_right(starts, end) - 1 for end in ends]
    return [starts[beat] for end in last for beat in (end - 1, end) if beat >= 0]


def _doubled(chords: Members, degree: Ints, there: Bools) -> Bools:
    """``(M, S)`` whether a symbol doubles a leading note or a seventh.

    ``degree`` ``(M, S)`` are the symbols' pitch classes, ``there`` ``(M, 13)`` those of the other
    voices.
    """
    found = np.zeros(degree.shape, dtype=np.bool_)
    for tendency in (chords.leading, chords.seventh):
        taken = there[np.arange(len(there)), tendency]
        if taken.any():
            found |= (degree == tendency[:, None]) & taken[:, None]
    return found


def _incomplete(chords: Members, degree: Ints, there: Bools) -> Bools:
    """``(M, S)`` whether the third is missing after a symbol; the arguments are as above."""
    third = chords.third
    sung = there[np.arange(len(there)), third] | (third == _NO_MEMBER)
    missing: Bools = ~sung[:, None] & (degree != third[:, None])
    return missing


def _unresolved(was: Members, chords: Members, voice: int, pitch: Ints, own: Ints) -> Bools:
    """``(M, S)`` whether a symbol leaves a seventh or a leading note without resolving it.

    It counts only if the new chord ``chords`` has the note of resolution and not the note itself.
    ``was`` are the chords at the step before, ``pitch`` ``(M, S)`` the symbols' pitches, ``own``
    ``(M,)`` the voice's pitches at the step before.
    """
    begins = (chords.place >= BEGINS)[:, None]
    now = chords.member
    each = np.arange(len(own))
    stays = now[each, own % 12]
    falls = ((own[:, None] - pitch) >= 1) & ((own[:, None] - pitch) <= 2)
    lower = now[each, (own - 1) % 12] | now[each, (own - 2) % 12]
    seventh = (own != REST) & (own % 12 == was.seventh) & lower & ~stays
    found = seventh[:, None] & ~falls
    if voice in (0, N_VOICES - 1):
        rises = pitch - own[:, None] == 1
        leading = (own != REST) & (own % 12 == was.leading)
        leading &= now[each, (own + 1) % 12] & ~stays
        found |= leading[:, None] & ~rises
    unresolved: Bools = found & begins & (pitch != REST)
    return unresolved


def _thin(degree: Ints, there: Bools) -> Bools:
    """``(M, S)`` whether only two pitch classes sound and a symbol repeats one of them."""
    few = there.sum(axis=1) == 2
    again: Bools = np.take_along_axis(there, degree, axis=1) & few[:, None]
    return again


def _members_of(plan: HarmonicPlan, steps: int, closing: int) -> Members:
    """``Members`` of one plan, without the axis ``N``."""
    tonic = plan.key.tonic
    member = np.ones((steps, 12), dtype=np.bool_)
    root, bass, third, leading, seventh = (np.full(steps, _NO_MEMBER) for _ in range(5))
    place = np.full(steps, BETWEEN)
    sounding: PlannedChord | None = None
    spans = _spans(plan)
    for (start, chord), stop in zip(spans, [*(s for s, _ in spans[1:]), steps], strict=True):
        if chord is None:
            sounding = None
            continue
        place[start] = ON_BEAT if chord == sounding else BEGINS
        sounding = chord
        classes = [(tonic + above) % 12 for above in chord.members]
        member[start:stop] = False
        member[start:stop, classes] = True
        root[start:stop] = classes[0]
        bass[start:stop] = classes[chord.bass]
        third[start:stop] = classes[1]
        leading[start:stop] = _leading(chord, classes)
        seventh[start:stop] = classes[3] if len(classes) > 3 else _NO_MEMBER
    begins = np.flatnonzero(place == BEGINS)
    if begins.size and spans[-1][1] is not None:
        place[max(int(begins[-1]), closing) :] = LAST
    return Members(member, root, bass, third, leading, seventh, place)


def _with_given(members: Members, given: Sequence[GivenChord]) -> Members:
    """``members`` in which given chords replace those of the plan; the arrays are changed."""
    for chord in given:
        here = slice(chord.start, chord.stop)
        classes = [*chord.members] if chord.bass is None else [*chord.members, chord.bass]
        members.member[here] = np.isin(np.arange(12), classes)
        if chord.bass is not None:
            members.bass[here] = chord.bass
        for each in (members.third, members.leading, members.seventh):
            each[here] = np.where(np.isin(each[here], chord.members), each[here], _NO_MEMBER)
    return members


def _spans(plan: HarmonicPlan) -> list[tuple[int, PlannedChord | None]]:
    """The first step and the chord of each beat, and of each second chord."""
    found: list[tuple[int, PlannedChord | None]] = []
    for beat, chord, second in zip(plan.beats, plan.chords, plan.seconds, strict=True):
        found.append((beat.start, chord))
        if second is not None:
            found.append((second.step, second.chord))
    return found


def _leading(chord: PlannedChord, classes: Sequence[int]) -> int:
    """The pitch class of a dominant's leading note; ``_NO_MEMBER`` for another chord.

    A major triad is a dominant if it is V, or an applied one: not I, IV or, in minor, III, VI or
    VII.
    """
    if chord.quality == "dominant" or (chord.quality == "major" and chord.root in (2, 4, 7, 9, 11)):
        return classes[1]
    if chord.quality in LEADING:
        return classes[LEADING[chord.quality]]
    return _NO_MEMBER
