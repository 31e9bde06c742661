"""Chorale <-> Standard MIDI File.

``open_song`` reads any file into absolute ticks and parts; ``read`` makes a chorale of it;
``write`` writes one as DAWs like it: format 1, the conductor in track 0, then a named track a
voice on channels 1 to 4, each with one program change, the key signature, and its end on a bar
line. An anacrusis is a short first meter, as notation programs write it. A chorale that begins or
ends in silence has markers ``Start`` and ``End`` there, since MIDI knows no other way.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import mido

from musicae.chorale import (
    FASTEST_QPM,
    REST,
    SLOWEST_QPM,
    STEPS_PER_QUARTER,
    STEPS_PER_WHOLE,
    VOICES,
    Chorale,
    ChoraleError,
    Key,
    Measure,
    Meter,
    Tempo,
    measures_of,
    meters_of,
)
from musicae.files import whole_file

if TYPE_CHECKING:
    import pretty_midi

PPQ = 480
CHOIR_AAHS = 52
"""The General MIDI program, counted from 0, that voices sing in by default."""
VELOCITY = 80
DRUM_CHANNEL = 9
CLOCKS_PER_STEP = 24 // STEPS_PER_QUARTER
SUSTAIN = 64
PEDAL_DOWN = 64

FERMATA, START, END = "fermata", "Start", "End"
SOURCE, PROVENANCE = "source: ", "musicae: "


class Timed(NamedTuple):
    """A message at an absolute tick."""

    tick: int
    message: Any


class MidiNote(NamedTuple):
    """A note in ticks; ``sounds_until`` is its end or, where it is pedalled, the pedal's."""

    start: int
    end: int
    pitch: int
    velocity: int
    sounds_until: int


@dataclass(frozen=True)
class Part:
    """What one channel plays in one track."""

    track: int
    channel: int
    name: str
    notes: tuple[MidiNote, ...]

    @property
    def mean_pitch(self) -> float:
        return sum(note.pitch for note in self.notes) / len(self.notes)


@dataclass(frozen=True)
class Song:
    """A MIDI file in absolute ticks. ``parts`` are those with notes, drums left out."""

    path: Path
    format: int
    ppq: int
    tracks: tuple[tuple[Timed, ...], ...]
    parts: tuple[Part, ...]
    has_drums: bool

    def step(self, tick: int) -> int:
        """The sixteenth nearest to a tick."""
        return math.floor(tick * STEPS_PER_QUARTER / self.ppq + 0.5)

    def tick(self, step: int) -> int:
        """The tick nearest to a sixteenth."""
        return round(step * self.ppq / STEPS_PER_QUARTER)

    def metas(self, *types: str) -> list[Timed]:
        """The meta events of these types in all tracks, in time."""
        found = [e for track in self.tracks for e in track if e.message.type in types]
        return sorted(found, key=lambda event: event.tick)

    def pattern(self, part: Part) -> Song:
        """In format 2 every track is a song of its own: that of the part. Else the song itself."""
        if self.format != 2:
            return self
        return replace(
            self,
            tracks=(self.tracks[part.track],),
            parts=tuple(replace(p, track=0) for p in self.parts if p.track == part.track),
        )


