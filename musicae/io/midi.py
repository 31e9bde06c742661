"""Chorale <-> Standard MIDI File.

Files are written as DAWs like them: format 1, the conductor in track 0, then a named track a voice
on channels 1 to 4, each with one program change, the key signature, and its end on a bar line. An
anacrusis is a short first meter, as notation programs write it. A chorale that begins or ends in
silence has markers ``Start`` and ``End`` there, since MIDI knows no other way.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mido

from musicae.core.chorale import Chorale, seconds_of
from musicae.core.constants import (
    FASTEST_QPM,
    LONGEST,
    REST,
    SLOWEST_QPM,
    STEPS_PER_QUARTER,
    STEPS_PER_WHOLE,
    UNSTATED_QPM,
    VOICES,
)
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Measure, Meter, Tempo, measures_of, meters_of
from musicae.io.base import Reading
from musicae.io.midi_file import (
    Arrangement,
    MidiNote,
    Part,
    Song,
    Timed,
    no_notes,
    open_song,
    raw_text,
    save,
    text_of,
)

if TYPE_CHECKING:
    import pretty_midi

PPQ = 480
CHOIR_AAHS = 52
"""The General MIDI program, counted from 0, that voices sing in by default."""
VELOCITY = 80
CLOCKS_PER_STEP = 24 // STEPS_PER_QUARTER

BREATH = 0.25
"""Of a sixteenth: how far from the grid a note that was meant to be on it may be played."""

FERMATA, START, END = "fermata", "Start", "End"
PHRASE_MARKS = (FERMATA, "cadence", "phrase")
"""The words, the first of a marker, that say where a phrase ends."""
SOURCE, PROVENANCE = "source: ", "musicae: "
OWN = 0x7D
"""The manufacturer's number of what is for no other program, in the MIDI standard."""


def read(path: Path | str) -> Chorale:
    """The chorale in a MIDI file, moved to the sixteenth grid.

    Voices are found by track names, else four parts are S A T B from high to low, and one part is
    a soprano alone. Raises ChoraleError where the file cannot be used or its voices not be told.
    """
    return read_counting(path).chorale


def read_counting(path: Path | str) -> Reading:
    """``read``, with the count of notes that were off the grid."""
    song = open_song(Path(path))
    if song.parts:
        song = song.pattern(song.parts[0])
    voices = voices_of(song)
    markers = [(song.step(e.tick), text_of(e.message)) for e in song.metas("marker")]
    if not voices and END not in [text for _, text in markers]:
        raise ChoraleError(f"{song.path}: {no_notes(song)}")
    notes = [quantize(song, voices[v].notes) if v in voices else [] for v in range(len(VOICES))]
    ends = [step + duration for voice in notes for step, duration, _ in voice]
    steps = max([step for step, text in markers if text == END] or ends)
    starts = any(text == START for _, text in markers)
    chorale = chorale_of(
        song,
        notes,
        steps,
        keep_silence=starts or not ends,
        source=_told(song, SOURCE),
    )
    return Reading(chorale, sum(off_grid(song, part.notes) for part in voices.values()))


def chorale_of(
    song: Song,
    voices: Sequence[Sequence[tuple[int, int, int]]],
    steps: int,
    keep_silence: bool = False,
    source: str = "",
) -> Chorale:
    """The chorale of notes ``(step, duration, pitch)`` with the meters, key and tempi of a song.

    Where the first note falls off the bar line within the first bar, it begins an anacrusis,
    unless the silence before it is to be kept.
    """
    if steps > LONGEST:
        bars = steps // STEPS_PER_WHOLE
        raise ChoraleError(f"{song.path}: lasts some {bars} bars; is it damaged?")
    measures = _measures(song, steps)
    first = min((note[0] for voice in voices for note in voice), default=0)
    cut = 0 if keep_silence or first >= measures[0].length else first
    measures[0] = measures[0]._replace(length=measures[0].length - cut)
    meters, pickup = meters_of([m._replace(start=max(0, m.start - cut)) for m in measures])
    shifted = [[(step - cut, length, pitch) for step, length, pitch in v] for v in voices]
    tempos = {
        max(0, song.step(e.tick) - cut): _qpm(e.message.tempo)
        for e in song.metas("set_tempo")
        if song.step(e.tick) < steps
    }
    return Chorale.from_notes(
        shifted,
        steps=steps - cut,
        meters=meters,
        pickup=pickup,
        key=key_of(song),
        fermatas=_fermatas(song, shifted[0], cut),
        tempos=tuple(Tempo(step, qpm) for step, qpm in sorted(tempos.items())),
        title=title_of(song),
        source=source,
    )


