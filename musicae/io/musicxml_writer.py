"""Chorale -> MusicXML (``.musicxml``, ``.mxl``), engraved as four staves.

``musicxml_reader.read`` reads a file by ``write`` back exactly.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.files import whole_file
from musicae.core.meter import Measure
from musicae.core.pitch import spelled_parts
from musicae.core.version import __version__
from musicae.io.accidentals import Accidentals
from musicae.io.base import MUSICXML_SUFFIXES
from musicae.io.figured_bass import write_figures
from musicae.io.general_midi import CHOIR_AAHS
from musicae.io.lyrics import Verses
from musicae.io.musicxml_elements import (
    COLOUR,
    child,
    harmony_element,
    note_element,
    rest_element,
    tempo_element,
    words_element,
)
from musicae.io.musicxml_lyrics import numbered, set_on_part
from musicae.io.musicxml_time import quarter_of
from musicae.io.notation import bars_of_symbols
from musicae.io.voice_tracks import voice_of_name
from musicae.theory.figured_bass import Figures
from musicae.theory.harmonic_analysis import Label, texts
from musicae.theory.spelling import spell

CLEFS = (("G", 2, 0), ("G", 2, 0), ("G", 2, -1), ("F", 4, 0))
"""Sign, line and change of octave of each voice's clef."""
DOCTYPE = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
    ' "http://www.musicxml.org/dtds/partwise.dtd">'
)
Marks = Mapping[tuple[int, int], Sequence[str]]
"""Coloured notes by (onset in steps, voice), each with texts to write above it."""

MXL_ENTRY = "score.musicxml"
MXL_TYPE = "application/vnd.recordare.musicxml"
MXL_CONTAINER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles>'
    f'<rootfile full-path="{MXL_ENTRY}" media-type="{MXL_TYPE}+xml"/></rootfiles></container>\n'
)


class Drawn(NamedTuple):
    """The bars, key signatures and spelling with which a chorale is drawn."""

    measures: Sequence[Measure]
    keys: Mapping[int, tuple[int, str | None]]
    """The key signatures, as (sharps or minus flats, mode), by the index of their bar."""
    places: NDArray[np.int64]
    """``(T, V)`` places of the notes on the line of fifths; see ``spell``."""

    @classmethod
    def of(cls, chorale: Chorale) -> Drawn:
        """The drawing of a chorale without a given score."""
        keys = {0: (chorale.key.fifths, chorale.key.mode)} if chorale.key else {}
        return cls(chorale.measures, keys, spell(chorale))


