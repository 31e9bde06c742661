"""MIDI file -> Chorale, or given parts of one: notes moved to the grid, meters, key and marks.

``read`` reads a finished chorale. ``read_parts`` reads the parts that are given to a harmonizer; it
also keeps the file's own events, besides the quantized notes.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from musicae.core.chorale import Chorale
from musicae.core.constants import (
    FASTEST_QPM,
    MOST_STEPS,
    SLOWEST_QPM,
    STEPS_PER_QUARTER,
    STEPS_PER_WHOLE,
    VOICES,
)
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Measure, Meter, Tempo, measures_of, meters_of
from musicae.io.base import END, FERMATA, OWN, PROVENANCE, SOURCE, START, Reading, title_from
from musicae.io.ensemble import Ensemble, two_notes
from musicae.io.lyrics import NO_WORDS, Words
from musicae.io.melody_part import under_the_melody
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import Song, no_notes, open_song, text_of
from musicae.io.midi_lyrics import words_of
from musicae.io.midi_notes import MidiNote, Part
from musicae.io.midi_writer import meter_message
from musicae.io.voice_tracks import choose_parts, doubled_names, labels, voices_of

BREATH = 0.25
"""How far from the grid a note may be played and still count as on it, in sixteenths."""

PHRASE_MARKS = (FERMATA, "cadence", "phrase")
"""First words of markers that mark the end of a phrase."""


def read(path: Path | str) -> Chorale:
    """Read a chorale from a MIDI file; its notes are moved to the sixteenth grid.

    ``voice_tracks.voices_of`` decides which part is which voice. Raises ChoraleError if the file
    cannot be used, or if its voices cannot be found.
    """
    return read_counting(path).chorale


def read_counting(path: Path | str) -> Reading:
    """Like ``read``, with the number of notes that were off the grid, and with notices."""
    return reading_of(open_song(Path(path)))


def reading_of(song: Song, ensemble: Ensemble | None = None) -> Reading:
    """Like ``read_counting``, for a song, or for an ensemble's parts of it.

    Raises ChoraleError if the song has no notes, or if a part of an ensemble sings two notes at
    once.
    """
    if song.parts:
        song = song.pattern(song.parts[0])
    voices = ensemble.voices if ensemble else voices_of(song)
    markers = [(song.step(e.tick), text_of(e.message)) for e in song.metas("marker")]
    if not voices and END not in [text for _, text in markers]:
        raise ChoraleError(f"{song.path}: {no_notes(song)}")
    notes = [quantize(song, voices[v].notes) if v in voices else [] for v in range(len(VOICES))]
    ends = [step + duration for voice in notes for step, duration, _ in voice]
    steps = max([step for step, text in markers if text == END] or ends)
    starts = any(text == START for _, text in markers)
    silence = starts or not ends
    chorale = chorale_of(song, notes, steps, silence, source=_own_text(song, SOURCE))
    moved = sum(off_grid(song, part.notes) for part in voices.values())
    if not ensemble:
        doubled = doubled_names(song)
        tops = {v: part.notes for v, part in voices.items()}
        words = words_of(song, voices, tops, chorale, steps - len(chorale))
        return Reading(chorale, moved, (*notices_of(song), *doubled), doubled, words=words)
    for voice, part in voices.items():
        if under := under_the_melody(song, part.notes):
            step = min(song.step(note.start) for note in under)
            bar, _ = chorale.position(min(max(0, step - steps + len(chorale)), len(chorale) - 1))
            raise ChoraleError(f"{song.path}: {two_notes(ensemble.names[voice], bar)}")
    notices = (*notices_of(song), *ensemble.notices)
    return Reading(chorale, moved, notices, names=ensemble.names)


@dataclass(frozen=True, eq=False)
class PartsReading:
    """The given parts of a file, both as they are and quantized."""

    song: Song
    """The file, in the chosen meter. Of a format 2 file, only the song that holds the parts."""
    parts: dict[int, Part]
    """The given parts by voice, 0 soprano to 3 bass."""
    under: dict[int, frozenset[MidiNote]]
    """For each given voice, the notes under its top notes; they are not in the chorale."""
    chorale: Chorale
    """The top notes of the given parts on the sixteenth grid; other voices are silent."""
    offset: int
    """Sixteenths in the file before the chorale's first step."""
    marks: tuple[int, ...]
    """The chorale's steps that the file marks as ends of phrases."""
    taken: str
    """The given parts as a list for messages, with the numbers for ``--track``."""
    others: str
    """The other parts as such a list; empty if there are none."""
    graces: int = 0
    """How many grace notes a score's given parts have; ``song`` does not contain them."""
    words: Words = NO_WORDS
    """The words of the given parts."""

    @property
    def top_notes(self) -> dict[int, list[MidiNote]]:
        """For each given voice, the notes that are in the chorale, in ticks."""
        return {
            voice: [note for note in part.notes if note not in self.under[voice]]
            for voice, part in self.parts.items()
        }

    @property
    def moved(self) -> int:
        """How many of ``top_notes`` begin off the sixteenth grid."""
        return sum(off_grid(self.song, notes) for notes in self.top_notes.values())

    @property
    def states_meter(self) -> bool:
        """Whether the file states a meter."""
        return bool(self.song.metas("time_signature"))


