"""Which part of a song is its melody: evidence from its notes, name, program and lyrics.

The weights were set by hand on arrangements such as those of ``tests/support/arrangements.py``.
The properties that every melody has count most: it plays most of the time, in a range that can be
sung, moves by small steps, and lies above most of its accompaniment.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from musicae.io.midi_file import Song
from musicae.io.midi_notes import CHORD_SPREAD, MidiNote, Part

ACCOMPANIMENT_NAMES = re.compile(
    r"\b(?:[kc]ontra)?bass|\bdrum|guitar|gitarre|guitare|chitarra|piano|klavier|organ|orgel|orgue|keyb|synth|\bpads?\b"
    r"|strings|chords|akkorde|accomp|begleit|percuss"
)
"""Matches names of accompanying instruments. Other parts are preferred as the melody."""
MELODY_NAMES = (
    (6, r"melod\w*|lead ?vo(?:cals?|x|ice)|main ?vo(?:cals?|x|ice)|singstimme|topline"),
    (5, r"vo(?:cals?|x|ice|z|ix|ce)|gesang|stimme|chant|canto|sing(?:er|ing)?|sung|lyrics?"),
    (4, r"lead|tune|theme|thema|main"),
    (3, r"solo"),
    (2, r"right|rh|r h|rechts|rechte|droite|derecha|destra|treble|upper"),
    (1, r"songs?"),
)
"""Words in names of melodies, with their weights."""
OTHER_NAMES = (
    (-7, r"back(?:ing|ground|up)?|bg|bgv|bvs?|harm(?:ony|onies)?|choir|chor|coro|2nd|second|echo"),
    (-2, r"left|lh|l h|links|linke|gauche|izquierda|sinistra|bass|lower|low"),
    (-1, r"[234]|ii|iii|iv"),
)
"""Words in names of other parts, with their weights."""
ACCOMPANIES = -5
"""The weight of an accompanying instrument's name."""
PROGRAMS = (
    (8, -0.3),  # pianos
    (16, -1.0),  # bells and mallets
    (24, -0.5),  # organs
    (32, -0.7),  # guitars
    (40, -5.0),  # basses
    (47, 0.2),  # solo strings, harp
    (48, -3.0),  # timpani
    (52, -1.0),  # string ensembles
    (56, 0.0),  # choirs
    (64, 0.2),  # brass
    (72, 0.5),  # reeds
    (80, 0.7),  # flutes
    (88, 0.5),  # synthesizer leads
    (104, -1.5),  # pads and effects
    (112, 0.0),  # instruments of other traditions
    (128, -5.0),  # percussion and noises
)
"""Families of General MIDI programs, as (first program after the family, from 0; weight)."""
LOW, HIGH = 53, 84
"""The range of a melody's mean MIDI pitch."""
USUAL_COVER = 0.5
"""A melody begins a note in at least this share of a song's quarters."""
SPARSE, DENSE = 0.5, 2.5
"""The usual range of a melody's notes in each quarter in which it plays."""
SMALL_STEP = 4
"""The largest small step, in semitones."""


class _Line(NamedTuple):
    """The top notes of a part."""

    notes: list[MidiNote]
    hidden: float
    """The share of the part's notes that sound under a top note, 0 to 1."""
    mean_pitch: float
    """The mean MIDI pitch, weighted by length."""


