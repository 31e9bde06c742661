"""Chorale <-> MusicXML (``.musicxml``, ``.mxl``), engraved as four staves; music21 does the XML.

A file that ``write`` made, ``read`` gives back exactly.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import DOTTED_QUARTER, MARK_COLOUR, REST, STEPS_PER_QUARTER, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.files import whole_file
from musicae.core.meter import Measure, Tempo
from musicae.core.pitch import accidentals, spelled_parts
from musicae.core.version import __version__
from musicae.io.base import MUSICXML_SUFFIXES
from musicae.io.figured_bass import write_figures
from musicae.io.general_midi import CHOIR_AAHS
from musicae.io.lyrics import Verses
from musicae.io.musicxml_lyrics import numbered, set_on_part
from musicae.io.musicxml_time import quarter_of
from musicae.io.notation import bars_of_symbols
from musicae.io.voice_tracks import voice_of_name
from musicae.theory.figured_bass import Figures
from musicae.theory.harmonic_analysis import Label, texts
from musicae.theory.spelling import spell

_CLEFS = ("TrebleClef", "TrebleClef", "Treble8vbClef", "BassClef")
DOCTYPE = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
    ' "http://www.musicxml.org/dtds/partwise.dtd">'
)
FLAT_FIFTH = "7b5"
"""The kind that MusicXML has no name for: a dominant seventh with an altered degree."""
_HARMONY_KINDS = {
    "": "major",
    "m": "minor",
    "dim": "diminished",
    "aug": "augmented",
    "7": "dominant-seventh",
    FLAT_FIFTH: "dominant-seventh",
    "m7": "minor-seventh",
    "maj7": "major-seventh",
    "ø7": "half-diminished-seventh",
    "dim7": "diminished-seventh",
    "5": "power",
}
"""What music21 calls the chords of lead sheets."""

MXL_ENTRY = "score.musicxml"
MXL_TYPE = "application/vnd.recordare.musicxml"
MXL_CONTAINER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles>'
    f'<rootfile full-path="{MXL_ENTRY}" media-type="{MXL_TYPE}+xml"/></rootfiles></container>\n'
)


class Drawn(NamedTuple):
    """How a chorale is drawn: its bars, key signatures and spelling."""

    measures: Sequence[Measure]
    keys: Mapping[int, tuple[int, str | None]]
    """Sharps (flats where negative) and mode of the key signatures, by the index of their bar."""
    places: NDArray[np.int64]
    """``(T, V)`` the places of the notes on the line of fifths; see ``spell``."""

    @classmethod
    def of(cls, chorale: Chorale) -> Drawn:
        """As it is drawn alone."""
        keys = {0: (chorale.key.fifths, chorale.key.mode)} if chorale.key else {}
        return cls(chorale.measures, keys, spell(chorale))


def write(
    chorale: Chorale,
    path: Path | str,
    program: int | None = None,
    provenance: dict[str, Any] | None = None,
    marks: Mapping[tuple[int, int], Sequence[str]] | None = None,
    *,
    labels: Sequence[Label] = (),
    names: Sequence[str] = VOICES,
    figures: Sequence[tuple[int, Figures]] = (),
    words: Mapping[int, Verses] | None = None,
) -> None:
    """Write a chorale as MusicXML, compressed where ``path`` ends in .mxl, whole or not at all.

    ``program`` is the General MIDI program, counted from 0, for playback (choir by default);
    ``provenance`` goes into the header as JSON. ``marks`` colours notes, by the step at which
    they begin and their voice, and writes the texts above them. ``labels``, those of
    ``musicae.analysis``, become chord symbols above the soprano and Roman numerals below the bass.
    ``names`` are those of the four voices; one without a name is left out. ``figures``, each with
    its step, stand below the lowest voice. ``words`` are the verses that the voices sing. The same
    music gives the same bytes. Raises ChoraleError where the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in MUSICXML_SUFFIXES:
        raise ChoraleError(f"{path}: name a MusicXML file .musicxml, or .mxl to compress it")
    looks: dict[str, Any] = {"labels": labels, "names": names, "figures": figures, "words": words}
    save(to_xml(chorale, program, provenance, marks, **looks), path)