def write(
    chorale: Chorale,
    path: Path | str,
    program: int | None = None,
    provenance: dict[str, Any] | None = None,
    marks: Marks | None = None,
    *,
    labels: Sequence[Label] = (),
    names: Sequence[str] = VOICES,
    figures: Sequence[tuple[int, Figures]] = (),
    words: Mapping[int, Verses] | None = None,
) -> None:
    """Write a chorale as MusicXML, whole or not at all; compressed if ``path`` ends in .mxl.

    The same music gives the same bytes.

    Args:
        program: the General MIDI program for playback, counted from 0; by default a choir.
        provenance: how the chorale was made; it goes into the header as JSON.
        marks: notes to colour, with texts above them.
        labels: the harmony, such as that of ``musicae.analysis``: chord symbols above the soprano,
            Roman numerals below the bass.
        names: the names of the four voices; a voice with an empty name is left out.
        figures: (step, figures) below the lowest voice.
        words: the verses of each voice.

    Raises ChoraleError if the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in MUSICXML_SUFFIXES:
        raise ChoraleError(
            f"{path}: a MusicXML file's name should end in .musicxml, or in .mxl to compress it"
        )
    looks: dict[str, Any] = {"labels": labels, "names": names, "figures": figures, "words": words}
    save(to_xml(chorale, program, provenance, marks, **looks), path)


def to_xml(
    chorale: Chorale,
    program: int | None = None,
    provenance: dict[str, Any] | None = None,
    marks: Marks | None = None,
    *,
    labels: Sequence[Label] = (),
    names: Sequence[str] = VOICES,
    figures: Sequence[tuple[int, Figures]] = (),
    words: Mapping[int, Verses] | None = None,
) -> bytes:
    """The MusicXML of a chorale; see ``write`` for the arguments and errors."""
    root = to_tree(chorale, program, marks, labels=labels, names=names)
    if figures:
        write_figures(root.findall("part")[-1], quarter_of(root), figures)
    there = [voice for voice, name in enumerate(names) if name]
    for voice, part in zip(there, root.findall("part"), strict=True):
        if verses := (words or {}).get(voice, ()):
            set_on_part(part, numbered(verses), chorale.measures, quarter_of(root))
    _set_header(root, chorale, provenance)
    return to_bytes(root)


def to_tree(
    chorale: Chorale,
    program: int | None = None,
    marks: Marks | None = None,
    *,
    labels: Sequence[Label] = (),
    names: Sequence[str] = VOICES,
    drawn: Drawn | None = None,
) -> ET.Element:
    """The tree of ``to_xml`` without a header.

    ``drawn`` are the bars, keys and spelling of a score to which the chorale is added. Raises
    ChoraleError if the program is not 0 to 127.
    """
    program = CHOIR_AAHS if program is None else program
    if not 0 <= program <= 127:
        raise ChoraleError(f"a MIDI program is 0 to 127, not {program}")
    drawn = drawn or Drawn.of(chorale)
    marks = marks or {}
    there = [voice for voice, name in enumerate(names) if name]
    extras = _texts(chorale, marks, labels, there)
    root = ET.Element("score-partwise", version="4.0")
    listing = child(root, "part-list")
    for voice in there:
        listing.append(part_entry(voice, names[voice], program))
        part = child(root, "part", id=f"P{voice + 1}")
        for index in range(len(drawn.measures)):
            number = index + (not chorale.pickup)
            child(part, "measure", number=str(number), implicit="no" if number else "yes")
        bars = list(part)
        _set_attributes(bars, drawn, _like(voice, names[voice]))
        _fill(bars, chorale, voice, drawn, marks=marks, extras=extras[voice])
        child(child(bars[-1], "barline", location="right"), "bar-style", "light-heavy")
    return root


def to_bytes(root: ET.Element) -> bytes:
    """The bytes of a MusicXML file, indented."""
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{DOCTYPE}\n{text}\n'.encode()


def save(xml: bytes, path: Path) -> None:
    """Write the bytes of MusicXML, whole or not at all; compressed if ``path`` ends in .mxl."""
    with whole_file(path) as partial:
        partial.write_bytes(_compress(xml) if path.suffix.lower() == ".mxl" else xml)


def part_entry(voice: int, name: str, program: int = CHOIR_AAHS) -> ET.Element:
    """A voice's entry in the list of parts: its name, instrument and MIDI channel and program."""
    singer = VOICES[_like(voice, name)]
    entry = ET.Element("score-part", id=f"P{voice + 1}")
    child(entry, "part-name", name)
    child(entry, "part-abbreviation", name[0] if name in VOICES else name)
    played = child(entry, "score-instrument", id=f"I{voice + 1}")
    child(played, "instrument-name", singer)
    child(played, "instrument-abbreviation", singer[0])
    midi = child(entry, "midi-instrument", id=f"I{voice + 1}")
    child(midi, "midi-channel", voice + 1)
    child(midi, "midi-program", program + 1)
    return entry


def _like(voice: int, name: str) -> int:
    """The voice that gives a part its clef and instrument: the one of its name, else ``voice``."""
    called = voice_of_name(name)
    return voice if called is None else called


def _texts(
    chorale: Chorale, marks: Marks, labels: Sequence[Label], there: Sequence[int]
) -> dict[int, defaultdict[int, list[ET.Element]]]:
    """The elements above and below each voice, by step.

    Tempi and chord symbols are above the first voice, Roman numerals, as words, below the last.
    MusicXML has elements for numerals, but MuseScore 3 draws none of them, music21 10 does not read
    them, and Verovio draws only the newer ones.
    """
    found = {voice: defaultdict[int, list[ET.Element]](list) for voice in there}
    above, below = found[there[0]], found[there[-1]]
    for tempo in chorale.tempos:
        meter = chorale.measures[chorale.measure_index(tempo.step)].meter
        above[tempo.step].append(tempo_element(tempo.qpm, meter))
    for (step, voice), lines in marks.items():
        if voice in found:
            found[voice][step] += (words_element(text, "above", color=COLOUR) for text in lines)
    for label, (step, numeral) in zip(labels, texts(labels) if labels else (), strict=True):
        harmony = harmony_element(label.chord)
        harmony.set("placement", "above")
        above[step].append(harmony)
        below[step].append(words_element(numeral, "below", **{"font-style": "normal"}))
    return found


