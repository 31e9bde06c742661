"""The input of a harmonizer from a project: the tune on the grid, locked notes and settings.

The tune is quantized like that of a MIDI file; see ``io.midi_reader.quantize``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musicae.api.given import Given, given_parts, into_range, silent_with
from musicae.api.live_window import whole_notes
from musicae.api.midi_input import without_articulation
from musicae.api.phrase_ends import PhraseEnds, ends_at
from musicae.api.project_values import MadeWith, PhraseEnd, TuneNote
from musicae.api.request import Request
from musicae.core.arrays import Bools
from musicae.core.chorale import Chorale, Note
from musicae.core.constants import N_VOICES, REST, STEPS_PER_QUARTER, TICKS, TICKS_A_STEP, VOICES
from musicae.core.ensembles import Ensemble
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter, Tempo
from musicae.core.pitch import pitch_name
from musicae.io.chord_text import PlacedChord, normal
from musicae.io.midi_file import Song
from musicae.io.midi_notes import MidiNote
from musicae.io.midi_reader import quantize

if TYPE_CHECKING:
    from musicae.api.harmonize import Task
    from musicae.api.project import Project


@dataclass(frozen=True)
class TuneSong(Song):
    """A song that rounds a tick to the nearest step, and halves to the earlier one, like scores."""

    def step(self, tick: int) -> int:
        return -((self.ppq - 2 * STEPS_PER_QUARTER * tick) // (2 * self.ppq))


GRID = TuneSong(Path("tune.mid"), 1, TICKS, (), (), ())
"""A song in the ticks of projects."""


class Standing(NamedTuple):
    """The current voices of a project, without the changes for its words."""

    chorale: Chorale
    """The other voices as they were written, cut to the length of the piece; the tune as it is now.
    """
    before: Bools
    """``(T,)`` True at the steps that the piece had when the harmony was written."""


def tune_chorale(project: Project, key: Key | None = None, *, exact: bool = False) -> Chorale:
    """The tune on the grid of sixteenths; short rests between notes are filled unless ``exact``."""
    steps = project.length // TICKS_A_STEP
    notes = [MidiNote(note.start, note.end, note.pitch, 0, 0, note.end) for note in project.tune]
    on_grid = [
        (min(step, steps - 1), min(length, max(1, steps - step)), pitch)
        for step, length, pitch in (quantize(GRID, notes) if notes else ())
    ]
    voices: list[list[tuple[int, int, int]]] = [[] for _ in VOICES]
    voices[project.voice] = on_grid
    tempos = {GRID.step(at): qpm for at, qpm in project.tempos if GRID.step(at) < steps}
    chorale = Chorale.from_notes(
        voices,
        steps=steps,
        meters=tuple(Meter(at // TICKS_A_STEP, *rest) for at, *rest in project.meters),
        pickup=project.pickup // TICKS_A_STEP,
        key=key,
        tempos=tuple(Tempo(step, qpm) for step, qpm in sorted(tempos.items())),
        title=project.title,
    )
    return chorale if exact else without_articulation(chorale, ())


def standing(project: Project, tune: Chorale) -> Standing:
    """The harmony of a project with the current ``tune``, which is that of ``tune_chorale``."""
    assert project.harmony
    pitch, onset = tune.pitch.copy(), tune.onset.copy()
    steps = len(tune)
    for voice, notes in enumerate(project.harmony.voices):
        if voice == project.voice:
            continue
        for note in notes:
            start, stop = note.start // TICKS_A_STEP, min(note.end // TICKS_A_STEP, steps)
            if start < stop:
                pitch[start:stop, voice] = note.pitch
                onset[start:stop, voice] = False
                onset[start, voice] = True
    made = project.harmony.made
    if made:
        for voice, at in made.struck:
            step = at // TICKS_A_STEP
            if 0 < step < steps and pitch[step - 1, voice] == pitch[step, voice]:
                onset[step, voice] = False
        for voice, at in made.held:
            step = at // TICKS_A_STEP
            if step < steps and pitch[step, voice] != REST:
                onset[step, voice] = True
    before = np.arange(steps) < (made.length // TICKS_A_STEP if made else steps)
    return Standing(replace(tune, pitch=pitch, onset=onset), before)


def locked_cells(project: Project, there: Standing) -> Bools:
    """``(T, V)`` the locked cells of the other voices: voices, bars and notes, each note whole."""
    chorale, locks = there.chorale, project.locks
    locked = np.zeros(chorale.pitch.shape, dtype=np.bool_)
    locked[:, list(locks.voices)] = True
    last = project.first_bar + len(project.measures) - 1
    for bar in locks.bars:
        if project.first_bar <= bar <= last:
            locked[project.steps_of(bar, bar)] = True
    locked &= there.before[:, None]
    for voice, at in locks.notes:
        step = at // TICKS_A_STEP
        if at % TICKS_A_STEP == 0 and step < len(chorale) and chorale.onset[step, voice]:
            locked[step, voice] = True
    locked[:, project.voice] = False
    return whole_notes(chorale, locked) if locked.any() else locked


def given_of(
    project: Project, tune: Chorale, key: Key, kept: tuple[Chorale, Bools] | None = None
) -> tuple[Given, tuple[str, ...]]:
    """The tune and the ``kept`` cells ``(T, V)`` of a chorale as given notes, and notices.

    Raises ChoraleError if the tune has no notes, or nothing is left to write.
    """
    parts = given_parts(tune, Request(voice=project.voice), key, marks=())
    if kept is not None:
        chorale, cells = kept
        there = parts.known & (np.arange(N_VOICES) == project.voice)
        cells = cells & ~there
        pitch = np.where(cells, chorale.pitch, parts.tune.pitch)
        onset = np.where(cells, chorale.onset, parts.tune.onset)
        both = replace(parts.tune, pitch=pitch, onset=onset)
        known = there | cells | silent_with(both, [project.voice])[:, None]
        in_range, shift, folded = into_range(both, parts.shift // 12)
        parts = replace(
            parts, tune=both, in_range=in_range, whole=both, known=known, shift=shift, folded=folded
        )
    given = Given.of(parts)
    ensemble = project.options.parsed_ensemble
    return (given, given.notices) if ensemble is None else (given, ())


def task_of(
    project: Project,
    tune: Chorale,
    *,
    key: Key | None = None,
    kept: tuple[Chorale, Bools] | None = None,
    ends: tuple[int, ...] | None = None,
    seed: int | None = None,
) -> Task:
    """The harmonizer's task for a project.

    Args:
        tune: the ``tune_chorale``.
        key: the key to harmonize in; None takes the project's, or finds it.
        kept: a chorale and its cells ``(T, V)`` that stay besides the tune.
        ends: the steps at which the last notes of phrases begin; None finds them.
        seed: the random seed; None takes that of the settings.

    Raises ChoraleError if tune, locks and settings cannot be combined.
    """
    from musicae.api import given_chords
    from musicae.api.harmonize import Task, load_for
    from musicae.api.registers import register_for
    from musicae.api.words import WordSetting
    from musicae.decoding.key import find_key
    from musicae.io.lyrics import NO_WORDS
    from musicae.models.checkpoint import load_model

    options = project.options.changed(seed=project.settings.seed if seed is None else seed)
    model, sampling = load_for(options)
    key = key or options.parsed_key or find_key(tune)
    given, notices = given_of(project, tune, key, kept)
    limits = None
    if ensemble := options.parsed_ensemble:
        register = register_for(tune, ensemble)
        in_range, shift, folded = into_range(given.parts.tune, register.shift // 12)
        known = given.parts.known.copy()
        known[:, list(register.limits.absent)] = True
        parts = replace(given.parts, in_range=in_range, shift=shift, folded=folded, known=known)
        given, limits = replace(given, parts=parts), register.limits
        notices = _notices_of_ensemble(tune, ensemble, project.voice)
    chosen = given_chords.fit(placed_locks(project), given)
    given, parts = chosen.given, chosen.given.parts
    found = phrase_ends_of(project, tune, parts.likely_key, ends)
    partial = parts.partial_score(
        found.steps,
        rhythm=options.rhythm,
        style=options.style,
        cadences=found.cadences,
        given=chosen.chords,
        limits=limits,
    )
    return Task(
        options,
        model,
        load_model("planner"),
        sampling,
        given,
        partial,
        (project.voice,),
        (*notices, *chosen.notices),
        WordSetting(parts.known, NO_WORDS),
    )


def _notices_of_ensemble(tune: Chorale, ensemble: Ensemble, voice: int) -> tuple[str, ...]:
    """A sentence on a tune that does not fit the range of its voice."""
    from musicae.api.registers import fitting, transposed_notice

    singer = ensemble.voices[voice]
    assert singer
    try:
        moved = fitting(tune, ensemble)
    except ChoraleError:
        low, high = map(pitch_name, singer.range)
        return (f"the tune is wider than the {singer.name.lower()}'s range {low} to {high}",)
    if not moved:
        return ()
    interval = transposed_notice(ensemble, voice, moved).removeprefix("transposed ")
    return (f"the tune does not fit its voice; move it {interval}",)


def placed_locks(project: Project) -> list[PlacedChord]:
    """The locked chords inside the piece, on the grid."""
    found = []
    for chord in project.locks.chords:
        stop = min(chord.start + chord.length, project.length)
        if chord.start < stop:
            start = chord.start // TICKS_A_STEP
            length = (stop - chord.start) // TICKS_A_STEP
            found.append(PlacedChord(start, length, normal(chord.name.strip())))
    return found


def phrase_ends_of(
    project: Project, tune: Chorale, key: Key, ends: tuple[int, ...] | None
) -> PhraseEnds:
    """The phrase ends that the musician set, else ``ends``, else those found in the tune."""
    if project.phrases is not None:
        return asked_ends(project.phrases, tune.notes(project.voice))
    if ends is None:
        from musicae.decoding.phrases import phrase_ends

        ends = phrase_ends(tune, key)
    return PhraseEnds(ends)


def asked_ends(asked: Sequence[PhraseEnd], notes: Sequence[Note]) -> PhraseEnds:
    """Phrase ends on the notes that sound there, or the last note before; and the last note."""
    begins = [note.step for note in notes]
    steps, cadences = set(begins[-1:]), {}
    for end in asked:
        place = bisect_right(begins, GRID.step(end.at)) - 1
        if place >= 0:
            steps.add(begins[place])
            if end.cadence:
                cadences[begins[place]] = end.cadence
    return PhraseEnds(tuple(sorted(steps)), tuple(sorted(cadences.items())))


def moved_ends(project: Project, tune: Chorale, ends: Iterable[int]) -> tuple[int, ...]:
    """Phrase ends found before, in ticks, on the notes that the tune has there now."""
    return ends_at(tune.notes(project.voice), [end // TICKS_A_STEP for end in ends])


def made_with(project: Project) -> MadeWith:
    """The current values that a harmony is written with."""
    return MadeWith(
        project.length,
        project.meters,
        project.pickup,
        project.voice,
        project.settings,
        project.phrases,
        project.locks.chords,
    )


def notes_of(chorale: Chorale, voice: int) -> tuple[TuneNote, ...]:
    """The notes of a voice in ticks."""
    return tuple(
        TuneNote(note.step * TICKS_A_STEP, note.duration * TICKS_A_STEP, note.pitch)
        for note in chorale.notes(voice)
    )