def to_xml(
    chorale: Chorale,
    program: int | None = None,
    provenance: dict[str, Any] | None = None,
    marks: Mapping[tuple[int, int], Sequence[str]] | None = None,
    *,
    labels: Sequence[Label] = (),
    names: Sequence[str] = VOICES,
    figures: Sequence[tuple[int, Figures]] = (),
    words: Mapping[int, Verses] | None = None,
) -> bytes:
    """The MusicXML of a chorale, four staves; see ``write``. Raises ChoraleError."""
    root = to_tree(chorale, program, marks, labels=labels, names=names)
    if figures:
        write_figures(root.findall("part")[-1], quarter_of(root), figures)
    there = [voice for voice, name in enumerate(names) if name]
    for voice, part in zip(there, root.findall("part"), strict=True):
        verses = numbered((words or {}).get(voice, ()))
        set_on_part(part, verses, chorale.measures, quarter_of(root))
    _set_header(root, chorale, provenance)
    return to_bytes(root)


def to_tree(
    chorale: Chorale,
    program: int | None = None,
    marks: Mapping[tuple[int, int], Sequence[str]] | None = None,
    *,
    labels: Sequence[Label] = (),
    names: Sequence[str] = VOICES,
    drawn: Drawn | None = None,
) -> ET.Element:
    """The tree of ``to_xml`` with music21's header. Raises ChoraleError.

    ``drawn`` are the bars, keys and spelling of a score that the chorale stands beside.
    """
    from music21.musicxml.m21ToXml import ScoreExporter

    program = CHOIR_AAHS if program is None else program
    if not 0 <= program <= 127:
        raise ChoraleError(f"a MIDI program is 0 to 127, not {program}")
    drawn = drawn or Drawn.of(chorale)
    score = _engrave(chorale, program, marks or {}, drawn, names)
    if labels:
        _label(score, drawn.measures, labels)
    root: ET.Element = ScoreExporter(score, makeNotation=False).parse()
    if labels:
        _place_words(root.findall("part")[-1])
    return root


def to_bytes(root: ET.Element) -> bytes:
    """A MusicXML tree as a file's bytes, indented."""
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{DOCTYPE}\n{text}\n'.encode()