def read_parts(path: Path | str, *, transpose: int = 0, **asked: Any) -> PartsReading:
    """Read the given parts of a MIDI file, ``transpose`` semitones higher.

    ``asked`` are the arguments of ``parts_of``. Raises ChoraleError if the file or its parts cannot
    be used.
    """
    whole = open_song(Path(path))
    if transpose:
        from musicae.io.transposing import transposed_song

        whole = transposed_song(whole, transpose)
    return parts_of(whole, **asked)


def parts_of(
    whole: Song,
    *,
    track: str | None = None,
    voice: int | None = None,
    lock: Sequence[int] | None = None,
    bars: bool = False,
    meter: Meter | None = None,
    silence: bool = False,
) -> PartsReading:
    """The given parts of a song.

    Args:
        track, voice, lock: see ``voice_tracks.choose_parts``.
        bars: whether only some bars will be written again. Bars are then numbered as in ``read``.
        meter: the meter of a file that states none.
        silence: whether to keep silence at the start of the first bar, if the file marks it or
            another part begins earlier, and marked silence at the end. ``bars`` keeps marked
            silence too.

    Raises ChoraleError if the parts cannot be used.
    """
    if not whole.parts and not (track and whole.drums):
        raise ChoraleError(f"{whole.path}: {no_notes(whole)}")
    parts = choose_parts(whole, track=track, voice=voice, lock=lock, bars=bars)
    taken = labels(whole, list(parts.values()))
    others = labels(whole, [part for part in whole.parts if part not in parts.values()])
    song = whole.pattern(next(iter(parts.values())))
    parts = {v: _same_part(song, part) for v, part in parts.items()}
    song = in_meter(song, meter) if meter else song
    under = {v: frozenset(under_the_melody(song, part.notes)) for v, part in parts.items()}
    tops = {v: [n for n in part.notes if n not in under[v]] for v, part in parts.items()}
    voices = [quantize(song, tops[v]) if v in tops else [] for v in range(len(VOICES))]
    steps = max(step + duration for notes in voices for step, duration, _ in notes)
    keep_silence = False
    if bars or silence:
        markers = [(song.step(e.tick), text_of(e.message)) for e in song.metas("marker")]
        keep_silence = any(text == START for _, text in markers)
        steps = max([steps, *(step for step, text in markers if text == END)])
    if silence:
        first = min(note.start for part in parts.values() for note in part.notes)
        keep_silence |= any(part.notes[0].start < first for part in song.parts)
    chorale = chorale_of(song, voices, steps, keep_silence)
    chorale = replace(chorale, title=chorale.title or title_from(song.path))
    offset = steps - len(chorale)
    marks = phrase_marks(song, offset, len(chorale))
    words = words_of(song, parts, tops, chorale, offset)
    return PartsReading(song, parts, under, chorale, offset, marks, taken, others, words=words)


def chorale_of(
    song: Song,
    voices: Sequence[Sequence[tuple[int, int, int]]],
    steps: int,
    keep_silence: bool = False,
    source: str = "",
) -> Chorale:
    """A chorale of notes ``(step, duration, pitch)`` with the meters, key and tempi of a song.

    If the first note comes after the beginning of the first bar, it begins an anacrusis, unless
    ``keep_silence``. Raises ChoraleError if ``steps``, the length, is over ``MOST_STEPS``.
    """
    if steps > MOST_STEPS:
        bars = steps // STEPS_PER_WHOLE
        raise ChoraleError(f"{song.path}: lasts about {bars} bars; is it damaged?")
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


def read_provenance(path: Path | str) -> dict[str, Any]:
    """The provenance in a MIDI file, or empty. Raises ChoraleError if it cannot be used."""
    return song_provenance(open_song(Path(path)))


def song_provenance(song: Song) -> dict[str, Any]:
    """The provenance in a song; empty if musicae did not make it."""
    try:
        found = json.loads(_own_text(song, PROVENANCE) or "{}")
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def quantize(song: Song, notes: Iterable[MidiNote]) -> list[tuple[int, int, int]]:
    """Notes of one voice as ``(step, duration, pitch)``, at most one a step; no two overlap.

    Of several notes at one step, the longest is kept, so that a main note is preferred to its grace
    note; then the nearest to the step, then the highest.
    """
    chosen: dict[int, tuple[int, int, int, MidiNote]] = {}
    for note in notes:
        step = song.step(note.start)
        distance = abs(note.start - song.tick(step))
        rank = (note.start - note.end, distance, -note.pitch, note)
        chosen[step] = min(chosen.get(step, rank), rank)
    steps = sorted(chosen)
    quantized = []
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        note = chosen[step][-1]
        end = max(step + 1, song.step(note.sounds_until))
        end = end if following is None else min(end, following)
        quantized.append((step, end - step, note.pitch))
    return quantized


