"""Write a MIDI file's own events back, together with new voices.

The given parts stay event for event, in the file's own ticks, with its tempi, meters, keys, markers
and lyrics. The notes of new voices are added. On request, the file's other tracks follow unchanged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import mido
import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, VOICES
from musicae.io import midi_lyrics, midi_reader, midi_writer
from musicae.io.general_midi import CHOIR_AAHS
from musicae.io.lyrics import NO_WORDS, Words
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import Arrangement, Song, chooses_sound, raw_text, text_of
from musicae.io.midi_notes import DRUM_CHANNEL, MidiNote, Part
from musicae.io.midi_reader import PartsReading
from musicae.io.voice_tracks import parts_by_name, parts_together
from musicae.theory.harmonic_analysis import is_marker

CHANNELS = 16
OF_THE_SONG = frozenset(
    {
        "set_tempo",
        "time_signature",
        "key_signature",
        "marker",
        "cue_marker",
        "smpte_offset",
        "copyright",
    }
)
"""Types of meta events that belong to the whole song, in any track."""
WORDS = frozenset({"lyrics", "text"})
"""Types of meta events that hold the words of a track."""
ANALYSED = "analysis"
"""The key in a file's provenance that says that musicae wrote Roman numerals as markers."""


@dataclass(frozen=True, eq=False)
class PreservedParts:
    """The given parts of a MIDI file, with what is needed to write them back."""

    song: Song
    parts: dict[int, Part]
    """The given parts by voice."""
    left_out: dict[int, frozenset[MidiNote]]
    """For each given voice, its notes that are not written back."""
    offset: int
    """Sixteenths in the file before the chorale's first step."""
    tune: Chorale
    """The given notes on the grid, with the title and key to write."""
    known: NDArray[np.bool_]
    """``(T, V)`` True where a note or a silence is given; no new notes are written there."""

    @classmethod
    def of(
        cls, reading: PartsReading, tune: Chorale, known: NDArray[np.bool_], single: bool
    ) -> PreservedParts:
        """The parts of a reading, without the notes that are written again.

        A note is left out if it begins at an onset of the reading that ``tune`` does not have. If
        ``single``, there is one given part, and the notes under its top notes are left out too.
        ``tune`` and ``known`` are described in the class.
        """
        left_out = {}
        for voice, part in reading.parts.items():
            rewritten = {
                note.step + reading.offset
                for note in reading.chorale.notes(voice)
                if not tune.onset[note.step, voice]
            }
            left_out[voice] = frozenset(
                note
                for note in part.notes
                if reading.song.step(note.start) in rewritten
                or (single and note in reading.under[voice])
            )
        return cls(reading.song, reading.parts, left_out, reading.offset, tune, known)

    def arrange(
        self,
        chorale: Chorale,
        program: int | Sequence[int] = CHOIR_AAHS,
        provenance: dict[str, Any] | None = None,
        markers: Sequence[tuple[int, str]] = (),
        keep_tracks: bool = False,
        *,
        names: Sequence[str] = VOICES,
        words: Words | None = None,
    ) -> Arrangement:
        """The given parts' own events and the chorale's new notes, as tracks in the file's ticks.

        Args:
            chorale: as long as ``tune``, with the new notes.
            program: a General MIDI program counted from 0, or one for each voice.
            provenance: how the chorale was made; it goes into the conductor track.
            markers: (step, text) of markers to add to those of the file.
            keep_tracks: also write the file's other tracks, unchanged; the voices then use channels
                that these leave free.
            names: the names of the voices; a voice with an empty name is left out.
            words: the words of the voices; by default, given parts keep the words of the file.

        Raises ChoraleError if a program is not 0 to 127.
        """
        words = NO_WORDS if words is None else words
        silenced = self._words_of_the_file() if words.replaced else []
        conductor = [e for e in self._conductor(provenance) if e not in silenced]
        for step, text in markers:
            message = mido.MetaMessage("marker", text=raw_text(text))
            conductor.append(Timed(self.song.tick(self.offset + step), message))
        conductor.sort(key=lambda event: event.tick)
        keys = [event for event in conductor if event.message.type == "key_signature"]
        tracks = [conductor]
        for v, name in enumerate(names):
            if not name:
                continue
            header = midi_writer.voice_header(name, v, program)
            written = midi_writer.voice_events(self._written_notes(chorale, v), v)
            own = [e for e in self._own_events(v, words) if e not in silenced]
            sung = self._syllable_events(v, words)
            tracks.append(header + keys + midi_writer.merged([*sung, *own], written))
        if keep_tracks:
            others = other_tracks(self.song, self.parts.values())
            free = free_channels(others)
            voices = [on_channel(track, free[v]) for v, track in enumerate(tracks[1:])]
            tracks = [conductor, *voices, *others]
        last = max(event.tick for track in tracks for event in track)
        end = midi_writer.bar_line_from(conductor, self.song.ppq, last)
        return Arrangement(tracks, self.song.ppq, end)

    def _conductor(self, provenance: dict[str, Any] | None) -> list[Timed]:
        """The events of the whole song, each once; with the tune's key if the file states none."""
        events = [midi_writer.title_event(self.tune.title)] if self.tune.title else []
        own = midi_reader.title_event_of(self.song)
        if own and text_of(own.message) == self.tune.title:
            events = [own]
        if provenance:
            events.append(midi_writer.provenance_event(provenance))
        with_notes = self._tracks_with_notes
        for index, track in enumerate(self.song.tracks):
            kept = OF_THE_SONG if index in with_notes else OF_THE_SONG | {"text"}
            events += [event for event in track if event.message.type in kept]
        if midi_reader.song_provenance(self.song).get(ANALYSED):  # numerals of the former harmony
            events = [event for event in events if not _is_numeral(event)]
        events = list({(e.tick, str(e.message)): e for e in events}.values())
        if self.tune.key and not any(e.message.type == "key_signature" for e in events):
            events.append(midi_writer.key_event(self.tune.key))
        return sorted(events, key=lambda event: event.tick)

    def _words_of_the_file(self) -> list[Timed]:
        """The lyrics of the given parts and, in a karaoke file, its texts."""
        lyrics = (midi_lyrics.lyric_events(self.song, self.parts, v) for v in self.parts)
        return [
            *(event for events in lyrics for event in events),
            *midi_lyrics.karaoke_events(self.song, self.parts),
        ]

    def _syllable_events(self, voice: int, words: Words) -> list[Timed]:
        """The lyric events of a voice's first verse.

        If its part has lyrics of its own, only the syllables on new notes are returned. Syllables
        on given notes are at the ticks of these notes.
        """
        begins = {}
        if voice in self.parts:
            for note in reversed(self.parts[voice].notes):
                if note not in self.left_out[voice]:
                    begins[self.song.step(note.start) - self.offset] = note.start
        verses = words.voices.get(voice, ())[:1]
        if voice in words.own:
            verses = tuple(
                verse._replace(
                    syllables=tuple(s for s in verse.syllables if not self.known[s.step, voice])
                )
                for verse in verses
            )

        def tick(step: int) -> int:
            given = begins.get(step) if self.known[step, voice] else None
            return self.song.tick(self.offset + step) if given is None else given

        return [event for verse in verses for event in midi_lyrics.events_of(verse, tick)]

    def _own_events(self, voice: int, words: Words) -> list[Timed]:
        """A part's own events, on its voice's channel.

        The words of a track go to its highest given voice. Lyrics of a track without notes go to
        the highest given voice of all. If ``words`` has own words for the voice, the file's lyrics
        on new notes are left out.
        """
        part = self.parts.get(voice)
        if part is None:
            return []
        omitted = {index for note in self.left_out[voice] for index in (note.on, note.off)}
        with_notes = self._tracks_with_notes
        has_words = voice == min(v for v, p in self.parts.items() if p.track == part.track)
        is_highest = voice == min(self.parts)
        events = []
        for index, track in enumerate(self.song.tracks):
            for number, event in enumerate(track):
                message = event.message
                if index == part.track:
                    if message.type in WORDS:
                        if has_words:
                            events.append(event)
                    elif (
                        getattr(message, "channel", None) in part.channels
                        and number not in omitted
                        and not chooses_sound(message)
                    ):
                        events.append(Timed(event.tick, message.copy(channel=voice)))
                elif is_highest and message.type == "lyrics" and index not in with_notes:
                    events.append(event)
        if voice in words.own:
            last = len(self.known) - 1
            events = [
                event
                for event in events
                if event.message.type != "lyrics"
                or self.known[min(max(0, self.song.step(event.tick) - self.offset), last), voice]
            ]
        return sorted(events, key=lambda event: event.tick)

    @property
    def _tracks_with_notes(self) -> set[int]:
        return {part.track for part in (*self.song.parts, *self.parts.values())}

    def _written_notes(self, chorale: Chorale, voice: int) -> list[tuple[int, int, int]]:
        """The chorale's new notes of a voice as ``(start, end, pitch)``, in ticks."""
        own: dict[int, list[MidiNote]] = defaultdict(list)
        for note in self.parts[voice].notes if voice in self.parts else ():
            if note not in self.left_out[voice]:
                own[note.pitch].append(note)
        written = []
        for step, duration, pitch in chorale.notes(voice):
            if not self.known[step, voice]:
                start = self.song.tick(self.offset + step)
                end = self.song.tick(self.offset + step + duration)
                written.append((*_clear_of(own[pitch], start, end), pitch))
        return written


