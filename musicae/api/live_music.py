"""The notes and chords of a piece of which bars are exchanged, and what stands in such bars.

Axes: ``T`` steps, ``V`` voices.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.api.request import Request
from musicae.core.arrays import Bools
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import ChoraleError
from musicae.core.meter import Measure, meters_of
from musicae.theory.harmonic_plan import HarmonicPlan


class ChangedBars(NamedTuple):
    """What stands in bars that were written anew."""

    bars: tuple[int, int]
    """The first and the last of them; a pickup is bar 0."""
    chorale: Chorale
    """All voices in these bars; a note that is held into them begins anew."""
    plan: HarmonicPlan
    """The chords that the voices follow there; steps and bars count from the first of the bars."""
    held: tuple[int, ...] = ()
    """The voices of which a note is held into the bars."""
    notices: tuple[str, ...] = ()
    """What of the constraints could not be met there."""


class LiveMusic:
    """Notes and chords of a piece; bars of it are read, and exchanged."""

    def __init__(self, chorale: Chorale, plan: HarmonicPlan, locked: Bools, rests: Bools) -> None:
        """Start from a piece.

        Args:
            chorale: its notes.
            plan: its chords.
            locked: ``(T, V)`` cells that stay besides the given voices.
            rests: ``(T,)`` where voices that are not given rest, as in ``N.C.``
        """
        self._first, self._plan = chorale, plan
        self.locked, self.rests = locked, rests
        self.measures = chorale.measures
        self.pitch, self.onset = chorale.pitch.copy(), chorale.onset.copy()
        """``(T, V)`` each."""
        self._starts = [beat.start for beat in plan.beats]
        self._chords, self._seconds = list(plan.chords), list(plan.seconds)
        self._local = list(plan.local)

    def __len__(self) -> int:
        return len(self.pitch)

    @property
    def chorale(self) -> Chorale:
        """The piece as it is now."""
        return self._chorale_of(self.pitch, self.onset)

    def chorale_with(self, changed: ChangedBars) -> Chorale:
        """The piece as it would be with what was written; see ``take``."""
        return self._chorale_of(*self._notes_with(changed))

    def _chorale_of(self, pitch: NDArray[np.int16], onset: Bools) -> Chorale:
        fermatas = tuple(step for step in self._first.fermatas if onset[step, 0])
        return replace(self._first, pitch=pitch, onset=onset, fermatas=fermatas, places=None)

    @property
    def plan(self) -> HarmonicPlan:
        """Its chords as they are now."""
        return replace(
            self._plan,
            chords=tuple(self._chords),
            seconds=tuple(self._seconds),
            local=tuple(self._local),
        )

    @property
    def lowest(self) -> int:
        """The number of the first bar."""
        return 0 if self._first.pickup else 1

    def position(self, step: int) -> tuple[int, float]:
        """Bar and beat of a step; see ``Chorale.position``."""
        return self._first.position(step)

    def measure_index(self, step: int) -> int:
        """The index of the bar that holds a step."""
        return self._first.measure_index(step)

    def places(self, bars: tuple[int, int] | str | None) -> tuple[int, int]:
        """The first and the last of some bars as indices; of None all. Raises ChoraleError."""
        if bars is None:
            return 0, len(self.measures) - 1
        asked = Request.parse(bars=bars).bars
        assert asked
        low, high = (bar - self.lowest for bar in asked)
        if not 0 <= low <= high < len(self.measures):
            self._first.bars(*asked)  # says why not
        return low, high

    def steps(self, low: int, high: int) -> slice:
        """The steps of some bars, which are told as indices."""
        return span(self.measures[low : high + 1])

    def excerpt(self, low: int, high: int) -> Chorale:
        """All voices in some bars; a note that is held into them begins anew."""
        measures, steps = self.measures[low : high + 1], self.steps(low, high)
        pitch, onset = self.pitch[steps], self.onset[steps].copy()
        onset[0] = pitch[0] != REST
        meters, pickup = meters_of([m._replace(start=m.start - steps.start) for m in measures])
        return Chorale(pitch, onset, meters, pickup, self._first.key)

    def plan_of(self, low: int, high: int) -> HarmonicPlan:
        """The chords of some bars."""
        steps = self.steps(low, high)
        some = slice(*(bisect_right(self._starts, s - 1) for s in (steps.start, steps.stop)))
        return HarmonicPlan(
            self._plan.key,
            tuple(
                beat._replace(start=beat.start - steps.start, bar=beat.bar - low)
                for beat in self._plan.beats[some]
            ),
            tuple(self._chords[some]),
            tuple(s and s._replace(step=s.step - steps.start) for s in self._seconds[some]),
            tuple(self._local[some]),
        )

    def held(self, step: int) -> tuple[int, ...]:
        """The voices that go on with a note at a step."""
        going = (self.pitch[step] != REST) & ~self.onset[step]
        return tuple(np.flatnonzero(going).tolist())

    def take(self, changed: ChangedBars) -> None:
        """Let what was written stand in its bars.

        A note that reached into the bars, or out of them, and that is another one now begins anew
        at the bar line. Raises ChoraleError where the bars are not those of this piece.
        """
        self.pitch, self.onset = self._notes_with(changed)
        start, plan = self.steps(*self.places(changed.bars)).start, changed.plan
        place = bisect_right(self._starts, start - 1)
        for at, (chord, second, local) in enumerate(
            zip(plan.chords, plan.seconds, plan.local, strict=True), place
        ):
            self._chords[at], self._local[at] = chord, local
            self._seconds[at] = second and second._replace(step=start + second.step)

    def _notes_with(self, changed: ChangedBars) -> tuple[NDArray[np.int16], Bools]:
        """``(T, V)`` pitches and beginnings with what was written; raises as ``take`` does."""
        low, high = self.places(changed.bars)
        steps = self.steps(low, high)
        beats = self.plan_of(low, high).beats
        if len(changed.chorale) != steps.stop - steps.start or changed.plan.beats != beats:
            raise ChoraleError(
                f"what was written for bars {changed.bars[0]} to {changed.bars[1]} does not fit"
                " there; their meter is another one"
            )
        pitch, onset = self.pitch.copy(), self.onset.copy()
        pitch[steps], onset[steps] = changed.chorale.pitch, changed.chorale.onset
        held = list(changed.held) if steps.start else []
        onset[steps.start, held] = pitch[steps.start, held] != pitch[steps.start - 1, held]
        if steps.stop < len(pitch):
            other = pitch[steps.stop] != pitch[steps.stop - 1]
            onset[steps.stop] |= other & (pitch[steps.stop] != REST)
        return pitch, onset


def span(measures: Sequence[Measure]) -> slice:
    """The steps of some bars."""
    return slice(measures[0].start, measures[-1].start + measures[-1].length)
