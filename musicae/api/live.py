"""``musicae.LiveHarmonizer``: where bars of a melody change, their voices are written anew."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from musicae.api.given import (
    HIGHEST,
    SEMITONES,
    around,
    cells_outside,
    into_range,
    locked_cells,
    silent_with,
)
from musicae.api.harmonize import Task
from musicae.api.options import HarmonizeOptions
from musicae.api.piece import Piece
from musicae.api.request import Request
from musicae.core.arrays import Bools
from musicae.core.chorale import Chorale, Note
from musicae.core.constants import REST, VOICE_RANGES, VOICES
from musicae.core.errors import CheckpointError, ChoraleError
from musicae.core.meter import Measure, meters_of
from musicae.core.pitch import pitch_name
from musicae.encoding.partial_score import PartialScore
from musicae.io.lyrics import NO_WORDS
from musicae.theory.harmonic_plan import HarmonicPlan
from musicae.theory.plan_reading import plan_of

if TYPE_CHECKING:
    from musicae.decoding.harmonize import Harmonization

BEFORE, AFTER = 64, 32
"""Steps around changed bars that are read with them, in whole bars: four and two of 4/4. Those
before are what the writing of voices remembers of a line; from two bars after, a model hears the
rest of a piece as far away."""
WITHOUT = {"n": 1, "bars": None, "figures": None, "words": "all"}
"""Settings of ``harmonize`` that a live harmonizer does not have, with what they are unless they
are asked for."""


class ChangedBars(NamedTuple):
    """What stands in bars that were written anew."""

    bars: tuple[int, int]
    """The first and the last of them; a pickup is bar 0."""
    chorale: Chorale
    """All voices in these bars; a note that is held into them begins anew."""
    plan: HarmonicPlan
    """The chords that the voices follow there; steps and bars count from the first of the bars."""


class LiveHarmonizer:
    """A harmonization that follows its melody: where some bars change, these are written anew.

    >>> live = LiveHarmonizer("tune.mid", key="D minor")  # doctest: +SKIP
    >>> live.replace("5", [(0, 8, 62), (8, 4, 64), (12, 4, 65)]).chorale  # doctest: +SKIP

    ``melody`` and the settings are those of ``musicae.harmonize``, but for ``n``, ``bars``,
    ``words`` and ``figures``; words of the melody's file are left out. The melody is the soprano,
    or the voice that ``voice`` names. Raises as ``harmonize`` does, ChoraleError for a setting that
    does not go with live work, CheckpointError for a model that does not write around given notes.

    The key stays that of the whole melody at first, and phrases go on to end where they ended then:
    with the note that sounds there, or the last one before. The same melody, settings and changes
    give the same music.
    """

    def __init__(
        self,
        melody: Chorale | Path | str,
        options: HarmonizeOptions | None = None,
        **settings: Any,
    ) -> None:
        options = (options or HarmonizeOptions()).changed(**settings)
        for name, usual in WITHOUT.items():
            if getattr(options, name) not in (usual, "none"):
                raise ChoraleError(f"{name} does not go with a live harmonizer; leave it out")
        task = Task.of(melody, options.changed(words="none", figures="none"))
        if not task.model.can("fill"):
            raise CheckpointError(f"{task.model.name} does not write around given notes")
        self._voice = options.request.voice or 0
        if self._voice not in task.stay:
            raise ChoraleError("the melody is the soprano; name another voice with --voice")
        self._task = task
        (piece,) = task.pieces()
        assert piece.plan
        self._piece: Piece | None = piece
        self._first = piece
        self._pitch, self._onset = piece.chorale.pitch.copy(), piece.chorale.onset.copy()
        self._known = task.partial.known.copy()
        self._measures = piece.chorale.measures
        self._starts = [beat.start for beat in piece.plan.beats]
        self._chords = list(piece.plan.chords)
        self._seconds = list(piece.plan.seconds)
        self._local = list(piece.plan.local)
        self._changes: list[str] = []

    @property
    def piece(self) -> Piece:
        """The current harmonization.

        After a change it has no likelihood, and ``keep_tracks`` no longer finds the melody's file.
        """
        if self._piece is None:
            first, parts = self._first, self._task.given.parts
            assert first.plan
            assert first.given
            fermatas = tuple(s for s in first.chorale.fermatas if self._onset[s, 0])
            chorale = replace(
                first.chorale, pitch=self._pitch, onset=self._onset, fermatas=fermatas, places=None
            )
            plan = replace(
                first.plan,
                chords=tuple(self._chords),
                seconds=tuple(self._seconds),
                local=tuple(self._local),
            )
            tune = _only(chorale, self._known)
            given = replace(
                first.given,
                parts=replace(
                    parts,
                    tune=tune,
                    in_range=into_range(tune, parts.shift // SEMITONES)[0],
                    whole=tune,
                    known=self._known.copy(),
                ),
                preserved=None,
                words=NO_WORDS,
            )
            facts = first.provenance | {"plan": str(plan), "changed": list(self._changes)}
            self._piece = replace(
                first, chorale=chorale, plan=plan, provenance=facts, given=given, nats=None
            )
        return self._piece

    def replace(
        self, bars: tuple[int, int] | str, notes: Iterable[tuple[int, int, int]]
    ) -> ChangedBars:
        """Give the melody other notes in some bars, and write the other voices there anew.

        ``bars`` are the first and the last, as in ``(5, 6)``, ``"5-6"`` or ``"5"``; a pickup is
        bar 0. ``notes`` are all notes of the melody in these bars, each as its start in steps
        (sixteenths) from the beginning of the bars, its length in steps, and its MIDI pitch, as it
        sounds in ``piece``; there is silence between them. Where the melody is silent for a bar or
        longer, all voices are, but for those that are locked.

        Everything outside the bars stays as it is. A note of the melody that was held into them
        ends at the bar line before them; one that was held over their end begins anew at the bar
        line after them. Notes of the other voices that reach beyond the bars stay whole.

        Of the piece only some bars around these are read: ``BEFORE`` and ``AFTER``. So time does
        not grow with its length.

        Raises ChoraleError, and changes nothing, where bars are not in the piece, or notes are
        outside of the bars or of the voice's range, or overlap.
        """
        low, high = self._places(bars)
        region = _span(self._measures[low : high + 1])
        new = self._checked(notes, region)
        begin, end = self._around(low, high)
        window = _span(self._measures[begin : end + 1])
        read = self._read(begin, end, region, new)
        here = slice(region.start - window.start, region.stop - window.start)
        tune, given, known = self._given_in(read, here)
        if known.all():
            written, plan = tune, plan_of(tune, self._task.partial.key)
        else:
            made = self._harmonized(tune, known, window)
            assert made.plan
            written = around(tune, known, made.chorale, self._task.given.parts.shift)
            plan = made.plan
        # Nothing can go wrong any more.
        self._pitch[region], self._onset[region] = written.pitch[here], written.onset[here]
        self._onset[region.stop : window.stop] = read.onset[here.stop :]
        self._known[region] = given[here]
        self._follow(plan, region, window.start)
        changed = low + self._lowest, high + self._lowest
        self._changes.append("-".join(str(bar) for bar in dict.fromkeys(changed)))
        self._piece = None
        return ChangedBars(changed, self._excerpt(low, high), self._plan_of(low, high))

    @property
    def _lowest(self) -> int:
        """The number of the first bar."""
        return 0 if self._first.chorale.pickup else 1

    def _places(self, bars: tuple[int, int] | str) -> tuple[int, int]:
        """The first and the last of some bars as indices. Raises ChoraleError."""
        asked = Request.parse(bars=bars).bars
        assert asked
        low, high = (bar - self._lowest for bar in asked)
        if not 0 <= low <= high < len(self._measures):
            self._first.chorale.bars(*asked)  # says why not
        return low, high

    def _checked(self, notes: Iterable[tuple[int, int, int]], region: slice) -> list[Note]:
        """Notes in order, if they fit into some steps. Raises ChoraleError."""
        try:
            found = sorted(Note(*map(index, note)) for note in notes)
        except TypeError:
            raise ChoraleError(
                "a note is its start, its length and its pitch, each a whole number"
            ) from None
        voice, shift = VOICES[self._voice].lower(), self._task.given.parts.shift
        low, high = (pitch - shift for pitch in VOICE_RANGES[self._voice])
        steps = region.stop - region.start
        for note in found:
            if note.step < 0 or note.duration < 1 or note.step + note.duration > steps:
                raise ChoraleError(
                    f"a note of {note.duration} steps from step {note.step} on does not lie in the"
                    f" {steps} steps of the changed bars"
                )
            if not low <= note.pitch <= high:
                bar, beat = self._first.chorale.position(region.start + note.step)
                name = pitch_name(note.pitch) if 0 <= note.pitch <= HIGHEST else str(note.pitch)
                raise ChoraleError(
                    f"bar {bar}, beat {beat:g}: {name} is outside the {voice}'s range"
                    f" {pitch_name(low)} to {pitch_name(high)}"
                )
        for note, later in pairwise(found):
            if later.step < note.step + note.duration:
                bar, beat = self._first.chorale.position(region.start + later.step)
                raise ChoraleError(
                    f"bar {bar}, beat {beat:g}: a note begins before the one before it ends"
                )
        return found

    def _around(self, low: int, high: int) -> tuple[int, int]:
        """The first and the last bar that are read with some bars, as indices."""
        measures, region = self._measures, _span(self._measures[low : high + 1])
        end = high
        while end < len(measures) - 1 and _span(measures[: end + 1]).stop < region.stop + AFTER:
            end += 1
        begin = low
        while begin and (
            measures[begin].start > region.start - BEFORE
            # A bar that is shorter than the next one would be a pickup.
            or measures[begin].length < measures[begin + 1].meter.steps_per_bar
        ):
            begin -= 1
        return begin, end

    def _read(self, begin: int, end: int, region: slice, new: Sequence[Note]) -> Chorale:
        """Some bars with new notes of the melody in some steps of the piece."""
        read = self._excerpt(begin, end)
        pitch, onset = read.pitch.copy(), read.onset.copy()
        first = region.start - self._measures[begin].start
        stop = region.stop - self._measures[begin].start
        pitch[first:stop, self._voice], onset[first:stop, self._voice] = REST, False
        for step, duration, sounding in new:
            pitch[first + step : first + step + duration, self._voice] = sounding
            onset[first + step, self._voice] = True
        if stop < len(pitch):
            onset[stop, self._voice] = pitch[stop, self._voice] != REST
        return replace(read, pitch=pitch, onset=onset)

    def _given_in(self, read: Chorale, here: slice) -> tuple[Chorale, Bools, Bools]:
        """What stays of some bars if the steps ``here`` are written anew.

        The notes that stay; ``(T, V)`` what the musician gives, silence with the melody among it;
        and what is known, which is also all that is outside of these steps or reaches beyond them.
        """
        given, outside = (
            locked_cells(read, self._task.stay, [self._voice]),
            cells_outside(read, here),
        )
        tune = _only(read, given | outside)
        given |= silent_with(tune, [self._voice])[:, None]
        if self._task.partial.limits:
            given[:, list(self._task.partial.limits.absent)] = True
        return tune, given, given | outside

    def _harmonized(self, tune: Chorale, known: Bools, window: slice) -> Harmonization:
        """What the model writes where voices are not known in some steps of the piece."""
        from musicae.decoding import harmonize as decoding

        task, start = self._task, window.start
        asked, shift = task.partial, task.given.parts.shift
        begins = [note.step for note in tune.notes(self._voice)]

        # By the step of a phrase's end, the note that sounds there now, or the last one before.
        ends = {
            mark: begins[place]
            for mark in asked.phrases or ()
            if start <= mark < window.stop
            and (place := bisect_right(begins, mark - start) - 1) >= 0
        }
        phrases = set(ends.values())
        if window.stop == len(self._pitch):
            phrases |= set(begins[-1:])
        cadences = {ends[step]: kind for step, kind in asked.cadences if step in ends}
        partial = PartialScore(
            into_range(tune, shift // SEMITONES)[0],
            known,
            asked.key,
            None if asked.phrases is None else tuple(sorted(phrases)),
            asked.rhythm,
            style=asked.style,
            cadences=tuple(sorted(cadences.items())),
            given=tuple(
                replace(
                    chord,
                    start=max(chord.start, start) - start,
                    length=min(chord.stop, window.stop) - max(chord.start, start),
                )
                for chord in asked.given
                if chord.start < window.stop and chord.stop > start
            ),
            limits=asked.limits,
            before=start,
            after=len(self._pitch) - window.stop,
        )
        (made,) = decoding.harmonize(task.model, partial, 1, task.sampling, task.planner)
        return made

    def _follow(self, plan: HarmonicPlan, region: slice, start: int) -> None:
        """Take the chords of some steps from a plan whose steps count from ``start``."""
        for beat, chord, second, local in zip(
            plan.beats, plan.chords, plan.seconds, plan.local, strict=True
        ):
            if region.start <= start + beat.start < region.stop:
                place = bisect_right(self._starts, start + beat.start) - 1
                self._chords[place], self._local[place] = chord, local
                self._seconds[place] = second and second._replace(step=start + second.step)

    def _excerpt(self, begin: int, end: int) -> Chorale:
        """All voices in some bars; a note that is held into them begins anew."""
        measures = self._measures[begin : end + 1]
        steps = _span(measures)
        pitch, onset = self._pitch[steps], self._onset[steps].copy()
        onset[0] = pitch[0] != REST
        meters, pickup = meters_of([m._replace(start=m.start - steps.start) for m in measures])
        return Chorale(pitch, onset, meters, pickup, self._first.chorale.key)

    def _plan_of(self, low: int, high: int) -> HarmonicPlan:
        """The chords of some bars."""
        assert self._first.plan
        steps = _span(self._measures[low : high + 1])
        some = slice(*(bisect_right(self._starts, s - 1) for s in (steps.start, steps.stop)))
        return HarmonicPlan(
            self._first.plan.key,
            tuple(
                beat._replace(start=beat.start - steps.start, bar=beat.bar - low)
                for beat in self._first.plan.beats[some]
            ),
            tuple(self._chords[some]),
            tuple(s and s._replace(step=s.step - steps.start) for s in self._seconds[some]),
            tuple(self._local[some]),
        )


def _span(measures: Sequence[Measure]) -> slice:
    """The steps of some bars."""
    return slice(measures[0].start, measures[-1].start + measures[-1].length)


def _only(chorale: Chorale, cells: Bools) -> Chorale:
    """A chorale with nothing but the notes of some cells ``(T, V)``."""
    return replace(
        chorale,
        pitch=np.where(cells, chorale.pitch, REST),
        onset=chorale.onset & cells,
        fermatas=tuple(step for step in chorale.fermatas if cells[step, 0]),
        places=None,
    )