def write(
    chorale: Chorale,
    path: Path | str,
    program: int = CHOIR_AAHS,
    provenance: dict[str, Any] | None = None,
    markers: Sequence[tuple[int, str]] = (),
) -> None:
    """Write a chorale as MIDI, whole or not at all; see ``arrange``.

    Raises ChoraleError where the file cannot be written.
    """
    save(arrange(chorale, program, provenance, markers), path)


def arrange(
    chorale: Chorale,
    program: int = CHOIR_AAHS,
    provenance: dict[str, Any] | None = None,
    markers: Sequence[tuple[int, str]] = (),
) -> Arrangement:
    """A chorale as tracks of MIDI: the conductor and four voices, 480 ticks a quarter.

    ``program`` is a General MIDI program counted from 0; ``provenance`` goes into the conductor
    track as JSON, and so do ``markers``, texts at steps, beside those for fermatas.
    """
    events = [title_event(chorale.title)] if chorale.title else []
    if chorale.source:
        events.append(_own_event(SOURCE, chorale.source))
    if provenance:
        events.append(provenance_event(provenance))
    ticks_per_step = PPQ // STEPS_PER_QUARTER
    key_signature = [key_event(chorale.key)] if chorale.key else []
    events += key_signature
    for meter in _written_meters(chorale):
        events.append(Timed(meter.step * ticks_per_step, _meter_message(meter)))
    for tempo in chorale.tempos:
        message = mido.MetaMessage("set_tempo", tempo=round(60e6 / tempo.qpm))
        events.append(Timed(tempo.step * ticks_per_step, message))
    for step, text in [*_markers(chorale), *markers]:
        message = mido.MetaMessage("marker", text=raw_text(text))
        events.append(Timed(step * ticks_per_step, message))
    tracks = [events]
    for v, name in enumerate(VOICES):
        notes = [
            (n.step * ticks_per_step, (n.step + n.duration) * ticks_per_step, n.pitch)
            for n in chorale.notes(v)
        ]
        tracks.append(voice_header(name, v, program) + key_signature + voice_events(notes, v))
    return Arrangement(tracks, PPQ, bar_line_from(events, PPQ, len(chorale) * ticks_per_step))