def other_tracks(song: Song, given: Iterable[Part]) -> list[list[Timed]]:
    """The tracks besides the given parts, with their events unchanged.

    - From a track with a given part, the events on that part's channels are removed; if no others
      remain, the track is left out.
    - Tracks with only events of the whole song are left out; the conductor track has these.
    - If several parts are named after voices, these are left out too, since they are written
      again. If only one is, it belongs to a band and stays.
    """
    named = list(parts_by_name(parts_together(song)).values())
    gone: dict[int, set[int]] = {}
    for part in [*given, *(named if len(named) > 1 else [])]:
        gone.setdefault(part.track, set()).update(part.channels)
    found = []
    for index, track in enumerate(song.tracks):
        events = [
            event
            for event in track
            if event.message.type not in OF_THE_SONG | {"end_of_track"}
            and getattr(event.message, "channel", None) not in gone.get(index, set())
        ]
        if index in gone:  # its words are those of the given part
            events = [e for e in events if not e.message.is_meta or e.message.type == "track_name"]
        if any(not event.message.is_meta for event in events):
            found.append(events)
    return found


def free_channels(tracks: Iterable[Sequence[Timed]]) -> list[int]:
    """A channel, from 0, for each voice: the lowest four that the tracks do not use.

    Channel 9, the drums', is never taken. If fewer than four channels are free, the voices share
    them; if none is free, the voices have channels 0 to 3.
    """
    taken = {getattr(event.message, "channel", None) for track in tracks for event in track}
    free = [c for c in range(CHANNELS) if c not in taken and c != DRUM_CHANNEL] or range(N_VOICES)
    return [free[voice % len(free)] for voice in range(N_VOICES)]


def on_channel(events: Iterable[Timed], channel: int) -> list[Timed]:
    """The events, with all channel messages moved to one channel."""
    return [
        event._replace(message=event.message.copy(channel=channel))
        if hasattr(event.message, "channel")
        else event
        for event in events
    ]


def _is_numeral(event: Timed) -> bool:
    return event.message.type == "marker" and is_marker(text_of(event.message))


def _clear_of(own: Iterable[MidiNote], start: int, end: int) -> tuple[int, int]:
    """Shorten the span ``start`` to ``end``, in ticks, so that it overlaps no own note."""
    for note in own:
        if note.start <= start < note.end:
            start = note.end
        elif start < note.start < end:
            end = note.start
    return start, end
