"""The given parts' rights: what a MIDI file holds of a chorale, and the file in which it returns.

The model is given a quantized copy in the voices' ranges. What is written are the given parts
event for event, in their own ticks, under their own tempi, meters, keys, markers and lyrics, and
the other notes around them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import mido

from musicae.api.given import GivenParts, known_of
from musicae.api.request import Request
from musicae.core.chorale import Chorale
from musicae.core.constants import STEPS_PER_QUARTER, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.io import midi_reader, midi_writer
from musicae.io.base import END, START, title_from
from musicae.io.general_midi import CHOIR_AAHS
from musicae.io.midi_file import (
    Arrangement,
    MidiNote,
    Part,
    Song,
    Timed,
    chooses_sound,
    no_notes,
    open_song,
    raw_text,
    text_of,
)
from musicae.io.other_tracks import free_channels, on_channel, other_tracks
from musicae.io.voice_tracks import given_parts, labels, under_the_melody
from musicae.theory.harmonic_analysis import is_marker

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
ARTICULATION = STEPS_PER_QUARTER // 2
"""Rests up to an eighth after a note at least as long are the singer's, not the harmony's."""


@dataclass(frozen=True, eq=False)
class Given(GivenParts):
    """What is known of a chorale from a MIDI file, and the events that it came from."""

    song: Song
    parts: dict[int, Part]
    """The given parts by voice."""
    left_out: dict[int, frozenset[MidiNote]]
    """Notes of the parts that are not written: chord notes under a melody, and opened notes."""
    offset: int
    """Sixteenths in the file before the chorale's first step."""

    def arrange(
        self,
        chorale: Chorale,
        program: int = CHOIR_AAHS,
        provenance: dict[str, Any] | None = None,
        markers: Sequence[tuple[int, str]] = (),
        keep_tracks: bool = False,
    ) -> Arrangement:
        """The given parts' own events and the chorale's other notes, as tracks in the file's ticks.

        ``chorale`` comes from ``around``; ``program`` is a General MIDI program counted from 0;
        ``markers``, texts at the chorale's steps, stand beside the file's own. With
        ``keep_tracks`` the file's other tracks follow as they are, and the voices sing on channels
        that these leave free.
        """
        conductor = self._conductor(provenance)
        for step, text in markers:
            message = mido.MetaMessage("marker", text=raw_text(text))
            conductor.append(Timed(self.song.tick(self.offset + step), message))
        conductor.sort(key=lambda event: event.tick)
        keys = [event for event in conductor if event.message.type == "key_signature"]
        tracks = [conductor]
        for v, name in enumerate(VOICES):
            header = midi_writer.voice_header(name, v, program)
            written = midi_writer.voice_events(self._written_notes(chorale, v), v)
            tracks.append(header + keys + _merged(self._own_events(v), written))
        if keep_tracks:
            others = other_tracks(self.song, self.parts.values(), OF_THE_SONG)
            free = free_channels(others)
            voices = [on_channel(track, free[v]) for v, track in enumerate(tracks[1:])]
            tracks = [conductor, *voices, *others]
        last = max(event.tick for track in tracks for event in track)
        end = midi_writer.bar_line_from(conductor, self.song.ppq, last)
        return Arrangement(tracks, self.song.ppq, end)

    def _conductor(self, provenance: dict[str, Any] | None) -> list[Timed]:
        """What the file says of the whole song, once each, and the key where one was given."""
        events = [midi_writer.title_event(self.tune.title)] if self.tune.title else []
        if provenance:
            events.append(midi_writer.provenance_event(provenance))
        with_notes = {part.track for part in self.song.parts}
        for index, track in enumerate(self.song.tracks):
            kept = OF_THE_SONG if index in with_notes else OF_THE_SONG | {"text"}
            events += [event for event in track if event.message.type in kept]
        if midi_reader.provenance_of(self.song).get(ANALYSED):  # numerals of what was there before
            events = [e for e in events if not self._is_numeral(e)]
        events = list({(e.tick, str(e.message)): e for e in events}.values())
        if self.tune.key and not any(e.message.type == "key_signature" for e in events):
            events.append(midi_writer.key_event(self.tune.key))
        return sorted(events, key=lambda event: event.tick)

    @staticmethod
    def _is_numeral(event: Timed) -> bool:
        return event.message.type == "marker" and is_marker(text_of(event.message))

    def _own_events(self, voice: int) -> list[Timed]:
        """A part's own events, on its voice's channel.

        Words of a track go to its highest given voice, those of a track without notes to the
        highest of all.
        """
        part = self.parts.get(voice)
        if part is None:
            return []
        omitted = {index for note in self.left_out[voice] for index in (note.on, note.off)}
        with_notes = {p.track for p in self.song.parts}
        sings = voice == min(v for v, p in self.parts.items() if p.track == part.track)
        leads = voice == min(self.parts)
        events = []
        for index, track in enumerate(self.song.tracks):
            for number, event in enumerate(track):
                message = event.message
                if index == part.track:
                    if message.type in SUNG_TEXT:
                        if sings:
                            events.append(event)
                    elif (
                        getattr(message, "channel", None) == part.channel
                        and number not in omitted
                        and not chooses_sound(message)
                    ):
                        events.append(Timed(event.tick, message.copy(channel=voice)))
                elif leads and message.type == "lyrics" and index not in with_notes:
                    events.append(event)
        return sorted(events, key=lambda event: event.tick)

    def _written_notes(self, chorale: Chorale, voice: int) -> list[tuple[int, int, int]]:
        """Notes ``(start, end, pitch)`` in ticks that the part does not have itself."""
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


