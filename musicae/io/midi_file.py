"""Standard MIDI Files in absolute ticks: reads any format, writes format 1.

``midi_reader`` and ``midi_writer`` turn these events into chorales and back.
"""

from __future__ import annotations

import io
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import mido

from musicae.core.constants import STEPS_PER_QUARTER
from musicae.core.errors import ChoraleError
from musicae.core.files import whole_file
from musicae.io import midi_bytes
from musicae.io.base import RIFF_SUFFIX, suffix_of
from musicae.io.midi_bytes import Timed
from musicae.io.midi_notes import DRUM_CHANNEL, Part, channel_groups, notes_of, with_ends
from musicae.io.seal import sealed
from musicae.io.text_bytes import guessed

ALL_NOTES_OFF = 123
BANK_SELECT = (0, 32)
"""The controllers that select a bank of sounds."""
UNSTATED_TEMPO = 500_000
"""The MIDI standard's tempo for files that state none, in microseconds a quarter."""
LONGEST_DELTA = 0x0FFFFFFF
"""The most ticks that a file can state between two events."""
SLOWEST_TEMPO = 0xFFFFFF
"""The most microseconds a quarter that a file can state."""
MOST_TICKS = 0x7FFF
"""The most ticks a quarter that a file can state."""
DROP_FRAME = 29
"""The code for 30 / 1.001 = 29.97 frames a second (NTSC television)."""


class Arrangement(NamedTuple):
    """The content of a MIDI file to be written: tracks of events, the conductor track first."""

    tracks: Sequence[Sequence[Timed]]
    ppq: int
    end: int
    """The tick at which every track ends; it is a bar line."""


class TempoMap:
    """Exact seconds of ticks, by the tempi among some events."""

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
        """The tempo map of an arrangement, from all its tracks."""
        return cls((event for track in arrangement.tracks for event in track), arrangement.ppq)

    def seconds(self, tick: int) -> Fraction:
        """The time of a tick, in seconds from the beginning."""
        index = bisect_right(self.ticks, tick) - 1
        return self._begins[index] + self._lasting(tick - self.ticks[index], self.tempos[index])

    def qpm(self, tick: int) -> Fraction:
        """The tempo at a tick, in quarters a minute."""
        return Fraction(60_000_000, self.tempos[bisect_right(self.ticks, tick) - 1])

    def _lasting(self, ticks: int, tempo: int) -> Fraction:
        return Fraction(ticks * tempo, self.ppq * 1_000_000)


@dataclass(frozen=True)
class Song:
    """A MIDI file in absolute ticks."""

    word: ClassVar[str] = "track"
    """The word for a part of such a file in messages."""
    path: Path
    format: int
    ppq: int
    tracks: tuple[tuple[Timed, ...], ...]
    """All events; each note has an end."""
    parts: tuple[Part, ...]
    """The parts with notes, without the drums."""
    drums: tuple[Part, ...]
    """The parts on channel 10."""
    notices: tuple[str, ...] = ()
    """Sentences about what was left out or added in reading."""

    def step(self, tick: int) -> int:
        """The sixteenth nearest to a tick."""
        return math.floor(tick * STEPS_PER_QUARTER / self.ppq + 0.5)

    def tick(self, step: int) -> int:
        """The tick nearest to a sixteenth."""
        return round(step * self.ppq / STEPS_PER_QUARTER)

    def metas(self, *types: str) -> list[Timed]:
        """The meta events of these types in all tracks, in order of time."""
        found = [e for track in self.tracks for e in track if e.message.type in types]
        return sorted(found, key=lambda event: event.tick)

    def pattern(self, part: Part) -> Song:
        """The song of a part: in format 2, where each track is a song, its track; else all."""
        if self.format != 2:
            return self
        return replace(
            self,
            tracks=(self.tracks[part.track],),
            parts=tuple(replace(p, track=0) for p in self.parts if p.track == part.track),
            drums=tuple(replace(p, track=0) for p in self.drums if p.track == part.track),
        )


def open_song(path: Path) -> Song:
    """Read a MIDI file of format 0, 1 or 2. Raises ChoraleError if it cannot be used."""
    if path.is_dir():
        raise ChoraleError(f"{path}: is a folder; give a MIDI file")
    try:
        with path.open("rb") as raw:
            data = raw.read(midi_bytes.MOST_BYTES + 1)
    except FileNotFoundError:
        raise ChoraleError(f"{path}: no such file") from None
    except PermissionError:
        raise ChoraleError(f"{path}: you have no permission to read it") from None
    except OSError as error:
        raise ChoraleError(f"{path}: cannot be read ({error.strerror})") from None
    if not data:
        raise ChoraleError(f"{path}: is empty")
    try:
        contents = midi_bytes.parse(data)
    except ChoraleError as error:
        raise ChoraleError(f"{path}: {error}") from None
    if contents.division < 0:
        contents = _in_quarters(contents)
    if contents.division < 1:
        raise ChoraleError(
            f"{path}: its ticks are not parts of a quarter note (division {contents.division});"
            " export it with musical time, such as 480 ticks a quarter"
        )
    return _song(path, contents)