def open_song(path: Path) -> Song:
    """Read a MIDI file of format 0, 1 or 2. Raises ChoraleError where it cannot be used."""
    if path.is_dir():
        raise ChoraleError(f"{path}: is a folder; give a MIDI file")
    try:
        if path.stat().st_size == 0:
            raise ChoraleError(f"{path}: is empty")
        file = mido.MidiFile(path, clip=True)
    except FileNotFoundError:
        raise ChoraleError(f"{path}: no such file") from None
    except EOFError:
        raise ChoraleError(f"{path}: is cut off before its end; export or copy it again") from None
    except PermissionError:
        raise ChoraleError(f"{path}: may not be read") from None
    except ChoraleError:
        raise
    except Exception as error:  # mido raises whatever its parser meets in a damaged file
        raise ChoraleError(f"{path}: is not a MIDI file, or is damaged ({error})") from None
    if file.ticks_per_beat < 1:
        raise ChoraleError(
            f"{path}: its ticks are not parts of a quarter note (division"
            f" {file.ticks_per_beat}); export it with musical time, such as 480 ticks a quarter"
        )
    tracks = tuple(_absolute(track) for track in file.tracks)
    parts, has_drums = [], False
    for index, track in enumerate(tracks):
        by_channel = _notes_by_channel(track)
        has_drums |= by_channel.pop(DRUM_CHANNEL, None) is not None
        name = text_of(next((e.message for e in track if e.message.type == "track_name"), None))
        for channel, notes in sorted(by_channel.items()):
            label = name if len(by_channel) == 1 else f"{name} (channel {channel + 1})".strip()
            parts.append(Part(index, channel, label, tuple(notes)))
    return Song(path, file.type, file.ticks_per_beat, tracks, tuple(parts), has_drums)


def read(path: Path | str) -> Chorale:
    """The chorale in a MIDI file, moved to the sixteenth grid.

    Voices are found by track names, else four parts are S A T B from high to low, and one part is
    a soprano alone. Raises ChoraleError where the file cannot be used or its voices not be told.
    """
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
    texts = [text_of(e.message) for e in song.metas("text")]
    return chorale_of(
        song,
        notes,
        steps,
        keep_silence=starts or not ends,
        source=next((t.removeprefix(SOURCE) for t in texts if t.startswith(SOURCE)), ""),
    )


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
) -> None:
    """Write a chorale as MIDI, 480 ticks a quarter, whole or not at all.

    ``program`` is a General MIDI program counted from 0; ``provenance`` goes into the conductor
    track as JSON. Raises ChoraleError where the file cannot be written.
    """
    conductor = [mido.MetaMessage("track_name", name=raw_text(chorale.title))] * bool(chorale.title)
    if chorale.source:
        conductor.append(mido.MetaMessage("text", text=raw_text(SOURCE + chorale.source)))
    if provenance:
        conductor.append(provenance_text(provenance))
    events = [Timed(0, message) for message in conductor]
    ticks_per_step = PPQ // STEPS_PER_QUARTER
    key_signature = []
    if chorale.key:
        key_signature.append(Timed(0, key_message(chorale.key)))
    events += key_signature
    for meter in _written_meters(chorale):
        events.append(Timed(meter.step * ticks_per_step, _meter_message(meter)))
    for tempo in chorale.tempos:
        message = mido.MetaMessage("set_tempo", tempo=round(60e6 / tempo.qpm))
        events.append(Timed(tempo.step * ticks_per_step, message))
    for step, text in _markers(chorale):
        events.append(Timed(step * ticks_per_step, mido.MetaMessage("marker", text=text)))
    tracks = [events]
    for v, name in enumerate(VOICES):
        notes = [
            (n.step * ticks_per_step, (n.step + n.duration) * ticks_per_step, n.pitch)
            for n in chorale.notes(v)
        ]
        tracks.append(voice_header(name, v, program) + key_signature + voice_events(notes, v))
    write_tracks(path, tracks, PPQ, bar_line_from(events, PPQ, len(chorale) * ticks_per_step))


def to_pretty_midi(chorale: Chorale, program: int = CHOIR_AAHS) -> pretty_midi.PrettyMIDI:
    """The chorale as a pretty_midi object in seconds (120 quarters a minute where no tempo is)."""
    import pretty_midi

    out = pretty_midi.PrettyMIDI(resolution=PPQ, initial_tempo=120.0)
    tempos = {0: 120.0} | {t.step: t.qpm for t in chorale.tempos}
    seconds = [0.0]
    qpm = 120.0
    for step in range(len(chorale)):
        qpm = tempos.get(step, qpm)
        seconds.append(seconds[-1] + 60 / qpm / STEPS_PER_QUARTER)
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
    named: dict[int, Part] = {}
    for part in song.parts:
        for v, voice in enumerate(VOICES):
            if part.name.lower().startswith(voice.lower()):
                if v in named:
                    raise ChoraleError(f"{song.path}: two tracks are called {voice}")
                named[v] = part
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


