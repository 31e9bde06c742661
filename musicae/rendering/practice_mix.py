"""Practice mixes of a choir as MIDI: the volume and pan of each voice, and the count-in.

A mix begins with a bar of clicks, while a piano plays the first note. If the piece begins with a
pickup, the clicks go on until it begins. Volume and pan are the controllers 7 and 10.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import mido

from musicae.io.base import END, START
from musicae.io.choir import Choir
from musicae.io.general_midi import CHOIR_AAHS
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import (
    SLOWEST_TEMPO,
    UNSTATED_TEMPO,
    Arrangement,
    chooses_sound,
    raw_text,
    text_of,
)
from musicae.io.midi_notes import DRUM_CHANNEL
from musicae.io.midi_writer import bar_line_from, meter_message, title_event
from musicae.io.score_song import ScoreSong
from musicae.rendering.mixing import PAN, VOLUME

BEHIND = -12.0
"""The level, in dB, of the other voices if one voice is in front."""
FULL_VOLUME = 127
"""The value of controller 7 at 0 dB. In General MIDI the level is 40 log10(value / 127) dB."""
MIDDLE = 64
"""The value of controller 10 for the middle."""
OUTER, INNER = 40, 16
"""The greatest and the least distance of the voices at the sides from the middle, in values of
controller 10."""
STRONG_CLICK, CLICK = 76, 77
"""Notes of the drum channel: high and low wood block."""
CLICK_VELOCITY = 100
NOTE_CHANNEL = 15
"""The channel of the piano that plays the first notes, counted from 0."""
NOTE_VELOCITY = 80
ALL, FRONT, ALONE, WITHOUT = "all", "front", "alone", "without"


class Mix(NamedTuple):
    """The levels and places of the voices of a choir in one practice mix."""

    kind: str
    """``ALL``, ``FRONT``, ``ALONE`` or ``WITHOUT``."""
    voice: int | None
    """The number of the voice that practises; None for all together."""
    levels: tuple[float | None, ...]
    """The level of each voice in dB; None if it is silent."""
    places: tuple[int, ...]
    """The pan of each voice, as values of controller 10."""

    @property
    def given(self) -> tuple[int, ...]:
        """The numbers of the voices whose first notes the piano plays."""
        return tuple(range(len(self.levels))) if self.voice is None else (self.voice,)


def mixes_of(voices: int) -> list[Mix]:
    """All mixes for a number of voices: each voice in front, alone and left out; then all together.

    >>> [mix.kind for mix in mixes_of(2)]
    ['front', 'alone', 'without', 'front', 'alone', 'without', 'all']
    """
    row = _row(voices)
    mixes = []
    for voice in range(voices):
        others = [v for v in range(voices) if v != voice]
        levels: dict[str, list[float | None]] = {
            FRONT: [BEHIND] * voices,
            ALONE: [None] * voices,
            WITHOUT: [0.0] * voices,
        }
        levels[FRONT][voice] = levels[ALONE][voice] = 0.0
        levels[WITHOUT][voice] = None
        places = [MIDDLE] * voices
        for other, place in zip(others, _sides(len(others)), strict=True):
            places[other] = place
        for kind, each in levels.items():
            where = row if kind == WITHOUT else places
            mixes.append(Mix(kind, voice, tuple(each), tuple(where)))
    return [*mixes, Mix(ALL, None, (0.0,) * voices, tuple(row))]


def _row(voices: int) -> list[int]:
    """The pan of each voice, from left to right."""
    step = 2 * OUTER / max(1, voices - 1)
    return [round(MIDDLE - OUTER + step * voice) for voice in range(voices)]


def _sides(voices: int) -> list[int]:
    """The pan of the other voices if one is in the middle: they alternate left and right."""
    pairs = (voices + 1) // 2
    step = (OUTER - INNER) / max(1, pairs - 1)
    return [
        MIDDLE + (1 if voice % 2 else -1) * round(OUTER - step * (voice // 2))
        for voice in range(voices)
    ]


class Rehearsal:
    """A choir as MIDI tracks, at a given tempo."""

    def __init__(self, choir: Choir, percent: int, program: int | None = None) -> None:
        """Prepare the tracks.

        Args:
            choir: the voices.
            percent: the tempo, in per cent of the piece's own tempo.
            program: the General MIDI program of all voices, 0 to 127; by default each has its own.
        """
        self.choir, self.percent, self.program = choir, percent, program
        song, frame = choir.song, choir.frame
        self.ppq = song.ppq
        self._start = song.tick(choir.offset)
        meter = frame.meters[0]
        self.bar = song.tick(meter.steps_per_bar)
        self._beat = meter.steps_per_beat * song.ppq / 4
        self.lead = self.bar + (self.bar - song.tick(frame.pickup) if frame.pickup else 0)
        """The length of the count-in, in ticks."""
        self._conductor = self._conduct()
        ends = [note.sounds_until for singer in choir.singers for note in singer.notes]
        written = song.tick(choir.offset + len(frame)) if isinstance(song, ScoreSong) else 0
        last = self.shifted(max([*ends, written]))
        self.end = bar_line_from(self._conductor, self.ppq, last)
        self._voices = [self._sing(voice) for voice in range(len(choir.singers))]

    def mix(self, mix: Mix) -> Arrangement:
        """The arrangement of a mix; silent voices have no track."""
        tracks = [self._conductor]
        for voice, (level, place) in enumerate(zip(mix.levels, mix.places, strict=True)):
            if level is not None:
                name, *events = self._voices[voice]
                settings = _settings(channel_of(voice), volume_of(level), place)
                tracks.append([name, *settings, *events])
        tracks += [self._clicks(), self._first_notes(mix.given)]
        return Arrangement(tracks, self.ppq, self.end)

    def voices(self) -> Arrangement:
        """The voices without clicks and first notes, in the middle and at full volume.

        They begin after the time of the count-in.
        """
        tracks = [self._conductor]
        for voice, (name, *events) in enumerate(self._voices):
            tracks.append([name, *_settings(channel_of(voice), FULL_VOLUME, MIDDLE), *events])
        return Arrangement(tracks, self.ppq, self.end)

    def count_in(self) -> Arrangement:
        """The count-in alone: a track of clicks, and a track with the first note of each voice."""
        notes = [self._first_notes([voice]) for voice in range(len(self._voices))]
        return Arrangement([self._conductor, self._clicks(), *notes], self.ppq, self.lead)

    def shifted(self, tick: int) -> int:
        """The tick in the mixes of a tick of the file."""
        return max(0, tick - self._start) + self.lead

    def _conduct(self) -> list[Timed]:
        """The conductor's track: title, meters, keys, tempi and marks.

        The first meter, key and tempo are valid in the count-in too.
        """
        song, frame = self.choir.song, self.choir.frame
        events = [title_event(frame.title)] if frame.title else []
        events.append(Timed(0, meter_message(frame.meters[0])))
        first_bar = self._start + song.tick(frame.pickup)
        meters = [e for e in song.metas("time_signature") if e.tick > first_bar]
        events += [Timed(self.shifted(e.tick), e.message) for e in meters]
        tempi = {0: UNSTATED_TEMPO}
        for event in song.metas("set_tempo"):
            tick = self.shifted(event.tick) if event.tick > self._start else 0
            tempi[tick] = event.message.tempo
        for tick, tempo in tempi.items():
            slower = min(SLOWEST_TEMPO, max(1, round(tempo * 100 / self.percent)))
            events.append(Timed(tick, mido.MetaMessage("set_tempo", tempo=slower)))
        for event in song.metas("marker", "key_signature", "copyright"):
            if event.message.type == "marker" and text_of(event.message) in (START, END):
                continue
            early = event.tick <= self._start and event.message.type != "marker"
            events.append(Timed(0 if early else self.shifted(event.tick), event.message))
        unique = {(e.tick, str(e.message)): e for e in events}
        return sorted(unique.values(), key=lambda event: event.tick)

    def _sing(self, voice: int) -> list[Timed]:
        """The track of a voice: its name, then its events, moved to its channel."""
        singer, channel = self.choir.singers[voice], channel_of(voice)
        track = self.choir.song.tracks[singer.part.track]
        own = {index for note in singer.notes for index in (note.on, note.off)}
        name = mido.MetaMessage("track_name", name=raw_text(singer.name))
        events = [Timed(0, name)]
        chosen = [e for e in track if e.message.type == "program_change"]
        chosen = [e for e in chosen if e.message.channel in singer.part.channels]
        if self.program is not None or not chosen:
            program = CHOIR_AAHS if self.program is None else self.program
            message = mido.Message("program_change", channel=channel, program=program)
            events.append(Timed(0, message))
        for index, (tick, message) in enumerate(track):
            if message.type == "lyrics" and tick >= self._start:
                events.append(Timed(self.shifted(tick), message))
            if message.is_meta or getattr(message, "channel", None) not in singer.part.channels:
                continue
            note = message.type in ("note_on", "note_off")
            if note and index not in own:
                continue
            if self.program is not None and chooses_sound(message):
                continue
            if message.is_cc(VOLUME) or message.is_cc(PAN):
                continue
            at = self.shifted(tick) if note or tick > self._start else 0
            events.append(Timed(at, message.copy(channel=channel)))
        return events

    def _clicks(self) -> list[Timed]:
        """A click on each beat of the count-in; clicks at the beginnings of bars are higher."""
        events = [Timed(0, mido.MetaMessage("track_name", name="Clicks"))]
        events += _settings(DRUM_CHANNEL, FULL_VOLUME, MIDDLE)
        for beat in range(math.ceil(self.lead / self._beat)):
            tick = round(beat * self._beat)
            note = STRONG_CLICK if tick % self.bar == 0 else CLICK
            events += _note(DRUM_CHANNEL, note, CLICK_VELOCITY, tick, tick + self.ppq // 8)
        return events

    def _first_notes(self, voices: Iterable[int]) -> list[Timed]:
        """The first notes of some voices, each as long as a bar."""
        events = [Timed(0, mido.MetaMessage("track_name", name="First note"))]
        events += _settings(NOTE_CHANNEL, FULL_VOLUME, MIDDLE)
        events.append(Timed(0, mido.Message("program_change", channel=NOTE_CHANNEL, program=0)))
        for pitch in sorted({self.choir.singers[voice].notes[0].pitch for voice in voices}):
            events += _note(NOTE_CHANNEL, pitch, NOTE_VELOCITY, 0, self.bar)
        return events


def channel_of(voice: int) -> int:
    """The channel of a voice, counted from 0; the drum channel is left out."""
    return voice if voice < DRUM_CHANNEL else voice + 1


def volume_of(level: float) -> int:
    """The value of controller 7 for a level in dB.

    >>> volume_of(0), volume_of(-12)
    (127, 64)
    """
    return round(FULL_VOLUME * 10 ** (level / 40))


def _settings(channel: int, volume: int, place: int) -> Sequence[Timed]:
    return [
        Timed(0, mido.Message("control_change", channel=channel, control=control, value=value))
        for control, value in ((VOLUME, volume), (PAN, place))
    ]


def _note(channel: int, pitch: int, velocity: int, start: int, end: int) -> Sequence[Timed]:
    on = mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)
    off = mido.Message("note_off", channel=channel, note=pitch, velocity=0)
    return [Timed(start, on), Timed(end, off)]
