"""The excerpt of a piece that is read when some of its bars are rewritten.

It has these bars, the bars before that the decoder's rules look back to, and some bars after that
the model reads. So the time does not grow with the length of the piece.

Axes: ``T`` steps, ``V`` voices.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musicae.api.given import (
    SEMITONES,
    around,
    cells_outside,
    into_range,
    locked_cells,
    silent_with,
)
from musicae.api.silence import BAR_NUMBER, Condensed
from musicae.core.arrays import Bools
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.encoding.partial_score import PartialScore
from musicae.theory.harmonic_plan import HarmonicPlan
from musicae.theory.plan_reading import plan_of

if TYPE_CHECKING:
    from musicae.api.harmonize import Task
    from musicae.api.live_music import LiveMusic
    from musicae.decoding.choice import SamplingOptions

BEFORE, AFTER = 64, 32
"""Steps before and after changed bars that are read with them, in whole bars: four and two bars of
4/4. The decoder's costs of a line look back that far; for the model, anything later than two bars
ahead is equally far."""


class Written(NamedTuple):
    """A draft of the open cells of a window."""

    chorale: Chorale
    """The whole window, at its own pitch."""
    plan: HarmonicPlan
    """Its chords."""
    notices: tuple[str, ...] = ()
    """Sentences on constraints that could not be met in the open bars, with bar numbers of the
    piece."""
    cost: float = 0.0
    """The cost in nats; less is better."""


@dataclass(frozen=True, eq=False)
class Window:
    """An excerpt of a piece; its bars with indices ``low`` to ``high`` are open."""

    task: Task
    begin: int
    """The index of its first bar in the piece."""
    end: int
    """The index of its last bar in the piece."""
    low: int
    """The index of the first open bar in the piece."""
    high: int
    """The index of the last open bar in the piece."""
    lowest: int
    """The number of the piece's first bar."""
    start: int
    """Its first step in the piece."""
    after: int
    """The number of steps of the piece after it."""
    here: slice
    """The open steps, counted from ``start``."""
    read: Chorale
    """All current notes, at their own pitch."""
    tune: Chorale
    """The notes that stay."""
    given: Bools
    """``(T, V)`` the given cells; in long rests of the melody, also the other voices."""
    known: Bools
    """``(T, V)`` the cells that stay: given or locked, outside the open bars, or of a note that
    reaches beyond them."""

    @classmethod
    def of(
        cls,
        task: Task,
        music: LiveMusic,
        low: int,
        high: int,
        new: tuple[Chorale, int] | None = None,
    ) -> Window:
        """The window around some bars; ``new`` is their new melody and the voice that has it."""
        begin, end = _around(music, low, high)
        steps, region = music.steps(begin, end), music.steps(low, high)
        read = music.excerpt(begin, end)
        here = slice(region.start - steps.start, region.stop - steps.start)
        if new is not None:
            read = _with_melody(read, *new, here)
        melody = [task.melody]
        given = locked_cells(read, task.stay, melody)
        known = given | cells_outside(read, here) | music.locked[steps]
        tune = only(read, known)
        given |= (silent_with(tune, melody) | music.rests[steps])[:, None]
        if task.partial.limits:
            given[:, list(task.partial.limits.absent)] = True
        after = len(music) - steps.stop
        place = (begin, end, low, high, music.lowest, steps.start, after, here)
        return cls(task, *place, read, tune, given, known | given)

    def emptied(self, music: LiveMusic) -> Window:
        """The window with only its given and locked notes, as if all its bars were open."""
        locked = music.locked[self.start : self.start + len(self.tune)]
        known = without_cut_notes(self.tune, self.given | locked)
        return replace(self, tune=only(self.tune, known), known=known)

    def partial(self) -> PartialScore:
        """The partial score of the window, for a harmonizer."""
        asked, start, stop = self.task.partial, self.start, self.start + len(self.tune)
        begins = [note.step for note in self.tune.notes(self.task.melody)]
        # For each step of a phrase end, the note that sounds there now, or the last one before.
        ends = {
            mark: begins[place]
            for mark in asked.phrases or ()
            if start <= mark < stop and (place := bisect_right(begins, mark - start) - 1) >= 0
        }
        phrases = set(ends.values())
        if not self.after:
            phrases |= set(begins[-1:])
        cadences = {ends[step]: kind for step, kind in asked.cadences if step in ends}
        return PartialScore(
            into_range(self.tune, self.task.given.parts.shift // SEMITONES)[0],
            self.known,
            asked.key,
            None if asked.phrases is None else tuple(sorted(phrases)),
            asked.rhythm,
            style=asked.style,
            cadences=tuple(sorted(cadences.items())),
            given=tuple(
                replace(
                    chord,
                    start=max(chord.start, start) - start,
                    length=min(chord.stop, stop) - max(chord.start, start),
                )
                for chord in asked.given
                if chord.start < stop and chord.stop > start
            ),
            limits=asked.limits,
            before=start,
            after=self.after,
        )

    def written(self, n: int, sampling: SamplingOptions) -> list[Written]:
        """1 to ``n`` drafts of the open cells, best first."""
        from musicae.decoding import harmonize as decoding

        task, tune = self.task, self.tune
        if self.known.all():
            return [Written(tune, plan_of(tune, task.partial.key))]
        made = Condensed.of(self.partial()).harmonized(
            lambda partial, count: decoding.harmonize(
                task.model, partial, count, sampling, task.planner, fewer=True
            ),
            n,
        )
        found = []
        for each in made:
            assert each.plan
            chorale = around(tune, self.known, each.chorale, task.given.parts.shift)
            notices = tuple(self._renumbered(each.notices))
            found.append(Written(chorale, each.plan, notices, each.cost or 0.0))
        return found

    def _renumbered(self, notices: Sequence[str]) -> Iterator[str]:
        """The notices on open bars, with the numbers of these bars in the piece."""
        moved = self.begin + self.lowest - (0 if self.tune.pickup else 1)
        open_bars = range(self.low + self.lowest, self.high + self.lowest + 1)

        def number(found: re.Match[str]) -> str:
            return str(int(found[0]) + moved)

        for notice in notices:
            there = BAR_NUMBER.search(notice)
            if there is None or int(number(there)) in open_bars:
                yield BAR_NUMBER.sub(number, notice)


def only(chorale: Chorale, cells: Bools) -> Chorale:
    """A chorale with only the notes in the cells ``(T, V)``."""
    return replace(
        chorale,
        pitch=np.where(cells, chorale.pitch, REST),
        onset=chorale.onset & cells,
        fermatas=tuple(step for step in chorale.fermatas if cells[step, 0]),
        places=None,
    )


def whole_notes(chorale: Chorale, cells: Bools) -> Bools:
    """``(T, V)`` the cells, extended to whole notes."""
    found = cells.copy()
    for voice in range(cells.shape[1]):
        for note in chorale.notes(voice):
            there = slice(note.step, note.step + note.duration)
            found[there, voice] = found[there, voice].any()
    return found


def without_cut_notes(chorale: Chorale, cells: Bools) -> Bools:
    """``(T, V)`` the cells without notes that are only partly in them, as N.C. can cut a note."""
    return cells & ~whole_notes(chorale, (chorale.pitch != REST) & ~cells)


def _with_melody(read: Chorale, melody: Chorale, voice: int, here: slice) -> Chorale:
    """An excerpt with another melody in the steps ``here``."""
    pitch, onset = read.pitch.copy(), read.onset.copy()
    pitch[here, voice], onset[here, voice] = melody.pitch[:, voice], melody.onset[:, voice]
    if here.stop < len(pitch):
        onset[here.stop, voice] = pitch[here.stop, voice] != REST
    return replace(read, pitch=pitch, onset=onset)


def _around(music: LiveMusic, low: int, high: int) -> tuple[int, int]:
    """The indices of the first and the last bar that are read with bars ``low`` to ``high``."""
    measures, region = music.measures, music.steps(low, high)
    end = high
    while end < len(measures) - 1 and music.steps(0, end).stop < region.stop + AFTER:
        end += 1
    begin = low
    while begin and (
        measures[begin].start > region.start - BEFORE
        # A first bar that is shorter than the next one would count as a pickup.
        or measures[begin].length < measures[begin + 1].meter.steps_per_bar
    ):
        begin -= 1
    return begin, end
