"""The voices of any choir file: parts by their names, and divided parts as several voices.

``ensemble`` and ``voice_tracks`` find the four voices of a chorale. This module reads as many
voices as the file has: Tenor 1 and Tenor 2, two sopranos and an alto, eight parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, VOICES
from musicae.core.errors import ChoraleError
from musicae.io.base import SCORE_SUFFIXES, suffix_of, title_from
from musicae.io.ensemble import accompanies, names_of, refuse_staves
from musicae.io.melody_part import own_name, plain_name
from musicae.io.midi_file import Song, no_notes, open_song, text_of
from musicae.io.midi_notes import CHORD_SPREAD, MidiNote, Part
from musicae.io.midi_reader import chorale_of, quantize
from musicae.io.musicxml_reader import open_score, score_title
from musicae.io.score_song import ScoreSong
from musicae.io.voice_tracks import labels, parts_together, voice_of_name

MOST_LINES = 4
"""The most voices that one part divides into. A part with larger chords is an instrument's."""
OVERLAP = 4
"""Notes that overlap by at most a quarter divided by this are legato, not two voices."""
OTHER_VOICES = re.compile(
    r"mezzo|barito|quint(?:o|us)\b|sext(?:o|us)\b|septim(?:o|us)\b|counter-?ten|contra-?ten|solo"
    r"|melod|vo(?:x|ice|ce|cal|ix|z)\b|voices\b|stimme|choir\b|chor\b|coro\b"
)
"""Matches the beginning of names of sung parts that are none of the four voices."""
MOST_VOICES = 12
"""The most voices of a choir. MIDI has 16 channels; the drums, the clicks and the first notes need
some of them."""


class Singer(NamedTuple):
    """One voice of a choir: a part of the file, or one line of a divided part."""

    name: str
    part: Part
    notes: tuple[MidiNote, ...]
    """Its notes in order, in ticks."""
    divided: bool
    """Whether it is one of several lines of its part."""


@dataclass(frozen=True, eq=False)
class Choir:
    """The voices of a file, in score order."""

    song: Song
    singers: tuple[Singer, ...]
    frame: Chorale
    """The bars, key, tempi and title, as a chorale whose only voice mixes the notes of all."""
    offset: int
    """Sixteenths in the file before the frame's first step."""
    notices: tuple[str, ...]
    """Sentences about parts that divide, and parts that are not read."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the voices."""
        return tuple(singer.name for singer in self.singers)


def read_choir(path: Path | str) -> Choir:
    """Read the voices of a choir from a MIDI file or a score.

    The voices are the parts named after voices. If no names say so, they are all parts except
    those whose name is an accompanying instrument's. A part in which several notes sound at once
    divides into lines (``lines_of``). Four voices without such names are soprano, alto, tenor and
    bass from the top.

    Raises ChoraleError if the file cannot be used, has fewer than two voices or more than
    ``MOST_VOICES``, or if a part named after a voice is silent.
    """
    path = Path(path)
    if suffix_of(path) in SCORE_SUFFIXES:
        return choir_of(open_score(path))
    return choir_of(open_song(path))


def choir_of(song: Song) -> Choir:
    """The voices of a song; see ``read_choir``, also for the errors."""
    if not song.parts:
        raise ChoraleError(f"{song.path}: {no_notes(song)}")
    song = song.pattern(song.parts[0])
    _refuse_silent(song)
    parts = parts_together(song)
    sung = _sung(song, parts)
    singers = _singers(song, sung)
    if len(singers) < 2:
        only = f"has one voice, {singers[0].name}" if singers else "has no part for a voice"
        raise ChoraleError(f"{song.path}: {only}; write the others with musicae harmonize first")
    if len(singers) > MOST_VOICES:
        raise ChoraleError(
            f"{song.path}: has {len(singers)} voices, at most {MOST_VOICES} are read; take parts"
            " out of the file"
        )
    notices = [
        f"{part.name or f'{song.word} {song.parts.index(part) + 1}'} divides: read as"
        f" {' and '.join(s.name for s in singers if s.part is part)}"
        for part, lines in sung
        if len(lines) > 1
    ]
    if others := [p for p in (*parts, *song.drums) if all(p is not part for part, _ in sung)]:
        notices.append(f"parts that are not sung are not read: {labels(song, others)}")
    frame, offset = _frame(song, singers)
    return Choir(song, singers, frame, offset, tuple(notices))


