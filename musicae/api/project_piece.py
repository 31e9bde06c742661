"""A project as a piece, which writes files with the exact tune and the voices around it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import mido
import numpy as np

from musicae.api.given import Given, GivenParts
from musicae.api.piece import Piece
from musicae.api.project_harmony import plan_now
from musicae.api.project_result import word_setting
from musicae.api.project_task import (
    TuneSong,
    locked_cells,
    moved_ends,
    standing,
    task_of,
    tune_chorale,
)
from musicae.core.chorale import Chorale
from musicae.core.constants import REST, TICKS, TICKS_A_STEP, VOICES
from musicae.core.key import Key
from musicae.io.base import END, START
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import Song, raw_text
from musicae.io.midi_notes import MidiNote, Part
from musicae.io.midi_writer import PPQ, VELOCITY, meter_message, title_event, written_meters
from musicae.io.preserved_parts import PreservedParts

if TYPE_CHECKING:
    from musicae.api.project import Project

NOWHERE = Path()
"""The path of a song without a file."""
PHRASE, CADENCE = "phrase", "cadence: "
"""The markers of phrase ends; see ``midi_reader.phrase_marks``."""


def piece_of(project: Project) -> Piece:
    """See ``Project.piece``."""
    harmony, key = project.harmony, Key.parse(project.key) if project.key else None
    if harmony:
        key = Key.parse(harmony.key)
    tune = tune_chorale(project, key, exact=True)
    piece = Piece(tune, {}, ensemble=project.options.parsed_ensemble)
    locked = np.zeros(tune.pitch.shape, dtype=np.bool_)
    if harmony and project.tune:
        assert key
        there = standing(project, tune)
        locked = locked_cells(project, there)
        ends = moved_ends(project, tune, harmony.phrases)
        task = task_of(project, tune_chorale(project), key=key, ends=ends)
        piece = task.resumed(there.chorale, plan_now(project, there.chorale, key))
        piece = replace(piece, notices=harmony.notices)
    setting, _ = word_setting(project, piece.chorale, locked)
    chorale, words, _ = setting.apply(piece.chorale)
    known = np.zeros(tune.pitch.shape, dtype=np.bool_)
    known[:, project.voice] = True
    parts = GivenParts(tune, tune, tune, known, 0, 0, key, ())
    song = _with_score(project, _song(project, chorale), tune)
    voices = {project.voice: song.parts[0]}
    kept = PreservedParts(song, voices, {project.voice: frozenset()}, 0, tune, known)
    return replace(piece, chorale=chorale, given=Given(parts, (), kept, words), words=words)


def _with_score(project: Project, song: Song, tune: Chorale) -> Song:
    """The tune's song; with a score if the tune does not fit the grid of sixteenths."""
    if not any(note.start % TICKS_A_STEP or note.end % TICKS_A_STEP for note in project.tune):
        return song
    from musicae.io.drawn_score import DrawnNote, score_of

    ensemble = project.options.parsed_ensemble
    name = (ensemble.names if ensemble else VOICES)[project.voice]
    notes = [DrawnNote(note.start, note.end, note.pitch) for note in project.tune]
    return score_of(song, notes, tune, project.voice, name) or song


def _song(project: Project, chorale: Chorale) -> TuneSong:
    """The tune as a song, with the meters, tempos and phrase ends of the piece.

    Like ``midi_writer``, it marks silence at the beginning and end of ``chorale``, because MIDI has
    no rests.
    """
    ticks = PPQ // TICKS
    conductor = [title_event(project.title)] if project.title else []
    for meter in written_meters(chorale.meters, chorale.pickup):
        conductor.append(Timed(meter.step * TICKS_A_STEP * ticks, meter_message(meter)))
    for at, qpm in project.tempos:
        message = mido.MetaMessage("set_tempo", tempo=round(60e6 / qpm))
        conductor.append(Timed(at * ticks, message))
    marks = [
        (end.at, CADENCE + end.cadence if end.cadence else PHRASE) for end in project.phrases or ()
    ]
    sounding = np.flatnonzero((chorale.pitch != REST).any(axis=1))
    if sounding.size and 0 < sounding[0] < chorale.measures[0].length:
        marks.append((0, START))
    if not sounding.size or sounding[-1] < len(chorale) - 1:
        marks.append((project.length, END))
    for at, text in marks:
        message = mido.MetaMessage("marker", text=raw_text(text))
        conductor.append(Timed(at * ticks, message))
    events: list[Timed] = []
    notes = []
    for note in project.tune:
        start, end = note.start * ticks, note.end * ticks
        velocity = VELOCITY if note.velocity is None else note.velocity
        notes.append(MidiNote(start, end, note.pitch, len(events), len(events) + 1, end))
        on = mido.Message("note_on", note=note.pitch, velocity=velocity)
        events += [Timed(start, on), Timed(end, mido.Message("note_off", note=note.pitch))]
    name = VOICES[project.voice]
    part = Part(1, frozenset({0}), name, tuple(notes))
    tracks = (tuple(sorted(conductor, key=lambda event: event.tick)), tuple(events))
    return TuneSong(NOWHERE, 1, PPQ, tracks, (part,), ())
