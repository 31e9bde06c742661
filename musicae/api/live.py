"""``musicae.LiveHarmonizer``: where bars of a melody change, their voices are written anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from musicae.api.chord_choices import ChordChoices, choices_at
from musicae.api.given import HIGHEST, SEMITONES, into_range, locked_cells, silent_with
from musicae.api.harmonize import Task
from musicae.api.latent import check_number
from musicae.api.live_music import ChangedBars, LiveMusic
from musicae.api.live_window import Window, Written, only, whole_notes, without_cut_notes
from musicae.api.mending import PLANS, TRIES, mended
from musicae.api.options import HarmonizeOptions, check_draws
from musicae.api.piece import Piece
from musicae.core.arrays import Bools
from musicae.core.chorale import Chorale, Note
from musicae.core.constants import REST, VOICE_RANGES, VOICES
from musicae.core.errors import CheckpointError, ChoraleError
from musicae.core.pitch import pitch_name
from musicae.core.progress import portion
from musicae.io.lyrics import NO_WORDS
from musicae.theory.harmonic_plan import HarmonicPlan, beats_of
from musicae.theory.voice_leading.rules import Violation

WITHOUT = {"n": 1, "bars": None, "figures": None, "words": "all"}
"""Settings of ``harmonize`` that a live harmonizer does not have, with what they are unless they
are asked for."""


class LiveHarmonizer:
    """A harmonization that follows its melody: where some bars change, these are written anew.

    >>> live = LiveHarmonizer("tune.mid", key="D minor")  # doctest: +SKIP
    >>> live.replace("5", [(0, 8, 62), (8, 4, 64), (12, 4, 65)]).chorale  # doctest: +SKIP
    >>> live.take(live.rewrite("5-6", n=3)[1])  # doctest: +SKIP

    ``melody`` and the settings are those of ``musicae.harmonize``, but for ``n``, ``bars``,
    ``words`` and ``figures``; words of the melody's file are left out. The melody is the soprano,
    or the voice that ``voice`` names. Raises as ``harmonize`` does, ChoraleError for a setting that
    does not go with live work, CheckpointError for a model that does not write around given notes.

    The key stays that of the whole melody at first, and phrases go on to end where they ended then:
    with the note that sounds there, or the last one before. The same melody, settings and changes
    give the same music.
    """

    _piece: Piece | None
    """The current harmonization, where it is at hand."""

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
        task = _checked(Task.of(melody, options.changed(words="none", figures="none")))
        (piece,) = task.pieces()
        self._begin(task, piece)
        self._piece = piece

    @classmethod
    def resume(
        cls, task: Task, chorale: Chorale, plan: HarmonicPlan, locked: Bools | None = None
    ) -> LiveHarmonizer:
        """Go on with a harmonization that was made before; nothing is written.

        Args:
            task: what is asked of the harmonizer; all that is written later follows its chords,
                cadences and settings, but for ``n`` and the words.
            chorale: the harmonization, with the bars of the task's melody. Its given voices may be
                others: those of the task stand.
            plan: its chords, in the task's key.
            locked: ``(T, V)`` where voices stay that the task does not give; a note with such a
                step stays as a whole. None for nowhere.

        Raises ChoraleError where these do not fit together, CheckpointError for a model that does
        not write around given notes.
        """
        tune, shape = _checked(task).given.parts.tune, chorale.pitch.shape
        if chorale.measures != tune.measures:
            raise ChoraleError("the harmonization has other bars than the melody")
        if plan.beats != beats_of(chorale) or plan.key.tonic != task.partial.key.tonic:
            raise ChoraleError("the plan has other beats, or another key, than the harmonization")
        if locked is not None and locked.shape != shape:
            raise ChoraleError(f"locked cells are {shape}, not {locked.shape}")
        given = locked_cells(tune, task.stay, [task.melody])
        pitch = np.where(given, tune.pitch, chorale.pitch)
        onset = np.where(given, tune.onset, chorale.onset)
        # Where given and other notes meet, these begin anew.
        onset[0] |= pitch[0] != REST
        onset[1:] |= (pitch[1:] != pitch[:-1]) & (pitch[1:] != REST)
        source = chorale.source
        whole = replace(tune, pitch=pitch, onset=onset, places=None, source=source)
        other = np.zeros(shape, dtype=np.bool_) if locked is None else locked & ~given
        other[:, task.melody] = False
        live = cls.__new__(cls)
        live._begin(task, task.resumed(whole, plan), whole_notes(whole, other))
        return live

    def _begin(self, task: Task, first: Piece, locked: Bools | None = None) -> None:
        """Start from a harmonization."""
        assert first.plan
        self._task, self._first = task, first
        self._piece = None
        self._known = known = task.partial.known.copy()
        silent = silent_with(task.given.parts.tune, [task.melody])
        self._music = LiveMusic(
            first.chorale,
            first.plan,
            np.zeros_like(known) if locked is None else locked,
            known.all(axis=1) & ~silent,
        )
        self._changes: list[str] = []

    @property
    def piece(self) -> Piece:
        """The current harmonization.

        After a change it has no likelihood, and ``keep_tracks`` no longer finds the melody's file.
        """
        if self._piece is None:
            first, parts = self._first, self._task.given.parts
            chorale, plan = self._music.chorale, self._music.plan
            known = without_cut_notes(chorale, self._known)
            tune = only(chorale, known)
            given = replace(
                self._task.given,
                parts=replace(
                    parts,
                    tune=tune,
                    in_range=into_range(tune, parts.shift // SEMITONES)[0],
                    whole=tune,
                    known=known,
                ),
                preserved=None,
                words=NO_WORDS,
            )
            facts = first.provenance | {"plan": str(plan)}
            if self._changes:
                facts |= {"changed": list(self._changes)}
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

        Of the piece only some bars around these are read: see ``live_window``. So time does not
        grow with its length.

        Raises ChoraleError, and changes nothing, where bars are not in the piece, or notes are
        outside of the bars or of the voice's range, or overlap.
        """
        music, voice = self._music, self._task.melody
        low, high = music.places(bars)
        region = music.steps(low, high)
        new = music.excerpt(low, high)
        melody = Chorale.from_notes(
            [*[[]] * voice, self._notes(notes, region)], region.stop - region.start
        )
        new = replace(melody, meters=new.meters, pickup=new.pickup)
        window = Window.of(self._task, music, low, high, (new, voice))
        (written,) = window.written(1, self._task.sampling)
        changed = self._changed(window, written)
        changed = changed._replace(held=tuple(each for each in changed.held if each != voice))
        # Nothing can go wrong any more.
        if region.stop < len(music):
            music.onset[region.stop, voice] = music.pitch[region.stop, voice] != REST
        self._known[region] = window.given[window.here]
        self.take(changed)
        return changed

    def rewrite(
        self, bars: tuple[int, int] | str | None = None, n: int = 1, seed: int | None = None
    ) -> list[ChangedBars]:
        """Write some bars anew around what stays; nothing is changed before ``take``.

        Returns up to ``n`` alternatives, best first, each with other chords where the melody, given
        chords and locked voices leave any; at least one. Notes that reach beyond the bars stay
        whole.

        Args:
            bars: the first and the last, as of ``replace``; None for the whole piece.
            n: how many, 1 to 1000.
            seed: of the random numbers, 0 or more; None for that of the settings. Another one gives
                other voices to likely chords.

        Raises ChoraleError where bars are not in the piece, or a number makes no sense.
        """
        check_number(n)
        check_draws(n, None, 0 if seed is None else seed)
        window = self._window(*self._music.places(bars))
        return [self._changed(window, each) for each in self._written(window, n, seed)]

    def take(self, changed: ChangedBars) -> None:
        """Let what ``rewrite`` or ``mend`` wrote stand in its bars.

        A note that reached into the bars, or out of them, and that is another one now begins anew
        at the bar line. Raises ChoraleError where the bars are not those of this piece.
        """
        self._music.take(changed)
        self._changes.append("-".join(str(bar) for bar in dict.fromkeys(changed.bars)))
        self._piece = None

    def choices(self, step: int) -> ChordChoices:
        """The chords that fit where the chord that sounds at a step stays, likeliest first.

        The planner's probabilities, given the melody, the locked notes there, and the chords before
        and after; see ``ChordChoices``. Raises ChoraleError for a step that is not in the piece.
        """
        return choices_at(self._task, self._music, step)

    def mend(self, violation: Violation, seed: int | None = None) -> ChangedBars | None:
        """Write the bars around a broken rule anew so that it is kept there.

        Of some tries, the likeliest with fewer violations, and none of this rule at this place; at
        first in the bars of the violation, then in a bar more on both sides. Nothing is changed
        before ``take``. None where no try is better. ``violation`` is one of ``piece.report()``,
        or of a strict check; ``seed`` is that of ``rewrite``.

        Raises ChoraleError where the violation is not in the piece.
        """
        if not 0 <= violation.since <= violation.step < len(self._music):
            raise ChoraleError(f"{violation}: is not in the piece")
        seed = self._task.sampling.seed if seed is None else seed
        check_draws(1, None, seed)
        windows = [*self._around(violation)]
        for number, window in enumerate(windows):
            tries: list[tuple[Written, ChangedBars]] = []
            for more in range(TRIES):
                with portion(number * TRIES + more, len(windows) * TRIES):
                    ways = self._written(window, PLANS, seed + more)
                tries += [(way, self._changed(window, way)) for way in ways]
            found = mended(violation, self._music, window, tries, self._first.ensemble)
            if found:
                return found
        return None

    def _around(self, violation: Violation) -> Iterator[Window]:
        """The bars of a violation; then these and one more on both sides."""
        music, last = self._music, len(self._music.measures) - 1
        low, high = (music.measure_index(s) for s in (violation.since, violation.step))
        yield self._window(low, high)
        if (low, high) != (0, last):
            yield self._window(max(0, low - 1), min(last, high + 1))

    def _window(self, low: int, high: int) -> Window:
        return Window.of(self._task, self._music, low, high)

    def _written(self, window: Window, n: int, seed: int | None) -> list[Written]:
        sampling = self._task.sampling
        return window.written(n, sampling if seed is None else sampling._replace(seed=seed))

    def _changed(self, window: Window, written: Written) -> ChangedBars:
        """What is written in the open bars of a window."""
        music, (low, high) = self._music, (window.low, window.high)
        there = music.excerpt(low, high)
        pitch, onset = written.chorale.pitch[window.here], written.chorale.onset[window.here].copy()
        onset[0] = pitch[0] != REST
        return ChangedBars(
            (low + music.lowest, high + music.lowest),
            replace(there, pitch=pitch, onset=onset),
            self._plan_of(window, written, (pitch == there.pitch).all(axis=1)),
            music.held(window.start + window.here.start),
            written.notices,
        )

    def _plan_of(self, window: Window, written: Written, same: Bools) -> HarmonicPlan:
        """The chords of the open bars; those that stand where all voices stay.

        ``same`` ``(T,)`` says at which of their steps the notes are those that stand there.
        """
        before, new = self._music.plan_of(window.low, window.high), written.plan
        stays = same & window.known[window.here].all(axis=1)
        first = next(i for i, beat in enumerate(new.beats) if beat.start >= window.here.start)
        found = []
        for own, beat in enumerate(before.beats):
            if stays[beat.start : beat.start + beat.length].all():
                found.append((before.chords[own], before.seconds[own], before.local[own]))
            else:
                place = first + own
                second = new.seconds[place]
                second = second and second._replace(step=second.step - window.here.start)
                found.append((new.chords[place], second, new.local[place]))
        chords, seconds, local = zip(*found, strict=True)
        return HarmonicPlan(new.key, before.beats, chords, seconds, local)

    def _notes(self, notes: Iterable[tuple[int, int, int]], region: slice) -> list[Note]:
        """Notes in order, if they fit into some steps. Raises ChoraleError."""
        try:
            found = sorted(Note(*map(index, note)) for note in notes)
        except TypeError:
            raise ChoraleError(
                "a note is its start, its length and its pitch, each a whole number"
            ) from None
        place, shift = self._task.melody, self._task.given.parts.shift
        low, high = (pitch - shift for pitch in VOICE_RANGES[place])
        steps = region.stop - region.start
        for note in found:
            if note.step < 0 or note.duration < 1 or note.step + note.duration > steps:
                raise ChoraleError(
                    f"a note of {note.duration} steps from step {note.step} on does not lie in the"
                    f" {steps} steps of the changed bars"
                )
            if not low <= note.pitch <= high:
                bar, beat = self._music.position(region.start + note.step)
                name = pitch_name(note.pitch) if 0 <= note.pitch <= HIGHEST else str(note.pitch)
                raise ChoraleError(
                    f"bar {bar}, beat {beat:g}: {name} is outside the {VOICES[place].lower()}'s"
                    f" range {pitch_name(low)} to {pitch_name(high)}"
                )
        for note, later in pairwise(found):
            if later.step < note.step + note.duration:
                bar, beat = self._music.position(region.start + later.step)
                raise ChoraleError(
                    f"bar {bar}, beat {beat:g}: a note begins before the one before it ends"
                )
        return found


def _checked(task: Task) -> Task:
    """A task that goes with live work. Raises as ``LiveHarmonizer`` does."""
    if not task.model.can("fill"):
        raise CheckpointError(f"{task.model.name} does not write around given notes")
    if task.options.bars is not None:
        raise ChoraleError("bars does not go with a live harmonizer; leave it out")
    if task.melody not in task.stay:
        raise ChoraleError("the melody is the soprano; name another voice with --voice")
    return task
