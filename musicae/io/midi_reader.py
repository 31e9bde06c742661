"""Chorale <-> Standard MIDI File.

Files are written as DAWs like them: format 1, the conductor in track 0, then a named track a voice
on channels 1 to 4, each with one program change, the key signature, and its end on a bar line. An
anacrusis is a short first meter, as notation programs write it. A chorale that begins or ends in
silence has markers ``Start`` and ``End`` there, since MIDI knows no other way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae.core.chorale import Chorale
from musicae.core.constants import (
    FASTEST_QPM,
    LONGEST,
    SLOWEST_QPM,
    STEPS_PER_QUARTER,
    STEPS_PER_WHOLE,
    VOICES,
)
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Measure, Meter, Tempo, measures_of, meters_of
from musicae.io.base import END, FERMATA, OWN, PROVENANCE, SOURCE, START, Reading
from musicae.io.midi_file import (
    MidiNote,
    Song,
    Timed,
    no_notes,
    open_song,
    text_of,
)
from musicae.io.midi_writer import _meter_message
from musicae.io.voice_tracks import voices_of

if TYPE_CHECKING:
    pass


BREATH = 0.25
"""Of a sixteenth: how far from the grid a note that was meant to be on it may be played."""

PHRASE_MARKS = (FERMATA, "cadence", "phrase")
"""The words, the first of a marker, that say where a phrase ends."""


def read(path: Path | str) -> Chorale:
    """The chorale in a MIDI file, moved to the sixteenth grid.

    Voices are found by track names, else four parts are S A T B from high to low, and one part is
    a soprano alone. Raises ChoraleError where the file cannot be used or its voices not be told.
    """
    return read_counting(path).chorale


def read_counting(path: Path | str) -> Reading:
    """``read``, with the count of notes that were off the grid."""
    song = open_song(Path(path))
    if song.parts:
        song = song.pattern(song.parts[0])
    voices = voices_of(song)
    markers = [(song.step(e.tick), text_of(e.message)) for e in song.metas("marker")]
    if not voices and END not in [text for _, text in markers]:
        raise ChoraleError(f"{song.path}: {no_notes(song)}")
    notes = [quantize(song, voices[v].notes) if v in voices else [] for v in range(len(VOICES))]
    ends = [step + duration for voice in notes for step, duration, _ in voice]
    steps = max([step for step, text in markers if text == END] or ends)
    starts = any(text == START for _, text in markers)
    chorale = chorale_of(
        song,
        notes,
        steps,
        keep_silence=starts or not ends,
        source=_told(song, SOURCE),
    )
    return Reading(chorale, sum(off_grid(song, part.notes) for part in voices.values()))


def chorale_of(
    song: Song,
    voices: Sequence[Sequence[tuple[int, int, int]]],
    steps: int,
    keep_silence: bool = False,
    source: str = "",
) -> Chorale:
    """The chorale of notes ``(step, duration, pitch)`` with the meters, key and tempi of a song.

    Where the first note falls off the bar line within the first bar, it begins an anacrusis,
    unless the silence before it is to be kept.
    """
    if steps > LONGEST:
        bars = steps // STEPS_PER_WHOLE
        raise ChoraleError(f"{song.path}: lasts some {bars} bars; is it damaged?")
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
    """How musicae made a MIDI file; empty where it did not. Raises ChoraleError."""
    return provenance_of(open_song(Path(path)))


def provenance_of(song: Song) -> dict[str, Any]:
    """How musicae made a song; empty where it did not."""
    try:
        found = json.loads(_told(song, PROVENANCE) or "{}")
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def quantize(song: Song, notes: Iterable[MidiNote]) -> list[tuple[int, int, int]]:
    """Notes of one voice as ``(step, duration, pitch)``, at most one a step, none overlapping.

    Of several notes at one sixteenth, the one nearest to it stays, and of those the highest.
    """
    nearest: dict[int, tuple[float, int, MidiNote]] = {}
    for note in notes:
        step = song.step(note.start)
        rank = (abs(note.start - song.tick(step)), -note.pitch, note)
        nearest[step] = min(nearest.get(step, rank), rank)
    steps = sorted(nearest)
    quantized = []
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        note = nearest[step][2]
        end = max(step + 1, song.step(note.sounds_until))
        end = end if following is None else min(end, following)
        quantized.append((step, end - step, note.pitch))
    return quantized


def phrase_marks(song: Song, offset: int, steps: int) -> tuple[int, ...]:
    """The steps of the markers and cues, in any track, whose first word is of ``PHRASE_MARKS``.

    ``Phrase 2`` and ``CADENCE: half`` are such, ``phrasing`` is not. Steps count from the
    chorale's first, ``offset`` sixteenths into the file; marks outside its ``steps`` are left out.
    In order, each once.
    """
    first_word = re.compile(rf"({'|'.join(PHRASE_MARKS)})(?![^\W\d_])")  # no letter after it
    marked = {
        song.step(event.tick) - offset
        for event in song.metas("marker", "cue_marker")
        if first_word.match(text_of(event.message).casefold())
    }
    return tuple(sorted(step for step in marked if 0 <= step < steps))


def off_grid(song: Song, notes: Iterable[MidiNote]) -> int:
    """How many notes begin further from the grid than a player's breath: triplets and the like."""
    return sum(
        abs(note.start * STEPS_PER_QUARTER / song.ppq - song.step(note.start)) > BREATH
        for note in notes
    )