def save(xml: bytes, path: Path) -> None:
    """Write the bytes of MusicXML, compressed where ``path`` ends in .mxl, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_bytes(_compress(xml) if path.suffix.lower() == ".mxl" else xml)


def _engrave(
    chorale: Chorale,
    program: int,
    marks: Mapping[tuple[int, int], Sequence[str]],
    drawn: Drawn,
    names: Sequence[str],
) -> Any:
    """The chorale as a music21 score that needs no more notation made."""
    from music21 import clef, instrument, key, metadata, meter, stream

    score = stream.Score()
    score.metadata = metadata.Metadata()
    for v, name in enumerate(names):
        if not name:
            continue
        called = voice_of_name(name)
        like = v if called is None else called
        part = stream.Part()
        part.partName = name
        part.partAbbreviation = name[0] if name in VOICES else name
        singer = getattr(instrument, VOICES[like])()
        # Without names of their own, music21 draws random ones, and no two files are alike.
        singer.partId, singer.instrumentId = f"P{v + 1}", f"I{v + 1}"
        singer.midiChannel, singer.midiProgram = v, program
        part.insert(0, singer)
        time = None
        for i, measure in enumerate(drawn.measures):
            bar = stream.Measure(number=i + (0 if chorale.pickup else 1))
            if i == 0:
                bar.clef = getattr(clef, _CLEFS[like])()
                if chorale.pickup:
                    bar.showNumber = stream.enums.ShowNumber.NEVER
            if signature := drawn.keys.get(i):
                fifths, mode = signature
                bar.keySignature = key.KeySignature(fifths)
                if mode:
                    bar.keySignature = bar.keySignature.asKey(mode)
            if time != (measure.numerator, measure.denominator):
                time = (measure.numerator, measure.denominator)
                bar.timeSignature = meter.TimeSignature(f"{time[0]}/{time[1]}")
            part.append(bar)
        _fill(part, chorale, v, drawn, marks)
        part.makeAccidentals(inPlace=True)
        part.getElementsByClass("Measure").last().rightBarline = "final"
        score.insert(0, part)
    bars = list(score.parts.first().getElementsByClass("Measure"))
    for mark in chorale.tempos:
        bar, into = _place(bars, drawn.measures, mark.step)
        bar.insert(into, _metronome_mark(chorale, mark))
    return score


def _metronome_mark(chorale: Chorale, mark: Tempo) -> Any:
    """A tempo in beats where these are dotted and it is whole, else in quarters."""
    from music21 import tempo

    beat = chorale.measures[chorale.measure_index(mark.step)].meter.steps_per_beat
    beats = mark.qpm * STEPS_PER_QUARTER / beat
    if beat == DOTTED_QUARTER and beats == round(beats):
        return tempo.MetronomeMark(number=round(beats), referent=DOTTED_QUARTER / STEPS_PER_QUARTER)
    return tempo.MetronomeMark(number=mark.qpm)


def _fill(
    part: Any,
    chorale: Chorale,
    voice: int,
    drawn: Drawn,
    marks: Mapping[tuple[int, int], Sequence[str]],
) -> None:
    """Put the symbols of a voice into the bars of its part."""
    from music21 import expressions, note, pitch, tie

    bars = part.getElementsByClass("Measure")
    places = drawn.places[:, voice].tolist()
    in_bars = bars_of_symbols(chorale, voice, drawn.measures)
    for bar, symbols in zip(bars, in_bars, strict=True):
        for symbol in symbols:
            quarters = Fraction(symbol.length, STEPS_PER_QUARTER)
            if symbol.pitch == REST:
                # Only a rest of a whole bar may say so: readers stretch it to a full bar.
                rest = note.Rest(type="whole", fullMeasure=symbol.whole_bar)
                rest.duration.linked = not symbol.whole_bar  # drawn as a whole rest in any meter
                rest.duration.quarterLength = quarters
                bar.append(rest)
                continue
            letter, sharps, octave = spelled_parts(symbol.pitch, places[symbol.note_step])
            spelled = pitch.Pitch(letter + accidentals(sharps, flat="-"))
            spelled.octave = octave
            head = note.Note(spelled, quarterLength=quarters)
            if symbol.tied_before or symbol.tied_after:
                both = symbol.tied_before and symbol.tied_after
                kind = "continue" if both else "stop" if symbol.tied_before else "start"
                head.tie = tie.Tie(kind)
            for beam in symbol.beams:
                head.beams.append(*beam.replace("hook", "partial").split())
            if symbol.note_step in chorale.fermatas and not symbol.tied_after:
                fermata = expressions.Fermata()
                fermata.type = "upright"
                head.expressions.append(fermata)
            if (symbol.note_step, voice) in marks:
                head.style.color = MARK_COLOUR
                if not symbol.tied_before:
                    for text in marks[symbol.note_step, voice]:
                        words = expressions.TextExpression(text)
                        words.placement, words.style.color = "above", MARK_COLOUR
                        bar.insert(bar.highestTime, words)
            bar.append(head)


def _place(bars: Sequence[Any], measures: Sequence[Measure], step: int) -> tuple[Any, Fraction]:
    """The bar in which a step lies, and the quarters into it."""
    index = bisect_right([measure.start for measure in measures], step) - 1
    return bars[index], Fraction(step - measures[index].start, STEPS_PER_QUARTER)


def _label(score: Any, measures: Sequence[Measure], labels: Sequence[Label]) -> None:
    """Put chord symbols above the soprano and Roman numerals, as words, below the bass.

    MusicXML has elements for numerals too, but MuseScore 3 draws none of them and music21 10 does
    not tell what they say; Verovio draws the newer ones only.
    """
    from music21 import expressions, harmony

    outer = (score.parts.first(), score.parts.last())
    above, below = (list(part.getElementsByClass("Measure")) for part in outer)
    for label, (step, text) in zip(labels, texts(labels), strict=True):
        bar, into = _place(above, measures, step)
        root, kind, bass = _chord(label.chord)
        said = kind.removesuffix("b5")  # readers add the degrees to it
        symbol = harmony.ChordSymbol(root=root, bass=bass, kind=_HARMONY_KINDS[kind], kindStr=said)
        if kind == FLAT_FIFTH:
            symbol.addChordStepModification(harmony.ChordStepModification("alter", 5, -1))
        symbol.placement = "above"
        bar.insert(into, symbol)
        bar, into = _place(below, measures, step)
        words = expressions.TextExpression(text)
        words.placement, words.style.fontStyle = "below", "normal"
        bar.insert(into, words)


def _chord(symbol: str) -> tuple[str, str, str]:
    """Root, kind and bass of a chord symbol, the notes as music21 spells them.

    >>> _chord("Bbm7/Db")
    ('B-', 'm7', 'D-')
    """
    upper, _, lower = symbol.partition("/")
    root = re.match("[A-G][#b]*", upper)
    if root is None or upper[root.end() :] not in _HARMONY_KINDS:
        raise ChoraleError(f"{symbol!r} is not a chord symbol that can be written")
    bass = lower or root[0]
    return root[0].replace("b", "-"), upper[root.end() :], bass.replace("b", "-")


def _place_words(part: ET.Element) -> None:
    """Put words that begin within a note where they belong, by going back to them.

    music21 writes them after the note, with an offset that MuseScore 3 does not heed.
    """
    for bar in part.findall("measure"):
        now, late = 0, []
        for element in list(bar):
            offset = element.find("offset")
            if element.tag == "direction" and offset is not None:
                late.append((now + int(offset.text or 0), element))
                element.remove(offset)
                bar.remove(element)
            elif element.tag == "note":
                now += int(element.findtext("duration", "0"))
        end = len(bar) - (bar[-1].tag == "barline")
        for place, element in sorted(late, key=lambda found: -found[0]):
            back = ET.Element("backup")
            ET.SubElement(back, "duration").text = str(now - place)
            bar[end:end] = [back, element]
            now, end = place, end + 2


def _set_header(root: ET.Element, chorale: Chorale, provenance: dict[str, Any] | None) -> None:
    """Replace music21's header, which has no source but the day's date and titles of its own."""
    for tag in ("work", "movement-title", "identification"):
        for element in root.findall(tag):
            root.remove(element)
    identification = ET.Element("identification")
    encoding = ET.SubElement(identification, "encoding")
    ET.SubElement(encoding, "software").text = f"musicae {__version__}"
    for kind in ("accidental", "beam"):
        ET.SubElement(encoding, "supports", {"element": kind, "type": "yes"})
    if chorale.source:
        ET.SubElement(identification, "source").text = chorale.source
    if provenance:
        fields = ET.SubElement(identification, "miscellaneous")
        field = ET.SubElement(fields, "miscellaneous-field", name="musicae")
        field.text = json.dumps(provenance)
    root.insert(0, identification)
    if chorale.title:
        work = ET.Element("work")
        ET.SubElement(work, "work-title").text = chorale.title
        root.insert(0, work)


def _compress(xml: bytes) -> bytes:
    """The bytes of an .mxl archive; its times are fixed, so that equal music is equal bytes."""
    buffer = io.BytesIO()
    entries = [
        ("mimetype", MXL_TYPE.encode(), zipfile.ZIP_STORED),  # first and plain, says the standard
        ("META-INF/container.xml", MXL_CONTAINER.encode(), zipfile.ZIP_DEFLATED),
        (MXL_ENTRY, xml, zipfile.ZIP_DEFLATED),
    ]
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content, method in entries:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()
