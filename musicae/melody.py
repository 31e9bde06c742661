"""The melody's rights: a user's melody in a MIDI file, and the file in which it comes back.

The model is given a quantized copy in the soprano's range. What is written is the melody event
for event, in its own ticks, under its own tempi, meters, keys, markers and lyrics, and the other
voices around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from musicae import midi
from musicae.chorale import (
    N_VOICES,
    REST,
    STEPS_PER_QUARTER,
    VOICE_RANGES,
    VOICES,
    Chorale,
    ChoraleError,
    Key,
    pitch_name,
)
from musicae.smf import MidiNote, Part, Song, Timed, no_notes, open_song, write_tracks

MELODY_NAMES = ("soprano", "melody", "vocal", "voice", "lead", "tune", "song")
"""How tracks that hold the melody are called, the surest names first."""

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
"""Meta events that speak of the whole song in whatever track they stand."""
SUNG_TEXT = frozenset({"lyrics", "text"})
BANK_SELECT = (0, 32)
ARTICULATION = STEPS_PER_QUARTER // 2
"""Rests up to an eighth after a note at least as long are the singer's, not the harmony's."""
CHORD_SPREAD = STEPS_PER_QUARTER * 2
"""Notes that begin within a quarter divided by this (a thirty-second) are one chord."""


@dataclass(frozen=True)
class Melody:
    """A melody as it stands in a file and as it is sung to a model."""

    song: Song
    part: Part
    hidden: tuple[MidiNote, ...]
    """Notes of the part that lie under the melody and are left out."""
    tune: Chorale
    """The melody as the soprano of a chorale whose other voices are silent, at its own pitch."""
    sung: Chorale
    """The same within the soprano's range."""
    shift: int
    """Semitones from ``tune`` to ``sung``, whole octaves."""
    offset: int
    """Sixteenths in the file before the chorale's first step."""
    notices: tuple[str, ...]
    """What the musician should know of how the melody was understood."""

    def write(
        self,
        chorale: Chorale,
        path: Path | str,
        program: int = midi.CHOIR_AAHS,
        provenance: dict[str, Any] | None = None,
    ) -> None:
        """Write the melody's own events and the chorale's other voices, whole or not at all.

        ``chorale`` comes from ``around``. Raises ChoraleError where the file cannot be written.
        """
        conductor = self._conductor(provenance)
        keys = [event for event in conductor if event.message.type == "key_signature"]
        tracks = [conductor, midi.voice_header(VOICES[0], 0, program) + keys + self._events()]
        for v in range(1, N_VOICES):
            notes = [
                (
                    self.song.tick(self.offset + note.step),
                    self.song.tick(self.offset + note.step + note.duration),
                    note.pitch,
                )
                for note in chorale.notes(v)
            ]
            header = midi.voice_header(VOICES[v], v, program)
            tracks.append(header + keys + midi.voice_events(notes, v))
        last = max(event.tick for track in tracks for event in track)
        end = midi.bar_line_from(conductor, self.song.ppq, last)
        write_tracks(path, tracks, self.song.ppq, end)

    def _conductor(self, provenance: dict[str, Any] | None) -> list[Timed]:
        """What the file says of the whole song, once each, and the key where one was given."""
        events = [midi.title_event(self.tune.title)] if self.tune.title else []
        if provenance:
            events.append(midi.provenance_event(provenance))
        with_notes = {part.track for part in self.song.parts}
        for index, track in enumerate(self.song.tracks):
            kept = OF_THE_SONG if index in with_notes else OF_THE_SONG | {"text"}
            events += [event for event in track if event.message.type in kept]
        events = list({(e.tick, str(e.message)): e for e in events}.values())
        if self.tune.key and not any(e.message.type == "key_signature" for e in events):
            events.append(midi.key_event(self.tune.key))
        return sorted(events, key=lambda event: event.tick)

    def _events(self) -> list[Timed]:
        """The melody's own events, on the soprano's channel; its lyrics, also from a text track."""
        left_out = {index for note in self.hidden for index in (note.on, note.off)}
        with_notes = {part.track for part in self.song.parts}
        events = []
        for index, track in enumerate(self.song.tracks):
            for number, event in enumerate(track):
                message = event.message
                if index == self.part.track:
                    if message.type in SUNG_TEXT:
                        events.append(event)
                    elif (
                        getattr(message, "channel", None) == self.part.channel
                        and number not in left_out
                        and not _chooses_sound(message)
                    ):
                        events.append(Timed(event.tick, message.copy(channel=0)))
                elif message.type == "lyrics" and index not in with_notes:
                    events.append(event)
        return sorted(events, key=lambda event: event.tick)


