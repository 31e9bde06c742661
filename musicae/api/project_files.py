"""Files as projects: each part of a file that can be the tune, and pieces that musicae made."""

from __future__ import annotations

import re
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from musicae.api.project_result import Written, harmony_of, without_options
from musicae.api.project_task import notes_of, tune_chorale
from musicae.api.project_values import (
    LockedChord,
    Locks,
    PhraseEnd,
    Settings,
    TuneNote,
)
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import MOST_BYTES, N_VOICES, TICKS, TICKS_A_STEP, UNSTATED_QPM
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.key import Key
from musicae.io.base import SCORE_SUFFIXES, SUFFIXES, suffix_of
from musicae.io.chord_text import NO_CHORD
from musicae.io.lyrics import ELISION
from musicae.theory.plan_reading import plan_of

if TYPE_CHECKING:
    from musicae.api.piece import Piece
    from musicae.api.project import Project
    from musicae.io.lyrics import Verses
    from musicae.io.midi_file import Song
    from musicae.io.midi_reader import PartsReading
    from musicae.theory.harmonic_plan import HarmonicPlan

USUAL = Settings()
ALL_VOICES = "All four voices"
"""The name of a whole piece in four voices among the parts of its file."""
WORD = re.compile(r"[-\u2010\u2011\u00ad_\s]+")
"""Characters that have a meaning in typed words."""


@dataclass(frozen=True)
class OpenedPart:
    """A part of a file that can be the tune, as a project."""

    name: str
    """The name of the track or part."""
    notes: int
    """The number of notes of its tune."""
    chosen: bool
    """Whether it is the likeliest melody of the file; exactly one part is."""
    project: Project
    """The project with this part as its tune."""
    notices: tuple[str, ...] = ()
    """Sentences on how the part was read, for the musician."""


def open_parts(source: Path | str | bytes, name: str = "") -> list[OpenedPart]:
    """See ``Project.open_parts``."""
    if not isinstance(source, bytes):
        path = Path(source)
        return _opened(path, path.name)
    if len(source) > MOST_BYTES:
        raise ChoraleError(f"{name or 'the file'} is larger than {MOST_BYTES // 2**20} MiB")
    plain = re.sub(r"[^\w .()-]", "_", Path(name.replace("\\", "/")).name)[-100:].lstrip(". ")
    with tempfile.TemporaryDirectory(prefix="musicae-") as folder:
        path = Path(folder) / (plain or "tune")
        path.write_bytes(source)
        try:
            return _opened(path, plain)
        except MusicaeError as error:
            raise type(error)(str(error).replace(str(path), name or plain)) from None


def _opened(path: Path, name: str) -> list[OpenedPart]:
    from musicae.api.project import SUFFIX, Project

    suffix = suffix_of(path)
    if suffix == SUFFIX:
        project = Project.read(path)
        return [OpenedPart(project.title or name, len(project.tune), True, project)]
    if suffix not in SUFFIXES:
        known = ", ".join((SUFFIX, *SUFFIXES))
        raise ChoraleError(f"{path}: cannot be opened; musicae opens {known}")
    song = _song(path)
    if not song.parts:
        from musicae.io.midi_file import no_notes

        raise ChoraleError(f"{path}: {no_notes(song)}")
    return _parts(song)


def _song(path: Path) -> Song:
    if suffix_of(path) in SCORE_SUFFIXES:
        from musicae.io.musicxml_reader import open_given

        return open_given(path)
    from musicae.io.midi_file import open_song

    return open_song(path)


def _parts(song: Song) -> list[OpenedPart]:
    """The parts of a song that can be a tune. Raises MusicaeError if none can."""
    from musicae.io.voice_tracks import choir, likely_melody, parts_together

    named = choir(song, parts_together(song))
    melody = named.get(0) or likely_melody(song)
    found, wrong = [], None
    for number, part in enumerate(song.parts, start=1):
        try:
            project, notices = _project(song, number)
        except MusicaeError as error:
            wrong = error
            continue
        name = " ".join(part.name.split()) or f"{song.word} {number}"
        found.append(OpenedPart(name, len(project.tune), part is melody, project, notices))
    if not found and wrong:
        raise wrong
    if len(named) == N_VOICES:
        found += _whole(song, found)
    if not any(part.chosen for part in found):
        found[0] = replace(found[0], chosen=True)
    return found


def _reading(song: Song, number: int) -> PartsReading:
    from musicae.io.score_song import ScoreSong

    if isinstance(song, ScoreSong):
        from musicae.io import musicxml_reader

        return musicxml_reader.parts_of(song, track=str(number))
    from musicae.io import midi_reader

    return midi_reader.parts_of(song, track=str(number), silence=True)


