"""Chorale <-> MusicXML (``.musicxml``, ``.mxl``), engraved as four staves; music21 does the XML.

A file that ``write`` made, ``read`` gives back exactly. ``from_score`` takes any music21 score.
"""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import numpy as np

from musicae import __version__
from musicae.analysis import Label, texts
from musicae.chorale import (
    COMMON_TIME,
    FASTEST_QPM,
    LONGEST,
    MODES,
    REST,
    SLOWEST_QPM,
    STEPS_PER_QUARTER,
    VOICES,
    Chorale,
    ChoraleError,
    Key,
    Measure,
    Meter,
    Note,
    Reading,
    Tempo,
    meters_of,
)
from musicae.files import whole_file
from musicae.notation import bars_of_symbols, name_of, spell

SUFFIXES = (".musicxml", ".xml", ".mxl")
"""The files that are read and written; the last is compressed."""

CLEFS = ("TrebleClef", "TrebleClef", "Treble8vbClef", "BassClef")
CHOIR_AAHS = 52
"""The General MIDI program, counted from 0, that players of the score use by default."""

DOCTYPE = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
    ' "http://www.musicxml.org/dtds/partwise.dtd">'
)
KINDS = {
    "": "major",
    "m": "minor",
    "dim": "diminished",
    "aug": "augmented",
    "7": "dominant-seventh",
    "m7": "minor-seventh",
    "maj7": "major-seventh",
    "ø7": "half-diminished-seventh",
    "dim7": "diminished-seventh",
    "5": "power",
}
"""What music21 calls the chords of lead sheets."""

MARK_COLOUR = "#c8102e"
"""Of notes that are marked."""

MXL_ENTRY = "score.musicxml"
MXL_TYPE = "application/vnd.recordare.musicxml"
MXL_CONTAINER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles>'
    f'<rootfile full-path="{MXL_ENTRY}" media-type="{MXL_TYPE}+xml"/></rootfiles></container>\n'
)

VOICE_NAMES = ("soprano|sopran|s", "alto|alt|a", "tenore?|t", "bass|basso|b")
"""What a part's name or its first word is, for each voice; doublings may follow it."""


