"""From a file to the given parts of a harmonization, with the file's own events and notices.

The model reads a quantized copy in the voices' ranges. The result has the given parts, event for
event, and the new notes around them; see ``io.preserved_parts``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from musicae.api.given import Given, given_parts
from musicae.api.request import Request
from musicae.core.chorale import Chorale
from musicae.core.constants import STEPS_PER_QUARTER, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.io.formats import read_parts
from musicae.io.midi_notes import Part
from musicae.io.midi_reader import PartsReading, notices_of
from musicae.io.preserved_parts import PreservedParts

ARTICULATION = STEPS_PER_QUARTER // 2
"""In steps: a rest of up to an eighth, after a note at least as long, is only articulation."""


def read_given(
    path: Path | str,
    *,
    track: str | None = None,
    key: Key | None = None,
    voice: str | None = None,
    lock: Sequence[str] | str | None = None,
    bars: tuple[int, int] | str | None = None,
    meter: Meter | None = None,
    transpose: int = 0,
) -> Given:
    """Read the given parts of a MIDI file or a score, and decide which notes and rests stay.

    Args:
        path: the file.
        track: the one given part: its number, from 1, or its name.
        key: the key to harmonize in; it is written if the file states none.
        voice: the voice of the one given part. Without ``track``, the part is the one with the
            voice's name, else the likeliest melody.
        lock: the given voices, found by the names of their tracks.
        bars: the bars to rewrite. All voices are read; those of ``lock``, by default the soprano,
            stay in these bars too.
        meter: the meter of a MIDI file that states none; it is written too.
        transpose: the semitones by which the whole file is moved.

    Without ``track``, ``voice``, ``lock`` and ``bars``, the parts named after voices are given if
    there are several, or if there are no other parts; otherwise one part, the likeliest melody, is
    the given soprano. See ``voice_tracks.choose_parts`` for the parts, ``given_parts`` for the
    notes and rests that stay, and ``Request.parse`` for the forms of ``lock`` and ``bars``.

    Raises ChoraleError if the file or the parts cannot be used.
    """
    request = Request.parse(voice, lock, bars)
    reading = read_parts(
        path,
        track=track,
        voice=request.voice,
        lock=request.lock,
        bars=request.bars is not None,
        meter=meter,
        transpose=transpose,
    )
    where = f"{reading.song.path}: "
    parts = given_parts(
        without_articulation(reading.chorale, _seams(reading, request)),
        request,
        key,
        marks=reading.marks,
        where=where,
    )
    single = _is_single(reading, request)
    preserved = PreservedParts.of(reading, parts.tune, parts.known, single)
    notices = _notices(reading, request, chosen=track is not None)
    return Given.of(parts, notices, preserved, reading.words)


def _is_single(reading: PartsReading, request: Request) -> bool:
    """Whether one part is given, without lock or bars."""
    return len(reading.parts) == 1 and request.lock is None and request.bars is None


def _seams(reading: PartsReading, request: Request) -> tuple[int, ...]:
    """The steps between bars that stay and bars to rewrite. Raises ChoraleError."""
    if request.bars is None:
        return ()
    try:
        region = request.region(reading.chorale)
    except ChoraleError as error:
        raise ChoraleError(f"{reading.song.path}: {error}") from None
    return region.start, region.stop


def without_articulation(chorale: Chorale, seams: Sequence[int]) -> Chorale:
    """The chorale with each short rest between notes filled by the note before it.

    A rest that touches one of the steps ``seams`` stays.
    """
    pitch = chorale.pitch.copy()
    for voice in range(len(VOICES)):
        for note, following in pairwise(chorale.notes(voice)):
            end = note.step + note.duration
            short = following.step - end <= min(ARTICULATION, note.duration)
            if short and not any(end <= seam < following.step for seam in seams):
                pitch[end : following.step, voice] = note.pitch
    return replace(chorale, pitch=pitch)


def _notices(reading: PartsReading, request: Request, chosen: bool) -> list[str]:
    """Sentences on the parts that were taken, on chords in them, and on their timing."""
    single = _is_single(reading, request)
    return [
        *notices_of(reading.song),
        *([] if chosen else _notices_of_choice(reading, request, single)),
        *_notices_of_chords(reading, single),
        *_notices_of_time(reading, single),
    ]


def _notices_of_choice(reading: PartsReading, request: Request, single: bool) -> list[str]:
    """The tracks that were taken, if the musician did not name them or some are left out."""
    others = f"; others: {reading.others}" if reading.others else ""
    word = reading.song.word
    names = ", ".join(VOICES[v].lower() for v in reading.parts)
    if not single and (others or request == Request()):
        return [f"given: {names}, from {word}s {reading.taken}{others} (choose with --lock)"]
    if single and others:
        names = "melody" if 0 in reading.parts else names
        return [f"the {names} is taken from {word} {reading.taken}{others} (choose with --track)"]
    if single and request.voice is None and 0 not in reading.parts:
        return [f"{word} {reading.taken} is taken for the {names} (choose with --voice)"]
    return []


def _notices_of_chords(reading: PartsReading, single: bool) -> list[str]:
    fate = "left out" if single else "kept, but ignored in harmonizing"
    return [
        f"{reading.song.word} {_label(reading, part)} has chords; its top notes are the"
        f" {'melody' if v == 0 else VOICES[v].lower()}"
        f" ({len(reading.under[v])} lower note{'s' * (len(reading.under[v]) != 1)} {fate})"
        for v, part in reading.parts.items()
        if reading.under[v]
    ]


def _label(reading: PartsReading, part: Part) -> str:
    """The name of a part in a notice: its own on one line, else its number."""
    return " ".join(part.name.split()) or str(part.track + (reading.song.word == "track"))


def _notices_of_time(reading: PartsReading, single: bool) -> list[str]:
    notices = []
    if reading.moved:
        keeps = "the melody keeps its" if single else "what is given keeps its"
        count = sum(map(len, reading.top_notes.values()))
        notices.append(
            f"{reading.moved} of {count} notes begin{'s' * (reading.moved == 1)} off the sixteenth"
            " grid; the"
            f" harmony follows the nearest sixteenth, {keeps} timing"
        )
    if graces := reading.graces:
        stay = "stays as it is; the harmony does not follow it"
        if graces > 1:
            stay = "stay as they are; the harmony does not follow them"
        notices.append(f"{graces} grace note{'s' * (graces > 1)} {stay}")
    if not reading.states_meter:
        notices.append("the file states no meter; 4/4 is assumed (choose with --meter)")
    return notices