def arrange_as_read(song: Song) -> Arrangement:
    """Any MIDI file as it was read, so that it can be heard; it ends on a bar line after its notes.

    Of a format 2 file it is the first song that has notes.
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


def read_provenance(path: Path | str) -> dict[str, Any]:
    """How musicae made a MIDI file; empty where it did not. Raises ChoraleError."""
    return provenance_of(open_song(Path(path)))


def provenance_of(song: Song) -> dict[str, Any]:
    """How musicae made a song; empty where it did not."""
    try:
        found = json.loads(_told(song, PROVENANCE) or "{}")
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def program_of(text: str) -> int:
    """The General MIDI program, counted from 0, of a number from 1 or a part of its name.

    Raises ChoraleError where there is none.

    >>> program_of("church organ"), program_of("1")
    (19, 0)
    """
    import pretty_midi

    if text.isdecimal() and 1 <= int(text) <= 128:
        return int(text) - 1
    names = [pretty_midi.program_to_instrument_name(p) for p in range(128)]
    found = [p for p, name in enumerate(names) if text.lower() in name.lower()]
    if not found or text.isdecimal():
        raise ChoraleError(
            f"no General MIDI sound is {text!r}; give a number 1 to 128"
            " or a name such as 'choir aahs' or 'church organ'"
        )
    return found[0]


def to_pretty_midi(chorale: Chorale, program: int = CHOIR_AAHS) -> pretty_midi.PrettyMIDI:
    """The chorale as a pretty_midi object in seconds (120 quarters a minute where no tempo is)."""
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


def voices_of(song: Song) -> dict[int, Part]:
    """Which part is which voice. Raises ChoraleError where that cannot be told."""
    if [part.name for part in song.parts[: len(VOICES)]] == list(VOICES):
        return dict(enumerate(song.parts[: len(VOICES)]))  # whatever others are called
    named: dict[int, Part] = {}
    for v, voice in enumerate(VOICES):
        found = [part for part in song.parts if part.name.lower().startswith(voice.lower())]
        exact = [part for part in found if part.name == voice]
        if len(found) > 1 and len(exact) != 1:
            raise ChoraleError(f"{song.path}: two tracks are called {voice}")
        if found:
            named[v] = (exact or found)[0]
    if named:
        return named
    if len(song.parts) == len(VOICES):
        return dict(enumerate(sorted(song.parts, key=lambda part: -part.mean_pitch)))
    if len(song.parts) > 1:
        raise ChoraleError(
            f"{song.path}: has {len(song.parts)} parts, neither one nor four; name the tracks"
            f" {', '.join(VOICES)}"
        )
    return dict(enumerate(song.parts))


def quantize(song: Song, notes: Iterable[MidiNote]) -> list[tuple[int, int, int]]:
    """Notes of one voice as ``(step, duration, pitch)``, at most one a step, none overlapping.

    Of several notes at one sixteenth, the one nearest to it stays, and of those the highest.
    """
    nearest: dict[int, tuple[float, int, MidiNote]] = {}
    for note in notes:
        step = song.step(note.start)
        rank = (abs(note.start - song.tick(step)), -note.pitch, note)
        nearest[step] = min(nearest.get(step, rank), rank)
    steps = sorted(nearest)
    quantized = []
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        note = nearest[step][2]
        end = max(step + 1, song.step(note.sounds_until))
        end = end if following is None else min(end, following)
        quantized.append((step, end - step, note.pitch))
    return quantized


def phrase_marks(song: Song, offset: int, steps: int) -> tuple[int, ...]:
    """The steps of the markers and cues, in any track, whose first word is of ``PHRASE_MARKS``.

    ``Phrase 2`` and ``CADENCE: half`` are such, ``phrasing`` is not. Steps count from the
    chorale's first, ``offset`` sixteenths into the file; marks outside its ``steps`` are left out.
    In order, each once.
    """
    first_word = re.compile(rf"({'|'.join(PHRASE_MARKS)})(?![^\W\d_])")  # no letter after it
    marked = {
        song.step(event.tick) - offset
        for event in song.metas("marker", "cue_marker")
        if first_word.match(text_of(event.message).casefold())
    }
    return tuple(sorted(step for step in marked if 0 <= step < steps))


def off_grid(song: Song, notes: Iterable[MidiNote]) -> int:
    """How many notes begin further from the grid than a player's breath: triplets and the like."""
    return sum(
        abs(note.start * STEPS_PER_QUARTER / song.ppq - song.step(note.start)) > BREATH
        for note in notes
    )


def key_of(song: Song) -> Key | None:
    """The first key signature, where there is one."""
    for event in song.metas("key_signature"):
        return Key.parse(event.message.key)
    return None


def title_of(song: Song) -> str:
    """The name of the first track where that is the piece's: where it is not one of many parts."""
    first = song.tracks[0] if song.tracks else ()
    if song.format == 1 and any(part.track == 0 for part in song.parts):
        return ""
    name = text_of(next((e.message for e in first if e.message.type == "track_name"), None))
    return "" if name in VOICES else name


def title_event(title: str) -> Timed:
    """The title of a piece, as the name of its first track."""
    return Timed(0, mido.MetaMessage("track_name", name=raw_text(title)))


def provenance_event(provenance: dict[str, Any]) -> Timed:
    """The event that says how a file was made."""
    return _own_event(PROVENANCE, json.dumps(provenance))


def key_event(key: Key) -> Timed:
    """The key signature at the beginning of a piece."""
    name = key.tonic_name + ("m" if key.mode == "minor" else "")
    return Timed(0, mido.MetaMessage("key_signature", key=name))


def voice_header(name: str, voice: int, program: int) -> list[Timed]:
    """How a voice's track begins: its name and the one program change. Raises ChoraleError."""
    if not 0 <= program <= 127:
        raise ChoraleError(f"a MIDI program is 0 to 127, not {program}")
    return [
        Timed(0, mido.MetaMessage("track_name", name=name)),
        Timed(0, mido.Message("program_change", channel=voice, program=program)),
    ]