def write(
    chorale: Chorale,
    path: Path | str,
    program: int | None = None,
    provenance: dict[str, Any] | None = None,
    marks: Mapping[tuple[int, int], Sequence[str]] | None = None,
    *,
    labels: Sequence[Label] = (),
) -> None:
    """Write a chorale as MusicXML, compressed where ``path`` ends in .mxl, whole or not at all.

    ``program`` is the General MIDI program, counted from 0, for playback (choir by default);
    ``provenance`` goes into the header as JSON. ``marks`` colours notes, by the step at which
    they begin and their voice, and writes the texts above them. ``labels``, those of
    ``musicae.analysis``, become chord symbols above the soprano and Roman numerals below the bass.
    The same music gives the same bytes. Raises ChoraleError where the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ChoraleError(f"{path}: name a MusicXML file .musicxml, or .mxl to compress it")
    xml = to_xml(chorale, program, provenance, marks, labels=labels)
    with whole_file(path) as partial:
        partial.write_bytes(_compress(xml) if path.suffix.lower() == ".mxl" else xml)


def to_xml(
    chorale: Chorale,
    program: int | None = None,
    provenance: dict[str, Any] | None = None,
    marks: Mapping[tuple[int, int], Sequence[str]] | None = None,
    *,
    labels: Sequence[Label] = (),
) -> bytes:
    """The MusicXML of a chorale, four staves; see ``write``. Raises ChoraleError."""
    from music21.musicxml.m21ToXml import ScoreExporter

    program = CHOIR_AAHS if program is None else program
    if not 0 <= program <= 127:
        raise ChoraleError(f"a MIDI program is 0 to 127, not {program}")
    score = _engrave(chorale, program, marks or {})
    _label(score, chorale, labels)
    exporter = ScoreExporter(score, makeNotation=False)
    root = exporter.parse()
    if labels:
        _place_words(root.findall("part")[-1])
    _set_header(root, chorale, provenance)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{DOCTYPE}\n{text}\n'.encode()


def read(path: Path | str) -> Chorale:
    """Read a MusicXML file; see ``from_score``. Raises ChoraleError where it cannot be used."""
    return read_counting(path).chorale


def read_counting(path: Path | str) -> Reading:
    """``read``, with the count of notes that were moved to the grid."""
    path = Path(path)
    try:
        root = _root(path)
        title = _line(root.findtext("work/work-title")) or _line(root.findtext("movement-title"))
        source = _line(root.findtext("identification/source"))
        # Programs put the file's name where there is no title.
        return from_score(_score_of(root), "" if title == path.name else title, source)
    except ChoraleError as error:
        raise ChoraleError(f"{path}: {error}") from None
    except (ValueError, OverflowError) as error:  # a pitch that is not a number, for one
        raise ChoraleError(f"{path}: is not a score that can be read ({error})") from None


def read_provenance(path: Path | str) -> dict[str, Any]:
    """How musicae made a MusicXML file; empty where it did not. Raises ChoraleError."""
    try:
        root = _root(Path(path))
    except ChoraleError as error:
        raise ChoraleError(f"{path}: {error}") from None
    text = root.findtext("identification/miscellaneous/miscellaneous-field[@name='musicae']")
    try:
        found = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def from_score(score: Any, title: str = "", source: str = "") -> Reading:
    """A chorale of a music21 score, its bars in the order drawn: repeats are not unfolded.

    The voices are the parts named Soprano, Alto, Tenor and Bass, whatever doubles them, else four
    parts from the top down; a single part is a melody, which the soprano sings. Of chords in the
    soprano the top note stays. Raises ChoraleError where the voices cannot be told.
    """
    bars = [list(part.getElementsByClass("Measure")) if part else [] for part in _voices(score)]
    if not any(bars):
        raise ChoraleError("the score has no bars")
    measures, begins = _measures(bars)
    steps = measures[-1].start + measures[-1].length
    if steps > LONGEST:
        raise ChoraleError(f"lasts {steps // STEPS_PER_QUARTER} quarter notes; is it damaged?")
    voices, fermatas, quantized = [], [], 0
    for name, line in zip(VOICES, bars, strict=True):
        written, dropped = _notes(line, begins, name)
        placed, moved = _to_grid(written, steps)
        quantized += dropped + moved
        voices.append([note for note, _ in placed])
        if name == VOICES[0]:
            fermatas = [note.step for note, under_fermata in placed if under_fermata]
    meters, pickup = meters_of(measures)
    chorale = Chorale.from_notes(
        voices,
        steps=steps,
        meters=meters,
        pickup=pickup,
        key=_key(bars, voices),
        fermatas=fermatas,
        tempos=_tempos(score, begins, steps),
        title=title,
        source=source,
    )
    return Reading(chorale, quantized)


# Writing


def _engrave(chorale: Chorale, program: int, marks: Mapping[tuple[int, int], Sequence[str]]) -> Any:
    """The chorale as a music21 score that needs no more notation made."""
    from music21 import clef, instrument, key, metadata, meter, stream, tempo

    places = spell(chorale)
    score = stream.Score()
    score.metadata = metadata.Metadata()
    for v, name in enumerate(VOICES):
        part = stream.Part()
        part.partName, part.partAbbreviation = name, name[0]
        singer = getattr(instrument, name)()
        # Without names of their own, music21 draws random ones, and no two files are alike.
        singer.partId, singer.instrumentId = f"P{v + 1}", f"I{v + 1}"
        singer.midiChannel, singer.midiProgram = v, program
        part.insert(0, singer)
        drawn = None
        for i, measure in enumerate(chorale.measures):
            bar = stream.Measure(number=i + (0 if chorale.pickup else 1))
            if i == 0:
                bar.clef = getattr(clef, CLEFS[v])()
                if chorale.key:
                    bar.keySignature = key.KeySignature(chorale.key.fifths).asKey(chorale.key.mode)
                if chorale.pickup:
                    bar.showNumber = stream.enums.ShowNumber.NEVER
            if drawn != (measure.numerator, measure.denominator):
                drawn = (measure.numerator, measure.denominator)
                bar.timeSignature = meter.TimeSignature(f"{drawn[0]}/{drawn[1]}")
            part.append(bar)
        _fill(part, chorale, v, places[:, v].tolist(), marks)
        part.makeAccidentals(inPlace=True)
        part.getElementsByClass("Measure").last().rightBarline = "final"
        score.insert(0, part)
    bars = list(score.parts.first().getElementsByClass("Measure"))
    for mark in chorale.tempos:
        bar, into = _place(bars, chorale, mark.step)
        bar.insert(into, tempo.MetronomeMark(number=mark.qpm))
    return score


def _fill(
    part: Any,
    chorale: Chorale,
    voice: int,
    places: Sequence[int],
    marks: Mapping[tuple[int, int], Sequence[str]],
) -> None:
    """Put the symbols of a voice into the bars of its part."""
    from music21 import expressions, note, pitch, tie

    bars = part.getElementsByClass("Measure")
    for bar, symbols in zip(bars, bars_of_symbols(chorale, voice), strict=True):
        for symbol in symbols:
            quarters = Fraction(symbol.length, STEPS_PER_QUARTER)
            if symbol.pitch == REST:
                # Only a rest of a whole bar may say so: readers stretch it to a full bar.
                rest = note.Rest(type="whole", fullMeasure=symbol.whole_bar)
                rest.duration.linked = not symbol.whole_bar  # drawn as a whole rest in any meter
                rest.duration.quarterLength = quarters
                bar.append(rest)
                continue
            letter, sharps, octave = name_of(symbol.pitch, places[symbol.note_step])
            spelled = pitch.Pitch(letter + ("#" * sharps if sharps > 0 else "-" * -sharps))
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


def _place(bars: Sequence[Any], chorale: Chorale, step: int) -> tuple[Any, Fraction]:
    """The bar in which a step lies, and the quarters into it."""
    index = bisect_right(chorale.measures, step, key=lambda measure: measure.start) - 1
    return bars[index], Fraction(step - chorale.measures[index].start, STEPS_PER_QUARTER)


def _label(score: Any, chorale: Chorale, labels: Sequence[Label]) -> None:
    """Put chord symbols above the soprano and Roman numerals, as words, below the bass.

    MusicXML has elements for numerals too, but MuseScore 3 draws none of them and music21 10 does
    not tell what they say; Verovio draws the newer ones only.
    """
    from music21 import expressions, harmony

    above, *_, below = (list(part.getElementsByClass("Measure")) for part in score.parts)
    for label, (step, text) in zip(labels, texts(labels), strict=True):
        bar, into = _place(above, chorale, step)
        root, kind, bass = _chord(label.chord)
        symbol = harmony.ChordSymbol(root=root, bass=bass, kind=KINDS[kind], kindStr=kind)
        symbol.placement = "above"
        bar.insert(into, symbol)
        bar, into = _place(below, chorale, step)
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
    if root is None or upper[root.end() :] not in KINDS:
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


# Reading


def _root(path: Path) -> ET.Element:
    """The root element of a file, unpacked where it is an .mxl archive."""
    if path.is_dir():
        raise ChoraleError("is a folder; give a MusicXML file")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ChoraleError("no such file") from None
    except OSError as error:
        raise ChoraleError(f"may not be read ({error.strerror or error})") from None
    if not data:
        raise ChoraleError("is empty")
    if data.startswith(b"PK"):
        data = _unpack(data)
    try:
        root = ET.fromstring(data)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise ChoraleError(f"is not MusicXML, or is damaged ({error})") from None
    if root.tag == "score-timewise":
        raise ChoraleError("is MusicXML ordered by time; export it as partwise MusicXML")
    if root.tag != "score-partwise":
        raise ChoraleError(f"is XML but not MusicXML (it begins with <{root.tag}>)")
    return root


def _unpack(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            container = ET.fromstring(archive.read("META-INF/container.xml"))
            entry = container.find(".//{*}rootfile")
            return archive.read("" if entry is None else entry.get("full-path", ""))
    except KeyError:
        raise ChoraleError("is an archive without a MusicXML score in it") from None
    except (zipfile.BadZipFile, zlib.error, ET.ParseError, EOFError, RuntimeError) as error:
        raise ChoraleError(f"is a damaged .mxl archive ({error}); export it again") from None


def _score_of(root: ET.Element) -> Any:
    from music21.musicxml.xmlToM21 import MusicXMLImporter

    for bar in root.iter("measure"):  # music21 stops at some numerals, and no harmony is sung
        for harmony in bar.findall("harmony"):
            bar.remove(harmony)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about slurs, layout, fonts: nothing that a chorale has
        try:
            importer = MusicXMLImporter()
            importer.xmlRootToScore(root, importer.stream)
            return importer.stream
        except Exception as error:  # music21 raises whatever its parser meets in a damaged score
            raise ChoraleError(f"is not a score that can be read ({_line(str(error))})") from None


def _line(text: str | None) -> str:
    """The text on one line, without characters that cannot be printed."""
    words = (text or "").split()
    return " ".join("".join(c for c in word if c.isprintable()) for word in words).strip()


def _voices(score: Any) -> list[Any]:
    """The part of each voice, at sounding pitch; None for a silent one."""
    parts = list(score.parts)
    if not parts:
        raise ChoraleError("the score has no parts")
    if len(parts) == 1:
        found = [parts[0], None, None, None]
    elif all(named := _named_voices(parts)) or sum(map(bool, named)) == len(parts):
        found = named
    elif len(parts) == len(VOICES) and all(p in (parts[v], None) for v, p in enumerate(named)):
        found = parts
    else:
        names = ", ".join(" ".join((part.partName or "(no name)").split()) for part in parts)
        raise ChoraleError(
            f"cannot tell the four voices among its {len(parts)} parts ({names}); name"
            " four of them Soprano, Alto, Tenor and Bass, or keep a single part as the melody"
        )
    return [
        part.toSoundingPitch() if part is not None and part.atSoundingPitch is False else part
        for part in found
    ]


def _named_voices(parts: Sequence[Any]) -> list[Any]:
    """For each voice the one part that has its name, or None. A plain name goes before others."""
    found = []
    for names in VOICE_NAMES:
        called = [
            [p for p in parts if re.match(pattern, (p.partName or "").strip(), re.IGNORECASE)]
            for pattern in (rf"({names})\W*$", rf"({names})\b")
        ]
        matches = called[0] or called[1]
        found.append(matches[0] if len(matches) == 1 else None)
    return found


def _measures(bars: Sequence[Sequence[Any]]) -> tuple[list[Measure], list[Fraction]]:
    """The bars as drawn, and where each begins exactly, in steps.

    Lengths are those of the notes, since music21 gives a bar that is cut short its full length.
    """
    count = max(len(line) for line in bars)
    measures: list[Measure] = []
    begins = [Fraction(0)]
    numerator, denominator = COMMON_TIME[0].numerator, COMMON_TIME[0].denominator
    for i in range(count):
        drawn = [line[i] for line in bars if i < len(line)]
        signature = next((bar.timeSignature for bar in drawn if bar.timeSignature), None)
        if signature:
            numerator, denominator = signature.numerator, signature.denominator
        lengths = [Fraction(b.highestTime) * STEPS_PER_QUARTER for b in drawn if not _is_silent(b)]
        nominal = Meter(0, numerator, denominator).steps_per_bar
        begins.append(begins[-1] + (max(lengths, default=Fraction(0)) or nominal))
        start = _step(begins[-2])
        measures.append(Measure(start, _step(begins[-1]) - start, numerator, denominator))
    return [m for m in measures if m.length], begins[:-1]


def _is_silent(bar: Any) -> bool:
    """Whether a bar is one rest of the whole bar, whose length tells nothing."""
    symbols = list(bar.recurse().notesAndRests)
    return len(symbols) == 1 and symbols[0].isRest and symbols[0].fullMeasure in (True, "always")


class _Written(NamedTuple):
    """A note as written, tied ones joined, in exact steps."""

    begin: Fraction
    end: Fraction
    pitch: int
    under_fermata: bool


def _notes(
    line: Sequence[Any], begins: Sequence[Fraction], name: str
) -> tuple[list[_Written], int]:
    """The notes of a voice, and how many grace notes were dropped."""
    written: list[_Written] = []
    graces = 0
    for bar, bar_begin in zip(line, begins, strict=False):
        for symbol, offset in _symbols(bar, name):
            if symbol.duration.isGrace:
                graces += 1
                continue
            if symbol.isChord and name != VOICES[0] and len(symbol.pitches) > 1:
                raise ChoraleError(
                    f"{name}, bar {bar.number}: sings two notes at once; leave one of them"
                )
            head = max(symbol.notes, key=lambda n: n.pitch.ps) if symbol.isChord else symbol
            begin = bar_begin + Fraction(offset) * STEPS_PER_QUARTER
            end = begin + Fraction(symbol.quarterLength) * STEPS_PER_QUARTER
            fermata = any("Fermata" in e.classes for e in symbol.expressions)
            before = written[-1] if written else None
            tied = head.tie is not None and head.tie.type in ("stop", "continue")
            if tied and before and (before.end, before.pitch) == (begin, head.pitch.midi):
                fermata = fermata or before.under_fermata
                written[-1] = before._replace(end=end, under_fermata=fermata)
            else:
                written.append(_Written(begin, end, head.pitch.midi, fermata))
    return written, graces


def _symbols(bar: Any, name: str) -> list[tuple[Any, Any]]:
    """The pitched notes and chords of a bar with their offsets; of two voices the upper."""
    lines = []
    for stream in [bar, *bar.voices]:
        inset = 0 if stream is bar else stream.offset
        notes = [
            (n, n.offset + inset)
            for n in stream.notes
            if "Harmony" not in n.classes and (n.isNote or n.isChord)
        ]
        if notes:
            lines.append(notes)
    if len(lines) > 1 and name != VOICES[0]:
        raise ChoraleError(f"{name}, bar {bar.number}: has two voices; write each on its own staff")
    return max(lines, key=_mean_pitch, default=[])


def _mean_pitch(notes: Sequence[tuple[Any, Any]]) -> float:
    return float(np.mean([max(p.ps for p in note.pitches) for note, _ in notes]))


def _step(position: Fraction) -> int:
    """The nearest step; the earlier of two, so that what follows stays where it is."""
    return ceil(position - Fraction(1, 2))


def _to_grid(written: Sequence[_Written], steps: int) -> tuple[list[tuple[Note, bool]], int]:
    """The notes on the grid, each with its fermata, and how many were moved or dropped.

    Where two notes fall on one step, that which was written there stays, else the first.
    """
    placed: dict[int, tuple[Note, bool]] = {}
    for note in sorted(written, key=lambda n: n.begin.denominator == 1):
        step = _step(note.begin)
        if step < steps and (note.begin.denominator == 1 or step not in placed):
            duration = max(1, min(_step(note.end), steps) - step)
            placed[step] = Note(step, duration, note.pitch), note.under_fermata
    moved = sum(note.begin.denominator > 1 or note.end.denominator > 1 for note in written)
    return [placed[step] for step in sorted(placed)], moved


def _key(bars: Sequence[Sequence[Any]], voices: Sequence[Sequence[Note]]) -> Key | None:
    """The first key signature, as most voices have it.

    Where none says its mode, the lowest voice's last note does: it is the tonic.
    """
    signatures = []
    for line in bars:
        found = (list(bar.getElementsByClass("KeySignature")) for bar in line)
        signatures += next(filter(None, found), [])
    signatures = [s for s in signatures if s.sharps is not None and -7 <= s.sharps <= 7]
    if not signatures:
        return None
    fifths = Counter(signature.sharps for signature in signatures).most_common(1)[0][0]
    modes = [getattr(s, "mode", None) for s in signatures if s.sharps == fifths]
    mode = next((mode for mode in modes if mode in MODES), None)
    if mode is None:
        lowest = next((voice for voice in reversed(voices) if voice), None)
        minor = lowest is not None and lowest[-1].pitch % 12 == Key(fifths, "minor").tonic
        mode = "minor" if minor else "major"
    return Key(fifths, mode)


def _tempos(score: Any, begins: Sequence[Fraction], steps: int) -> tuple[Tempo, ...]:
    """The tempo marks that give a number; of several at one step the first part's."""
    tempos: dict[int, Tempo] = {}
    for part in score.parts:
        bars = part.getElementsByClass("Measure")
        for bar, begin in zip(bars, begins, strict=False):
            for mark in bar.getElementsByClass("MetronomeMark"):
                worded = mark.numberImplicit and mark.numberSounding is None
                qpm = None if worded else mark.getQuarterBPM()
                step = _step(begin + Fraction(mark.offset) * STEPS_PER_QUARTER)
                if qpm and SLOWEST_QPM <= qpm <= FASTEST_QPM and step < steps:
                    tempos.setdefault(step, Tempo(step, qpm))
    return tuple(tempos[step] for step in sorted(tempos))