def notices_of(song: Song) -> tuple[str, ...]:
    """Sentences about what was left out, added or changed when a song was read."""
    odd = []
    for event in song.metas("time_signature"):
        try:
            Meter(0, event.message.numerator, event.message.denominator)
        except ChoraleError as error:
            odd.append(f"{error}; the previous meter goes on, or 4/4 if there is none")
    return (*song.notices, *dict.fromkeys(odd))


def phrase_marks(song: Song, offset: int, steps: int) -> tuple[int, ...]:
    """The steps of markers and cues, in any track, that begin with a word of ``PHRASE_MARKS``.

    ``Phrase 2`` and ``CADENCE: half`` do, ``phrasing`` does not. Steps count from the chorale's
    first step, which is ``offset`` sixteenths into the file. Marks outside its ``steps`` are left
    out. Returns each step once, in order.
    """
    first_word = re.compile(rf"({'|'.join(PHRASE_MARKS)})(?![^\W\d_])")  # no letter after it
    marked = {
        song.step(event.tick) - offset
        for event in song.metas("marker", "cue_marker")
        if first_word.match(text_of(event.message).casefold())
    }
    return tuple(sorted(step for step in marked if 0 <= step < steps))


def off_grid(song: Song, notes: Iterable[MidiNote]) -> int:
    """How many notes begin further than ``BREATH`` from the grid, such as triplets."""
    return sum(
        abs(note.start * STEPS_PER_QUARTER / song.ppq - song.step(note.start)) > BREATH
        for note in notes
    )


def key_of(song: Song) -> Key | None:
    """The first key signature; None if there is none."""
    for event in song.metas("key_signature"):
        return Key.parse(event.message.key)
    return None


def title_of(song: Song) -> str:
    """The name of the first track, unless it is a part of a format 1 file; else empty."""
    event = title_event_of(song)
    return text_of(event.message) if event else ""


def title_event_of(song: Song) -> Timed | None:
    """The event with the title, as it is in the file; see ``title_of``."""
    first = song.tracks[0] if song.tracks else ()
    if song.format == 1 and any(part.track == 0 for part in song.parts):
        return None
    event = next((event for event in first if event.message.type == "track_name"), None)
    return None if event is None or text_of(event.message) in VOICES else event


def _own_text(song: Song, label: str) -> str:
    """The text that musicae stored under a label, in older files as plain text; else empty."""
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
    """The bars of the first ``steps`` sixteenths, by the song's time signatures."""
    changes: dict[int, Meter] = {}
    for event in song.metas("time_signature"):
        step = song.step(event.tick)
        try:
            changes[step] = Meter(step, event.message.numerator, event.message.denominator)
        except ChoraleError:
            continue  # its bars are no whole sixteenths, so the previous meter goes on
    changes = {step: meter for step, meter in changes.items() if step < steps}
    meters = [changes[step] for step in sorted(changes)]
    if not meters or meters[0].step:
        meters.insert(0, Meter(0, 4, 4))
    return measures_of(meters, 0, steps)


def _fermatas(song: Song, soprano: Sequence[tuple[int, int, int]], cut: int) -> tuple[int, ...]:
    """The onsets of soprano notes that sound at a fermata marker, in steps."""
    marked = sorted(
        song.step(e.tick) - cut for e in song.metas("marker") if text_of(e.message) == FERMATA
    )
    return tuple(
        step
        for step, length, _ in soprano
        if bisect_left(marked, step) < bisect_left(marked, step + length)
    )


def _qpm(microseconds: int) -> float:
    return min(FASTEST_QPM, max(SLOWEST_QPM, 60e6 / max(1, microseconds)))


def _same_part(pattern: Song, part: Part) -> Part:
    """The same part in one song of a format 2 file, where its track has another number."""
    parts = (*pattern.parts, *pattern.drums)
    return next(p for p in parts if p.notes == part.notes and p.channels == part.channels)


def in_meter(song: Song, meter: Meter) -> Song:
    """Give a meter to a song that states none. Raises ChoraleError if it states another."""
    stated = {(e.message.numerator, e.message.denominator) for e in song.metas("time_signature")}
    if stated == {(meter.numerator, meter.denominator)}:
        return song
    if stated:
        raise ChoraleError(f"{song.path}: states its own meter; leave out --meter")
    # Appended, so that the indices of events in ``MidiNote`` stay right.
    first, *others = song.tracks
    return replace(song, tracks=((*first, Timed(0, meter_message(meter))), *others))
