"""Standard MIDI Files in absolute ticks: any of them in, format 1 out.

``midi_reader`` and ``midi_writer`` turn these events into chorales and back.
"""

from __future__ import annotations

import io
import math
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import mido

from musicae.core.constants import STEPS_PER_QUARTER
from musicae.core.errors import ChoraleError
from musicae.core.files import whole_file

DRUM_CHANNEL = 9
SUSTAIN, ALL_NOTES_OFF = 64, 123
BANK_SELECT = (0, 32)
"""Controllers."""
PEDAL_DOWN = 64
UNSTATED_TEMPO = 500_000
"""Microseconds a quarter where a file states no tempo, as the MIDI standard has it."""


class Timed(NamedTuple):
    """A message at an absolute tick."""

    tick: int
    message: Any


class MidiNote(NamedTuple):
    """A note in ticks, and which events of its track begin and end it (None: nothing ends it)."""

    start: int
    end: int
    pitch: int
    on: int
    off: int | None
    sounds_until: int
    """Where it falls silent: its end or, where it is pedalled, the pedal's release."""


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


class Arrangement(NamedTuple):
    """What a MIDI file is to hold: tracks of events in absolute ticks, the conductor first."""

    tracks: Sequence[Sequence[Timed]]
    ppq: int
    end: int
    """The tick, a bar line, at which every track ends."""


class TempoMap:
    """The seconds of ticks, exactly, under the tempi among some events."""

    def __init__(self, events: Iterable[Timed], ppq: int) -> None:
        changes = {0: UNSTATED_TEMPO}
        for tick, message in sorted(events, key=lambda event: event.tick):
            if message.type == "set_tempo":
                changes[tick] = max(1, message.tempo)
        self.ticks = list(changes)
        self.tempos = list(changes.values())
        self.ppq = ppq
        self._begins = [Fraction(0)]
        for (tick, following), tempo in zip(pairwise(self.ticks), self.tempos, strict=False):
            self._begins.append(self._begins[-1] + self._lasting(following - tick, tempo))

    @classmethod
    def of(cls, arrangement: Arrangement) -> TempoMap:
        """That of all tracks."""
        return cls((event for track in arrangement.tracks for event in track), arrangement.ppq)

    def seconds(self, tick: int) -> Fraction:
        """When a tick is, in seconds from the beginning."""
        index = bisect_right(self.ticks, tick) - 1
        return self._begins[index] + self._lasting(tick - self.ticks[index], self.tempos[index])

    def qpm(self, tick: int) -> Fraction:
        """Quarters a minute at a tick."""
        return Fraction(60_000_000, self.tempos[bisect_right(self.ticks, tick) - 1])

    def _lasting(self, ticks: int, tempo: int) -> Fraction:
        return Fraction(ticks * tempo, self.ppq * 1_000_000)


@dataclass(frozen=True)
class Song:
    """A MIDI file in absolute ticks. ``parts`` are those with notes, drums left out."""

    word: ClassVar[str] = "track"
    """What a musician calls a part of such a file."""
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
        with path.open("rb") as raw:
            if not b"MThd".startswith(raw.read(4)):
                raise ChoraleError(f"{path}: is not a MIDI file")
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


def no_notes(song: Song) -> str:
    """Why a song without parts cannot be used."""
    if song.has_drums:
        return "has only drums (channel 10); give a file with a melody"
    return "has no notes; give a file with a melody"


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


def chooses_sound(message: Any) -> bool:
    """Whether a message chooses what a channel sounds like: a program or its bank."""
    return message.type == "program_change" or (
        message.type == "control_change" and message.control in BANK_SELECT
    )


def save(arrangement: Arrangement, path: Path | str) -> None:
    """Write a format 1 file, whole or not at all; every track ends at the arrangement's end."""
    with whole_file(Path(path)) as partial:
        partial.write_bytes(to_bytes(arrangement))


def to_bytes(arrangement: Arrangement) -> bytes:
    """The format 1 file of an arrangement."""
    file = mido.MidiFile(type=1, ticks_per_beat=arrangement.ppq)
    for events in arrangement.tracks:
        track = mido.MidiTrack()
        now = 0
        for event in sorted(events, key=lambda e: e.tick):
            track.append(event.message.copy(time=event.tick - now))
            now = event.tick
        track.append(mido.MetaMessage("end_of_track", time=arrangement.end - now))
        file.tracks.append(track)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def _absolute(track: Iterable[Any]) -> tuple[Timed, ...]:
    events, tick = [], 0
    for message in track:
        tick += message.time
        events.append(Timed(tick, message.copy(time=0)))
    return tuple(events)


def _notes_by_channel(track: Sequence[Timed]) -> dict[int, list[MidiNote]]:
    """Notes paired first-on first-off; one that is never ended lasts to the end of the track."""
    begun: dict[tuple[int, int], deque[int]] = defaultdict(deque)
    found: dict[int, list[tuple[int, int, int, int, int | None]]] = defaultdict(list)
    pedals: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for index, (tick, message) in enumerate(track):
        if message.type == "note_on" and message.velocity > 0:
            begun[message.channel, message.note].append(index)
        elif message.type in ("note_on", "note_off"):
            if begun[message.channel, message.note]:
                on = begun[message.channel, message.note].popleft()
                found[message.channel].append((track[on].tick, tick, message.note, on, index))
        elif message.type == "control_change" and message.control == SUSTAIN:
            pedals[message.channel].append((tick, message.value >= PEDAL_DOWN))
    last = track[-1].tick if track else 0
    for (channel, pitch), indices in begun.items():
        found[channel] += [(track[on].tick, last, pitch, on, None) for on in indices]
    return {
        channel: [
            MidiNote(*note, _released(note[1], pedals[channel], last))
            for note in sorted(notes, key=lambda note: (note[0], note[3]))
        ]
        for channel, notes in found.items()
        if notes
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