def _project(song: Song, number: int) -> tuple[Project, tuple[str, ...]]:
    """The part with a number, from 1, as a project, and notices."""
    from musicae.api.project import Project
    from musicae.decoding.key import find_key
    from musicae.io.midi_reader import notices_of

    reading = _reading(song, number)
    chorale = reading.chorale
    length = _length(chorale)
    tune, moved = _tune(reading, length)
    notices = list(notices_of(reading.song))
    if moved:
        notices.append(
            f"{moved} of {len(tune)} notes begin between sixteenths and triplets; each is moved by"
            " less than a fiftieth of a quarter"
        )
    if under := len(reading.under[0]):
        notices.append(
            f"the part has chords; their top notes are the tune, {under} lower notes are left out"
        )
    key = chorale.key and find_key(chorale, chorale.key.fifths)
    project = Project(
        **_frame(chorale),
        length=length,
        key=str(key) if key else None,
        tune=tune,
        phrases=tuple(PhraseEnd(step * TICKS_A_STEP) for step in reading.marks) or None,
    )
    text, on_words = typed_words(chorale, 0, reading.words.voices.get(0, ()))
    chords, more = _chords(reading)
    project = replace(project, words=text, locks=Locks(chords=chords))
    return project, tuple(without_options(each) for each in (*notices, *on_words, *more))


def _tune(reading: PartsReading, length: int) -> tuple[tuple[TuneNote, ...], int]:
    """The top notes in the ticks of a project, and the number of notes that rounding moved.

    No note overlaps another. If several begin together, the longest stays.
    """
    song = reading.song
    track = song.tracks[reading.parts[0].track]
    chosen: dict[int, TuneNote] = {}
    moved = 0
    for note in reading.top_notes[0]:
        start, end = (
            (2 * tick * TICKS + song.ppq) // (2 * song.ppq)
            for tick in (note.start, note.sounds_until)
        )
        moved += note.start * TICKS % song.ppq != 0
        start = max(0, start - reading.offset * TICKS_A_STEP)
        end = min(length, max(start + 1, end - reading.offset * TICKS_A_STEP))
        velocity = track[note.on].message.velocity or None
        if start < end and (start not in chosen or chosen[start].end < end):
            chosen[start] = TuneNote(start, end - start, note.pitch, velocity)
    ordered = [chosen[start] for start in sorted(chosen)]
    cut = [
        note._replace(length=min(note.length, later.start - note.start))
        for note, later in zip(ordered, [*ordered[1:], None], strict=True)
        if later
    ]
    return (*cut, *ordered[-1:]), moved


def _length(chorale: Chorale) -> int:
    """The ticks up to the last bar line; the last bar may be shorter by the pickup."""
    *_, last = chorale.measures
    whole = last.meter.steps_per_bar
    if len(chorale.measures) > 1 and last.length + chorale.pickup == whole:
        return len(chorale) * TICKS_A_STEP
    return (len(chorale) + whole - last.length) * TICKS_A_STEP


def _frame(chorale: Chorale) -> dict[str, Any]:
    """The title, meters, pickup and tempos of a project, by the names of its fields."""
    meters = (
        (each.step * TICKS_A_STEP, each.numerator, each.denominator) for each in chorale.meters
    )
    return {
        "title": chorale.title[:1000],
        "meters": tuple(meters),
        "pickup": chorale.pickup * TICKS_A_STEP,
        "tempos": _tempos(chorale),
    }


def _tempos(chorale: Chorale) -> tuple[tuple[int, float], ...]:
    tempos = [(tempo.step * TICKS_A_STEP, tempo.qpm) for tempo in chorale.tempos]
    return (*([(0, UNSTATED_QPM)] if not tempos or tempos[0][0] else []), *tempos)


def typed_words(chorale: Chorale, voice: int, verses: Verses) -> tuple[str, tuple[str, ...]]:
    """Verses as text that ``io.lyric_text`` reads back for the same notes, and notices.

    A syllable takes all notes up to the next syllable; ``_`` stands for each note after its first.
    """
    starts = [note.step for note in chorale.notes(voice)]
    lines = []
    for verse in verses:
        begun = [each.step for each in verse.syllables]
        if not begun or begun[0] != starts[0]:
            return "", ("the words do not begin with the tune's first note; they are left out",)
        words = ""
        for i, each in enumerate(verse.syllables):
            last = i == len(begun) - 1
            until = each.until if last else begun[i + 1]
            count = max(0, bisect_left(starts, until) - bisect_right(starts, each.step))
            core = WORD.sub("", each.text.replace(ELISION, "~")) or "~"
            words += core + "_" * count + (" " if each.ends else "-")
        lines.append(words.strip("- "))
    return "\n\n".join(lines), ()