def no_notes(song: Song) -> str:
    """Why a song without parts cannot be used."""
    if song.has_drums:
        return "has only drums (channel 10); give a file with a melody"
    return "has no notes; give a file with a melody"


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


def text_of(message: Any) -> str:
    """The text of a meta message on one line: UTF-8 where it is that, else Latin-1."""
    if message is None:
        return ""
    raw = message.name if message.type == "track_name" else message.text
    try:
        text = raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        text = raw
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def raw_text(text: str) -> str:
    """Text as mido is to be given it so that the file holds UTF-8."""
    return text.encode("utf-8").decode("latin-1")


def provenance_text(provenance: dict[str, Any]) -> Any:
    """The text event that says how a file was made."""
    return mido.MetaMessage("text", text=raw_text(PROVENANCE + json.dumps(provenance)))


def key_message(key: Key) -> Any:
    """The key signature event of a key."""
    return mido.MetaMessage(
        "key_signature", key=key.tonic_name + ("m" if key.mode == "minor" else "")
    )


def voice_header(name: str, voice: int, program: int) -> list[Timed]:
    """How a voice's track begins: its name and the one program change."""
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


def write_tracks(path: Path | str, tracks: Iterable[Sequence[Timed]], ppq: int, end: int) -> None:
    """Write tracks of events in absolute ticks as a format 1 file; every track ends at ``end``."""
    file = mido.MidiFile(type=1, ticks_per_beat=ppq)
    for events in tracks:
        track = mido.MidiTrack()
        now = 0
        for event in sorted(events, key=lambda e: e.tick):
            track.append(event.message.copy(time=event.tick - now))
            now = event.tick
        track.append(mido.MetaMessage("end_of_track", time=end - now))
        file.tracks.append(track)
    with whole_file(Path(path)) as partial:
        file.save(partial)


def _absolute(track: Iterable[Any]) -> tuple[Timed, ...]:
    events, tick = [], 0
    for message in track:
        tick += message.time
        events.append(Timed(tick, message))
    return tuple(events)


def _notes_by_channel(track: Sequence[Timed]) -> dict[int, list[MidiNote]]:
    """Notes paired first-on first-off; one that is never ended lasts to the end of the track."""
    begun: dict[tuple[int, int], deque[Timed]] = defaultdict(deque)
    found: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
    pedals: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for event in track:
        message = event.message
        if message.type == "note_on" and message.velocity > 0:
            begun[message.channel, message.note].append(event)
        elif message.type in ("note_on", "note_off"):
            if begun[message.channel, message.note]:
                on = begun[message.channel, message.note].popleft()
                found[message.channel].append(
                    (on.tick, event.tick, message.note, on.message.velocity)
                )
        elif message.type == "control_change" and message.control == SUSTAIN:
            pedals[message.channel].append((event.tick, message.value >= PEDAL_DOWN))
    last = track[-1].tick if track else 0
    for (channel, pitch), events in begun.items():
        found[channel] += [(e.tick, last, pitch, e.message.velocity) for e in events]
    return {
        channel: [
            MidiNote(*note, _released(note[1], pedals[channel], last)) for note in sorted(notes)
        ]
        for channel, notes in found.items()
    }


def _released(end: int, pedal: Sequence[tuple[int, bool]], last: int) -> int:
    """When a note that ends there falls silent, the pedal being down or not."""
    down = False
    for tick, pressed in pedal:
        if tick > end and down and not pressed:
            return tick
        if tick > end and not down:
            return end
        down = pressed
    return max(last, end) if down else end


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
