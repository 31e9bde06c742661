"""Read chorales from MIDI files and scores, and write them, in the format of the suffix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.core.meter import Meter
from musicae.io import midi_reader, midi_writer
from musicae.io.base import MIDI_SUFFIXES, SCORE_SUFFIXES, WRITTEN_SUFFIXES, Reading, suffix_of
from musicae.io.ensemble import ensemble_of
from musicae.io.general_midi import CHOIR_AAHS
from musicae.io.lyrics import Verses
from musicae.io.midi_file import open_song
from musicae.io.midi_reader import PartsReading
from musicae.theory.figured_bass import Figures
from musicae.theory.harmonic_analysis import Label, markers


def read(path: Path | str) -> Chorale:
    """Read a chorale or a melody from a MIDI file or a score.

    Args:
        path: a MIDI, MusicXML, MEI, kern or ABC file; the suffix tells the format.

    Returns:
        The music on the grid of sixteenths. Voices without a part are silent.

    Raises:
        ChoraleError: if the file cannot be used.

    Example:
        ```python
        chorale = musicae.read("hymn.mid")
        chorale.show()
        ```
    """
    return read_counting(path).chorale


def read_counting(path: Path | str) -> Reading:
    """Like ``read``, with the number of notes that were moved or dropped, and with notices."""
    if suffix_of(path) in SCORE_SUFFIXES:
        from musicae.io import musicxml_reader

        return musicxml_reader.read_counting(path)
    return midi_reader.read_counting(path)


def read_ensemble(path: Path | str) -> Reading:
    """Like ``read_counting``, and also reads files whose two to four parts are not S A T B.

    ``ensemble.ensemble_of`` says which voices these parts are. Raises ChoraleError if the file
    cannot be used, or if such a part sings two notes at once.
    """
    if suffix_of(path) not in SCORE_SUFFIXES:
        song = open_song(Path(path))
        song = song.pattern(song.parts[0]) if song.parts else song
        return midi_reader.reading_of(song, ensemble_of(song))
    from musicae.io import musicxml_reader

    score = musicxml_reader.open_score(path)
    return musicxml_reader.reading_of(score, ensemble_of(score))


def read_parts(
    path: Path | str,
    *,
    track: str | None = None,
    voice: int | None = None,
    lock: Sequence[int] | None = None,
    bars: bool = False,
    meter: Meter | None = None,
    transpose: int = 0,
) -> PartsReading:
    """The parts of a MIDI file or a score that are given to a harmonizer.

    See ``midi_reader.read_parts`` for the arguments. Raises ChoraleError if the file or its
    parts cannot be used.
    """
    if suffix_of(path) not in SCORE_SUFFIXES:
        return midi_reader.read_parts(
            path,
            track=track,
            voice=voice,
            lock=lock,
            bars=bars,
            meter=meter,
            transpose=transpose,
        )
    from musicae.io import musicxml_reader

    if meter:
        raise ChoraleError(
            f"{path}: a score has its own meter; a meter can be given only for a MIDI file"
            " without one"
        )
    return musicxml_reader.read_parts(
        path, track=track, voice=voice, lock=lock, bars=bars, transpose=transpose
    )


def read_provenance(path: Path | str) -> dict[str, Any]:
    """The provenance in a MIDI file or a score; empty if musicae did not make it.

    Raises ChoraleError if the file cannot be used.
    """
    if suffix_of(path) in SCORE_SUFFIXES:
        from musicae.io import musicxml_reader

        return musicxml_reader.read_provenance(path)
    return midi_reader.read_provenance(path)


def write(
    chorale: Chorale,
    path: Path | str,
    program: int = CHOIR_AAHS,
    provenance: dict[str, Any] | None = None,
    *,
    labels: Sequence[Label] = (),
    figures: Sequence[tuple[int, Figures]] = (),
    words: Mapping[int, Verses] | None = None,
) -> tuple[str, ...]:
    """Write a chorale as MIDI, MusicXML, MEI, kern, ABC or LilyPond, by the suffix.

    If writing fails, no file is left behind.

    Args:
        chorale: the music.
        path: the file to write, such as ``hymn.mid`` or ``hymn.musicxml``.
        program: the General MIDI program of all voices, 0 to 127.
        provenance: how the chorale was made; it is stored in the file.
        labels: the harmony, such as ``Piece.labels``. MIDI has Roman numerals and keys as markers,
            scores have them as words, with chord symbols.
        figures: (step, figures) below the bass; scores only.
        words: the verses of each voice, such as ``Piece.words.voices``. MIDI has the first verse.

    Returns:
        Sentences on what the format cannot hold; empty if it holds everything.

    Raises:
        MusicaeError: if the file cannot be written, or its suffix is unknown.

    Example:
        ```python
        musicae.write(musicae.read("hymn.mid"), "hymn.musicxml")
        ```
    """
    if suffix_of(path) in MIDI_SUFFIXES:
        midi_writer.write(chorale, path, program, provenance, markers(labels), words=words)
        return ()
    if suffix_of(path) not in WRITTEN_SUFFIXES:
        known = ", ".join(WRITTEN_SUFFIXES)
        raise ChoraleError(f"{path}: its name should end in one of {known}")
    from musicae.io import musicxml_writer, score_files

    xml = musicxml_writer.to_xml(
        chorale, program, provenance, labels=labels, figures=figures, words=words
    )
    return score_files.save(xml, path)