def read_given(
    path: Path | str,
    *,
    track: str | None = None,
    key: Key | None = None,
    voice: str | None = None,
    lock: Sequence[str] | str | None = None,
    bars: tuple[int, int] | str | None = None,
    meter: Meter | None = None,
) -> Given:
    """What of a chorale stands in a MIDI file, and what is to be filled.

    Args:
        track: the number (from 1) or name of the one part that is given.
        key: in which to harmonize; it is written where the file states none.
        voice: which voice the one given part is; without ``track`` it is the part with the voice's
            name, else the likeliest melody.
        lock: the voices that are given, found by the names of their tracks.
        bars: those to be recomposed; all voices are found, and those of ``lock``, by default the
            soprano, stay in these bars too.
        meter: that of a file which states none; it is written too.

    Without any of them, the parts named after voices are given where there are several or where
    nothing else is there, else one part is the melody, the soprano. Which of their notes and rests
    stay, ``known_of`` says, and ``Request.parse`` how ``lock`` and ``bars`` may be written. Raises
    ChoraleError where the file or the parts cannot be used.
    """
    request = Request.parse(voice, lock, bars)
    song = open_song(Path(path))
    if not song.parts:
        raise ChoraleError(f"{song.path}: {no_notes(song)}")
    parts = given_parts(song, request, track)
    alone = len(parts) == 1 and request.lock is None and request.bars is None
    notices = [] if track else _notices_of_choice(song, parts, request)
    pattern = song.pattern(next(iter(parts.values())))
    parts = {v: _same_part(pattern, part) for v, part in parts.items()}
    song = midi_reader.in_meter(pattern, meter) if meter else pattern
    hidden = {v: frozenset(under_the_melody(song, part.notes)) for v, part in parts.items()}
    notices += _notices_of_chords(parts, hidden, alone)
    heard = {v: [n for n in part.notes if n not in hidden[v]] for v, part in parts.items()}
    notices += _notices_of_time(song, heard, alone)
    whole, offset = _quantized(song, heard, request)
    whole = replace(whole, title=whole.title or title_from(song.path))
    try:
        region = request.region(whole)
    except ChoraleError as error:
        raise ChoraleError(f"{song.path}: {error}") from None
    seams = (region.start, region.stop) if request.bars else ()
    known = known_of(
        _without_articulation(whole, seams),
        request,
        key,
        marks=midi_reader.phrase_marks(song, offset, len(whole)),
        notices=tuple(notices),
        where=f"{song.path}: ",
    )
    left_out = {}
    for v, part in parts.items():
        opened = {n.step + offset for n in whole.notes(v) if not known.tune.onset[n.step, v]}
        left_out[v] = frozenset(
            note
            for note in part.notes
            if song.step(note.start) in opened or (alone and note in hidden[v])
        )
    return Given(
        known.tune,
        known.sung,
        known.whole,
        known.known,
        known.shift,
        known.key,
        known.marks,
        known.notices,
        song,
        parts,
        left_out,
        offset,
    )