def voice_events(notes: Iterable[tuple[int, int, int]], voice: int) -> list[Timed]:
    """Events, offs before ons, of notes ``(start, end, pitch)`` in ticks, none overlapping."""
    events = []
    for start, end, pitch in notes:
        if end > start:  # shorter than a tick where the resolution is that coarse
            on = mido.Message("note_on", channel=voice, note=pitch, velocity=VELOCITY)
            off = mido.Message("note_off", channel=voice, note=pitch, velocity=0)
            events += [Timed(start, on), Timed(end, off)]
    return sorted(events, key=lambda e: (e.tick, e.message.type == "note_on"))


def bar_line_from(conductor: Iterable[Timed], ppq: int, tick: int) -> int:
    """The first bar line at or after a tick."""
    start, bar = 0, 4 * ppq
    for event in conductor:
        if event.message.type == "time_signature" and event.tick < tick:
            start = event.tick
            bar = max(1, 4 * ppq * event.message.numerator // event.message.denominator)
    return start + math.ceil((tick - start) / bar) * bar


def _own_event(label: str, text: str) -> Timed:
    """What musicae tells itself of a file; as plain text, notation programs would print it."""
    data = (OWN, *(label + text).encode())
    return Timed(0, mido.MetaMessage("sequencer_specific", data=data))


def _told(song: Song, label: str) -> str:
    """What musicae told itself under a label, in older files as plain text; else nothing."""
    for message in (event.message for event in song.metas("sequencer_specific", "text")):
        if message.type == "text":
            text = text_of(message)
        elif message.data[:1] == (OWN,):
            text = bytes(message.data[1:]).decode(errors="replace")
        else:
            continue
        if text.startswith(label):
            return text.removeprefix(label)
    return ""


def _measures(song: Song, steps: int) -> list[Measure]:
    """The bars of the first ``steps`` sixteenths as the song's time signatures draw them."""
    changes: dict[int, Meter] = {}
    for event in song.metas("time_signature"):
        step = song.step(event.tick)
        try:
            changes[step] = Meter(step, event.message.numerator, event.message.denominator)
        except ChoraleError:
            continue  # bars that are no whole sixteenths: the meter before goes on
    changes = {step: meter for step, meter in changes.items() if step < steps}
    meters = [changes[step] for step in sorted(changes)]
    if not meters or meters[0].step:
        meters.insert(0, Meter(0, 4, 4))
    return measures_of(meters, 0, steps)


def _fermatas(song: Song, soprano: Sequence[tuple[int, int, int]], cut: int) -> tuple[int, ...]:
    """Steps at which the soprano notes that sound at the markers called fermata begin."""
    marked = {
        song.step(e.tick) - cut for e in song.metas("marker") if text_of(e.message) == FERMATA
    }
    return tuple(s for s, length, _ in soprano if any(s <= m < s + length for m in marked))


def _qpm(microseconds: int) -> float:
    return min(FASTEST_QPM, max(SLOWEST_QPM, 60e6 / max(1, microseconds)))


def _written_meters(chorale: Chorale) -> list[Meter]:
    """The meters as MIDI states them, a pickup as a short first one."""
    first, pickup = chorale.meters[0], chorale.pickup
    if not pickup:
        return list(chorale.meters)
    denominator = first.denominator
    if pickup * denominator % STEPS_PER_WHOLE:
        denominator = STEPS_PER_WHOLE // math.gcd(pickup, STEPS_PER_WHOLE)
    short = Meter(0, pickup * denominator // STEPS_PER_WHOLE, denominator)
    return [short, replace(first, step=pickup), *chorale.meters[1:]]


def in_meter(song: Song, meter: Meter) -> Song:
    """A song that states no meter, in this one. Raises ChoraleError where it states another."""
    stated = {(e.message.numerator, e.message.denominator) for e in song.metas("time_signature")}
    if stated == {(meter.numerator, meter.denominator)}:
        return song
    if stated:
        raise ChoraleError(f"{song.path}: states its meter itself; leave --meter away")
    # At the end of the list, for notes know their events by number.
    first, *others = song.tracks
    return replace(song, tracks=((*first, Timed(0, _meter_message(meter))), *others))


def _meter_message(meter: Meter) -> Any:
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
