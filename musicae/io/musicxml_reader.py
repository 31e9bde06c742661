"""Read score files: as chorales, as parts given to a harmonizer, and for their provenance."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import UNSPELLED, Chorale, Note
from musicae.core.constants import SOPRANO, VOICES
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.key import Key
from musicae.core.meter import Tempo, meters_of
from musicae.core.pitch import is_plain
from musicae.io.base import Reading
from musicae.io.ensemble import Ensemble, two_notes
from musicae.io.melody_part import under_the_melody
from musicae.io.midi_notes import MidiNote, Part
from musicae.io.midi_reader import PartsReading, quantize
from musicae.io.musicxml_file import one_line
from musicae.io.musicxml_lyrics import words_of
from musicae.io.musicxml_parts import read_score
from musicae.io.preserved_parts import ANALYSED
from musicae.io.score_files import ScoreTree, open_tree
from musicae.io.score_song import ScoreSong
from musicae.io.score_tracks import song_of
from musicae.io.voice_tracks import (
    choose_parts,
    doubled_names,
    labels,
    voices_of,
)
from musicae.theory.harmonic_analysis import is_marker


def read(path: Path | str) -> Chorale:
    """Read a chorale from a score file. Its bars are in written order: repeats are not unfolded.

    ``voice_tracks.voices_of`` decides which part is which voice. Of a chord in the soprano, the top
    note is kept. Raises ChoraleError if the file cannot be used, or if its voices cannot be found.
    """
    return read_counting(path).chorale


def read_counting(path: Path | str) -> Reading:
    """Like ``read``, with the number of notes that were moved or dropped, and with notices."""
    return reading_of(open_score(path))


def read_tree(path: Path, root: ET.Element) -> Reading:
    """Like ``read_counting``, for a MusicXML tree; ``path`` is its name in messages."""
    return reading_of(_open(path, ScoreTree(root)))


def open_score(path: Path | str) -> ScoreSong:
    """The parts of a score file. Raises MusicaeError if the file cannot be used."""
    return _open(Path(path), tree_of(path))


def reading_of(song: ScoreSong, ensemble: Ensemble | None = None) -> Reading:
    """Like ``read_counting``, for an open score, or for an ensemble's parts of it.

    Raises ChoraleError if a part sings two notes at once, except the soprano of S A T B.
    """
    if ensemble:
        voices, names = ensemble.voices, ensemble.names
    else:
        voices, names = voices_of(song) if song.parts else {}, VOICES
    tops = {}
    for voice, part in voices.items():
        under = set(under_the_melody(song, part.notes))
        if under and (ensemble or voice != SOPRANO):
            bar = _bar_number(song, min(under))
            raise ChoraleError(f"{song.path}: {two_notes(names[voice], bar)}")
        tops[voice] = [note for note in part.notes if note not in under]
    score = song.score
    moved = sum(
        not (score.on_grid(note.begin) and score.on_grid(note.end))
        for part in voices.values()
        for note in song.line(part).notes
    )
    quantized = _graces(song, voices) + moved
    chorale = _chorale(song, voices, tops)
    if ensemble:
        return Reading(chorale, quantized, (*song.notices, *ensemble.notices), names=names)
    doubled = doubled_names(song)
    words = words_of(song, voices, tops, chorale)
    return Reading(chorale, quantized, (*song.notices, *doubled), doubled, words=words)


def read_parts(path: Path | str, *, transpose: int = 0, **asked: Any) -> PartsReading:
    """Read the given parts of a score file, ``transpose`` semitones higher.

    ``asked`` are the arguments of ``parts_of``. Raises MusicaeError if the file or its parts cannot
    be used.
    """
    return parts_of(open_given(path, transpose), **asked)


def open_given(path: Path | str, transpose: int = 0) -> ScoreSong:
    """A score to be harmonized, ``transpose`` semitones higher, without labels by musicae.

    Raises MusicaeError if the file cannot be used.
    """
    tree = tree_of(path)
    if provenance_in(tree.root).get(ANALYSED):  # its chord symbols describe the former harmony
        _drop_labels(tree.root)
    if transpose:
        from musicae.io.transposing import transpose_parts

        transpose_parts(tree.root, transpose)
    return _open(Path(path), tree)


def parts_of(
    song: ScoreSong,
    *,
    track: str | None = None,
    voice: int | None = None,
    lock: Sequence[int] | None = None,
    bars: bool = False,
) -> PartsReading:
    """The given parts of an open score; see ``midi_reader.parts_of`` for the arguments.

    Raises ChoraleError if the parts cannot be used.
    """
    if not song.parts:
        raise ChoraleError(f"{song.path}: has no notes; give a file with a melody")
    parts = choose_parts(song, track=track, voice=voice, lock=lock, bars=bars)
    others = [part for part in song.parts if part not in parts.values()]
    under = {v: frozenset(under_the_melody(song, part.notes)) for v, part in parts.items()}
    tops = {v: [n for n in part.notes if n not in under[v]] for v, part in parts.items()}
    chorale = _chorale(song, parts, tops)
    marks = _fermatas(song, parts, tops, min(parts))
    taken = labels(song, list(parts.values()))
    return PartsReading(
        song,
        parts,
        under,
        chorale,
        0,
        marks,
        taken,
        labels(song, others),
        _graces(song, parts),
        words_of(song, parts, tops, chorale),
    )


def read_provenance(path: Path | str) -> dict[str, Any]:
    """The provenance in a score file; empty if musicae did not make it.

    Raises MusicaeError if the file cannot be used.
    """
    return provenance_in(tree_of(path).root)


def provenance_in(root: ET.Element) -> dict[str, Any]:
    """The provenance in a MusicXML tree; empty if musicae did not make it."""
    text = root.findtext("identification/miscellaneous/miscellaneous-field[@name='musicae']")
    try:
        found = json.loads(text or "{}")
    except (json.JSONDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _drop_labels(root: ET.Element) -> None:
    """Remove the chord symbols and numerals that musicae wrote for former voices."""
    for measure in root.iter("measure"):
        for element in list(measure):
            words = (element.findtext("direction-type/words") or "").translate(_MARKER_SIGNS)
            if element.tag == "harmony" or is_marker(words):
                measure.remove(element)


_MARKER_SIGNS = str.maketrans({"°": "o", "ø": "/o"})


def tree_of(path: Path | str) -> ScoreTree:
    """The MusicXML tree of a score file. Raises MusicaeError, with the path."""
    try:
        return open_tree(Path(path))
    except MusicaeError as error:
        raise type(error)(f"{path}: {error}") from None


def _open(path: Path, tree: ScoreTree) -> ScoreSong:
    try:
        return replace(song_of(read_score(path, tree.root)), notices=tree.notices)
    except ChoraleError as error:
        raise ChoraleError(f"{path}: {error}") from None


def _chorale(
    song: ScoreSong, parts: Mapping[int, Part], tops: Mapping[int, Sequence[MidiNote]]
) -> Chorale:
    """A chorale of the top notes of some parts, with bars, key, fermatas and tempi."""
    score = song.score
    steps = score.step(score.begins[-1])
    if not steps:
        raise ChoraleError(f"{song.path}: is shorter than a thirty-second note")
    voices = [_on_grid(song, tops.get(v, ()), steps) for v in range(len(VOICES))]
    meters, pickup = meters_of([measure for measure in score.measures if measure.length])
    tempos = {score.step(at): qpm for at, qpm in reversed(score.tempos)}
    chorale = Chorale.from_notes(
        voices,
        steps=steps,
        meters=meters,
        pickup=pickup,
        key=_key(song, parts, voices),
        fermatas=_fermatas(song, parts, tops, SOPRANO),
        tempos=tuple(Tempo(step, qpm) for step, qpm in sorted(tempos.items()) if step < steps),
        title=score_title(song),
        source=one_line(score.root.findtext("identification/source")),
    )
    return replace(chorale, places=_places(song, parts, tops, chorale))


def _places(
    song: ScoreSong,
    parts: Mapping[int, Part],
    tops: Mapping[int, Sequence[MidiNote]],
    chorale: Chorale,
) -> NDArray[np.int8]:
    """``(T, V)`` the score's spelling of the notes; see ``Chorale.places``."""
    places = np.full(chorale.pitch.shape, UNSPELLED, dtype=np.int8)
    for voice, part in parts.items():
        written = song.written(part)
        spelled = {
            (song.step(note.start), note.pitch): place
            for note in tops[voice]
            if is_plain(place := written[note].place)
        }
        for note in chorale.notes(voice):
            here = slice(note.step, note.step + note.duration)
            places[here, voice] = spelled.get((note.step, note.pitch), UNSPELLED)
    return places