def key_of(song: Song) -> Key | None:
    """The first key signature, where there is one."""
    for event in song.metas("key_signature"):
        return Key.parse(event.message.key)
    return None


def title_of(song: Song) -> str:
    """The name of the first track where that is the piece's: where it is not one of many parts."""
    first = song.tracks[0] if song.tracks else ()
    if song.format == 1 and any(part.track == 0 for part in song.parts):
        return ""
    name = text_of(next((e.message for e in first if e.message.type == "track_name"), None))
    return "" if name in VOICES else name


def _told(song: Song, label: str) -> str:
    """What musicae told itself under a label, in older files as plain text; else nothing."""
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
    """The bars of the first ``steps`` sixteenths as the song's time signatures draw them."""
    changes: dict[int, Meter] = {}
    for event in song.metas("time_signature"):
        step = song.step(event.tick)
        try:
            changes[step] = Meter(step, event.message.numerator, event.message.denominator)
        except ChoraleError:
            continue  # bars that are no whole sixteenths: the meter before goes on
    changes = {step: meter for step, meter in changes.items() if step < steps}
    meters = [changes[step] for step in sorted(changes)]
    if not meters or meters[0].step:
        meters.insert(0, Meter(0, 4, 4))
    return measures_of(meters, 0, steps)


def _fermatas(song: Song, soprano: Sequence[tuple[int, int, int]], cut: int) -> tuple[int, ...]:
    """Steps at which the soprano notes that sound at the markers called fermata begin."""
    marked = {
        song.step(e.tick) - cut for e in song.metas("marker") if text_of(e.message) == FERMATA
    }
    return tuple(s for s, length, _ in soprano if any(s <= m < s + length for m in marked))


def _qpm(microseconds: int) -> float:
    return min(FASTEST_QPM, max(SLOWEST_QPM, 60e6 / max(1, microseconds)))


def in_meter(song: Song, meter: Meter) -> Song:
    """A song that states no meter, in this one. Raises ChoraleError where it states another."""
    stated = {(e.message.numerator, e.message.denominator) for e in song.metas("time_signature")}
    if stated == {(meter.numerator, meter.denominator)}:
        return song
    if stated:
        raise ChoraleError(f"{song.path}: states its meter itself; leave --meter away")
    # At the end of the list, for notes know their events by number.
    first, *others = song.tracks
    return replace(song, tracks=((*first, Timed(0, _meter_message(meter))), *others))
