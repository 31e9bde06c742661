"""Long silences are taken out of what a harmonizer reads, and put back into what it writes.

Where all voices are known to rest, nothing is to be decided; a file may have hours of it before its
first note. Whole bars of it are left out, but for some on both sides of each silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.meter import Measure, meters_of
from musicae.encoding.partial_score import PartialScore
from musicae.theory.harmonic_plan import HarmonicPlan, PlannedChord, SecondChord, beats_of

if TYPE_CHECKING:
    from musicae.decoding.harmonize import Harmonization

KEPT = 4
"""The bars of a silence that stay at its beginning and at its end."""
BAR_NUMBER = re.compile(r"(?<=^bar )\d+")


@dataclass(frozen=True)
class Condensed:
    """A partial score without its long silences."""

    whole: PartialScore
    """The score with them."""
    partial: PartialScore
    """The score without them, which a harmonizer is given."""
    bars: tuple[int, ...]
    """The bars, as indices into those of ``whole``, that ``partial`` has."""

    @classmethod
    def of(cls, whole: PartialScore) -> Condensed:
        """Leave the long silences of a partial score out, if it has any."""
        measures = whole.chorale.measures
        bars = _kept_bars(whole)
        steps = np.concatenate([_steps(measures[bar]) for bar in bars])
        if len(bars) == len(measures):
            return cls(whole, whole, bars)
        place = {step: index for index, step in enumerate(steps.tolist())}
        kept = [measures[bar]._replace(start=place[measures[bar].start]) for bar in bars]
        meters, pickup = meters_of(kept)
        chorale = Chorale(
            whole.chorale.pitch[steps],
            whole.chorale.onset[steps],
            meters,
            pickup,
            whole.chorale.key,
            tuple(place[step] for step in whole.chorale.fermatas if step in place),
        )
        if list(chorale.measures) != kept:  # bars that are cut short have no form without others
            return cls(whole, whole, tuple(range(len(measures))))
        phrases = whole.phrases and tuple(place[step] for step in whole.phrases if step in place)
        cadences = tuple((place[step], kind) for step, kind in whole.cadences if step in place)
        given = tuple(
            replace(
                chord,
                start=place[chord.start],
                length=sum(step in place for step in range(chord.start, chord.stop)),
            )
            for chord in whole.given
            if chord.start in place
        )
        partial = replace(
            whole,
            chorale=chorale,
            known=whole.known[steps],
            phrases=phrases,
            cadences=cadences,
            given=given,
        )
        return cls(whole, partial, bars)

    def restored(self, made: Harmonization) -> Harmonization:
        """What a harmonizer made of ``partial``, with the silences of ``whole`` in it."""
        if self.partial is self.whole:
            return made
        whole, measures = self.whole.chorale, self.whole.chorale.measures
        steps = np.concatenate([_steps(measures[bar]) for bar in self.bars])
        pitch, onset = np.full_like(whole.pitch, REST), np.zeros_like(whole.onset)
        pitch[steps], onset[steps] = made.chorale.pitch, made.chorale.onset
        first = 0 if whole.pickup else 1
        return made._replace(
            chorale=replace(whole, pitch=pitch, onset=onset, source=made.chorale.source),
            plan=made.plan and self._plan(made.plan),
            notices=tuple(
                BAR_NUMBER.sub(lambda number: str(self.bars[int(number[0]) - first] + first), told)
                for told in made.notices
            ),
        )

    def _plan(self, plan: HarmonicPlan) -> HarmonicPlan:
        """The plan with the beats of ``whole``; there is no chord in the silences."""
        beats = beats_of(self.whole.chorale)
        chords: list[PlannedChord | None] = [None] * len(beats)
        seconds: list[SecondChord | None] = [None] * len(beats)
        local = [plan.key] * len(beats)
        there = set(self.bars)
        kept = [index for index, beat in enumerate(beats) if beat.bar in there]
        for index, beat, chord, second, key in zip(
            kept, plan.beats, plan.chords, plan.seconds, plan.local, strict=True
        ):
            chords[index], local[index] = chord, key
            moved = beats[index].start - beat.start
            seconds[index] = second and second._replace(step=second.step + moved)
        return HarmonicPlan(plan.key, beats, tuple(chords), tuple(seconds), tuple(local))


def _kept_bars(whole: PartialScore) -> tuple[int, ...]:
    """The bars outside long silences, and the first, in which a pickup may stand."""
    silent = whole.known.all(axis=1) & (whole.chorale.pitch == REST).all(axis=1)
    kept = [0]
    for rests, group in groupby(
        range(1, len(whole.chorale.measures)),
        lambda bar: bool(silent[_steps(whole.chorale.measures[bar])].all()),
    ):
        bars = list(group)
        kept += bars[:KEPT] + bars[KEPT:][-KEPT:] if rests else bars
    return tuple(kept)


def _steps(measure: Measure) -> NDArray[np.int64]:
    return np.arange(measure.start, measure.start + measure.length)
