"""The chords in a MIDI file: markers, texts or lyrics that are chord symbols, or a track of chords.

Texts count only if most of those of one kind, in one track, are chords; a track of notes counts
only if most of its onsets are chords.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from functools import lru_cache

from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.pitch import spelled_class
from musicae.io.chord_text import NO_CHORD, PlacedChord, in_order, is_german, normal
from musicae.io.midi_file import Song, text_of
from musicae.io.midi_notes import Part
from musicae.io.midi_reader import song_provenance
from musicae.io.preserved_parts import ANALYSED
from musicae.theory.chord_names import read_chord
from musicae.theory.chord_symbols import read_symbol
from musicae.theory.spelling import places_near

TEXTS = ("marker", "text", "cue_marker", "lyrics")
FEWEST = 2
"""The fewest chords in a track of chords."""
ENDINGS = (
    *("", "m", "7", "m7", "maj7", "dim", "m7b5", "dim7", "aug", "sus4", "sus2", "7sus4"),
    *("6", "m6", "add9", "9", "m9", "maj9", "7b9", "mmaj7", "5"),
)
"""Endings of the chords that are recognized in notes, the most usual first."""
Marks = list[tuple[int, str]]
"""(step, text) of chords."""


def song_chords(
    song: Song, given: Collection[Part], offset: int, steps: int, key: Key
) -> tuple[PlacedChord, ...]:
    """The chords of the texts, or else of the track, with the most chords; empty if there are none.

    Each chord lasts until the next.

    Args:
        song: the file.
        given: the parts that are no accompaniment.
        offset: sixteenths in the file before the piece's first step.
        steps: the length of the piece.
        key: the key for reading numerals and spelling notes.
    """
    texts = max(_texts(song, key), key=len, default=[])
    played = [_played(song, part, key) for part in song.parts if part not in given]
    marks = texts or max(played, key=len, default=[])
    placed = [(max(0, step - offset), text) for step, text in marks]
    return in_order(placed, steps)


def _texts(song: Song, key: Key) -> Iterator[Marks]:
    """The chords among texts of one kind in one track, if most of these are chords."""
    analysed = bool(song_provenance(song).get(ANALYSED))  # musicae wrote its numerals as markers
    groups: dict[tuple[int, str], Marks] = defaultdict(list)
    for index, track in enumerate(song.tracks):
        for event in track:
            kind = event.message.type
            if kind not in TEXTS or (analysed and kind == "marker"):
                continue
            if text := normal(text_of(event.message)):
                groups[index, kind].append((song.step(event.tick), text))
    for marks in groups.values():
        b_is_flat = is_german(text for _, text in marks)
        chords = [mark for mark in marks if _is_chord(mark[1], key, b_is_flat)]
        if len(chords) >= FEWEST and 2 * len(chords) > len(marks):
            yield chords


def _is_chord(text: str, key: Key, b_is_flat: bool) -> bool:
    if text == NO_CHORD:
        return True
    try:
        read_chord(text, key, b_is_flat)
    except ChoraleError:
        return False
    return True


def _played(song: Song, part: Part, key: Key) -> Marks:
    """The chords that a track plays; empty unless most of its onsets have 3 pitch classes."""
    together: dict[int, set[int]] = defaultdict(set)
    for note in part.notes:
        together[song.step(note.start)].add(note.pitch)
    marks: Marks = []
    for step, pitches in sorted(together.items()):
        text = _name(frozenset(p % 12 for p in pitches), min(pitches) % 12, key)
        if text is not None and (not marks or marks[-1][1] != text):
            marks.append((step, text))
    read = sum(len({p % 12 for p in pitches}) > 2 for pitches in together.values())
    return marks if len(marks) >= FEWEST and 2 * read > len(together) else []


def _name(classes: frozenset[int], bass: int, key: Key) -> str | None:
    """The name of a chord with these pitch classes; None if it has fewer than 3 or is unknown.

    The bass is preferred as the root.
    """
    if len(classes) < 3:
        return None
    places = places_near(key.fifths)
    for root in (bass, *sorted(classes - {bass})):
        for ending, above in _endings():
            if {(root + each) % 12 for each in above} == classes:
                name = spelled_class(int(places[root])) + ending
                return name if root == bass else f"{name}/{spelled_class(int(places[bass]))}"
    return None


@lru_cache
def _endings() -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Each ending of ``ENDINGS``, with the chord's members in semitones above the root."""
    return tuple((ending, read_symbol(f"C{ending}").classes) for ending in ENDINGS)
