"""The notes and chords of a piece whose bars can be replaced, and the content of such bars.

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
    """Bars that were rewritten, with their notes and chords."""

    bars: tuple[int, int]
    """The numbers of the first and the last bar; a pickup is bar 0."""
    chorale: Chorale
    """All voices in these bars; a note that is held into the bars begins with them."""
    plan: HarmonicPlan
    """The chords that the voices follow; steps and bars count from the first of these bars."""
    held: tuple[int, ...] = ()
    """The voices, 0 soprano to 3 bass, with a note that is held into the bars."""
    notices: tuple[str, ...] = ()
    """Sentences on constraints that could not be met in these bars."""


class LiveMusic:
    """The notes and chords of a piece, with access to some bars and replacement of them."""

    def __init__(self, chorale: Chorale, plan: HarmonicPlan, locked: Bools, rests: Bools) -> None:
        """Start from a piece.

        Args:
            chorale: its notes.
            plan: its chords.
            locked: ``(T, V)`` the cells that stay besides the given voices.
            rests: ``(T,)`` True where voices that are not given rest, as in ``N.C.``
        """
        self._first, self._plan = chorale, plan
        self.locked, self.rests = locked, rests
        self.measures = chorale.measures
        self.pitch, self.onset = chorale.pitch.copy(), chorale.onset.copy()
        """``(T, V)``: the pitches and the onsets now."""
        self._starts = [beat.start for beat in plan.beats]
        self._chords, self._seconds = list(plan.chords), list(plan.seconds)
        self._local = list(plan.local)

    def __len__(self) -> int:
        return len(self.pitch)

    @property
    def chorale(self) -> Chorale:
        """The current piece."""
        return self._chorale_of(self.pitch, self.onset)

    def chorale_with(self, changed: ChangedBars) -> Chorale:
        """The piece as it would be after ``take(changed)``."""
        return self._chorale_of(*self._notes_with(changed))

    def _chorale_of(self, pitch: NDArray[np.int16], onset: Bools) -> Chorale:
        fermatas = tuple(step for step in self._first.fermatas if onset[step, 0])
        return replace(self._first, pitch=pitch, onset=onset, fermatas=fermatas, places=None)

    @property
    def plan(self) -> HarmonicPlan:
        """The current chords."""
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
        """The indices of the first and the last of some bars; None is all. Raises ChoraleError."""
        if bars is None:
            return 0, len(self.measures) - 1
        asked = Request.parse(bars=bars).bars
        assert asked
        low, high = (bar - self.lowest for bar in asked)
        if not 0 <= low <= high < len(self.measures):
            self._first.bars(*asked)  # raises the error
        return low, high

    def steps(self, low: int, high: int) -> slice:
        """The steps of the bars with indices ``low`` to ``high``."""
        return span(self.measures[low : high + 1])

    def excerpt(self, low: int, high: int) -> Chorale:
        """All voices in the bars with indices ``low`` to ``high``; held notes begin with them."""
        measures, steps = self.measures[low : high + 1], self.steps(low, high)
        pitch, onset = self.pitch[steps], self.onset[steps].copy()
        onset[0] = pitch[0] != REST
        meters, pickup = meters_of([m._replace(start=m.start - steps.start) for m in measures])
        return Chorale(pitch, onset, meters, pickup, self._first.key)

    def plan_of(self, low: int, high: int) -> HarmonicPlan:
        """The chords of the bars with indices ``low`` to ``high``."""
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
        """The voices whose note at a step began before it."""
        going = (self.pitch[step] != REST) & ~self.onset[step]
        return tuple(np.flatnonzero(going).tolist())

    def take(self, changed: ChangedBars) -> None:
        """Put rewritten bars into the piece.

        If a note that was held over one of their bar lines has changed on one side, a new note
        begins at the bar line. Raises ChoraleError if the bars do not fit this piece.
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
        """``(T, V)`` the pitches and onsets after ``take(changed)``; raises its errors."""
        low, high = self.places(changed.bars)
        steps = self.steps(low, high)
        beats = self.plan_of(low, high).beats
        if len(changed.chorale) != steps.stop - steps.start or changed.plan.beats != beats:
            raise ChoraleError(
                f"the rewritten bars {changed.bars[0]} to {changed.bars[1]} do not fit there; the"
                " piece has another meter in these bars"
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
    """The steps of consecutive bars."""
    return slice(measures[0].start, measures[-1].start + measures[-1].length)