def read_melody(path: Path | str, track: str | None = None, key: Key | None = None) -> Melody:
    """The melody in a MIDI file.

    ``track`` is the number (from 1) or the name of the part that holds it; without one the part is
    found by its name, else it is the highest of those that mostly play single notes. ``key``
    overrides the file's. Raises ChoraleError where the file or the track cannot be used.
    """
    song = open_song(Path(path))
    if not song.parts:
        raise ChoraleError(f"{song.path}: {no_notes(song)}")
    part = _part(song, track) if track else _likely_part(song)
    notices = []
    if len(song.parts) > 1 and not track:
        others = ", ".join(_label(song, p) for p in song.parts if p is not part)
        notices.append(
            f"the melody is taken from track {_label(song, part)}; left out: {others}"
            " (choose with --track)"
        )
    whole, song = part, song.pattern(part)
    part = next(p for p in song.parts if p.notes == whole.notes and p.channel == whole.channel)
    hidden = _under_the_melody(song, part.notes)
    if hidden:
        notices.append(
            f"track {part.name or part.track + 1} has chords; its top notes are the melody"
            f" ({len(hidden)} lower notes left out)"
        )
    under = set(hidden)
    notes = [note for note in part.notes if note not in under]
    quantized = midi.quantize(song, notes)
    moved = midi.off_grid(song, notes)
    if moved:
        notices.append(
            f"{moved} of {len(notes)} notes begin off the sixteenth grid; the harmony follows the"
            " nearest sixteenth, the melody keeps its timing"
        )
    if not song.metas("time_signature"):
        notices.append("the file states no meter; 4/4 is assumed")
    voice = _without_articulation(quantized)
    steps = voice[-1][0] + voice[-1][1]
    tune = midi.chorale_of(song, [voice], steps)
    offset = steps - len(tune)
    tune = replace(tune, title=tune.title or _title_from(song.path), key=key or tune.key)
    sung, shift, notice = into_range(tune)
    return Melody(song, part, hidden, tune, sung, shift, offset, (*notices, *notice))


def around(tune: Chorale, harmonized: Chorale, shift: int) -> Chorale:
    """The tune at its own pitch with the other voices of ``harmonized``, moved along with it.

    ``shift`` is in semitones, from the tune's pitch to that at which it was harmonized.
    """
    pitch, onset = harmonized.pitch.copy(), harmonized.onset.copy()
    lower = pitch[:, 1:]
    lower[lower != REST] -= shift
    pitch[:, 0], onset[:, 0] = tune.pitch[:, 0], tune.onset[:, 0]
    return replace(tune, pitch=pitch, onset=onset, source=harmonized.source)