def _set_attributes(bars: Sequence[ET.Element], drawn: Drawn, like: int) -> None:
    """Write the divisions, keys, meters and the clef into the bars in which they begin.

    ``like`` is the voice that gives the clef.
    """
    before = None
    for index, (bar, measure) in enumerate(zip(bars, drawn.measures, strict=True)):
        attributes = ET.Element("attributes")
        if index == 0:
            child(attributes, "divisions", STEPS_PER_QUARTER)
        if signature := drawn.keys.get(index):
            key = child(attributes, "key")
            child(key, "fifths", signature[0])
            if signature[1]:
                child(key, "mode", signature[1])
        time = measure.numerator, measure.denominator
        if time != before:
            stated = child(attributes, "time")
            child(stated, "beats", time[0])
            child(stated, "beat-type", time[1])
            before = time
        if index == 0:
            sign, line, octaves = CLEFS[like]
            clef = child(attributes, "clef")
            child(clef, "sign", sign)
            child(clef, "line", line)
            if octaves:
                child(clef, "clef-octave-change", octaves)
        if len(attributes):
            bar.append(attributes)


def _fill(
    bars: Sequence[ET.Element],
    chorale: Chorale,
    voice: int,
    drawn: Drawn,
    *,
    marks: Marks,
    extras: Mapping[int, Sequence[ET.Element]],
) -> None:
    """Write the symbols of a voice into the bars of its part, and ``extras`` at their steps."""
    signs = Accidentals()
    places = drawn.places[:, voice].tolist()
    in_bars = bars_of_symbols(chorale, voice, drawn.measures)
    for index, (bar, symbols) in enumerate(zip(bars, in_bars, strict=True)):
        if index in drawn.keys:
            signs.set_signature(drawn.keys[index][0])
        late: list[tuple[int, ET.Element]] = []
        for symbol in symbols:
            for step in range(symbol.step, symbol.step + symbol.length):
                for element in extras.get(step, ()):
                    if step > symbol.step and element.tag == "direction":
                        late.append((step, element))
                        continue
                    if step > symbol.step:
                        child(element, "offset", step - symbol.step)
                    bar.append(element)
            if symbol.pitch == REST:
                bar.append(rest_element(symbol))
                continue
            spelled = spelled_parts(symbol.pitch, places[symbol.note_step])
            sign = signs.sign(*spelled, tied=symbol.tied_before)
            note = note_element(
                symbol,
                spelled,
                sign,
                fermata=symbol.note_step in chorale.fermatas and not symbol.tied_after,
                marked=(symbol.note_step, voice) in marks,
            )
            bar.append(note)
        _go_back(bar, late, symbols[-1].step + symbols[-1].length if symbols else 0)
        signs.next_bar()


def _go_back(bar: ET.Element, late: Sequence[tuple[int, ET.Element]], now: int) -> None:
    """Append directions that begin during a note at the end of a bar, with ``<backup>`` to each.

    MuseScore 3 ignores the offset of words. ``now`` is the last step of the bar.
    """
    for step, element in sorted(late, key=lambda each: -each[0]):
        if step < now:
            child(child(bar, "backup"), "duration", now - step)
            now = step
        bar.append(element)


def _set_header(root: ET.Element, chorale: Chorale, provenance: dict[str, Any] | None) -> None:
    """Write the header: title, source, software and provenance."""
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
    """The bytes of an .mxl archive; its times are fixed, so that equal music gives equal bytes."""
    buffer = io.BytesIO()
    entries = [
        ("mimetype", MXL_TYPE.encode(), zipfile.ZIP_STORED),  # the standard: first, uncompressed
        ("META-INF/container.xml", MXL_CONTAINER.encode(), zipfile.ZIP_DEFLATED),
        (MXL_ENTRY, xml, zipfile.ZIP_DEFLATED),
    ]
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content, method in entries:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()
