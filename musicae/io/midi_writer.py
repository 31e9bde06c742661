"""Chorale -> MIDI file.

Files are format 1: the conductor in track 0, then a named track for each voice on channels 1 to 4,
with one program change and the key signature. Every track ends on a bar line. An anacrusis is
written as a short first meter, as in notation programs. MIDI has no rests; if a chorale begins or
ends in silence, the markers ``Start`` and ``End`` say so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mido

from musicae.core.chorale import Chorale, seconds_of
from musicae.core.constants import REST, STEPS_PER_QUARTER, STEPS_PER_WHOLE, UNSTATED_QPM, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.io.base import END, FERMATA, OWN, PROVENANCE, SOURCE, START
from musicae.io.general_midi import CHOIR_AAHS
from musicae.io.lyrics import Verses
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import Arrangement, Song, raw_text, save
from musicae.io.midi_lyrics import events_of
from musicae.io.seal import with_open_seal

if TYPE_CHECKING:
    import pretty_midi


PPQ = 480
"""Ticks a quarter."""
VELOCITY = 80
CLOCKS_PER_STEP = 24 // STEPS_PER_QUARTER
"""MIDI clocks a step; a quarter has 24."""


def write(
    chorale: Chorale,
    path: Path | str,
    program: int = CHOIR_AAHS,
    provenance: dict[str, Any] | None = None,
    markers: Sequence[tuple[int, str]] = (),
    *,
    names: Sequence[str] = VOICES,
    words: Mapping[int, Verses] | None = None,
) -> None:
    """Write a chorale as MIDI, whole or not at all; see ``arrange``.

    Raises ChoraleError if the file cannot be written.
    """
    save(arrange(chorale, program, provenance, markers, names=names, words=words), path)


def arrange(
    chorale: Chorale,
    program: int | Sequence[int] = CHOIR_AAHS,
    provenance: dict[str, Any] | None = None,
    markers: Sequence[tuple[int, str]] = (),
    *,
    names: Sequence[str] = VOICES,
    words: Mapping[int, Verses] | None = None,
) -> Arrangement:
    """A chorale as MIDI tracks: the conductor and four voices, 480 ticks a quarter.

    Args:
        program: a General MIDI program counted from 0, or one for each voice.
        provenance: how the chorale was made; it goes into the conductor track as JSON.
        markers: (step, text) of markers in the conductor track, besides those for fermatas.
        names: the names of the four voices; a voice with an empty name is left out.
        words: the verses of each voice; the first verse becomes lyric events in its track.

    Raises ChoraleError if a program is not 0 to 127.
    """
    events = [title_event(chorale.title)] if chorale.title else []
    if chorale.source:
        events.append(_own_event(SOURCE, chorale.source))
    if provenance:
        events.append(provenance_event(provenance))
    ticks_per_step = PPQ // STEPS_PER_QUARTER
    key_signature = [key_event(chorale.key)] if chorale.key else []
    events += key_signature
    for meter in written_meters(chorale.meters, chorale.pickup):
        events.append(Timed(meter.step * ticks_per_step, meter_message(meter)))
    for tempo in chorale.tempos:
        message = mido.MetaMessage("set_tempo", tempo=round(60e6 / tempo.qpm))
        events.append(Timed(tempo.step * ticks_per_step, message))
    for step, text in [*_markers(chorale), *markers]:
        message = mido.MetaMessage("marker", text=raw_text(text))
        events.append(Timed(step * ticks_per_step, message))
    tracks = [events]
    for v, name in enumerate(names):
        if not name:
            continue
        notes = [
            (n.step * ticks_per_step, (n.step + n.duration) * ticks_per_step, n.pitch)
            for n in chorale.notes(v)
        ]
        sung = [
            event
            for verse in (words or {}).get(v, ())[:1]
            for event in events_of(verse, lambda step: step * ticks_per_step)
        ]
        header = voice_header(name, v, program) + key_signature
        tracks.append(header + merged(sung, voice_events(notes, v)))
    return Arrangement(tracks, PPQ, bar_line_from(events, PPQ, len(chorale) * ticks_per_step))


def arrange_as_read(song: Song) -> Arrangement:
    """Any MIDI file as it was read, for playback; it ends on a bar line after its last note.

    Of a format 2 file, it is the first song with notes.
    """
    if song.parts:
        song = song.pattern(song.parts[0])
    notes = [
        event.tick
        for track in song.tracks
        for event in track
        if event.message.type in ("note_on", "note_off")
    ]
    last = max([0, *notes, *(n.sounds_until for part in song.parts for n in part.notes)])
    end = bar_line_from(song.metas("time_signature"), song.ppq, last)
    tracks = [
        [e for e in track if e.tick <= end and e.message.type != "end_of_track"]
        for track in song.tracks
    ]
    return Arrangement(tracks, song.ppq, end)


def to_pretty_midi(chorale: Chorale, program: int = CHOIR_AAHS) -> pretty_midi.PrettyMIDI:
    """The chorale as a pretty_midi object, in seconds; without a tempo, 120 quarters a minute."""
    import pretty_midi

    out = pretty_midi.PrettyMIDI(resolution=PPQ, initial_tempo=UNSTATED_QPM)
    seconds = seconds_of(chorale)
    for v, name in enumerate(VOICES):
        instrument = pretty_midi.Instrument(program, name=name)
        instrument.notes = [
            pretty_midi.Note(VELOCITY, n.pitch, seconds[n.step], seconds[n.step + n.duration])
            for n in chorale.notes(v)
        ]
        out.instruments.append(instrument)
    return out


def title_event(title: str) -> Timed:
    """The event with the title of a piece: the name of its first track."""
    return Timed(0, mido.MetaMessage("track_name", name=raw_text(title)))


def provenance_event(provenance: dict[str, Any]) -> Timed:
    """The event with the provenance of a file."""
    return _own_event(PROVENANCE, json.dumps(with_open_seal(provenance)))


def key_event(key: Key) -> Timed:
    """The key signature at the beginning of a piece."""
    name = key.tonic_name + ("m" if key.mode == "minor" else "")
    return Timed(0, mido.MetaMessage("key_signature", key=name))


def voice_header(name: str, voice: int, program: int | Sequence[int]) -> list[Timed]:
    """The first events of a voice's track: its name and a program change.

    Raises ChoraleError if the program is not 0 to 127.
    """
    program = program if isinstance(program, int) else program[voice]
    if not 0 <= program <= 127:
        raise ChoraleError(f"a MIDI program is 0 to 127, not {program}")
    return [
        Timed(0, mido.MetaMessage("track_name", name=name)),
        Timed(0, mido.Message("program_change", channel=voice, program=program)),
    ]


def voice_events(notes: Iterable[tuple[int, int, int]], voice: int) -> list[Timed]:
    """The events of notes ``(start, end, pitch)`` in ticks, ends before beginnings at one tick."""
    events = []
    for start, end, pitch in notes:
        if end > start:  # with few ticks a quarter, a note may be shorter than a tick
            on = mido.Message("note_on", channel=voice, note=pitch, velocity=VELOCITY)
            off = mido.Message("note_off", channel=voice, note=pitch, velocity=0)
            events += [Timed(start, on), Timed(end, off)]
    return sorted(events, key=lambda e: (e.tick, e.message.type == "note_on"))


def merged(own: Sequence[Timed], written: Sequence[Timed]) -> list[Timed]:
    """A file's own events merged with those of written notes, in order of time.

    At one tick, written notes end before the other events and begin after them.
    """
    ends = [event for event in written if event.message.type == "note_off"]
    begins = [event for event in written if event.message.type == "note_on"]
    return sorted([*ends, *own, *begins], key=lambda event: event.tick)


def bar_line_from(conductor: Iterable[Timed], ppq: int, tick: int) -> int:
    """The first bar line at or after a tick."""
    start, bar = 0, 4 * ppq
    for event in conductor:
        if event.message.type == "time_signature" and event.tick < tick:
            start = event.tick
            bar = max(1, 4 * ppq * event.message.numerator // event.message.denominator)
    return start + math.ceil((tick - start) / bar) * bar


def _own_event(label: str, text: str) -> Timed:
    """An event with a text for musicae alone. Notation programs would print a plain text event."""
    data = (OWN, *(label + text).encode())
    return Timed(0, mido.MetaMessage("sequencer_specific", data=data))


def written_meters(meters: Sequence[Meter], pickup: int) -> list[Meter]:
    """The meters of a chorale as MIDI states them; a pickup is a short first meter."""
    first = meters[0]
    if not pickup:
        return list(meters)
    denominator = first.denominator
    if pickup * denominator % STEPS_PER_WHOLE:
        denominator = STEPS_PER_WHOLE // math.gcd(pickup, STEPS_PER_WHOLE)
    short = Meter(0, pickup * denominator // STEPS_PER_WHOLE, denominator)
    return [short, replace(first, step=pickup), *meters[1:]]


def meter_message(meter: Meter) -> Any:
    """The time signature of a meter, as a MIDI meta message."""
    return mido.MetaMessage(
        "time_signature",
        numerator=meter.numerator,
        denominator=meter.denominator,
        clocks_per_click=round(CLOCKS_PER_STEP * meter.steps_per_beat),
    )


def _markers(chorale: Chorale) -> list[tuple[int, str]]:
    markers = [(step, FERMATA) for step in chorale.fermatas]
    sounding = (chorale.pitch != REST).any(axis=1)
    first = int(sounding.argmax()) if sounding.any() else len(chorale)
    if 0 < first < chorale.measures[0].length:
        markers.insert(0, (0, START))
    if not sounding[-1]:
        markers.append((len(chorale), END))
    return markers