def _song(path: Path, contents: midi_bytes.Contents) -> Song:
    ppq = contents.division
    tracks: list[tuple[Timed, ...]] = []
    parts: list[Part] = []
    drums: list[Part] = []
    hanging = 0
    for index, events in enumerate(contents.tracks):
        groups = channel_groups(events, ppq, contents.format)
        track, added = with_ends(events, groups)
        tracks.append(track)
        hanging += sum(end.message.channel != DRUM_CHANNEL for end in added)
        name = text_of(next((e.message for e in track if e.message.type == "track_name"), None))
        pitched = [group for group in groups if DRUM_CHANNEL not in group]
        for group in groups:
            is_drums = DRUM_CHANNEL in group
            label = name if is_drums or len(pitched) == 1 else f"{name} {_channels(group)}".strip()
            (drums if is_drums else parts).append(Part(index, group, label, notes_of(track, group)))
    notices = [*contents.notices]
    if hanging:
        notices.append(
            f"{hanging} note{'s' * (hanging > 1)} without an end; each lasts until the next begins"
        )
    return Song(
        path, contents.format, ppq, tuple(tracks), tuple(parts), tuple(drums), tuple(notices)
    )


def _channels(group: Iterable[int]) -> str:
    """Channels as text, numbered from 1."""
    numbers = ", ".join(str(channel + 1) for channel in sorted(group))
    return f"(channel{'s' * (',' in numbers)} {numbers})"


def _in_quarters(contents: midi_bytes.Contents) -> midi_bytes.Contents:
    """Change a file with ticks in seconds (SMPTE) to ticks in quarters, and give it a tempo.

    A quarter lasts as the file's first tempo says, or else half a second, as nearly as whole ticks
    allow. If the file states 0 ticks a frame, the division is 0.
    """
    frames, ticks = -(contents.division >> 8), contents.division & 0xFF
    rate = Fraction(30_000, 1001) if frames == DROP_FRAME else Fraction(frames)
    tempos = [e for track in contents.tracks for e in track if e.message.type == "set_tempo"]
    stated = min(tempos, key=lambda e: e.tick).message.tempo if tempos else UNSTATED_TEMPO
    if not ticks:
        return contents._replace(division=0)
    division = min(MOST_TICKS, max(1, round(rate * ticks * stated / 1_000_000)))
    tempo = min(SLOWEST_TEMPO, round(division * 1_000_000 / (rate * ticks)))
    tracks = [
        tuple(event for event in track if event.message.type != "set_tempo")
        for track in contents.tracks
    ]
    if tracks:
        tracks[0] = (Timed(0, mido.MetaMessage("set_tempo", tempo=tempo)), *tracks[0])
    notice = (
        f"the file counts time in seconds (SMPTE); a quarter is taken to last {tempo / 1e6:g} s"
    )
    return contents._replace(
        division=division, tracks=tuple(tracks), notices=(*contents.notices, notice)
    )


def no_notes(song: Song) -> str:
    """The reason why a song without parts cannot be used."""
    if song.drums:
        return (
            "has only drums (channel 10); give a file with a melody, or if a drum track holds the"
            " melody, choose it with --track"
        )
    return "has no notes; give a file with a melody"


def text_of(message: Any) -> str:
    """The text of a meta message on one line; ``text_bytes.guessed`` guesses its encoding."""
    if message is None:
        return ""
    raw = message.name if message.type == "track_name" else message.text
    text = guessed(raw.encode("latin-1"))
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def raw_text(text: str) -> str:
    """A text in the form in which mido writes it as UTF-8."""
    return text.encode("utf-8").decode("latin-1")


def chooses_sound(message: Any) -> bool:
    """Whether a message chooses a channel's sound: a program or its bank."""
    return message.type == "program_change" or (
        message.type == "control_change" and message.control in BANK_SELECT
    )


def save(arrangement: Arrangement, path: Path | str) -> None:
    """Write a format 1 file, whole or not at all; every track ends at the arrangement's end.

    Raises ChoraleError if it would have more than ``MOST_EVENTS`` events.
    """
    if sum(map(len, arrangement.tracks)) > midi_bytes.MOST_EVENTS:
        raise ChoraleError(
            f"{path}: would have more than {midi_bytes.MOST_EVENTS:,} events; is the melody's file"
            " damaged?"
        )
    content = to_bytes(arrangement)
    if suffix_of(path) == RIFF_SUFFIX:
        content = midi_bytes.in_riff(content)
    with whole_file(Path(path)) as partial:
        partial.write_bytes(sealed(content))


def to_bytes(arrangement: Arrangement) -> bytes:
    """The bytes of an arrangement as a format 1 file."""
    file = mido.MidiFile(type=1, ticks_per_beat=arrangement.ppq)
    for events in arrangement.tracks:
        track = mido.MidiTrack()
        now = 0
        ends = Timed(arrangement.end, mido.MetaMessage("end_of_track"))
        for event in (*sorted(events, key=lambda e: e.tick), ends):
            delta = event.tick - now
            track.extend(_filling(delta))
            track.append(event.message.copy(time=(delta - 1) % LONGEST_DELTA + 1 if delta else 0))
            now = event.tick
        file.tracks.append(track)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def _filling(delta: int) -> Iterator[Any]:
    """Empty text events that split a delta time longer than ``LONGEST_DELTA`` ticks."""
    for _ in range((delta - 1) // LONGEST_DELTA):
        yield mido.MetaMessage("text", text="", time=LONGEST_DELTA)
