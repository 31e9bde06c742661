"""``musicae.render``: a piano roll, an engraved score or sound, by the file's suffix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.api.check import Report, check
from musicae.api.piece import Piece
from musicae.api.request import Request, voice_of
from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.io import formats, midi_writer
from musicae.io.base import SCORE_SUFFIXES, suffix_of, title_from
from musicae.io.lyrics import NO_WORDS, Verses
from musicae.io.midi_file import Arrangement, no_notes, open_song
from musicae.io.score_song import ScoreSong
from musicae.rendering import audio, engraving, piano_roll
from musicae.rendering.piano_reduction import piano_below
from musicae.rendering.piano_roll import Roll
from musicae.rendering.staff_layout import lay_out
from musicae.theory.harmonic_analysis import Label, analyse, texts

Source = Piece | Chorale | Path | str

ROLLS = (".png", ".svg")
SCORES = engraving.SCORE_SUFFIXES
SOUNDS = tuple(audio.FORMATS)


def render(
    source: Source | Sequence[Source],
    out: Path | str,
    *,
    score: bool = False,
    open_score: bool = False,
    analysis: bool = False,
    violations: bool = False,
    piano: bool = False,
    program: int | None = None,
    soundfont: Path | None = None,
) -> list[Path]:
    """Write a piano roll, an engraved score or sound, by the suffix of the file.

    Args:
        source: a piece, a chorale, or the path of a MIDI file or a score. The piano rolls of
            several stand one above the other, bar by bar.
        out: the file to write: ``.png`` or ``.svg`` is a piano roll, ``.pdf`` a score, ``.wav``,
            ``.flac``, ``.ogg`` or ``.mp3`` sound. A score as ``.png`` or ``.svg`` has one file for
            each page, numbered if there are several.
        score: write a score on two staves also for ``.png`` and ``.svg``.
        open_score: write a score on four staves.
        analysis: add Roman numerals and key areas to pictures and scores: the ``labels`` of a
            piece, or the analysis of the voices of a chorale or a file.
        violations: mark the notes that break a rule of voice leading.
        piano: write a score on four staves with a piano reduction below.
        program: the General MIDI program of all voices, 0 to 127; None keeps their own sounds.
        soundfont: the SoundFont, an ``.sf2`` file; None takes the one of pretty_midi.

    Returns:
        The files that were written. If writing fails, no incomplete file is left behind.

    Raises:
        MusicaeError: if something cannot be read, written or shown in this way, or a library for
            it is not installed.

    Example:
        ```python
        musicae.render("hymn.mid", "hymn.pdf", analysis=True)
        musicae.render("hymn.mid", "hymn.mp3", program=19)  # church organ
        ```
    """
    sources = [source] if isinstance(source, Piece | Chorale | Path | str) else list(source)
    out = Path(out)
    suffix = suffix_of(out)
    if not sources:
        raise MusicaeError(f"{out}: nothing to render; give at least one piece or file")
    if suffix not in (*ROLLS, *SCORES, *SOUNDS):
        raise MusicaeError(
            f"{out}: a piano roll is {' or '.join(ROLLS)}, a score {', '.join(SCORES)}, sound"
            f" {', '.join(SOUNDS)}"
        )
    if suffix in SOUNDS:
        if len(sources) > 1 or score or open_score or piano or analysis or violations:
            raise MusicaeError(f"{out}: sound takes one piece, and no score, analysis or marks")
        audio.write(arrangement_of(sources[0]), out, program=program, soundfont=soundfont)
        return [out]
    if program is not None or soundfont is not None:
        raise MusicaeError(f"{out}: a program and a SoundFont go only with {', '.join(SOUNDS)}")
    views = [_view(each, analysis, violations) for each in sources]
    if score or open_score or piano or suffix not in ROLLS:
        if len(views) > 1:
            raise MusicaeError(f"{out}: a score takes one piece; a piano roll can show several")
        return _engrave(views[0], out, open_score, piano)
    rolls = [_roll(view) for view in views]
    several = dict(zip(_names(sources), rolls, strict=True))
    piano_roll.draw(several if len(rolls) > 1 else rolls[0], out)
    return [out]


class ScreenScore(NamedTuple):
    """An engraved score for the screen."""

    pages: list[str]
    """Each page as the text of an SVG file."""
    beginnings: list[tuple[float, tuple[str, ...]]]
    """Each time at which notes begin, in quarters from the start, and their ids in the SVG."""


def screen_score(
    piece: Piece,
    *,
    open_score: bool = False,
    analysis: bool = False,
    words: bool = True,
    width: int = engraving.SCREEN_WIDTH,
) -> ScreenScore:
    """Engrave a piece for a scrolling page; see ``render`` and ``engraving.engrave_screen``.

    Raises MusicaeError if Verovio is not installed or fails.
    """
    if not words:
        piece = replace(piece, words=NO_WORDS)
    return ScreenScore(*engraving.engrave_screen(_staves(piece, open_score, analysis), width))


def _staves(piece: Piece, open_score: bool, analysis: bool) -> bytes:
    """The MusicXML of a piece for engraving; given parts keep their own elements.

    An open score has the ensemble's clefs and transpositions; a keyboard has two staves.
    """
    ensemble = piece.ensemble
    if ensemble and not (
        open_score or ensemble.keyboard
    ):  # two voices on one staff are written at sounding pitch
        voices = [voice and replace(voice, transposition=0) for voice in ensemble.voices]
        piece = replace(piece, ensemble=replace(ensemble, voices=tuple(voices)))
    xml = piece.to_xml(analysis=analysis)
    return lay_out(xml, open_score) if xml.count(b"<score-part ") == N_VOICES else xml


def roll_of(source: Source, *, analysis: bool = False, violations: bool = False) -> Roll:
    """The piano roll of a piece, a chorale or a file; see ``render``. Raises MusicaeError."""
    return _roll(_view(source, analysis, violations))


def arrangement_of(source: Source) -> Arrangement:
    """The MIDI events to play; for a MIDI file, all of its own events. Raises ChoraleError."""
    if isinstance(source, Piece):
        return source.arrange()
    if isinstance(source, Chorale):
        return midi_writer.arrange(source)
    path = Path(source)
    if suffix_of(path) in SCORE_SUFFIXES:
        reading = formats.read_counting(path)
        return midi_writer.arrange(reading.chorale, words=reading.words.voices)
    song = open_song(path)
    if not song.parts and not song.drums:
        raise ChoraleError(f"{path}: {no_notes(song)}")
    return midi_writer.arrange_as_read(song)


def given_cells(chorale: Chorale, provenance: Mapping[str, Any]) -> NDArray[np.bool_] | None:
    """``(T, V)`` True for cells that were given to the model, by a file's provenance.

    None if the provenance does not state them. Filled gaps of a given voice count as given.
    """
    names = provenance.get("given", provenance.get("keep"))
    bars = provenance.get("bars")
    if not isinstance(names, list):
        return None
    cells = np.zeros(chorale.pitch.shape, dtype=np.bool_)
    try:
        cells[:, [voice_of(str(name)) for name in names]] = True
        if isinstance(bars, str):
            region = Request.parse(bars=bars).region(chorale)
            cells[: region.start] = cells[region.stop :] = True
    except ChoraleError:  # another program changed the piece or its provenance
        return None
    return cells


class _View(NamedTuple):
    """A source with everything that is drawn or engraved."""

    chorale: Chorale
    given: NDArray[np.bool_] | None
    labels: tuple[Label, ...]
    report: Report | None
    words: Mapping[int, Verses]
    exact: Piece | None = None
    """The piece, if a given part keeps its own note values, such as triplets."""


def _view(source: Source, analysis: bool, violations: bool) -> _View:
    given = None
    words: Mapping[int, Verses] = {}
    if isinstance(source, Piece):
        chorale, words = source.chorale, source.words.voices
        made_from = source.given
        given = made_from.parts.known if made_from else given_cells(chorale, source.provenance)
    elif isinstance(source, Chorale):
        chorale = source
    else:
        reading = formats.read_counting(source)
        chorale, words = reading.chorale, reading.words.voices
        chorale = replace(chorale, title=chorale.title or title_from(Path(source)))
        given = given_cells(chorale, formats.read_provenance(source))
    if given is not None and given[chorale.onset].all():
        given = None  # nothing else to distinguish them from
    report = None
    if violations:
        try:
            report = check(chorale)
        except ChoraleError as error:
            place = "" if isinstance(source, Piece | Chorale) else f"{source}: "
            raise ChoraleError(f"{place}{error}") from None
    labels: tuple[Label, ...] = ()
    if analysis:
        labels = source.labels() if isinstance(source, Piece) else analyse(chorale)
    exact = None
    if isinstance(source, Piece) and source.preserved:
        exact = source if isinstance(source.preserved.song, ScoreSong) else None
    return _View(chorale, given, labels, report, words, exact)


def _roll(view: _View) -> Roll:
    broken = view.report.violations if view.report else ()
    return Roll(view.chorale, view.given, tuple(texts(view.labels)), broken)


def _engrave(view: _View, out: Path, open_score: bool, piano: bool) -> list[Path]:
    from musicae.io import musicxml_writer, preserved_score

    if view.exact and not view.report:
        xml = _staves(view.exact, open_score or piano, bool(view.labels))
        if piano:
            assert view.exact.preserved
            below = preserved_score.engraved_voices(view.exact.preserved, view.chorale)
            xml = piano_below(xml, below)
        return engraving.write_staves(xml, out)
    marks = view.report.marks() if view.report else None
    xml = musicxml_writer.to_xml(view.chorale, marks=marks, labels=view.labels, words=view.words)
    if piano:
        voices = musicxml_writer.to_tree(view.chorale)
        return engraving.write_staves(piano_below(lay_out(xml, open_score=True), voices), out)
    return engraving.write(xml, out, open_score)


def _names(sources: Sequence[Source]) -> list[str]:
    """A name for each source: its file's name or its title, numbered if two are equal."""
    names = []
    for number, source in enumerate(sources, start=1):
        if isinstance(source, Path | str):
            name = Path(source).stem
        else:
            chorale = source.chorale if isinstance(source, Piece) else source
            name = chorale.title
        name = name or str(number)
        names.append(f"{number}: {name}" if name in names else name)
    return names