def score_title(song: ScoreSong) -> str:
    """The title of a score; empty if it has none, or only the name of its file."""
    root = song.score.root
    title = one_line(root.findtext("work/work-title")) or one_line(root.findtext("movement-title"))
    return "" if title == song.path.name else title


def _on_grid(song: ScoreSong, notes: Sequence[MidiNote], steps: int) -> list[Note]:
    if not notes:
        return []
    return [
        Note(step, min(duration, steps - step), pitch)
        for step, duration, pitch in quantize(song, notes)
        if step < steps
    ]


def _fermatas(
    song: ScoreSong,
    parts: Mapping[int, Part],
    tops: Mapping[int, Sequence[MidiNote]],
    voice: int,
) -> tuple[int, ...]:
    """The onsets, in steps, of a voice's notes under fermatas."""
    if voice not in parts:
        return ()
    written = song.written(parts[voice])
    steps = song.score.step(song.score.begins[-1])
    placed = {note.step for note in _on_grid(song, tops[voice], steps)}
    marked = {song.step(note.start) for note in tops[voice] if written[note].under_fermata}
    return tuple(sorted(marked & placed))


def _key(
    song: ScoreSong, parts: Mapping[int, Part], voices: Sequence[Sequence[Note]]
) -> Key | None:
    """The first key signature, by a majority of the parts; None if there is none.

    If no part states the mode, the key is minor if the lowest voice ends on the minor tonic.
    """
    own = [song.line(part).part for part in parts.values()]
    first = [part.keys[0] for part in own or song.score.parts if part.keys]
    if not first:
        return None
    fifths = Counter(change.fifths for change in first).most_common(1)[0][0]
    modes = [change.mode for change in first if change.fifths == fifths]
    mode = next(filter(None, modes), None)
    if mode is None:
        lowest = next((voice for voice in reversed(voices) if voice), None)
        minor = lowest is not None and lowest[-1].pitch % 12 == Key(fifths, "minor").tonic
        mode = "minor" if minor else "major"
    return Key(fifths, mode)


def _graces(song: ScoreSong, parts: Mapping[int, Part]) -> int:
    """How many grace notes the score's parts with these voices have."""
    held = {song.line(part).part for part in parts.values()}
    return sum(part.graces for part in held)


def _bar_number(song: ScoreSong, note: MidiNote) -> str:
    """The written number of a note's bar."""
    score = song.score
    units = note.start * score.quarter // song.ppq
    bars = score.parts[0].element.findall("measure")
    index = bisect_right(score.begins, units) - 1
    return bars[index].get("number", str(index + 1)) if index < len(bars) else str(index + 1)