def _quantized(
    song: Song, heard: dict[int, list[MidiNote]], request: Request
) -> tuple[Chorale, int]:
    """The given notes on the grid, and the sixteenths in the file before the first step."""
    voices = [
        midi_reader.quantize(song, heard[v]) if v in heard else [] for v in range(len(VOICES))
    ]
    steps = max(step + duration for notes in voices for step, duration, _ in notes)
    keep_silence = False
    if request.bars is not None:  # bars are numbered as those of the chorale that ``read`` gives
        markers = [(song.step(e.tick), text_of(e.message)) for e in song.metas("marker")]
        keep_silence = any(text == START for _, text in markers)
        steps = max([steps, *(step for step, text in markers if text == END)])
    chorale = midi_reader.chorale_of(song, voices, steps, keep_silence)
    return chorale, steps - len(chorale)


def _without_articulation(chorale: Chorale, seams: Sequence[int]) -> Chorale:
    """The short rests between notes closed, but where they would be closed across a seam."""
    pitch = chorale.pitch.copy()
    for voice in range(len(VOICES)):
        for note, following in pairwise(chorale.notes(voice)):
            end = note.step + note.duration
            short = following.step - end <= min(ARTICULATION, note.duration)
            if short and not any(end <= seam < following.step for seam in seams):
                pitch[end : following.step, voice] = note.pitch
    return replace(chorale, pitch=pitch)


def _same_part(pattern: Song, part: Part) -> Part:
    """The part as it stands in its pattern, where tracks are numbered anew."""
    return next(p for p in pattern.parts if p.notes == part.notes and p.channel == part.channel)


def _merged(own: list[Timed], written: list[Timed]) -> list[Timed]:
    """A part's own events in their order, and written notes, which make room for them.

    What is written ends before what begins at the same tick, and begins after what ends there.
    """
    ends = [event for event in written if event.message.type == "note_off"]
    begins = [event for event in written if event.message.type == "note_on"]
    return sorted([*ends, *own, *begins], key=lambda event: event.tick)


def _clear_of(own: Iterable[MidiNote], start: int, end: int) -> tuple[int, int]:
    """Of the ticks from ``start`` to ``end``, those in which none of a part's own notes sounds."""
    for note in own:
        if note.start <= start < note.end:
            start = note.end
        elif start < note.start < end:
            end = note.start
    return start, end


def _notices_of_choice(song: Song, parts: dict[int, Part], request: Request) -> list[str]:
    """Which tracks were taken, where the musician did not say it or some are left out."""
    others = labels(song, [p for p in song.parts if p not in parts.values()])
    others = f"; others: {others}" if others else ""
    names = ", ".join(VOICES[v].lower() for v in parts)
    taken = labels(song, list(parts.values()))
    several = len(parts) > 1 or request.lock is not None or request.bars is not None
    if several and (others or request == Request()):
        return [f"given: {names}, from tracks {taken}{others} (choose with --lock)"]
    if not several and others:
        names = "melody" if 0 in parts else names
        return [f"the {names} is taken from track {taken}{others} (choose with --track)"]
    if not several and request.voice is None and 0 not in parts:
        return [f"track {taken} is taken for the {names} (choose with --voice)"]
    return []


def _notices_of_chords(
    parts: dict[int, Part], hidden: dict[int, frozenset[MidiNote]], alone: bool
) -> list[str]:
    fate = "left out" if alone else "kept, but not heard in harmonizing"
    return [
        f"track {part.name or part.track + 1} has chords; its top notes are the"
        f" {'melody' if v == 0 else VOICES[v].lower()} ({len(hidden[v])} lower notes {fate})"
        for v, part in parts.items()
        if hidden[v]
    ]


def _notices_of_time(song: Song, heard: dict[int, list[MidiNote]], alone: bool) -> list[str]:
    notices = []
    moved = sum(midi_reader.off_grid(song, notes) for notes in heard.values())
    if moved:
        keeps = "the melody keeps its" if alone else "what is given keeps its"
        notices.append(
            f"{moved} of {sum(map(len, heard.values()))} notes begin off the sixteenth grid; the"
            f" harmony follows the nearest sixteenth, {keeps} timing"
        )
    if not song.metas("time_signature"):
        notices.append("the file states no meter; 4/4 is assumed (choose with --meter)")
    return notices


ANALYSED = "analysis"
"""The fact in provenance that markers are Roman numerals of musicae's."""