def _chords(reading: PartsReading) -> tuple[tuple[LockedChord, ...], tuple[str, ...]]:
    """The chord symbols of a score as locked chords, and notices."""
    from musicae.io.score_song import ScoreSong

    song = reading.song
    if not isinstance(song, ScoreSong):
        return (), ()
    from musicae.io.musicxml_chords import score_chords
    from musicae.theory.chord_names import read_chord

    found, lost = [], []
    for placed in score_chords(song.score, [song.line(reading.parts[0]).part]):
        name = placed.text[:40]
        try:
            if name != NO_CHORD:
                read_chord(name, Key(0))
        except ChoraleError:
            lost.append(f"{name} (bar {reading.chorale.position(placed.start)[0]})")
            continue
        start, length = placed.start * TICKS_A_STEP, placed.length * TICKS_A_STEP
        found.append(LockedChord(start, length, name))
    if all(chord.name == NO_CHORD for chord in found):
        found = []
    notices = [f"the file's {len(found)} chord symbols are locked"] if found else []
    if lost:
        notices.append(f"chord symbols that cannot be read are left out: {', '.join(lost)}")
    return tuple(found), tuple(notices)


def _whole(song: Song, parts: list[OpenedPart]) -> list[OpenedPart]:
    """The whole file as a project with its harmony, if it can be read as four voices."""
    from musicae.io.score_song import ScoreSong

    try:
        if isinstance(song, ScoreSong):
            from musicae.io import musicxml_reader

            reading = musicxml_reader.reading_of(song)
        else:
            from musicae.io import midi_reader

            reading = midi_reader.reading_of(song)
        if len(sounding_voices(reading.chorale)) < N_VOICES:
            return []
        upper = next((part.project for part in parts if part.chosen), None)
        words = reading.words.voices.get(0, ())
        project = project_of(reading.chorale, words=words, exact=upper)
    except MusicaeError:
        return []
    return [OpenedPart(ALL_VOICES, len(project.tune), False, project, reading.notices)]


def of_piece(piece: Piece) -> Project:
    """See ``Project.of_piece``."""
    facts = piece.provenance
    asked = {
        name: facts[name]
        for name in ("style", "rhythm", "rules", "ensemble", "ranges")
        if facts.get(name) is not None
    }
    there = sounding_voices(piece.chorale)
    voice = there[0] if there else 0
    if piece.given and len(given := sounding_voices(piece.given.parts.tune)) == 1:
        (voice,) = given
    return project_of(
        piece.chorale,
        voice,
        settings=Settings(**asked),
        plan=piece.plan,
        words=piece.words.voices.get(voice, ()),
        notices=piece.notices,
    )


def project_of(
    chorale: Chorale,
    voice: int = 0,
    *,
    settings: Settings = USUAL,
    plan: HarmonicPlan | None = None,
    words: Verses = (),
    notices: Sequence[str] = (),
    exact: Project | None = None,
) -> Project:
    """A finished chorale as a project, with one of its voices as the tune.

    Without a plan, its chords are read from the voices. If the project ``exact`` has the same bars,
    its tune is taken, which may have triplets. Raises ChoraleError if there are no notes.
    """
    from musicae.api.phrase_ends import ends_at
    from musicae.api.project import Project
    from musicae.decoding.key import find_key
    from musicae.decoding.phrases import phrase_ends

    key = plan.key if plan else find_key(chorale, chorale.key.fifths if chorale.key else None)
    notes = chorale.notes(voice)
    length = _length(chorale)
    text, on_words = typed_words(chorale, voice, words)
    marks = chorale.fermatas
    project = Project(
        **_frame(chorale),
        length=length,
        key=str(key),
        voice=voice,
        tune=notes_of(chorale, voice),
        phrases=tuple(PhraseEnd(step * TICKS_A_STEP) for step in marks) or None,
        words=text,
        settings=settings,
    )
    if exact and exact.measures == project.measures:
        project = replace(project, tune=exact.tune)
    tune = tune_chorale(project, key)
    others = np.arange(N_VOICES) != voice
    pitch, onset = tune.pitch.copy(), tune.onset.copy()
    pitch[: len(chorale), others] = chorale.pitch[:, others]
    onset[: len(chorale), others] = chorale.onset[:, others]
    longer = replace(tune, pitch=pitch, onset=onset)
    found = ends_at(notes, marks) if marks else phrase_ends(tune, key)
    plan = plan if plan and len(longer) == len(chorale) else plan_of(longer, key)
    written = Written(longer, plan, key, found, (*notices, *on_words))
    everything = np.ones(longer.pitch.shape, dtype=np.bool_)
    harmony = harmony_of(project, written, everything, 0)
    return replace(project, harmony=harmony)
