"""Long silences are removed before harmonizing and put back afterwards.

If all voices are known to rest, there is nothing to decide; a file can have hours of silence
before its first note. Whole silent bars are removed, except some at both ends of each silence. The
passages between long silences are harmonized one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import ChoraleError
from musicae.core.meter import Measure, meters_of
from musicae.core.progress import portion
from musicae.encoding.partial_score import PartialScore
from musicae.theory.harmonic_plan import HarmonicPlan, PlannedChord, SecondChord, beats_of
from musicae.theory.phrases import melody_of

if TYPE_CHECKING:
    from musicae.decoding.harmonize import Harmonization

KEPT = 4
"""The number of bars that stay at the beginning and at the end of a silence."""
BAR_NUMBER = re.compile(r"(?<=^bar )\d+")


class Passage(NamedTuple):
    """A part of a score between long silences, with some silent bars around it."""

    partial: PartialScore
    """The partial score of the passage, for a harmonizer."""
    bars: tuple[int, ...]
    """The indices of its bars in the whole score."""


@dataclass(frozen=True)
class Condensed:
    """A partial score without its long silences."""

    whole: PartialScore
    """The score with its silences."""
    passages: tuple[Passage, ...]
    """The passages in order."""

    @classmethod
    def of(cls, whole: PartialScore) -> Condensed:
        """Remove the long silences of a partial score, if it has any."""
        groups = _sounding_bars(whole)
        passages = [_passage(whole, bars, last=bars is groups[-1]) for bars in groups]
        if None in passages:  # bars cut short cannot stand alone
            return cls(whole, (Passage(whole, tuple(range(len(whole.chorale.measures)))),))
        return cls(whole, tuple(filter(None, passages)))

    def harmonized(
        self, harmonize: Callable[[PartialScore, int], list[Harmonization]], n: int
    ) -> list[Harmonization]:
        """``n`` harmonizations of the whole, best first.

        ``harmonize(partial, n)`` returns up to ``n`` harmonizations of a passage. If a passage has
        fewer, such as a single note between silences, its first one is used again, provided that
        another passage has enough.
        """
        longest = max(self.passages, key=lambda passage: (~passage.partial.known).sum())
        made = []
        for number, passage in enumerate(self.passages):
            with portion(number, len(self.passages)):
                try:
                    made.append(harmonize(passage.partial, n))
                except ChoraleError:
                    if n == 1 or passage is longest:
                        raise
                    made.append(harmonize(passage.partial, 1))
        most = max(map(len, made))
        filled = [[*ways, *ways[:1] * (most - len(ways))] for ways in made]
        return [self._joined(each) for each in zip(*filled, strict=True)]

    def _joined(self, made: Sequence[Harmonization]) -> Harmonization:
        """Join one harmonization of each passage, with the silences between them."""
        whole, measures = self.whole.chorale, self.whole.chorale.measures
        if len(self.passages[0].bars) == len(measures):
            return made[0]
        pitch, onset = np.full_like(whole.pitch, REST), np.zeros_like(whole.onset)
        for passage, each in zip(self.passages, made, strict=True):
            steps = _steps_of(measures, passage.bars)
            pitch[steps], onset[steps] = each.chorale.pitch, each.chorale.onset
        source = made[0].chorale.source
        plans = [each.plan for each in made if each.plan]
        nats = [each.nats for each in made if each.nats is not None]
        costs = [each.cost for each in made if each.cost is not None]
        return made[0]._replace(
            chorale=replace(whole, pitch=pitch, onset=onset, source=source),
            nats=sum(nats) if len(nats) == len(made) else None,
            cost=sum(costs) if len(costs) == len(made) else None,
            plan=self._plan(plans) if plans else None,
            notices=tuple(
                notice
                for passage, each in zip(self.passages, made, strict=True)
                for notice in self._notices(passage, each)
            ),
        )

    def _notices(self, passage: Passage, made: Harmonization) -> Iterator[str]:
        """The notices of a passage, with the bar numbers of the whole piece."""
        first, own = (0 if c.pickup else 1 for c in (self.whole.chorale, passage.partial.chorale))

        def number(found: re.Match[str]) -> str:
            return str(passage.bars[int(found[0]) - own] + first)

        return (BAR_NUMBER.sub(number, notice) for notice in made.notices)

    def _plan(self, plans: Sequence[HarmonicPlan]) -> HarmonicPlan:
        """The plan with the beats of ``whole``; silences have no chord."""
        key, beats = plans[0].key, beats_of(self.whole.chorale)
        chords: list[PlannedChord | None] = [None] * len(beats)
        seconds: list[SecondChord | None] = [None] * len(beats)
        local = [key] * len(beats)
        for passage, plan in zip(self.passages, plans, strict=True):
            there = set(passage.bars)
            kept = [index for index, beat in enumerate(beats) if beat.bar in there]
            for index, beat, chord, second, own in zip(
                kept, plan.beats, plan.chords, plan.seconds, plan.local, strict=True
            ):
                chords[index], local[index] = chord, own
                moved = beats[index].start - beat.start
                seconds[index] = second and second._replace(step=second.step + moved)
        return HarmonicPlan(key, beats, tuple(chords), tuple(seconds), tuple(local))


def _passage(whole: PartialScore, bars: tuple[int, ...], *, last: bool) -> Passage | None:
    """Some bars of a score as a passage; None if their meters do not allow it."""
    measures = whole.chorale.measures
    if len(bars) == len(measures):
        return Passage(whole, bars)
    steps = _steps_of(measures, bars)
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
    if list(chorale.measures) != kept:
        return None
    given = tuple(
        replace(
            chord,
            start=place[chord.start],
            length=sum(step in place for step in range(chord.start, chord.stop)),
        )
        for chord in whole.given
        if chord.start in place
    )
    phrases = None
    if whole.phrases is not None:
        ends = {place[step] for step in whole.phrases if step in place}
        ends |= {note.step for note in melody_of(chorale)[-1:]}
        phrases = tuple(sorted(ends))
    partial = replace(
        whole,
        chorale=chorale,
        known=whole.known[steps],
        phrases=phrases,
        cadences=tuple((place[step], kind) for step, kind in whole.cadences if step in place),
        given=given,
        after=whole.after if last else len(whole.chorale) - int(steps[-1]) - 1,
    )
    return Passage(partial, bars)


def _sounding_bars(whole: PartialScore) -> list[tuple[int, ...]]:
    """The bars of each passage.

    The first passage has the first bar, which may be a pickup. A silence at the beginning or at the
    end of the piece separates nothing; some bars stay at both its ends.
    """
    measures = whole.chorale.measures
    silent = whole.known.all(axis=1) & (whole.chorale.pitch == REST).all(axis=1)
    passages = [[0]]
    sounds = not silent[_steps(measures[0])].all()
    for rests, group in groupby(
        range(1, len(measures)), lambda bar: bool(silent[_steps(measures[bar])].all())
    ):
        bars = list(group)
        passages[-1] += bars[:KEPT] if rests else bars
        after = bars[KEPT:][-KEPT:] if rests else []
        if len(bars) > 2 * KEPT and rests and sounds and bars[-1] != len(measures) - 1:
            passages.append(after)
        else:
            passages[-1] += after
        sounds |= not rests
    return [tuple(bars) for bars in passages]


def _steps(measure: Measure) -> slice:
    return slice(measure.start, measure.start + measure.length)


def _steps_of(measures: Sequence[Measure], bars: Sequence[int]) -> NDArray[np.int64]:
    """The steps of some bars."""
    spans = (_steps(measures[bar]) for bar in bars)
    return np.concatenate([np.arange(span.start, span.stop) for span in spans])