def lines_of(notes: Sequence[MidiNote], ppq: int) -> list[tuple[MidiNote, ...]]:
    """The notes of a part divided into lines that one voice each can sing, the highest first.

    Notes that begin together go to the lines from the highest to the lowest. A note that begins
    alone goes to every line that holds no other note.
    """
    chords = _chords(notes, ppq)
    held: list[MidiNote] = []
    most = 0
    for start, chord in chords:
        held = [*(note for note in held if _is_held(note, start, ppq)), *chord]
        most = max(most, len(held))
    lines: list[list[MidiNote]] = [[] for _ in range(most)]
    for start, chord in chords:
        free = [line for line in lines if not line or not _is_held(line[-1], start, ppq)]
        free = free if len(free) >= len(chord) else lines
        for place, line in enumerate(free):
            line.append(chord[place * len(chord) // len(free)])
    return [tuple(line) for line in lines]


def _chords(notes: Sequence[MidiNote], ppq: int) -> list[tuple[int, list[MidiNote]]]:
    """The notes that begin together, as (tick, notes): each pitch once, the highest first."""
    chords: list[tuple[int, list[MidiNote]]] = []
    for note in sorted(notes, key=lambda n: n.start):
        together = chords and note.start <= chords[-1][0] + ppq // CHORD_SPREAD
        if together and all(_is_held(other, note.start, ppq) for other in chords[-1][1]):
            if note.pitch not in [other.pitch for other in chords[-1][1]]:
                chords[-1][1].append(note)
        else:
            chords.append((note.start, [note]))
    return [(start, sorted(chord, key=lambda n: -n.pitch)) for start, chord in chords]


def _is_held(note: MidiNote, tick: int, ppq: int) -> bool:
    """Whether a note still sounds at a tick, for longer than a legato overlap (``OVERLAP``)."""
    return note.end - tick > min(ppq // OVERLAP, (note.end - note.start) // 2)


def _sung(song: Song, parts: Sequence[Part]) -> list[tuple[Part, list[tuple[MidiNote, ...]]]]:
    """The sung parts in score order, each with its lines."""
    named = [part for part in parts if voice_of_name(own_name(song, part)) is not None]
    others = [part for part in parts if OTHER_VOICES.match(plain_name(own_name(song, part)))]
    chosen = [part for part in parts if part in named or part in others]
    if not named or len(chosen) < 2:
        by_height = sorted(parts, key=lambda part: -part.mean_pitch)
        chosen = [part for part in by_height if not accompanies(song, part)] or by_height
    divided = [(part, lines_of(part.notes, song.ppq)) for part in chosen]
    sung = [(part, lines) for part, lines in divided if len(lines) <= MOST_LINES]
    for part, _ in sung:
        refuse_staves(song, part)
    return sung


def _singers(
    song: Song, sung: Sequence[tuple[Part, list[tuple[MidiNote, ...]]]]
) -> tuple[Singer, ...]:
    names = names_of(song, [part for part, _ in sung])
    singers = []
    for name, (part, lines) in zip(names, sung, strict=True):
        several = len(lines) > 1
        for number, line in enumerate(lines, start=1):
            called = f"{name} {number}" if several else name
            singers.append(Singer(called, part, line, several))
    if len(singers) == N_VOICES and all(voice_of_name(name) is None for name in names):
        singers = [s._replace(name=name) for s, name in zip(singers, VOICES, strict=True)]
    return tuple(singers)


def _refuse_silent(song: Song) -> None:
    """Raise ChoraleError if a part that is named after a voice has no notes."""
    if isinstance(song, ScoreSong):
        named = [part.name for part in song.score.parts if not part.notes]
    else:
        begun = {part.track for part in (*song.parts, *song.drums)}
        tracks = [track for index, track in enumerate(song.tracks) if index not in begun]
        events = [event.message for track in tracks for event in track]
        named = [text_of(message) for message in events if message.type == "track_name"]
    silent = [name for name in named if voice_of_name(name) is not None]
    if silent:
        raise ChoraleError(
            f"{song.path}: {', '.join(silent)} {'have' if len(silent) > 1 else 'has'} no notes;"
            f" write the notes with musicae harmonize, or delete the {song.word}"
        )


def _frame(song: Song, singers: Sequence[Singer]) -> tuple[Chorale, int]:
    """The bars of a song as a chorale, and the sixteenths in the file before it."""
    written = isinstance(song, ScoreSong)
    mixed = sorted({note for singer in singers for note in singer.notes})
    notes = quantize(song, mixed)
    steps = max(step + duration for step, duration, _ in notes)
    if isinstance(song, ScoreSong):
        steps = song.score.step(song.score.begins[-1])
        notes = [(s, min(length, steps - s), pitch) for s, length, pitch in notes if s < steps]
    frame = chorale_of(song, [notes], steps, keep_silence=written)
    title = score_title(song) if isinstance(song, ScoreSong) else frame.title
    return replace(frame, title=title or title_from(song.path)), steps - len(frame)
