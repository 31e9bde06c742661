"""``musicae.LiveHarmonizer``: when bars of a melody change, their other voices are rewritten."""

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
"""Settings of ``harmonize`` that a live harmonizer does not take, with their defaults."""


class LiveHarmonizer:
    """A harmonization of a melody that is edited: only the changed bars are rewritten.

    The key and the phrase ends are found once, in the first melody, and stay. After a change a
    phrase ends on the note that sounds at that place, or on the last note before it. The same
    melody, settings and changes give the same music.

    Args:
        melody: as for ``musicae.harmonize``. It is the soprano, or the voice that ``voice`` names.
            Words in its file are left out.
        options: settings that were made before; ``settings`` replace its fields.
        **settings: fields of ``HarmonizeOptions``, without ``n``, ``bars``, ``words``, ``figures``.

    Raises:
        ChoraleError: if the melody or the settings cannot be used, or a setting does not go with a
            live harmonizer.
        CheckpointError: if the model cannot be loaded, or cannot write around given notes.

    Example:
        ```python
        live = musicae.LiveHarmonizer("tune.mid", key="D minor")
        changed = live.replace("5", [(0, 8, 62), (8, 4, 64), (12, 4, 65)])
        live.take(live.rewrite("5-6", n=3)[1])
        live.piece.write("harmonized.mid")
        ```
    """

    _piece: Piece | None
    """The current harmonization; None until it is computed."""

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
        """Go on with a harmonization that was made before, without writing notes.

        Args:
            task: ``musicae.api.harmonize.Task.of(melody, options)``. Everything that is written
                later follows its chords, cadences and settings, except ``n`` and the words.
            chorale: the harmonization, with the bars of the task's melody. Its given voices are
                replaced by those of the task.
            plan: the chords of the harmonization, in the task's key.
            locked: bool ``(T, V)``: the cells of other voices that stay. A note with such a cell
                stays as a whole. None locks nothing.

        Returns:
            The live harmonizer.

        Raises:
            ChoraleError: if the arguments do not fit together.
            CheckpointError: if the model cannot write around given notes.
        """
        tune, shape = _checked(task).given.parts.tune, chorale.pitch.shape
        if chorale.measures != tune.measures:
            raise ChoraleError("the harmonization and the melody do not have the same bars")
        if plan.beats != beats_of(chorale) or plan.key.tonic != task.partial.key.tonic:
            raise ChoraleError("the plan and the harmonization do not have the same beats or key")
        if locked is not None and locked.shape != shape:
            raise ChoraleError(f"locked has the shape {shape}, not {locked.shape}")
        given = locked_cells(tune, task.stay, [task.melody])
        pitch = np.where(given, tune.pitch, chorale.pitch)
        onset = np.where(given, tune.onset, chorale.onset)
        # Between given and other notes, a new note begins.
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

        After a change, its ``nats`` are None and ``keep_tracks`` finds no melody file.
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
        """Replace the melody in some bars and rewrite the other voices there.

        Everything outside the bars stays. A melody note held into the bars ends at the bar line
        before them. A melody note held over their end begins again at the bar line after them.
        Notes of other voices that reach beyond the bars stay whole. If the melody rests for a bar
        or longer, the other voices rest too, except locked ones. Only a few bars around the change
        are read (see ``live_window``), so the time does not grow with the length of the piece.

        Args:
            bars: the first and the last bar: ``(5, 6)``, ``"5-6"`` or ``"5"``; a pickup is bar 0.
            notes: all melody notes in these bars, as (start, length, pitch): the start in steps
                (sixteenths) from the beginning of the bars, the length in steps, and the MIDI
                pitch at which it sounds in ``piece``. The melody is silent between them.

        Returns:
            The changed bars; they are already in ``piece``.

        Raises:
            ChoraleError: if bars are not in the piece, or notes overlap, or lie outside the bars or
                the voice's range. Then nothing is changed.
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
        # From here on nothing raises an error.
        if region.stop < len(music):
            music.onset[region.stop, voice] = music.pitch[region.stop, voice] != REST
        self._known[region] = window.given[window.here]
        self.take(changed)
        return changed

    def rewrite(
        self, bars: tuple[int, int] | str | None = None, n: int = 1, seed: int | None = None
    ) -> list[ChangedBars]:
        """Write alternatives for some bars; ``take`` puts one of them into the piece.

        The melody, given chords and locked voices stay, and so do notes that reach beyond the bars.

        Args:
            bars: the first and the last bar, as for ``replace``; None for the whole piece.
            n: the number of alternatives, 1 to 1000.
            seed: the random seed, 0 or more; None takes that of the settings. Another seed gives
                other voices.

        Returns:
            1 to ``n`` alternatives, best first. Each has other chords, if other chords are possible
            there.

        Raises:
            ChoraleError: if bars are not in the piece, or a number is out of range.
        """
        check_number(n)
        check_draws(n, None, 0 if seed is None else seed)
        window = self._window(*self._music.places(bars))
        return [self._changed(window, each) for each in self._written(window, n, seed)]

    def take(self, changed: ChangedBars) -> None:
        """Put bars that ``rewrite`` or ``mend`` wrote into the piece.

        If a note that was held over one of their bar lines has changed on one side, a new note
        begins at the bar line.

        Args:
            changed: the bars, as ``rewrite`` or ``mend`` returned them.

        Raises:
            ChoraleError: if they do not fit this piece.
        """
        self._music.take(changed)
        self._changes.append("-".join(str(bar) for bar in dict.fromkeys(changed.bars)))
        self._piece = None

    def choices(self, step: int) -> ChordChoices:
        """Find the chords that fit in place of the chord at a step.

        Args:
            step: a step (sixteenth) of the piece, from 0.

        Returns:
            The chords, likeliest first, with the planner's probabilities given the melody, the
            locked notes and the chords before and after.

        Raises:
            ChoraleError: if the step is not in the piece.
        """
        return choices_at(self._task, self._music, step)

    def mend(self, violation: Violation, seed: int | None = None) -> ChangedBars | None:
        """Rewrite the bars around a broken rule so that it is kept there.

        Several drafts are tried, first in the bars of the violation, then with one more bar on both
        sides. ``take`` puts the result into the piece.

        Args:
            violation: one of ``piece.report().violations``, or of a strict check.
            seed: the random seed, 0 or more; None takes that of the settings.

        Returns:
            The likeliest draft with fewer violations in all and none of this rule at this place;
            None if there is no such draft.

        Raises:
            ChoraleError: if the violation is not in the piece.
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
        """The bars of a window that were rewritten."""
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
        """The chords of the rewritten bars; a beat in which all voices stay keeps its chord.

        ``same`` ``(T,)`` is True at the steps of these bars whose notes did not change.
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
        """The notes in order. Raises ChoraleError if they do not fit into the region."""
        try:
            found = sorted(Note(*map(index, note)) for note in notes)
        except TypeError:
            raise ChoraleError("a note has three whole numbers: start, length and pitch") from None
        place, shift = self._task.melody, self._task.given.parts.shift
        low, high = (pitch - shift for pitch in VOICE_RANGES[place])
        steps = region.stop - region.start
        for note in found:
            if note.step < 0 or note.duration < 1 or note.step + note.duration > steps:
                raise ChoraleError(
                    f"a note of {note.duration} steps that begins at step {note.step} does not fit"
                    f" into the {steps} steps of the changed bars"
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
                    f"bar {bar}, beat {beat:g}: a note begins before the previous one ends"
                )
        return found


def _checked(task: Task) -> Task:
    """The task, if it goes with a live harmonizer. Raises the errors of ``LiveHarmonizer``."""
    if not task.model.can("fill"):
        raise CheckpointError(f"{task.model.name} does not write around given notes")
    if task.options.bars is not None:
        raise ChoraleError("bars does not go with a live harmonizer; leave it out")
    if task.melody not in task.stay:
        raise ChoraleError("the melody (the soprano) is not given; name its voice with --voice")
    return task
