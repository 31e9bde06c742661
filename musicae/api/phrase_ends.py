"""``phrases``: the phrase ends, inferred from the notes or read from a file."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from musicae.core.chorale import Chorale, Note
from musicae.core.constants import MOST_STEPS
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.io import formats, midi_reader, midi_writer
from musicae.io.base import SCORE_SUFFIXES
from musicae.io.midi_file import open_song
from musicae.io.text_bytes import text_of_file
from musicae.theory.cadences import CADENCES
from musicae.theory.phrases import (
    INFER_PHRASES,
    NO_PHRASES,
    melody_of,
    steps_into_bar,
)


class PhraseEnds(NamedTuple):
    """The places where phrases end, with their cadences."""

    steps: tuple[int, ...] | None
    """The steps at which the last notes of phrases begin; None without phrases."""
    cadences: tuple[tuple[int, str], ...] = ()
    """Some of these steps, each with the cadence to write there, one of ``CADENCES``."""


def choose(
    chorale: Chorale, wish: str | Path, marks: Sequence[int], key: Key | None = None
) -> PhraseEnds:
    """Find where the phrases end.

    A mark stands for the note of the highest voice that sounds there or, in a rest, for the note
    before. The last note of the piece is always added.

    Args:
        chorale: the music.
        wish: ``none``: no phrases. ``infer``: the phrase ends marked in the music's file, else
            those that the phrase segmenter finds; see ``decoding.phrases``. Or the path of a file
            that marks the phrase ends. In a MIDI file these are the markers of
            ``midi_reader.phrase_marks``; it needs no notes, and its bar lines must be those of the
            chorale. In a score they are the fermatas. A text file (.txt) has one position on each
            line: ``4 3`` is bar 4, beat 3, as in ``Chorale.position``; ``4`` is the last note that
            begins in bar 4. A cadence may follow: ``4 3 half``. Text after # is a comment.
        marks: the steps marked in the music's file. If empty, the chorale's fermatas count.
        key: the key of the melody, if it is known.

    Raises ChoraleError if a file cannot be read, has no marks, or has marks outside the piece.
    """
    if wish == NO_PHRASES:
        return PhraseEnds(None)
    if wish == INFER_PHRASES:
        from musicae.decoding.phrases import phrase_ends

        marks = marks or chorale.fermatas
        if not marks:
            return PhraseEnds(phrase_ends(chorale, key))
        return PhraseEnds(ends_at(melody_of(chorale), marks))
    path = Path(wish)
    if not path.is_file():
        raise ChoraleError(
            f"{path}: no such file; phrases are '{NO_PHRASES}', '{INFER_PHRASES}', or the path of"
            " a MIDI file, a score or a text file that marks their ends"
        )
    suffix = path.suffix.lower()
    if suffix == ".txt":
        named = _read_text(path, chorale)
        melody = melody_of(chorale)
        cadences = [(ends_at(melody, [step])[0], kind) for step, kind in named if kind]
        steps = ends_at(melody, [step for step, _ in named])
        return PhraseEnds(steps, tuple(sorted(cadences)))
    if suffix in SCORE_SUFFIXES:
        marks, kind = formats.read(path).fermatas, "fermatas"
    else:
        marks, kind = (
            _read_midi(path, chorale),
            f"markers called {', '.join(midi_reader.PHRASE_MARKS)}",
        )
    if not marks:
        raise ChoraleError(f"{path}: has no {kind}; set one at the last note of each phrase")
    if marks[-1] >= len(chorale):
        raise ChoraleError(
            f"{path}: marks a place after the piece's {chorale.bar_count} bars;"
            " does it belong to another piece?"
        )
    return PhraseEnds(ends_at(melody_of(chorale), marks))


def ends_at(notes: Sequence[Note], marks: Iterable[int]) -> tuple[int, ...]:
    """The starts of the notes that sound at the marks or before them, and of the last note."""
    begins = [note.step for note in notes]
    before = (bisect_right(begins, mark) - 1 for mark in marks)
    return tuple(sorted({begins[i] for i in before if i >= 0} | set(begins[-1:])))


def _read_midi(path: Path, chorale: Chorale) -> tuple[int, ...]:
    """The steps of a MIDI file's marks; its bar lines are those of the chorale."""
    song = open_song(path)
    bar_line = midi_writer.bar_line_from(song.metas("time_signature"), song.ppq, 1)
    offset = max(0, song.step(bar_line) - chorale.pickup) if chorale.pickup else 0
    return midi_reader.phrase_marks(song, offset, MOST_STEPS)


def _read_text(path: Path, chorale: Chorale) -> list[tuple[int, str]]:
    """The steps of the positions in a text file, each with its cadence or an empty text.

    Raises ChoraleError if a line cannot be read.
    """
    try:
        lines = text_of_file(path).splitlines()
    except ChoraleError as error:
        raise ChoraleError(f"{path}: {error}") from None
    steps = []
    for number, line in enumerate(lines, start=1):
        position = line.partition("#")[0].strip()
        if position:
            try:
                steps.append(_step_and_cadence(chorale, position))
            except ChoraleError as error:
                raise ChoraleError(f"{path}, line {number}: {error}") from None
    if not steps:
        raise ChoraleError(
            f"{path}: has no lines; write the bar and beat of each phrase's last note, such as 4 3"
        )
    return steps


def _step_and_cadence(chorale: Chorale, text: str) -> tuple[int, str]:
    """``4 3 half`` as the step of ``4 3`` and the cadence; an empty text without a cadence."""
    *position, last = text.split()
    if not last[:1].isalpha() or not position:
        return _step(chorale, text), ""
    step = _step(chorale, " ".join(position))
    if last.lower() not in CADENCES:
        raise ChoraleError(f"a cadence is {', '.join(CADENCES)}, not {last!r}")
    return step, last.lower()


def _step(chorale: Chorale, position: str) -> int:
    """The step of ``4 3``, bar 4 and beat 3, or of the last note in bar ``4``."""
    found = re.fullmatch(r"([0-9]{1,6})(?:\s+([0-9]{1,3}(?:\.[0-9]*)?))?", position)
    if not found:
        raise ChoraleError(
            f"{position!r} is not a position; write the bar and the beat, such as 4 3"
        )
    number = int(found[1])
    first = 0 if chorale.pickup else 1
    if not first <= number <= chorale.bar_count:
        raise ChoraleError(
            f"there is no bar {number}; the piece has {first} to {chorale.bar_count}"
        )
    bar = chorale.measures[number - first]
    begins = [note.step for note in melody_of(chorale)]
    if found[2] is None:
        within = [step for step in begins if bar.start <= step < bar.start + bar.length]
        if not within:
            raise ChoraleError(
                f"no note begins in bar {number}; name a bar in which the phrase ends"
            )
        return within[-1]
    beat = float(found[2])
    step = bar.start - steps_into_bar(chorale, bar, bar.start)
    step += math.floor((beat - 1) * bar.meter.steps_per_beat + 0.5)
    if not bar.start <= step < bar.start + bar.length:
        to = chorale.position(bar.start + bar.length - 1)[1]
        since = chorale.position(bar.start)[1]
        raise ChoraleError(f"bar {number} has no beat {beat:g}, only {since:g} to {to:g}")
    if not begins or step < begins[0]:
        raise ChoraleError("the melody has not begun there; name the last note of a phrase")
    return step
