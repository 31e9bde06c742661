"""Score -> song in ticks, with the score's parts as MIDI tracks."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, lcm
from typing import Any

import mido

from musicae.core.constants import STEPS_PER_QUARTER
from musicae.core.key import Key
from musicae.core.meter import meters_of
from musicae.io.closed_score import Line, lines_of
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import raw_text
from musicae.io.midi_notes import MidiNote, Part
from musicae.io.midi_writer import VELOCITY, meter_message, written_meters
from musicae.io.musicxml_file import one_line
from musicae.io.musicxml_parts import Score
from musicae.io.score_song import ScoreSong

PPQ = 480
"""The fewest ticks a quarter."""
MOST_PPQ = 2**15 - 1
"""The most ticks a quarter that a MIDI file can state."""


def song_of(score: Score) -> ScoreSong:
    """The song of a score: a conductor track, then a track for each part with notes.

    Ticks are exact unless they would need more than ``MOST_PPQ`` a quarter.
    """
    lines = [line for line in lines_of(score) if line.notes]
    times = {time for line in lines for note in line.notes for time in (note.begin, note.end)}
    unit = gcd(score.quarter, *times, *score.begins, *(at for at, _ in score.tempos))
    ppq = lcm(score.quarter // unit, STEPS_PER_QUARTER)
    ppq = ppq * -(-PPQ // ppq) if ppq <= MOST_PPQ else MOST_PPQ - MOST_PPQ % PPQ

    def tick(units: int) -> int:
        return (2 * units * ppq + score.quarter) // (2 * score.quarter)

    tracks = [_conductor(score, lines, tick)]
    parts = []
    for index, line in enumerate(lines, start=1):
        events, notes = _track(line, tick)
        tracks.append(events)
        parts.append(Part(index, frozenset({0}), line.name, notes))
    return ScoreSong(
        path=score.path,
        format=1,
        ppq=ppq,
        tracks=tuple(map(tuple, tracks)),
        parts=tuple(parts),
        drums=(),
        score=score,
        lines=tuple(lines),
    )


def _track(line: Line, tick: Any) -> tuple[list[Timed], tuple[MidiNote, ...]]:
    """A part's notes and syllables as events, and its notes with the indices of their events.

    ``tick`` maps units to ticks.
    """
    events: list[Timed] = []
    if name := one_line(line.name):
        events.append(Timed(0, mido.MetaMessage("track_name", name=raw_text(name))))
    notes = []
    for note in line.notes:
        start, end = tick(note.begin), max(tick(note.begin) + 1, tick(note.end))
        if note.lyric:
            events.append(Timed(start, mido.MetaMessage("lyrics", text=raw_text(note.lyric))))
        on = mido.Message("note_on", note=note.pitch, velocity=VELOCITY)
        off = mido.Message("note_off", note=note.pitch, velocity=0)
        notes.append(MidiNote(start, end, note.pitch, len(events), len(events) + 1, end))
        events += [Timed(start, on), Timed(end, off)]
    return events, tuple(notes)


def _conductor(score: Score, lines: Sequence[Line], tick: Any) -> list[Timed]:
    """The conductor track: rights, meters, keys, tempi and rehearsal marks."""
    events = []
    if rights := one_line(score.root.findtext("identification/rights")):
        events.append(Timed(0, mido.MetaMessage("copyright", text=raw_text(rights))))
    measures = [measure for measure in score.measures if measure.length]
    step = score.quarter // STEPS_PER_QUARTER
    for meter in written_meters(*meters_of(measures)):
        events.append(Timed(tick(meter.step * step), meter_message(meter)))
    keys = lines[0].part.keys if lines else ()
    for change in keys:
        key = Key(change.fifths, change.mode or "major")
        name = key.tonic_name + ("m" if key.mode == "minor" else "")
        events.append(Timed(tick(change.begin), mido.MetaMessage("key_signature", key=name)))
    for at, qpm in score.tempos:
        events.append(Timed(tick(at), mido.MetaMessage("set_tempo", tempo=round(60e6 / qpm))))
    for at, text in score.marks:
        events.append(Timed(tick(at), mido.MetaMessage("marker", text=raw_text(text))))
    return sorted(events, key=lambda event: event.tick)