def most_melodic(song: Song, parts: Sequence[Part]) -> Part:
    """The part with the most evidence for being the melody; the first of equals."""
    lines = [_line(song, part) for part in parts]
    end = max(note.end for part in parts for note in part.notes)
    begin = min(part.notes[0].start for part in parts)
    quarters = max(1, -(-(end - begin) // song.ppq))
    sung = song.metas("lyrics") or song.metas("text")  # as .kar files have them
    words = sorted({event.tick for event in sung})
    heights = sorted(line.mean_pitch for line in lines)
    scores = []
    for part, line in zip(parts, lines, strict=True):
        above = bisect_left(heights, line.mean_pitch) / max(1, len(parts) - 1)
        scores.append(
            2 * above
            + _of_notes(line, song.ppq, quarters)
            + _of_program(song, part)
            + name_evidence(own_name(song, part))
            + 8 * _sung(line, words, song.ppq // CHORD_SPREAD)
        )
    return parts[int(np.argmax(scores))]


def melody_by_name(song: Song, parts: Sequence[Part]) -> Part | None:
    """The part whose name is the best evidence for a melody; None if no name is."""
    evidence = [name_evidence(own_name(song, part)) for part in parts]
    named = [
        (-sure, bool(ACCOMPANIMENT_NAMES.search(plain_name(part.name))), index)
        for index, (part, sure) in enumerate(zip(parts, evidence, strict=True))
        if sure > 0
    ]
    return parts[min(named)[-1]] if named else None


def own_name(song: Song, part: Part) -> str:
    """The name of a part; empty if several parts share its track, for then it is a title."""
    return part.name if sum(other.track == part.track for other in song.parts) == 1 else ""


def name_evidence(name: str) -> int:
    """The evidence of a name that a part is the melody: positive, negative, or 0 for none.

    >>> [name_evidence(name) for name in ("Main vocal", "Back vocal", "Fortune", "Piano left")]
    [6, -2, 0, -7]
    """
    plain = plain_name(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    words = " ".join(re.findall(r"[^\W\d_]+|\d\w*", plain))
    found = 0
    for names in (MELODY_NAMES, OTHER_NAMES):
        found += next((sure for sure, word in names if re.search(rf"\b(?:{word})\b", words)), 0)
    return found + (ACCOMPANIES if ACCOMPANIMENT_NAMES.search(plain) else 0)


def plain_name(name: str) -> str:
    """A name's first line in lower case, without accents; underscores become spaces."""
    first = next(iter(name.strip().splitlines()), "")
    letters = unicodedata.normalize("NFKD", first.casefold().replace("_", " "))
    return "".join(c for c in letters if not unicodedata.combining(c)).strip()


def under_the_melody(song: Song, notes: Sequence[MidiNote]) -> tuple[MidiNote, ...]:
    """The notes that sound for more than half of their length under a higher note.

    The higher note begins at the same time or earlier. Legato overlaps are shorter than that. If
    a note is doubled, the first one counts as the higher. ``notes`` are in order of their starts.
    """
    starts, ends, pitches = np.array([n[:3] for n in notes], dtype=np.int64).reshape(-1, 3).T
    # Of equal pitches that begin at one tick, only the longest is needed.
    longest = {(n.start, n.pitch): i for i, n in enumerate(sorted(notes, key=lambda n: n.end))}
    by_end = sorted(range(len(notes)), key=lambda i: notes[i].end)
    later = np.array(sorted(by_end[i] for i in longest.values()), dtype=np.int64)
    later_starts, later_ends, later_pitches = starts[later], ends[later], pitches[later]
    last = np.searchsorted(later_starts, starts + song.ppq // CHORD_SPREAD, side="right")
    first = np.searchsorted(later_starts, starts, side="left")
    ended = np.full(128, -1, dtype=np.int64)  # by pitch, the last end of the notes so far
    hidden = []
    for index, note in enumerate(notes):
        half = (note.end - note.start) / 2
        window = slice(first[index], last[index])
        overlap = np.minimum(later_ends[window], note.end) - later_starts[window]
        together = overlap[later_pitches[window] > note.pitch].max(initial=0)
        before = min(int(ended[note.pitch :].max()), note.end) - note.start
        if max(together, before) > half:
            hidden.append(note)
        ended[note.pitch] = max(ended[note.pitch], note.end)
    return tuple(hidden)


def _line(song: Song, part: Part) -> _Line:
    under = frozenset(under_the_melody(song, part.notes))
    notes = [note for note in part.notes if note not in under]
    lengths = [max(1, note.end - note.start) for note in notes]
    mean = float(np.average([note.pitch for note in notes], weights=lengths))
    return _Line(notes, len(under) / len(part.notes), mean)


def _of_notes(line: _Line, ppq: int, quarters: int) -> float:
    """The evidence of the notes: chords, how often and how fast they play, range and steps."""
    cover = len({note.start // ppq for note in line.notes}) / quarters
    played = sum(max(1, note.end - note.start) for note in line.notes) / ppq
    rate = len(line.notes) / max(played, 1)
    steps = [abs(b.pitch - a.pitch) for a, b in pairwise(line.notes)]
    small = sum(0 < step <= SMALL_STEP for step in steps) / max(1, len(steps))
    repeated = steps.count(0) / max(1, len(steps))
    different = len({note.pitch for note in line.notes})
    return (
        -4 * line.hidden
        + 3 * min(1, cover / USUAL_COVER)
        - 2 * max(0, 1 - rate / SPARSE)
        - 1.5 * min(1, max(0, (rate - DENSE) / DENSE))
        - min(4, max(0, LOW - line.mean_pitch) / 4)
        - min(3, max(0, line.mean_pitch - HIGH) / 4)
        + 1.5 * small
        - 2 * max(0, repeated - 0.5)
        - 0.5 * max(0, 5 - different)
    )


def _of_program(song: Song, part: Part) -> float:
    """The evidence of the instrument: the part's first program change."""
    for event in song.tracks[part.track]:
        message = event.message
        if message.type == "program_change" and message.channel in part.channels:
            return next(says for after, says in PROGRAMS if message.program < after)
    return 0


def _sung(line: _Line, words: Sequence[int], spread: int) -> float:
    """How well the words, at these ticks, fit the notes: 0 to 1.

    The share of words that begin with a note, times the share of notes that begin with a word. It
    is 1 if each note has its own word, and each word its note.
    """
    starts = sorted({note.start for note in line.notes})
    found = 0
    for tick in words:
        nearest = bisect_left(starts, tick - spread)
        found += nearest < len(starts) and starts[nearest] <= tick + spread
    return found**2 / (len(words) * len(starts)) if words else 0