def into_range(tune: Chorale) -> tuple[Chorale, int, tuple[str, ...]]:
    """The soprano alone in the octave that fits it best, by how many semitones, and notices of it.

    Notes that no octave of the whole tune brings into range are moved by octaves of their own.
    """
    low, high = VOICE_RANGES[0]
    pitches = tune.pitch[:, 0][tune.onset[:, 0]].astype(int)
    octaves = [
        k for k in range(-10, 11) if ((pitches + 12 * k >= 0) & (pitches + 12 * k <= 127)).all()
    ]
    outside = {
        k: int(((pitches + 12 * k < low) | (pitches + 12 * k > high)).sum()) for k in octaves
    }
    shift = 12 * min(octaves, key=lambda k: (outside[k], abs(k)))
    notices = []
    if shift:
        way = "down" if shift > 0 else "up"
        count = abs(shift) // 12
        notices.append(
            f"the melody lies {'below' if shift > 0 else 'above'} the soprano's range; the other"
            f" voices are moved {way} {count} octave{'s' * (count > 1)} along with it"
        )
    column = tune.pitch[:, 0].astype(int)
    sung = np.where(column == REST, REST, column + shift)
    folded = np.where(sung == REST, REST, np.where(sung < low, low + (sung - low) % 12, sung))
    folded = np.where(folded > high, high - (high - folded) % 12, folded)
    if (folded != sung).any():
        notices.append(
            f"the melody is wider than the soprano's range {pitch_name(low)} to {pitch_name(high)};"
            f" {outside[shift // 12]} notes were harmonized an octave nearer"
        )
    pitch, onset = np.full_like(tune.pitch, REST), np.zeros_like(tune.onset)
    pitch[:, 0], onset[:, 0] = folded, tune.onset[:, 0]
    return replace(tune, pitch=pitch, onset=onset), shift, tuple(notices)


def _part(song: Song, track: str) -> Part:
    """The part that a musician names by number or name."""
    if track.isdecimal() and 1 <= int(track) <= len(song.parts):
        return song.parts[int(track) - 1]
    exact = [part for part in song.parts if part.name.lower() == track.lower()]
    similar = [part for part in song.parts if track.lower() in part.name.lower()]
    for found in (exact, similar):
        if len(found) == 1:
            return found[0]
    listing = ", ".join(_label(song, part) for part in song.parts)
    raise ChoraleError(f"{song.path}: no single track is {track!r}; with notes there are {listing}")


def _likely_part(song: Song) -> Part:
    for name in MELODY_NAMES:
        for part in song.parts:
            if name in part.name.lower():
                return part
    single = [p for p in song.parts if len(_under_the_melody(song, p.notes)) <= len(p.notes) / 4]
    return max(single or song.parts, key=lambda part: part.mean_pitch)


def _label(song: Song, part: Part) -> str:
    number = song.parts.index(part) + 1
    return f"{number} '{part.name}'" if part.name else str(number)


def _under_the_melody(song: Song, notes: Sequence[MidiNote]) -> tuple[MidiNote, ...]:
    """Notes that for more than half of their time sound under a higher one begun no later.

    A legato overlap is shorter than that; of a doubled note the first stays.
    """
    spread = song.ppq // CHORD_SPREAD
    hidden = []
    active: list[MidiNote] = []
    following = list(notes)
    for index, note in enumerate(notes):
        active = [other for other in active if other.end > note.start]
        together = []
        for other in following[index + 1 :]:
            if other.start > note.start + spread:
                break
            together.append(other)
        for other in active + together:
            overlap = min(note.end, other.end) - max(note.start, other.start)
            earlier_twin = other.pitch == note.pitch and other in active
            if (other.pitch > note.pitch or earlier_twin) and 2 * overlap > note.end - note.start:
                hidden.append(note)
                break
        active.append(note)
    return tuple(hidden)


def _without_articulation(notes: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Notes ``(step, duration, pitch)`` with the short rests between them closed."""
    closed = []
    for note, following in pairwise(notes):
        step, duration, pitch = note
        gap = following[0] - step - duration
        closed.append((step, duration + (gap if gap <= min(ARTICULATION, duration) else 0), pitch))
    return [*closed, notes[-1]]


def _title_from(path: Path) -> str:
    return " ".join(
        "".join(c if c.isprintable() else " " for c in path.stem.replace("_", " ")).split()
    )


def _chooses_sound(message: Any) -> bool:
    return message.type == "program_change" or (
        message.type == "control_change" and message.control in BANK_SELECT
    )
